"""What operators see: metrics, alerts, the old monitoring, and that none of it disturbs the programs."""

import json
import pathlib
import re
import select
import socket
import subprocess
import time
import unittest
import urllib.error
import urllib.request

from process_case import Admin, ProcessCase, free_port, url_of, wait_until
from recordings import FOLDER, kind_of

DOCS = pathlib.Path(__file__).resolve().parents[2] / "docs" / "operators.md"
NO_HELP = "A figure of /status under the same name."
SAMPLE = re.compile(r"^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$")


def samples(text):
    """{metric: {labels: value}} of an exposition text; ValueError for a line that is none."""
    found = {}
    for line in text.splitlines():
        if line.startswith("#") or not line:
            continue
        parts = SAMPLE.match(line)
        if not parts:
            raise ValueError(line)
        found.setdefault(parts.group(1), {})[parts.group(2) or ""] = float(parts.group(3))
    return found


def public_get(program, path):
    """(status, headers, body) of plain HTTP on the public port."""
    url = program.url.replace("ws://", "http://") + path
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def missed(recorded, got, where=""):
    """What a reader of the recorded answer would not find in the one it gets."""
    if kind_of(recorded) != kind_of(got):
        return [f"{where}: {kind_of(got)} instead of {kind_of(recorded)}"]
    if isinstance(recorded, list) and recorded and got:
        return missed(recorded[0], got[0], where + "[]")
    if not isinstance(recorded, dict) or where.endswith("prefixCounts"):
        return []
    found = []
    for name, value in recorded.items():
        found += missed(value, got[name], f"{where}.{name}") if name in got else [f"{where}.{name}: missing"]
    return found


