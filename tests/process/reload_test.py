"""SIGHUP: what may change while a program runs changes, what is wrong is refused whole, and nobody notices but the log."""

import json
import signal
import time
import unittest

from process_case import ProcessCase, wait_until

APPLIED_WITHIN_S = 15.0


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

    def wait_connected(self, network, *indices):
        wanted = {network.url_of(network.bridge_ports[index]) for index in indices}
        wait_until(lambda: self.connected(network.bootstrap) == wanted, APPLIED_WITHIN_S,
                   lambda: f"{wanted} connected: {network.bootstrap.status()['bridges']}\n{network.bootstrap.story()}")

    def test_what_is_wrong_is_refused_whole_and_named(self):
        network = self.prepare_network()
        bootstrap = self.start_bootstrap(network)
        for index in range(2):
            network.start_bridge(index)
        self.wait_connected(network, 0, 1)
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
        self.write(network, log_level="error", network_name="other", legacy="off")
        bootstrap.process.send_signal(signal.SIGHUP)
        time.sleep(1)
        lines = len(bootstrap.events)
        bootstrap.process.send_signal(signal.SIGHUP)
        time.sleep(1)
        self.assertEqual(len(bootstrap.events), lines, "a line of information at level error")
        self.assertTrue(bootstrap.is_running)

    def test_every_program_takes_the_signal_and_lives_on(self):
        network = self.start_network(nodes=2)
        for program in network.running():
            self.assertEqual(self.hang_up(program)["detail"], "nothing changed")
        self.assert_put(network, network.nodes[0], "key", "value")
        self.assert_get(network, network.nodes[1], "key", "value")


if __name__ == "__main__":
    unittest.main()
