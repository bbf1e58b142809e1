"""`doctor` of all three programs: what is well it calls well, and of twelve broken set-ups it names the right step."""

import asyncio
import json
import os
import re
import subprocess
import threading
import unittest

import websockets

import native_peer
from native_peer import ROLES, WELCOME, record, text, varint
from process_case import ProcessCase, free_port, programs_folder, url_of, wait_until
from proxied_network import ProxiedNetwork
from tcp_proxy import TcpProxy

OTHER_BUILD = "9f2c51"
HTTP_DATE = re.compile(rb"(date: )[^\r\n]+", re.IGNORECASE)


class WrongDate(TcpProxy):
    """In front of a program whose clock is an hour behind."""

    def _pass_on(self, one):
        # Only the answers' heads are looked at; a date that came in two pieces would pass unseen, and does not on loopback.
        other = self._other.get(one)
        try:
            data = HTTP_DATE.sub(rb"\g<1>Thu, 01 Jan 2026 00:00:00 GMT", one.recv(65536))
            if data:
                other.sendall(data)
                return
        except (OSError, AttributeError):
            pass
        self._forget(one)


class Answers:
    """A WebSocket server that answers every connection by a coroutine of the test's. A context."""

    def __init__(self, conversation):
        self.conversation = conversation
        self.port = free_port()
        self.url = url_of(self.port)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self):
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(10)
        return self

    def __exit__(self, *_):
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _start(self):
        self._server = await websockets.serve(self._answer, "127.0.0.1", self.port)

    async def _stop(self):
        self._server.close()
        await self._server.wait_closed()

    async def _answer(self, connection):
        try:
            await self.conversation(connection)
        except websockets.ConnectionClosed:
            pass


async def speak_a_later_version(connection):
    """A native bootstrap node of protocol version 2."""
    await connection.recv()
    key = native_peer.ec.generate_private_key(native_peer.ec.SECP256R1())
    await connection.send(record(WELCOME, 0, varint(2) + bytes([ROLES["bootstrap"]]) + native_peer.point(key) + os.urandom(32)
                                 + text(native_peer.NETWORK) + text("") + bytes(64)))
    await connection.wait_closed()


async def refuse_the_build(connection):
    """A bootstrap node of the old system, of a build that only takes its like."""
    first = await connection.recv()
    if isinstance(first, bytes):
        return await connection.close(1003, "text only")
    frame = json.loads(first)
    assert frame["type"] == "register", frame
    await connection.send(json.dumps({
        "type": "version_mismatch", "clientVersion": frame["protocolVersion"], "clientBuildId": frame["buildId"],
        "serverVersion": "1.0.0", "serverBuildId": OTHER_BUILD, "message": "Build mismatch: reload the page"}))
    await connection.close(4001, "Version mismatch")


class DoctorCase(ProcessCase):

    def examine(self, network, program, *options, data="patient"):
        """(exit code, the findings) of one examination of a program that does not run."""
        listen = () if "--listen" in options else ("--listen", "127.0.0.1:0")
        where = () if "--data" in options else ("--data", network.folder / data)
        code, out, err = network.command(program, "doctor", "--json", *listen, *where, *options, timeout_s=60)
        self.assertEqual(err, "")
        report = json.loads(out)
        self.assertEqual(report["exit_code"], code)
        self.assertEqual(report["program"], program)
        return code, report["steps"]

    def expect_failure(self, path, step, exit_code, found, *words):
        """The first step that fails is that one, and its line has these words."""
        code, steps = found
        shown = "\n".join(map(str, steps))
        failed = [one for one in steps if one["outcome"] == "failed"]
        self.assertTrue(failed, shown)
        self.assertEqual((failed[0]["path"], failed[0]["step"]), (path, step), shown)
        self.assertEqual(code, exit_code, shown)
        self.assertTrue(failed[0]["advice"], failed[0])
        for word in words:
            self.assertIn(word, f"{failed[0]['code']} {failed[0]['text']} {failed[0]['advice']}")

    def expect_health(self, found, *steps_wanted):
        code, steps = found
        shown = "\n".join(map(str, steps))
        self.assertEqual(code, 0, shown)
        outcomes = {f"{one['path']} {one['step']}": one["outcome"] for one in steps}
        for step in steps_wanted:
            self.assertEqual(outcomes.get(step), "ok", shown)