class OperatorsTest(ProcessCase):

    def scrape(self, program):
        status, body = program.admin.request("GET", "/metrics")
        self.assertEqual(status, 200, body)
        return body.decode()

    def test_every_figure_has_a_metric_a_help_line_and_a_word_in_the_documentation(self):
        network = self.start_network(nodes=2)
        documentation = DOCS.read_text(encoding="utf-8")
        for program in (network.bootstrap, network.bridges[0], network.nodes[0]):
            text = self.scrape(program)
            metrics = samples(text)
            status = program.status()
            for figure, value in status["counters"].items():
                self.assertIn("trestle_" + figure.replace(".", "_"), metrics)
                self.assertTrue(f"`{figure}`" in documentation, figure)
            for figure in status["histograms"]:
                name = "trestle_" + figure.replace(".", "_").removesuffix("_time") + "_seconds_count"
                self.assertIn(name, metrics)
                self.assertTrue(f"`{figure}`" in documentation, figure)
            self.assertEqual([line for line in text.splitlines() if NO_HELP in line], [])
            for event in {event["event"] for event in program.events}:
                self.assertTrue(f"`{event}`" in documentation, event)
            for name in re.findall(r"^# TYPE (\S+)", text, re.MULTILINE):
                room_figure = name.removeprefix("trestle_").removesuffix("_seconds")
                self.assertTrue(name in documentation or any(
                    figure.replace(".", "_").removesuffix("_time") == room_figure
                    for figure in (*status["counters"], *status["histograms"])), name)

    def test_metrics_tell_what_happened(self):
        network = self.start_network(nodes=3)
        metrics = samples(self.scrape(network.bootstrap))
        for port in network.bridge_ports:
            bridge = f'bridge="{url_of(port)}"'
            states = {labels: value for labels, value in metrics["trestle_bridge_state"].items() if bridge in labels}
            self.assertEqual(sum(states.values()), 1, states)
            self.assertEqual(states[f'{bridge},state="connected"'], 1)
            self.assertGreater(metrics["trestle_bridge_connection_age_seconds"][bridge], 0)
            self.assertEqual(metrics["trestle_bridge_request_seconds_count"][bridge],
                             metrics["trestle_bridge_answers_total"][bridge])
        # Three nodes and two bridges; the first node's genesis took no member.
        self.assertGreaterEqual(metrics["trestle_reception_join_seconds_count"][""], 3)
        self.assertEqual(metrics["trestle_healthy"][""], 1)
        self.assertGreater(metrics["process_resident_memory_bytes"][""], 1e6)
        self.assertGreater(metrics["process_open_fds"][""], 5)
        self.assertGreater(metrics["trestle_loop_turn_seconds_count"][""], 10)
        served = sum(samples(self.scrape(bridge))["trestle_desk_service_seconds_count"][""] for bridge in network.bridges)
        self.assertGreaterEqual(served, 2)

    def test_metrics_go_off_by_command_and_nobody_notices(self):
        network = self.start_network(nodes=2)
        admin = network.bootstrap.admin
        self.assertEqual(admin.post("/metrics/off"), 200)
        self.assertEqual(admin.request("GET", "/metrics")[0], 503)
        self.assertIs(network.bootstrap.status()["metrics"]["on"], False)
        network.wait_joined([network.start_node()])
        self.assertEqual(admin.post("/metrics/on"), 200)
        self.assertGreaterEqual(samples(self.scrape(network.bootstrap))["trestle_reception_join_seconds_count"][""], 3)
        network.bootstrap.wait_event("metrics.on")  # the answer may overtake the line
        self.assertEqual([event["level"] for event in network.bootstrap.events_named("metrics.off", "metrics.on")],
                         ["info", "info"])

    def test_a_scraper_that_never_reads_delays_nobody(self):
        network = self.start_network(nodes=2)
        stuck = []
        for _ in range(20):
            scraper = self.enterContext(socket.socket(socket.AF_UNIX))
            scraper.connect(str(network.bootstrap.admin.path))
            scraper.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
            stuck.append(scraper)
        # Nobody has read a byte yet: a program that waited for one of them would not answer now.
        self.assertTrue(network.bootstrap.status()["healthy"])
        network.wait_joined([network.start_node()])

    def test_a_log_that_nobody_reads_delays_nobody(self):
        network = self.start_network(nodes=2)
        data = network.folder / "unread"
        process = subprocess.Popen(
            [network.programs / "dht-node", "run", "--data", data, "--listen", "127.0.0.1:0", "--bootstrap",
             url_of(network.bootstrap_port), "--admission", "open", "--trace-frames"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        admin = Admin(data)
        wait_until(lambda: admin.path.exists() and admin.status()["peers"], 15.0)
        deadline = time.monotonic() + 60
        number = 0
        while admin.status()["process"]["log_lines_dropped_total"] == 0:
            self.assertLess(time.monotonic(), deadline, "the log is full in the end")
            for _ in range(20):
                body = json.dumps({"key": f"key {number}", "value": "x" * 1000})
                # A program that waited for the reader of its log would never answer.
                status, _ = admin.request("POST", "/put", body, {"Content-Type": "application/json"})
                self.assertEqual(status, 200, number)
                number += 1
        self.assertEqual(admin.request("GET", "/get?key=key%200")[0], 200)

        # Somebody reads again: whole lines, and one that says how many are missing.
        text = b""
        deadline = time.monotonic() + 10
        while b"log.lines_dropped" not in text and time.monotonic() < deadline:
            if select.select([process.stderr], [], [], 0.5)[0]:
                text += process.stderr.read1()
        self.assertIn(b"log.lines_dropped", text)
        stamp = re.compile(rb"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z ")
        lines = text.splitlines(keepends=True)
        self.assertTrue(all(stamp.match(line) for line in lines if line.endswith(b"\n")))

    def test_a_lost_bridge_is_one_line_and_the_last_one_is_an_alert(self):
        network = self.start_network(nodes=1)
        bootstrap = network.bootstrap
        bootstrap.wait_for(lambda: len([event for event in bootstrap.events if event.get("event") == "bridge.connected"]) == 2,
                           5, "line for each bridge")
        for bridge in network.bridges:
            bridge.kill()
            bootstrap.wait_event("bridge.lost", where=lambda event, lost=bridge.id: event.get("peer") == lost)
        raised = bootstrap.wait_event("alert.raised")
        self.assertIn("bridges", raised["detail"])
        self.assertEqual(bootstrap.admin.request("GET", "/health")[1],
                         b'{"status":"ok","alerts":["bridges"]}\n')
        self.assertEqual(bootstrap.status()["alerts"], ["bridges"])
        self.assertEqual(samples(self.scrape(bootstrap))["trestle_alert_raised"]['alert="bridges"'], 1)

        for index in range(2):
            network.start_bridge(index)
        bootstrap.wait_event("alert.cleared", timeout_s=60)
        self.assertEqual(len(bootstrap.events_named("alert.raised")), 1)
        self.assertEqual(bootstrap.status()["alerts"], [])

    def test_old_dashboards_find_what_they_know(self):
        network = self.start_network(nodes=3)
        ports = {"http->bootstrap": network.bootstrap, "http->bridge metrics port": network.bridges[0],
                 "http->node metrics port": network.nodes[0],
                 "http->node or bridge WebSocket port": network.bridges[0]}
        for line in (FOLDER / "http-endpoints.jsonl").read_text(encoding="utf-8").splitlines():
            entry = json.loads(line)
            path, recorded = entry["request"]["path"], entry["response"]
            with self.subTest(entry["link"] + path):
                status, headers, body = public_get(ports[entry["link"]], path)
                if recorded["status"] is None:
                    self.assertEqual(status, 200, "the old one hung")
                    continue
                if entry["link"] == "http->node metrics port" and recorded["status"] == 404:
                    self.assertEqual(status, 426, "one port serves both")
                    continue
                self.assertEqual(status, recorded["status"])
                if "content_type" in recorded:
                    self.assertTrue(headers["content-type"].startswith(recorded["content_type"]))
                if isinstance(recorded["body"], dict):
                    self.assertEqual(missed(recorded["body"], json.loads(body)), [])
                self.assertEqual(headers["access-control-allow-origin"],
                                 "*" if entry["link"] == "http->bootstrap" else None)
        known = json.loads(public_get(network.bootstrap, "/bridge-health")[2])["bridgeAvailability"]["results"]
        self.assertEqual({entry["nodeId"] for entry in known}, {bridge.id for bridge in network.bridges})

    def test_without_the_old_dialect_there_is_health_alone(self):
        network = self.prepare_network(bridges=0, bootstrap_options=("--genesis", "--legacy", "off"))
        bootstrap = network.start_bootstrap()
        status, _, body = public_get(bootstrap, "/health")
        self.assertEqual((status, body), (503, b'{"status":"unavailable"}\n'))
        for path in ("/metrics", "/stats", "/bridge-health", "/status", "/", "/info", "/install.sh"):
            status, headers, body = public_get(bootstrap, path)
            self.assertEqual(status, 404, path)
            self.assertNotIn(bootstrap.id.encode(), body)
            self.assertIsNone(headers["access-control-allow-origin"])

    def test_a_tcp_listener_for_operators_needs_a_loopback_name(self):
        port = free_port()
        network = self.prepare_network(bridges=0, bootstrap_options=("--genesis", "--admin", f"127.0.0.1:{port}"))
        bootstrap = network.start_bootstrap()
        self.assertEqual(bootstrap.status()["program"], "bootstrap-node")
        status, body = bootstrap.admin.request("GET", "/status", headers={"Host": "rebound.example"})
        self.assertEqual(status, 403)
        self.assertNotIn(bootstrap.id.encode(), body)

    def test_with_a_secret_the_listener_may_stand_anywhere(self):
        network = self.start_network(nodes=1)
        secret_file = network.write_secret("admin-secret")
        address = f"127.0.0.1:{free_port()}"
        node = network.launch("dht-node", "guarded", "--listen", "127.0.0.1:0", "--bootstrap",
                              url_of(network.bootstrap_port), "--admin", address, "--admin-secret-file", secret_file)
        node.wait_ready()
        self.assertEqual(node.admin.request("GET", "/status")[0], 401)
        shown = {"Authorization": "Bearer " + secret_file.read_text().strip(), "Host": "node.example"}
        self.assertEqual(node.admin.request("GET", "/status", headers=shown)[0], 200)
        asking = ("dht-node", "status", "--admin", address)
        self.assertEqual(network.command(*asking, "--admin-secret-file", secret_file)[0], 0)
        self.assertEqual(network.command(*asking)[0], 1)

    def test_settings_of_operators(self):
        network = self.prepare_network(bridges=0)
        options = ("--data", network.folder / "d", "--admin", "0.0.0.0:9180")
        code, _, complaint = network.command("bootstrap-node", "check", *options)
        self.assertEqual(code, 3)
        self.assertIn("--admin-secret-file", complaint)
        code, shown, _ = network.command("bootstrap-node", "check", "--alert-queue-percent", "55", "--metrics", "off")
        self.assertEqual(code, 0)
        for line in ("alert-queue-percent = 55", "alert-bridges-min = 1", 'metrics = "off"'):
            self.assertIn(line + "\n", shown)
        code, _, complaint = network.command("bootstrap-node", "check", "--alert-p99-ms", "soon")
        self.assertEqual((code, "soon" in complaint), (3, True))

        bootstrap = network.start_program("bootstrap-node", "quiet", "--listen", "127.0.0.1:0", "--metrics", "off",
                                          "--alert-memory-mb", "1")
        self.assertEqual(bootstrap.admin.request("GET", "/metrics")[0], 503)
        self.assertIn("memory", bootstrap.wait_event("alert.raised")["detail"])


if __name__ == "__main__":
    unittest.main()
