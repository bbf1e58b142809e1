"""wss:// between real programs: who is believed, who is not and why, what a reconnection costs, and a renewed certificate."""

import http.client
import pathlib
import signal
import socket
import ssl
import tempfile
import threading
import unittest
import warnings

from native_peer import NativePeer
from process_case import Issuer, ProcessCase, free_port, url_of, wait_until
from socket_table import ConnectionWatch
from tcp_proxy import TcpProxy
from web_socket import host_and_port, transport

RENEW_WITHIN_S = 10.0


class TlsServer:
    """Shows a certificate to whoever connects, and closes."""

    def __init__(self, certificate, key):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate, key)
        self.shaken = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def _run(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.settimeout(5)
            try:
                with self.context.wrap_socket(connection, server_side=True) as secure:
                    self.shaken.append((secure.version(), secure.selected_alpn_protocol()))
            except OSError:
                connection.close()


class TlsTest(ProcessCase):

    def counters(self, program):
        return program.status()["counters"]

    def test_a_network_works_over_tls(self):
        network = self.start_network(nodes=3, tls=True)
        for program in network.running():
            self.assertTrue(program.url.startswith("wss://"), program.url)
            self.assertEqual(self.counters(program)["host.tls_failures_total"], 0, program.story())
        self.assert_put(network, network.nodes[0], "key", "a value")
        self.assert_get(network, network.nodes[2], "key", "a value")
        slots = network.bootstrap.status()["bridges"]
        self.assertEqual([slot["connections_opened"] for slot in slots], [1, 1])
        self.assertTrue(all(slot["url"].startswith("wss://") for slot in slots), slots)
        for program in network.running():
            self.assert_stops(program)

    def test_health_answers_over_tls_and_only_modern_tls_is_spoken(self):
        network = self.prepare_network(tls=True)
        bootstrap = network.start_bootstrap()
        context = ssl.create_default_context(cafile=network.issuer_file)
        connection = http.client.HTTPSConnection("127.0.0.1", bootstrap.port, timeout=5, context=context)
        connection.request("GET", "/health")
        self.assertIn(connection.getresponse().status, (200, 503))
        connection.close()
        with transport(bootstrap.url, issuer=network.issuer_file) as secure:
            self.assertEqual(secure.version(), "TLSv1.3")
        context = ssl.create_default_context(cafile=network.issuer_file)
        context.set_alpn_protocols(["h2", "http/1.1"])
        for newest, spoken in ((ssl.TLSVersion.TLSv1_2, "TLSv1.2"), (ssl.TLSVersion.TLSv1_3, "TLSv1.3")):
            context.maximum_version = newest
            with socket.create_connection(host_and_port(bootstrap.url), 5) as tcp, \
                    context.wrap_socket(tcp, server_hostname="127.0.0.1") as secure:
                self.assertEqual((secure.version(), secure.selected_alpn_protocol()), (spoken, "http/1.1"))
        old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        old.load_verify_locations(network.issuer_file)
        old.set_ciphers("DEFAULT:@SECLEVEL=0")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # which is the point
            old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
        with socket.create_connection(host_and_port(bootstrap.url), 5) as tcp, self.assertRaises(OSError):
            old.wrap_socket(tcp, server_hostname="127.0.0.1")
        # Who speaks plain to it is put out, and it lives on.
        with socket.create_connection(host_and_port(bootstrap.url), 5) as tcp:
            tcp.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
            try:
                answer = tcp.recv(100)
            except ConnectionResetError:
                answer = b""
            self.assertNotIn(b"200", answer)
        with NativePeer(bootstrap.url, issuer=network.issuer_file) as peer:
            peer.handshake()

    def reasons(self, options, certificate, key):
        """How a node that dials a server with that certificate fares: (what its log says of it, the handshakes)."""
        network = self.prepare_network()
        with TlsServer(certificate, key) as server:
            node = network.start_program("dht-node", "node", "--listen", "127.0.0.1:0", "--bootstrap",
                                         url_of(server.port, "wss"), "--log-level", "debug", *options)
            counters = ("host.tls_failures_total", "host.tls_handshakes_total")
            wait_until(lambda: any(self.counters(node)[name] for name in counters), 10, node.story)
            node.stop()  # and with it ends its log, which the counters may be ahead of
            return " ".join(str(event) for event in node.events), server.shaken

    def test_a_certificate_is_believed_only_with_reason(self):
        folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        issuer, stranger = Issuer(folder), Issuer(folder, "stranger")
        trusting = "--tls-ca", issuer.certificate
        cases = (
            ("good", trusting, issuer.issue("good"), None),
            ("expired", trusting, issuer.issue("expired", days=-1), "certificate expired"),
            ("wrong-name", trusting, issuer.issue("wrong-name", ["DNS:elsewhere.example"]), "name mismatch"),
            ("unknown", trusting, stranger.issue("unknown"), "unknown issuer"),
            ("by-the-system", (), issuer.issue("by-the-system"), "unknown issuer"),
            ("skipped", ("--tls-insecure-skip-verify",), stranger.issue("skipped", ["DNS:x"], days=-1), None),
        )
        for name, options, (certificate, key), reason in cases:
            with self.subTest(name):
                said, shaken = self.reasons(options, certificate, key)
                if reason:
                    self.assertIn(reason, said)
                    self.assertEqual(shaken, [])
                else:
                    self.assertTrue(shaken, said)
                self.assertEqual("tls-insecure-skip-verify" in said, name == "skipped", said)

    def test_check_refuses_files_that_cannot_work(self):
        network = self.prepare_network(tls=True)
        certificate, key = network.certificate, network.key
        _, other_key = network.issuer.issue("other")
        expired, expired_key = network.issuer.issue("expired", days=-1)
        for options, word in ((("--tls-cert", certificate), "--tls-key"),
                              (("--tls-cert", certificate, "--tls-key", other_key), "does not belong"),
                              (("--tls-cert", expired, "--tls-key", expired_key), "expired"),
                              (("--tls-cert", key, "--tls-key", key), "no PEM certificate"),
                              (("--tls-ca", network.folder / "absent"), "absent")):
            for command in ("check", "run"):
                code, out, err = network.command("bootstrap-node", command, "--listen", "127.0.0.1:0",
                                                 "--data", network.folder / "data", *options)
                self.assertEqual(code, 3, f"{options}: {out}{err}")
                self.assertIn(word, err)
        code, out, err = network.command("bootstrap-node", "check", *network.tls_options())
        self.assertEqual(code, 0, err)
        self.assertIn(f'tls-cert = "{certificate}"', out)

    def test_a_reconnection_resumes_the_session(self):
        network = self.prepare_network(bridges=1, tls=True)
        with TcpProxy(network.bridge_ports[0]) as line:
            port, network.bridge_ports[0] = network.bridge_ports[0], line.port
            bootstrap = network.start_bootstrap()
            network.bridge_ports[0] = port
            network.start_bridge(0)
            slot = lambda: bootstrap.status()["bridges"][0]
            for rounds in range(1, 4):
                wait_until(lambda: slot()["state"] == "connected" and slot()["connections_opened"] == rounds, 15,
                           bootstrap.story)
                resumed = self.counters(bootstrap)["host.tls_resumptions_total"]
                # The bridge's own connections to its bootstrap may resume theirs as well.
                self.assertGreaterEqual(resumed, rounds - 1)
                line.cut()
        self.assertGreaterEqual(self.counters(network.bridges[0])["host.tls_resumptions_total"], 2)

    def test_a_renewed_certificate_is_shown_without_dropping_anybody(self):
        network = self.start_network(nodes=1, tls=True)
        bridge = network.bridges[0]

        def serial():
            with transport(bridge.url, issuer=network.issuer_file) as secure:
                return secure.getpeercert()["serialNumber"]

        with ConnectionWatch(network.bootstrap.process.pid, network.bridge_ports) as watch:
            self.assertTrue(watch.wait_for(2, 15))
            before = serial()
            network.issuer.issue("programs")  # into the same files
            bridge.process.send_signal(signal.SIGHUP)
            said = bridge.wait_event("host.reload")
            self.assertIn("the certificate", said["detail"])
            self.assertNotEqual(serial(), before)

            # A broken file changes nothing.
            network.certificate.write_text("nonsense")
            bridge.process.send_signal(signal.SIGHUP)
            said = bridge.wait_event("host.reload", where=lambda event: event["level"] == "error")
            self.assertIn("refused", said["detail"])
            self.assertIn("--tls-cert", said["detail"])
            self.assertNotEqual(serial(), before)
            wait_until(lambda: watch.samples > 20, RENEW_WITHIN_S)
        self.assertEqual((len(watch.seen), watch.fewest_at_once), (2, 2))
        self.assertEqual([slot["connections_opened"] for slot in network.bootstrap.status()["bridges"]], [1, 1])

    def test_a_port_that_nothing_listens_on_is_refused_as_before(self):
        network = self.prepare_network(tls=True)
        node = network.start_program("dht-node", "node", "--listen", "127.0.0.1:0",
                                     "--bootstrap", url_of(free_port(), "wss"))
        wait_until(lambda: self.counters(node)["host.dial_failures_total"] > 0, 10, node.story)
        self.assertEqual(self.counters(node)["host.tls_failures_total"], 0)


if __name__ == "__main__":
    unittest.main()