class HealthyTest(DoctorCase):

    def test_a_sound_network_is_called_sound_from_every_side(self):
        network = self.enterContext(ProxiedNetwork(programs_folder(), bridges=1, nodes=3))
        network.start(2)
        ca = ("--tls-ca", network.proxy_issuer.certificate)
        secrets = network.secret_options()
        bridge = ("--bridge", network.external("bridge1"))
        bootstrap = ("--bootstrap", network.external("ws"))
        way = ["name", "connect", "tls", "upgrade", "route", "clock", "hello"]
        # A node that does not run yet, at its own place behind the proxy.
        place = network.places["node3"]
        self.expect_health(
            self.examine(network, "dht-node", *bootstrap, *ca, "--listen", f"{place.host}:{place.port}",
                         "--advertise", network.external("node3")),
            "local settings", "local data", "local listen", "bootstrap join", *(f"bootstrap {step}" for step in way),
            *(f"own-address {step}" for step in way))
        # The programs that run, each in its own data folder: they keep their links.
        for program, kind, options in ((network.bootstrap, "bootstrap-node", (*bridge, *secrets)),
                                       (network.bridges[0], "bridge-node", (*bootstrap, *secrets)),
                                       (network.nodes[0], "dht-node", bootstrap)):
            before = {peer["id"]: peer["connected_s"] for peer in program.status()["peers"]}
            found = self.examine(network, kind, *options, *ca, "--data", program.data, "--advertise", program.url)
            self.expect_health(found, "local running", "own-address hello", "own-address route")
            after = {peer["id"]: peer["connected_s"] for peer in program.status()["peers"]}
            for peer in before.keys() & {one.id for one in network.running()}:
                self.assertGreaterEqual(after.get(peer, -1), before[peer], f"{program.name} lost {peer}")
        code, steps = self.examine(network, "bootstrap-node", *bridge, *secrets, *ca, "--data", network.bootstrap.data)
        self.assertEqual({one["step"] for one in steps if one["path"] == "bridge"}, {*way, "auth", "members"})
        self.assertEqual(code, 0)

    def test_people_read_one_line_a_step(self):
        network = self.prepare_network(bridges=0)
        network.start_bootstrap()
        code, out, err = network.command("dht-node", "doctor", "--bootstrap", network.bootstrap.url, "--listen", "127.0.0.1:0",
                                         "--data", network.folder / "patient", timeout_s=60)
        self.assertEqual((code, err), (0, ""), out)
        for line in out.splitlines():
            self.assertRegex(line, r"^(ok|warning|failed|skipped) +(local|bootstrap|own-address) +[a-z]+ ")
        self.assertIn("bootstrap node " + network.bootstrap.id, out)
        self.assertFalse((network.folder / "patient").exists(), "it examines, and makes nothing")


