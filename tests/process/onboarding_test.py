"""A network comes up: everybody joins, values travel, and the bootstrap holds one connection per bridge, all along."""

import unittest

from process_case import ProcessCase, wait_until
from socket_table import ConnectionWatch, established_to

NODES = 6


class OnboardingTest(ProcessCase):

    def test_nodes_join_and_values_travel_over_two_connections(self):
        network = self.start_network(nodes=0)
        with ConnectionWatch(network.bootstrap.process.pid, network.bridge_ports) as watch:
            self.assertTrue(watch.wait_for(2, timeout_s=15), network.bootstrap.story())
            nodes = [network.start_first_node()] + [network.start_node() for _ in range(NODES - 1)]
            network.wait_joined(nodes)
            self.assert_put(network, nodes[0], "key", "a value")
            for node in nodes:
                self.assert_get(network, node, "key", "a value")
            self.assert_put(network, nodes[-1], "key", "another value")
            self.assert_get(network, nodes[0], "key", "another value")

            # A burst: joins that overlap share the same two connections.
            late = network.start_nodes_at_once(NODES)
            network.wait_joined(late)
            for node in late:
                self.assert_get(network, node, "key", "another value")

            slots = network.bootstrap.status()["bridges"]
            # All of this can be over sooner than the socket table was read often enough to mean something.
            wait_until(lambda: watch.samples > 10, 15)
        self.assertEqual([slot["connections_opened"] for slot in slots], [1, 1])
        self.assertGreaterEqual(sum(slot["answers"] for slot in slots), 2 * NODES - 1)  # one of them was genesis
        self.assertEqual([slot["timeouts"] + slot["failures"] for slot in slots], [0, 0])
        self.assertEqual((len(watch.seen), watch.most_at_once, watch.fewest_at_once), (2, 2, 2))

    def test_bridges_have_a_thread_each_over_either_transport(self):
        for transport in "library", "raw":
            with self.subTest(transport):
                options = "--threads", "2", "--transport", transport
                network = self.prepare_network(tls=True, bootstrap_options=("--genesis", *options), bridge_options=options)
                network.start(0)
                with ConnectionWatch(network.bootstrap.process.pid, network.bridge_ports) as watch:
                    self.assertTrue(watch.wait_for(2, timeout_s=15), network.bootstrap.story())
                    nodes = [network.start_first_node(), *(network.start_node(*options) for _ in range(2))]
                    network.wait_joined(nodes)
                    wait_until(lambda: watch.samples > 10, 15)
                self.assertEqual((len(watch.seen), watch.most_at_once), (2, 2))
                self.assert_put(network, nodes[1], "key", "a value")
                self.assert_get(network, nodes[2], "key", "a value")
                status = network.bootstrap.status()
                self.assertEqual([thread["connections"] for thread in status["threads"]], [1, 1])
                self.assertEqual([slot["connections_opened"] for slot in status["bridges"]], [1, 1])
                self.assertEqual([thread["orders_refused"] for thread in status["threads"]], [0, 0])
                metrics = network.bootstrap.admin.request("GET", "/metrics")[1].decode()
                for thread in 1, 2:
                    self.assertIn(f'trestle_thread_connections{{thread="{thread}"}} 1', metrics)
                for program in network.running():
                    self.assert_stops(program)

    def test_a_join_says_who_through_whom_and_how_long(self):
        network = self.start_network(nodes=3)
        bridges = {bridge.id: bridge.url for bridge in network.bridges}
        outcomes = []
        for node in network.nodes:
            joined = node.wait_event("joined")
            self.assertEqual((joined["peer_id"], joined["peer_address"]), (node.id, node.url))
            self.assertLess(joined["took_ms"], 15_000)
            admitted = network.admission(node)
            outcomes.append(admitted["outcome"])
            # A peer that heard of the newcomer may link to it before its own answer has come back.
            self.assertIn(joined["outcome"], (admitted["outcome"], "linked"))
            for event in (joined, admitted):
                if event["outcome"] == "introduced":
                    self.assertEqual(event["through_address"] or bridges[event["through_id"]],
                                     bridges[event["through_id"]])
        self.assertEqual(outcomes[0], "genesis")
        self.assertEqual(set(outcomes[1:]), {"introduced"})

    def test_status_tells_an_operator_what_there_is(self):
        network = self.start_network(nodes=3)
        for program, name in ((network.bootstrap, "bootstrap-node"), (network.bridges[0], "bridge-node"),
                              (network.nodes[0], "dht-node")):
            status = program.status()
            self.assertEqual((status["program"], status["id"], status["address"]), (name, program.id, program.url))
            self.assertIs(status["healthy"], True)
            self.assertGreaterEqual(status["uptime_s"], 0)
            self.assertTrue(all(isinstance(value, int) for value in status["counters"].values()))
            for peer in status["peers"]:
                self.assertLessEqual({"id", "role", "dialect", "address", "dialled_by_us", "connected_s", "rtt_us"},
                                     peer.keys())
        known = {program.id for program in network.bridges + network.nodes}
        peers = [peer["id"] for peer in network.nodes[0].status()["peers"] if peer["role"] != "bootstrap"]
        self.assertLessEqual(set(peers), known)
        self.assertEqual(len(peers), len(set(peers)), "one link per peer")

    def test_the_watch_sees_connections(self):
        # The figure above would also be right if the table were never read.
        network = self.start_network(nodes=0)
        network.bootstrap.wait_for(lambda: established_to(network.bootstrap.process.pid, network.bridge_ports), 15,
                                   "connection to a bridge")
        node = network.start_node()
        self.assertFalse(established_to(node.process.pid, {1}))


if __name__ == "__main__":
    unittest.main()
