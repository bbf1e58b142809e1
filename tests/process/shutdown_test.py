"""Every program ends on SIGTERM and SIGINT: with exit 0, in time, and with a word to everybody who waits."""

import signal
import time
import unittest

from native_peer import (FAILURE, FIND_NODE, FIND_NODE_RESPONSE, FIND_VALUE, FIND_VALUE_RESPONSE, GOODBYE, JOIN,
                         JOIN_RESPONSE, NativePeer, Refusal, record, text)
from process_case import ProcessCase
from web_socket import Closed

STOP_WITHIN_S = 10.0
IN_FLIGHT = 50


def ends_of_requests(peer):
    """Reads to the close: (request ids answered or refused, the codes heard, the close)."""
    ended, codes = set(), set()
    while True:
        got = peer.next_record(STOP_WITHIN_S)
        if isinstance(got, Closed):
            return ended, codes, got
        if got.kind in (FIND_NODE_RESPONSE, FIND_VALUE_RESPONSE, JOIN_RESPONSE, FAILURE):
            ended.add(got.request_id)
        if got.kind in (FAILURE, GOODBYE):
            codes.add(Refusal.read(got.fields).code)


class ShutdownTest(ProcessCase):

    def test_both_signals_end_every_program(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(number.name):
                network = self.start_network(nodes=2)
                for program in network.running():
                    self.assert_stops(program, number=number, timeout_s=STOP_WITHIN_S)

    def test_the_bootstrap_may_end_first(self):
        network = self.start_network(nodes=3)
        self.assert_stops(network.bootstrap)
        # The network does not need it any more.
        self.assert_put(network, network.nodes[0], "key", "value")
        self.assert_get(network, network.nodes[2], "key", "value")
        for program in network.running():
            self.assert_stops(program)

    def test_a_second_signal_does_no_harm(self):
        network = self.start_network(nodes=1)
        network.nodes[0].process.send_signal(signal.SIGTERM)
        self.assert_stops(network.nodes[0])

    def test_a_program_ends_while_it_still_tries_to_join(self):
        network = self.prepare_network()
        self.assert_stops(network.start_node())
        self.assert_stops(network.start_bridge(0))
        self.assert_stops(network.start_bootstrap())

    def test_requests_in_flight_at_a_node_end_with_an_answer_or_a_code(self):
        network = self.start_network(nodes=2)
        node = network.nodes[0]
        with NativePeer(node.url).handshake() as peer:
            peer.send(b"".join(record(FIND_NODE, number, bytes(20)) if number % 2 else
                               record(FIND_VALUE, number, text("absent")) for number in range(1, IN_FLIGHT + 1)))
            self.assert_stops(node)
            ended, codes, closed = ends_of_requests(peer)
        # What was not answered singly is covered by a goodbye that says why.
        self.assertTrue(ended == set(range(1, IN_FLIGHT + 1)) or "SHUTTING_DOWN" in codes, (ended, codes))
        self.assertEqual(closed.code, 1001)

    def test_a_join_that_waits_for_a_silent_bridge_ends_with_a_code(self):
        network = self.start_network(nodes=2)
        for bridge in network.bridges:
            bridge.process.send_signal(signal.SIGSTOP)
        try:
            with NativePeer(network.bootstrap.url).handshake() as peer:
                peer.send(record(JOIN, 1, b"\x14\0"))
                time.sleep(0.3)
                self.assert_stops(network.bootstrap)
                ended, codes, closed = ends_of_requests(peer)
        finally:
            for bridge in network.bridges:
                bridge.process.send_signal(signal.SIGCONT)
        self.assertTrue(1 in ended or "SHUTTING_DOWN" in codes, (ended, codes, closed))
        for program in network.running():
            self.assert_stops(program)


if __name__ == "__main__":
    unittest.main()