class BrokenSetUpTest(DoctorCase):
    """The numbers are those of the twelve broken set-ups."""

    def proxied(self, **how):
        network = self.enterContext(ProxiedNetwork(programs_folder(), nodes=1, **how))
        network.start_proxies()
        network.start_bootstrap()
        return network, ("--bootstrap", network.external("ws"), "--tls-ca", network.proxy_issuer.certificate)

    def test_01_wrong_port(self):
        network = self.prepare_network(bridges=0)
        self.expect_failure("bootstrap", "connect", 6,
                            self.examine(network, "dht-node", "--bootstrap", url_of(free_port())), "port", "temporary")

    def test_02_wrong_name(self):
        network = self.prepare_network(bridges=0)
        self.expect_failure("bootstrap", "name", 6,
                            self.examine(network, "dht-node", "--bootstrap", "wss://network.invalid/ws"), "network.invalid")

    def test_03_wrong_certificate(self):
        network, options = self.proxied(bridges=0)
        self.expect_failure("bootstrap", "tls", 7, self.examine(network, "dht-node", *options[:2]), "--tls-ca")
        certificate, key = network.proxy_issuer.issue("other", ("DNS:other.example",))
        configuration = (network.proxy.folder / "trestle.conf").read_text()
        for option, file in (("ssl_certificate", certificate), ("ssl_certificate_key", key)):
            configuration = re.sub(rf"({option} +).*;", rf"\g<1>{file};", configuration)
        network.proxy.configure(configuration)
        network.proxy.stop()
        network.proxy.start()
        self.expect_failure("bootstrap", "tls", 7, self.examine(network, "dht-node", *options), "certificate")

    def test_04_proxy_without_upgrade(self):
        network, options = self.proxied(bridges=0, replace=(("    proxy_set_header Upgrade    $http_upgrade;\n", ""),))
        self.expect_failure("bootstrap", "upgrade", 6, self.examine(network, "dht-node", *options), "HTTP ", "upgrade")

    def test_05_prefix_not_taken_off(self):
        network, options = self.proxied(bridges=0, replace=(("proxy_pass http://trestle_bootstrap/;",
                                                             "proxy_pass http://trestle_bootstrap;"),))
        self.expect_failure("bootstrap", "route", 6, self.examine(network, "dht-node", *options), "/ws", "slash")

    def test_06_wrong_secret(self):
        network = self.prepare_network(bridges=1)
        network.start_bootstrap()
        network.start_bridge(0)
        bridge = ("--bridge", network.bridges[0].url)
        for secret in ((), ("--bridge-secret-file", network.write_secret("another"))):
            self.expect_failure("bridge", "auth", 8, self.examine(network, "bootstrap-node", *bridge, *secret),
                                "UNAUTHORIZED", "--bridge-secret-file")

    def test_07_wrong_version(self):
        network = self.prepare_network(bridges=0)
        with Answers(speak_a_later_version) as later:
            self.expect_failure("bootstrap", "hello", 8, self.examine(network, "dht-node", "--bootstrap", later.url),
                                "VERSION_MISMATCH", "version")

    def test_08_own_address_unreachable(self):
        network = self.prepare_network(bridges=0)
        bootstrap = network.start_bootstrap()
        joining = ("--bootstrap", bootstrap.url)
        self.expect_failure("own-address", "connect", 9,
                            self.examine(network, "dht-node", *joining, "--advertise", url_of(free_port())))
        self.expect_failure("own-address", "hello", 9,
                            self.examine(network, "dht-node", *joining, "--advertise", bootstrap.url), "another program")

    def test_09_bridge_empty(self):
        network = self.prepare_network(bridges=1)
        network.start_bootstrap()
        bridge = network.start_bridge(0)
        options = ("--bridge", bridge.url, *network.secret_options())
        self.expect_failure("bridge", "members", 11, self.examine(network, "bootstrap-node", *options), "start a node")
        # In a network that is to begin, that is as it should be.
        self.assertEqual(self.examine(network, "bootstrap-node", *options, "--genesis")[0], 0)

    @unittest.skipIf(os.geteuid() != 0, "a small disk can be mounted by root alone")
    def test_10_disk_full(self):
        network = self.prepare_network(bridges=0)
        bootstrap = network.start_bootstrap()
        disk = network.folder / "disk"
        disk.mkdir()
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "none", str(disk)], capture_output=True, check=False)
        if mounted.returncode != 0:
            self.skipTest(f"no disk can be mounted here: {mounted.stderr.decode().strip()}")
        self.addCleanup(subprocess.run, ["umount", str(disk)], check=True)
        (disk / "data").mkdir(mode=0o700)
        (disk / "ballast").write_bytes(bytes(220 * 1024))
        self.expect_failure("local", "data", 5,
                            self.examine(network, "dht-node", "--bootstrap", bootstrap.url, "--data", disk / "data"),
                            "No space left", "make room")

    def test_11_clock_off(self):
        network = self.prepare_network(bridges=0)
        bootstrap = network.start_bootstrap()
        with WrongDate(bootstrap.port) as wrong:
            self.expect_failure("bootstrap", "clock", 10, self.examine(network, "dht-node", "--bootstrap", url_of(wrong.port)),
                                "ahead of", "NTP")

    def test_12_build_mismatch(self):
        network = self.prepare_network(bridges=0)
        with Answers(refuse_the_build) as old:
            self.expect_failure("bootstrap", "hello", 8, self.examine(network, "dht-node", "--bootstrap", old.url),
                                "VERSION_MISMATCH", "Build mismatch", OTHER_BUILD)


