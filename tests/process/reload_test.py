"""SIGHUP: what may change while a program runs changes, what is wrong is refused whole, and nobody notices but the log."""

import json
import signal
import time
import unittest

from crowd import Traffic
from process_case import ProcessCase, wait_until
from socket_table import ConnectionWatch, established_to

APPLIED_WITHIN_S = 15.0
STARTED_WITHIN_S = 45.0   # the longest wait between dials is 30 s
# Under load, each mode is kept for so long.
MODE_FOR_S = 4.0
CLOSED_WITHIN_S = 2.0


class ReloadTest(ProcessCase):

    def write(self, network, **settings):
        """The bootstrap's settings file; both bridges unless it says otherwise. Lists and texts look alike in JSON and TOML."""
        settings = {"bridge": [network.url_of(port) for port in network.bridge_ports], **settings}
        lines = (f"{name.replace('_', '-')} = {json.dumps(value)}" for name, value in settings.items())
        self.config(network).write_text("\n".join(lines) + "\n")

    def config(self, network):
        return network.folder / "bootstrap.toml"

    def start_bootstrap(self, network, **settings):
        self.write(network, **settings)
        network.bootstrap = network.start_program(
            "bootstrap-node", "bootstrap", "--listen", f"127.0.0.1:{network.bootstrap_port}", "--genesis",
            "--bridge-secret-file", network.secret_file, "--config", self.config(network))
        return network.bootstrap

    def hang_up(self, program):
        """Sends the signal; the log line that answers it."""
        before = len(program.events_named("host.reload"))
        program.process.send_signal(signal.SIGHUP)
        program.wait_for(lambda: len([event for event in program.events if event.get("event") == "host.reload"]) > before,
                         APPLIED_WITHIN_S, "line about the reload")
        return program.events_named("host.reload")[-1]

    def connected(self, bootstrap):
        return {slot["url"] for slot in bootstrap.status()["bridges"] if slot["state"] == "connected"}

    def start_bridges(self, network):
        """Both, and waits for them: one that starts slowly is dialled in vain at first, and while the other one serves the
        bootstrap is in no hurry."""
        for index in range(2):
            network.start_bridge(index)
        self.wait_connected(network, 0, 1, within_s=STARTED_WITHIN_S)

    def wait_connected(self, network, *indices, within_s=APPLIED_WITHIN_S):
        wanted = {network.url_of(network.bridge_ports[index]) for index in indices}
        wait_until(lambda: self.connected(network.bootstrap) == wanted, within_s,
                   lambda: f"{wanted} connected: {network.bootstrap.status()['bridges']}\n{network.bootstrap.story()}")

    def test_bridges_come_and_go_and_the_others_keep_their_connection(self):
        network = self.prepare_network()
        first, second = (network.url_of(port) for port in network.bridge_ports)
        bootstrap = self.start_bootstrap(network, bridge=[first])
        network.start_bridge(0)
        network.start_bridge(1)
        self.wait_connected(network, 0)
        with ConnectionWatch(bootstrap.process.pid, [network.bridge_ports[0]]) as watch:
            self.assertTrue(watch.wait_for(1, APPLIED_WITHIN_S))
            self.write(network, bridge=[first, second])
            self.assertEqual(self.hang_up(bootstrap)["detail"], "changed: bridge")
            self.wait_connected(network, 0, 1)
            self.assertEqual(self.hang_up(bootstrap)["detail"], "nothing changed")
            self.write(network, bridge=[first])
            self.hang_up(bootstrap)
            self.wait_connected(network, 0)
            wait_until(lambda: not established_to(bootstrap.process.pid, [network.bridge_ports[1]]), APPLIED_WITHIN_S)
            wait_until(lambda: watch.samples > 10, APPLIED_WITHIN_S)
        self.assertEqual((len(watch.seen), watch.fewest_at_once), (1, 1))
        self.write(network, bridge=[second])
        self.hang_up(bootstrap)
        self.wait_connected(network, 1)

    def test_what_is_wrong_is_refused_whole_and_named(self):
        network = self.prepare_network()
        bootstrap = self.start_bootstrap(network)
        self.start_bridges(network)
        for content, words in (("log-level = \"debug\"\nbridge = [\n", ("bootstrap.toml:",)),
                               ("log-level = \"loud\"\n", ("bootstrap.toml:1", "loud")),
                               ("bridge = [\"http://x\"]\n", ("bootstrap.toml:1", "http://x")),
                               ("tls-ca = \"/absent.pem\"\nbridge = []\n", ("--tls-ca", "/absent.pem"))):
            self.config(network).write_text(content)
            said = self.hang_up(bootstrap)
            self.assertEqual((said["level"], said["code"]), ("error", "INVALID_REQUEST"))
            for word in words:
                self.assertIn(word, said["detail"])
        self.config(network).unlink()
        self.assertIn("bootstrap.toml", self.hang_up(bootstrap)["detail"])
        self.wait_connected(network, 0, 1)
        self.assertEqual([slot["connections_opened"] for slot in bootstrap.status()["bridges"]], [1, 1])

    def test_log_level_changes_and_what_needs_a_restart_is_named(self):
        network = self.prepare_network()
        bootstrap = self.start_bootstrap(network)
        self.write(network, log_level="debug", network_name="other", legacy="off")
        self.assertEqual(self.hang_up(bootstrap)["detail"],
                         "changed: log-level; needs a restart: network-name, legacy")

    def test_a_level_of_the_log_silences_what_lies_below_it(self):
        network = self.prepare_network()
        bootstrap = self.start_bootstrap(network)
        self.start_bridges(network)
        first = [network.url_of(network.bridge_ports[0])]
        self.write(network, bridge=first)
        self.hang_up(bootstrap)
        self.wait_connected(network, 0)
        bootstrap.wait_event("bridge.removed")
        self.write(network)
        self.hang_up(bootstrap)
        self.wait_connected(network, 0, 1)
        said = len(bootstrap.events_named("bridge.removed", "host.reload"))

        # The same again, now without a word.
        self.write(network, bridge=first, log_level="error")
        bootstrap.process.send_signal(signal.SIGHUP)
        self.wait_connected(network, 0)
        # At level error only a refused reload is told: after whatever else there was to say.
        self.config(network).write_text("nonsense\n")
        self.assertEqual(self.hang_up(bootstrap)["level"], "error")
        self.assertEqual(len(bootstrap.events_named("bridge.removed", "host.reload")), said + 1, bootstrap.story())
        self.write(network)
        self.assertEqual(self.hang_up(bootstrap)["detail"], "changed: bridge, log-level")
        self.wait_connected(network, 0, 1)

    def test_every_program_takes_the_signal_and_lives_on(self):
        network = self.start_network(nodes=2)
        for program in network.running():
            self.assertEqual(self.hang_up(program)["detail"], "nothing changed")
        self.assert_put(network, network.nodes[0], "key", "value")
        self.assert_get(network, network.nodes[1], "key", "value")

    def test_a_corrected_secret_takes_a_bridge_back(self):
        network = self.prepare_network(bridges=1)
        right = network.secret_file.read_text()
        bridge_secret = network.write_secret("bridge-secret-of-the-bridge")
        bridge_secret.write_text(right)
        network.secret_file.write_text("wrong\n")
        bootstrap = self.start_bootstrap(network)
        network.start_bridge(0, secret_file=bridge_secret)
        bootstrap.wait_for(lambda: any(event.get("code") == "UNAUTHORIZED" for event in bootstrap.events),
                           APPLIED_WITHIN_S, "refusal")
        network.secret_file.write_text(right)
        self.assertEqual(self.hang_up(bootstrap)["detail"], "changed: the bridge secret")
        self.wait_connected(network, 0)
        for program in network.running():
            self.assertNotIn(right.strip(), program.story(), "a secret in a log")

    def test_from_pool_to_stateless_and_back_under_load_no_request_fails(self):
        network = self.prepare_network(tls=True)
        bootstrap = self.start_bootstrap(network)
        self.start_bridges(network)
        network.start_first_node()
        network.start_node()
        pid = bootstrap.process.pid
        with Traffic(network, peers=6) as traffic:
            time.sleep(MODE_FOR_S)
            pooled = traffic.tally.joins
            self.write(network, bridge_mode="stateless")
            self.assertEqual(self.hang_up(bootstrap)["detail"], "changed: bridge-mode")
            opened = lambda: sum(slot["connections_opened"] for slot in bootstrap.status()["bridges"])
            before = opened()
            with ConnectionWatch(pid, network.bridge_ports) as watch:
                time.sleep(MODE_FOR_S)
            stateless = traffic.tally.joins - pooled
            # Most live for a millisecond: who looks now and then sees few of them, but more than a pool has.
            self.assertGreater(len(watch.seen), 2, "a connection per request")
            self.assertGreater(opened() - before, 100)

            self.write(network, bridge_mode="pool")
            self.hang_up(bootstrap)
            wait_until(lambda: len(self.connected(bootstrap)) == 2, APPLIED_WITHIN_S, bootstrap.story)
            with ConnectionWatch(pid, network.bridge_ports) as watch:
                time.sleep(MODE_FOR_S)
            self.assertEqual(len(watch.seen), 2, "one connection per bridge again")

            self.write(network, bridge_mode="stateless")
            self.hang_up(bootstrap)
            time.sleep(MODE_FOR_S / 2)
        tally = traffic.tally
        print(f"pool {pooled}, then stateless {stateless}, in all {tally}")
        self.assertEqual((tally.broken, dict(tally.codes)), ([], {}), tally)
        self.assertEqual(set(tally.outcomes), {"introduced"})
        self.assertGreater(min(pooled, stateless), 100)
        # Nothing is asked any more: each socket has closed with its answer.
        wait_until(lambda: not established_to(pid, network.bridge_ports), CLOSED_WITHIN_S,
                   lambda: str(established_to(pid, network.bridge_ports)))
        # Connections to the same bridge take up the session of the one before.
        counters = bootstrap.status()["counters"]
        self.assertGreater(counters["host.tls_resumptions_total"], stateless // 2, counters)
        for program in network.running():
            self.assert_stops(program)


if __name__ == "__main__":
    unittest.main()
