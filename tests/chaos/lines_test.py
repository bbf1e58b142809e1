"""Lines that are slow, narrow, broken or dead, by the chaos proxy: C8 and C9."""

import time
import unittest

from chaos_case import LONG, sized, url_of, wait_until  # first: it says where the others are
from chaos_proxy import ChaosProxy
from durability_test import get, is_acknowledged, put
from faults_case import NODES, FaultsCase
from native_peer import NativePeer
from process_case import programs_folder
from scattered import ProxiedNodes

FORGOTTEN_WITHIN_S = 75.0   # an acceptor asks after 40 s of silence, and gives up after three times 10 s


class LinesTest(FaultsCase):

    def start_lines(self):
        network = self.enterContext(ProxiedNodes(programs_folder(), bridges=1))
        network.start(NODES)
        return network

    def test_c8_delay_jitter_and_a_narrow_line(self):
        network = self.start_lines()
        lines = {"50 ms each way, jitter 50 ms, in pieces of 100 bytes": {"delay_s": 0.05, "jitter_s": 0.05, "piece_bytes": 100},
                 "200 ms each way": {"delay_s": 0.2}, "800 ms each way, jitter 200 ms": {"delay_s": 0.8, "jitter_s": 0.2},
                 "64 kbit/s": {"bytes_per_s": 8000, "piece_bytes": 1000}}
        even = {"delay_s": 0.0, "jitter_s": 0.0, "piece_bytes": 0, "bytes_per_s": 0.0}
        for name, faults in list(lines.items())[:sized(4, 1)]:
            network.set_faults(**even | faults)
            failed = self.exercise(name, network, sized(50, 5))
            if faults.get("delay_s", 0) <= 0.2:
                self.assertEqual(failed, 0, name)
        network.set_faults(**even)
        self.wait_well(network.nodes)

    def test_bytes_that_change_on_their_way(self):
        """With TLS off: links are cut or a signature does not hold, but nothing wrong is ever read or kept."""
        network = self.start_lines()
        network.set_faults(corrupt_share=0.02)
        written, wrong = {}, []
        for turn in range(sized(500, 20)):
            key = f"key-{turn}"
            if is_acknowledged(put(network.nodes[turn % NODES], key, f"value of {key}")):
                written[key] = f"value of {key}"
            asked = f"key-{max(0, turn - 1)}"
            read = get(network.nodes[(turn + 2) % NODES], asked)
            if read not in (None, f"value of {asked}"):
                wrong.append(read)
        corrupted = sum(line.corrupted_total for line in network.lines)
        network.set_faults(corrupt_share=0.0)
        self.wait_well(network.nodes)
        self.assertEqual(wrong, [])
        self.assertEqual(self.lost_of(network.nodes, written), [])
        self.say("C8 bad lines", f"one bit turned in 2 % of pieces ({corrupted}): {len(written)} values acknowledged, none lost, "
                 "nothing wrong was read")
        self.assertGreater(corrupted, 0)

    def test_resets_in_the_middle(self):
        network = self.start_lines()
        written = {}
        for turn in range(sized(60, 5)):
            network.lines[turn % NODES].reset()
            if is_acknowledged(put(network.nodes[(turn + 1) % NODES], f"key-{turn}", "value")):
                written[f"key-{turn}"] = "value"
        self.wait_well(network.nodes)
        self.assertEqual(self.lost_of(network.nodes, written), [])
        self.say("C8 bad lines", f"all connections of a node reset, {sized(60, 5)} times: {len(written)} puts acknowledged, none lost")

    def test_a_bootstrap_that_accepts_and_says_nothing(self):
        network = self.prepare_network(bridges=0)
        network.start_bootstrap()
        with NativePeer(network.bootstrap.url) as peer:
            peer.handshake()
        with ChaosProxy(network.bootstrap_port, swallows=True) as line:
            network.bootstrap_port = line.port
            node = network.start_node()
            begun = time.monotonic()
            node.wait_for(lambda: any(event.get("code") == "TIMEOUT" for event in node.events), 20.0, "TIMEOUT")
            took = time.monotonic() - begun
            line.faults.swallows = False
            # That there is no bridge here is an answer.
            node.wait_event("join.refused", 45.0)
            self.say("C9 half open", f"accepted and ignored: TIMEOUT after {took:.1f} s, answered {time.monotonic() - begun - took:.1f} s "
                     "after the line spoke again")

    @unittest.skipUnless(LONG, "waits more than a minute")
    def test_c9_half_open(self):
        network = self.start_network(nodes=2, bridges=1)
        node = network.nodes[0]
        with ChaosProxy(node.port) as line:
            before = node.status()["counters"]["host.connections"]
            peers = [NativePeer(url_of(line.port), role="observer").handshake() for _ in range(50)]
            wait_until(lambda: node.status()["counters"]["host.connections"] >= before + 50, 5)
            line.faults.stalls = True
            begun = time.monotonic()
            wait_until(lambda: node.status()["counters"]["host.connections"] <= before, FORGOTTEN_WITHIN_S + 10, node.story, 0.5)
            took = time.monotonic() - begun
            self.say("C9 half open", f"50 peers that vanished without a word: let go after {took:.0f} s")
            self.assertLess(took, FORGOTTEN_WITHIN_S)
            for peer in peers:
                peer.socket.socket.close()


if __name__ == "__main__":
    unittest.main()