class OtherMistakesTest(DoctorCase):

    def test_settings_are_refused_by_place(self):
        network = self.prepare_network(bridges=0)
        file = network.folder / "node.toml"
        file.write_text('listen = "nonsense"\nbootstrap = ["ws://127.0.0.1:1",\n  "http://x"]\n')
        code, out, _ = network.command("dht-node", "doctor", "--json", "--config", file)
        steps = json.loads(out)["steps"]
        self.assertEqual(code, 3)
        self.assertIn(f"{file}:1:10: ", steps[0]["text"])
        self.assertIn(f"{file}:3:3: ", steps[1]["text"])

    def test_a_taken_port_and_a_taken_folder(self):
        network = self.prepare_network(bridges=0)
        bootstrap = network.start_bootstrap()
        joining = ("--bootstrap", bootstrap.url)
        self.expect_failure("local", "listen", 4,
                            self.examine(network, "dht-node", *joining, "--listen", f"127.0.0.1:{bootstrap.port}"), "ss -ltnp")
        self.expect_failure("local", "data", 5, self.examine(network, "dht-node", *joining, "--data", bootstrap.data,
                                                             "--admin", f"unix:{network.folder}/nobody.sock"), "another program")

    def test_another_network_and_another_program(self):
        network = self.prepare_network(bridges=1)
        bootstrap = network.start_bootstrap()
        bridge = network.start_bridge(0)
        settings = network.folder / "other.toml"
        settings.write_text('network-name = "other"\n')
        self.expect_failure("bootstrap", "hello", 8, self.examine(network, "dht-node", "--bootstrap", bootstrap.url,
                                                                  "--config", settings), "WRONG_NETWORK", "network-name")
        self.expect_failure("bootstrap", "hello", 8, self.examine(network, "dht-node", "--bootstrap", bridge.url),
                            "a bridge answers")

    def test_somebody_else_than_the_address_names(self):
        network = self.prepare_network(bridges=1)
        network.start_bootstrap()
        bridge = network.start_bridge(0)
        secret = network.secret_options()
        for expected, outcome in ((bridge.id, "ok"), (network.bootstrap.id, "failed")):
            _, steps = self.examine(network, "bootstrap-node", "--bridge", f"{bridge.url}#{expected}", *secret)
            hello, = (one for one in steps if one["path"] == "bridge" and one["step"] == "hello")
            self.assertEqual(hello["outcome"], outcome, hello)
        self.assertIn(bridge.id, str(hello), "who answers")
        self.assertIn("behind the #", hello["advice"])

    def test_a_program_that_says_nothing(self):
        network = self.prepare_network(bridges=0)

        async def say_nothing(connection):
            await connection.wait_closed()

        with Answers(say_nothing) as silent:
            self.expect_failure("bootstrap", "hello", 8, self.examine(network, "dht-node", "--bootstrap", silent.url), "TIMEOUT")

    def test_a_running_bridge_behind_a_proxy_that_has_lost_it(self):
        network = self.enterContext(ProxiedNetwork(programs_folder(), bridges=1, nodes=1))
        network.start(1)
        bridge = network.bridges[0]
        network.proxy.configure((network.proxy.folder / "trestle.conf").read_text().replace("/bridge1", "/elsewhere"))
        network.proxy.reload()
        options = ("--bootstrap", network.external("ws"), "--tls-ca", network.proxy_issuer.certificate, "--data", bridge.data)
        self.expect_failure("own-address", "upgrade", 9, self.examine(network, "bridge-node", *options), "HTTP 404", "prefix")


if __name__ == "__main__":
    unittest.main()
