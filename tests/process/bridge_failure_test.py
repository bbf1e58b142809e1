"""Bridges die, come back and lie; peers join all the same, or learn quickly why they cannot."""

import time
import unittest

from native_peer import NativePeer, Refused
from process_case import ProcessCase, wait_until

ANSWER_WITHIN_S = 5.0    # P-CC-1: alternatives, or a clear no, within 5 s
RETURN_WITHIN_S = 35.0   # the breaker's longest wait is 30 s
RETRIES_SEEN_S = 8.0     # enough for several dials after 1, 2 and 4 s


class BridgeFailureTest(ProcessCase):

    def slots(self, network):
        return network.bootstrap.status()["bridges"]

    def wait_slot(self, network, index, state, timeout_s):
        wait_until(lambda: self.slots(network)[index]["state"] == state, timeout_s,
                   lambda: f"slot {index} {state}: {self.slots(network)}\n{network.bootstrap.story()}")

    def assert_joins(self, network, count):
        """So many nodes join by introduction, none of them refused on its way."""
        nodes = network.start_nodes_at_once(count)
        network.wait_joined(nodes)
        for node in nodes:
            self.assertEqual(network.admission(node)["outcome"], "introduced", node.story())
            refused = [event for event in node.events if event.get("code") in ("BRIDGE_UNAVAILABLE", "TIMEOUT", "BUSY")]
            self.assertEqual(refused, [])

    def test_one_bridge_dies_and_comes_back(self):
        network = self.start_network(nodes=3)
        network.bridges[0].kill()
        self.assert_joins(network, 3)
        self.wait_slot(network, 1, "connected", 1)
        self.assertNotEqual(self.slots(network)[0]["state"], "connected")
        self.assertTrue(network.bootstrap.status()["healthy"])

        network.start_bridge(0)
        self.wait_slot(network, 0, "connected", RETURN_WITHIN_S)
        answers = self.slots(network)[0]["answers"]
        self.assert_joins(network, 4)
        self.assertGreater(self.slots(network)[0]["answers"], answers, "back in rotation")
        self.assert_put(network, network.nodes[0], "key", "value")
        self.assert_get(network, network.nodes[-1], "key", "value")

    def test_without_bridges_and_peers_a_newcomer_hears_so(self):
        network = self.start_network(nodes=0, bootstrap_options=())
        for bridge in network.bridges:
            bridge.kill()
        with NativePeer(network.bootstrap.url).handshake() as peer:
            asked = time.monotonic()
            with self.assertRaises(Refused) as caught:
                peer.join(timeout_s=2 * ANSWER_WITHIN_S)
            self.assertLess(time.monotonic() - asked, ANSWER_WITHIN_S)
        refusal = caught.exception.refusal
        self.assertEqual(refusal.code, "BRIDGE_UNAVAILABLE")
        self.assertRegex(refusal.text, r"\w+ \w+ \w+", "a sentence for a person")

        node = network.start_node()
        asked = time.monotonic()
        node.wait_for(lambda: any(event.get("code") == "BRIDGE_UNAVAILABLE" for event in node.events), ANSWER_WITHIN_S,
                      "log line with BRIDGE_UNAVAILABLE")
        self.assertFalse(node.status()["healthy"])

        # And when the bridges are back, the node gets in without help.
        for index in range(2):
            network.start_bridge(index)
        node.wait_event("joined", RETURN_WITHIN_S + 15)

    def test_without_bridges_the_bootstrap_names_live_peers(self):
        network = self.start_network(nodes=2)
        for bridge in network.bridges:
            bridge.kill()
        known = {node.id for node in network.nodes}
        with NativePeer(network.bootstrap.url).handshake() as peer:
            asked = time.monotonic()
            outcome, contacts = peer.join(timeout_s=2 * ANSWER_WITHIN_S)
            self.assertLess(time.monotonic() - asked, ANSWER_WITHIN_S)
        self.assertEqual(outcome, "emergency")
        self.assertTrue({contact[0] for contact in contacts} & known, contacts)

        node = network.start_node()
        self.assertEqual(network.admission(node)["outcome"], "emergency")
        wait_until(lambda: node.peer_count() >= 2, 15, node.story)

    def test_a_bridge_with_the_wrong_secret_is_left_out_and_said_so_once(self):
        network = self.prepare_network()
        network.start_bootstrap()
        network.start_bridge(0)
        liar = network.start_bridge(1, secret_file=network.write_secret("another-secret"))
        self.wait_slot(network, 0, "connected", 15)
        def refusals():
            return [event for event in network.bootstrap.events if event.get("code") == "UNAUTHORIZED"]
        network.bootstrap.wait_for(refusals, 15, "refusal")
        time.sleep(RETRIES_SEEN_S)
        said = refusals()
        self.assertEqual(len(said), 1, network.bootstrap.story())
        self.assertIn(said[0]["level"], ("warning", "error"))
        self.assertIn(str(network.bridge_ports[1]), str(said[0]), "which bridge")
        slot = self.slots(network)[1]
        self.assertNotEqual(slot["state"], "connected")
        self.assertEqual(slot["requests"], 0, "asked nothing of it")
        self.assertTrue(liar.is_running)

        secret = network.secret_file.read_text().strip()
        for program in (network.bootstrap, network.bridges[0], liar):
            self.assertNotIn(secret, program.story(), "a secret in a log")
        network.start_node()
        # The first node is told to link to the bridge; whoever asks before it has done so is sent to it directly.
        wait_until(lambda: network.bridges[0].peer_count() >= 1, 15, network.bridges[0].story)
        self.assert_joins(network, 2)


if __name__ == "__main__":
    unittest.main()
