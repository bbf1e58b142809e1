"""Processes that stop and networks that fail: C3 stopped, C4 ended under load, C6 cut in part, C7 refused and swallowed, C8 loss."""

import random
import signal
import time
import unittest

from chaos_case import HOST, LONG, cpu_s, sized, url_of  # first: it says where the others are
import namespaces
from durability_test import Writer
from faults_case import NODES, FaultsCase
from process_case import programs_folder
from scattered import ScatteredNetwork

WHY_NOT = namespaces.why_not()


class StoppedTest(FaultsCase):

    def test_c3_a_stopped_node(self):
        network = self.start_network(nodes=NODES, bridges=1)
        node, others = network.nodes[0], network.nodes[1:]
        figures = []
        for stopped_s in sized((1, 10, 60, 120), (2,)):
            with Writer(network, pause_s=0.05) as writer:
                # Nobody writes at the one that is stopped: it would only wait.
                writer.network = type("Others", (), {"nodes": others})
                time.sleep(0.5)
                node.process.send_signal(signal.SIGSTOP)
                try:
                    before = len(writer.acknowledged)
                    time.sleep(stopped_s)
                    unlinked = sum(all(peer["id"] != node.id for peer in other.status()["peers"]) for other in others)
                    during = len(writer.acknowledged) - before
                finally:
                    node.process.send_signal(signal.SIGCONT)
                computed, counters = cpu_s(node), node.status()["counters"]
                time.sleep(2.0)
                computed = cpu_s(node) - computed
                sent = node.status()["counters"]["host.frames_sent_total"] - counters["host.frames_sent_total"]
            self.wait_well(network.nodes)
            self.assertEqual(self.lost_of(network.nodes, writer.acknowledged), [])
            self.assertGreater(len(writer.acknowledged), 0)
            # A write waits for whoever is silent as long as for any answer, 3 s.
            if stopped_s >= 10:
                self.assertGreater(during, 0, "others went on without it")
            self.assertLess(computed, 1.0, "a storm of timers")
            if stopped_s >= 60:
                self.assertEqual(unlinked, len(others))
            figures.append(f"{stopped_s} s: {during} values acknowledged meanwhile, let go by {unlinked} of {len(others)}, "
                           f"then {computed:.2f} s of CPU and {sent} frames in 2 s")
        self.say("C3 stopped", "; ".join(figures) + "; none lost")

    def test_c4_the_end_of_a_node_under_load(self):
        network = self.start_network(nodes=NODES, bridges=1)
        took, acknowledged, puts = [], {}, 0
        for _ in range(sized(20, 2)):
            node = network.nodes[1]
            with Writer(network, pause_s=0.005) as writer:
                time.sleep(0.7)
                code, seconds = node.stop()
                self.assertEqual(code, 0, node.story())
                took.append(seconds)
            acknowledged |= writer.acknowledged
            puts += writer.puts
            network.nodes[1] = network.launch("dht-node", node.name, "--listen", f"{HOST}:{node.port}", "--bootstrap",
                                              url_of(network.bootstrap_port)).wait_ready()
            self.wait_well(network.nodes)
        self.assertEqual(self.lost_of(network.nodes, acknowledged), [])
        self.assertLess(max(took), 10.0)
        self.say("C4 ended under load", f"{len(took)} times SIGTERM: gone after at most {max(took):.2f} s with exit 0; "
                 f"{puts} puts, {len(acknowledged)} acknowledged, none lost")


@unittest.skipIf(WHY_NOT, WHY_NOT)
class CutTest(FaultsCase):

    def scattered(self, site_of=lambda name: 0, **how):
        ground = self.enterContext(namespaces.Namespaces(site_of, block=random.randrange(1, 255)))
        return self.enterContext(ScatteredNetwork(programs_folder(), ground, **how)), ground

    def test_c6_cut_one_way_and_into_three(self):
        def site_of(name):
            return int(name.split()[1]) % 3 if name.startswith("node") else 0
        network, ground = self.scattered(site_of)
        network.start(6)
        cuts = {"two groups": lambda: ground.cut(0, 1), "one way": lambda: ground.cut(0, 1, both_ways=False),
                "three groups": lambda: [ground.cut(*pair) for pair in ((0, 1), (0, 2), (1, 2))]}
        figures = []
        for name, cut in cuts.items() if LONG else [("one way", cuts["one way"])]:
            with Writer(network, pause_s=0.02) as writer:
                time.sleep(1.0)
                cut()
                time.sleep(sized(60.0, 5.0))
                dropped = ground.dropped()
            ground.heal()
            healed = time.monotonic()
            self.wait_well(network.nodes)
            lost = self.lost_of(network.nodes, writer.acknowledged, 60.0)
            self.assertEqual(lost, [])
            self.assertGreater(dropped, 0)
            figures.append(f"{name}: {dropped} packets dropped, {writer.puts} puts, {len(writer.acknowledged)} acknowledged, "
                           f"all readable everywhere {time.monotonic() - healed:.1f} s after it healed")
        self.say("C6 cut in part", "; ".join(figures))

    def test_c7_refused_and_swallowed(self):
        """A reset is told from silence, and neither costs more than its dial."""
        network, ground = self.scattered(lambda name: int(name == "bridge 1"), bridges=1)
        for what, act, code in (("reset", lambda: ground.reject(1), "REFUSED"), ("silence", lambda: ground.cut(0, 1), "TIMEOUT")):
            act()
            bootstrap = network.start_bootstrap()
            asked = time.monotonic()
            said = bootstrap.wait_event("bridge.dial_failed", 15.0)
            took, computed = time.monotonic() - asked, cpu_s(bootstrap)
            self.assertEqual(said["code"], code, said)
            self.assertLess(took, 12.0)
            self.assertLess(computed, 0.5)
            self.say("C7 refused and swallowed", f"{what}: {code} after {took:.1f} s, {computed * 1000:.0f} ms of CPU")
            self.assert_stops(bootstrap)
            ground.heal()

    def test_c8_loss(self):
        network, ground = self.scattered()
        network.start(NODES)
        self.exercise("no loss", network)
        for percent in sized((1, 5, 20), (5,)):
            ground.lose(percent)
            failed = self.exercise(f"{percent} % of packets lost", network)
            ground.heal()
            if percent <= 5:
                self.assertEqual(failed, 0)
            self.wait_well(network.nodes)


if __name__ == "__main__":
    unittest.main()
