"""Eighteen programs behind the real nginx, each in a network namespace of its own: joined, killed, cut in two, and whole again."""

import concurrent.futures
import json
import os
import random
import time
import unittest
import urllib.parse

import namespaces
from process_case import AdminError, ProcessCase, programs_folder, wait_until
from proxied_network import Loopback, ProxiedNetwork

LONG = bool(os.environ.get("TRESTLE_LONG"))
NODES = 15
BRIDGES = 2
# The document allows ten minutes.
HEALTHY_WITHIN_S = 60.0
PEERS_MIN = 3
FIND_WITHIN_S = 2.0
DATA_RATE_MIN = 1024.0   # bytes a second
BACK_WITHIN_S = 60.0
CUT_S = 60.0 if LONG else 15.0
IDLE_S = 180.0 if LONG else 20.0
IDLE_MESSAGES_A_MINUTE_MAX = 164
# What one program asks of others and answers by itself. Keepalive is no part of it.
MESSAGES = ("dht.asks_total", "dht.requests_total", "joiner.asks_total", "mesh.announced_total")


def site_of(path):
    """Two sites, each behind a proxy of its own: the bootstrap, a bridge and eight nodes here, a bridge and seven nodes there."""
    if path.startswith("proxy"):
        return int(path.removeprefix("proxy"))
    if path.startswith("node"):
        return int(path.removeprefix("node")) > 8
    return int(path == "bridge2")


class NetworkTest(ProcessCase):
    """One story, told once: what comes later needs what was before."""

    def setUp(self):
        self.drawn = random.Random(int(os.environ.get("TRESTLE_SEED", "4")))
        why_not = namespaces.why_not()
        self.ground = Loopback() if why_not else namespaces.Namespaces(site_of, block=self.drawn.randrange(1, 255))
        if why_not:
            print(f"\nno namespaces ({why_not}): everything on loopback, and no cut")
        self.can_cut = not why_not
        self.network = self.enterContext(ProxiedNetwork(programs_folder(), bridges=BRIDGES, nodes=NODES, ground=self.ground,
                                                        site_of=site_of if self.can_cut else lambda path: 0))
        self.values = {}
        self.threads = self.enterContext(concurrent.futures.ThreadPoolExecutor(8))

    # ---- looking ----

    def nodes(self):
        return [node for node in self.network.nodes if node.is_running]

    def is_well(self, node):
        try:
            status = node.status()
        except AdminError:  # not listening yet, or busy
            return False
        return status["healthy"] and sum(peer["role"] != "bootstrap" for peer in status["peers"]) >= PEERS_MIN

    def wait_well(self, timeout_s, what):
        """All running nodes are healthy and have three peers; says after how long."""
        begun = time.monotonic()
        wait_until(lambda: all(self.threads.map(self.is_well, self.nodes())), timeout_s,
                   lambda: f"{what}\n" + "\n".join(node.story() for node in self.nodes() if not self.is_well(node)), 0.25)
        took = time.monotonic() - begun
        print(f"{what}: {len(self.nodes())} nodes well after {took:.1f} s")
        return took

    # ---- values ----

    def put(self, node, key):
        value = f"value of {key} by {node.name}"
        self.assert_put(self.network, node, key, value)
        self.values[key] = value

    def read(self, node, key, value):
        try:
            got = node.admin.get("/get?" + urllib.parse.urlencode({"key": key})).get("value")
        except AdminError as error:
            got = str(error)
        return "" if got == value else f"{node.name} get {key}: {got}"

    def assert_readable_everywhere(self, when, within_s=20.0):
        """Every value from every running node. What a node cannot read at once it must be able to read in time: whom it asked may
        have been killed a moment ago."""
        deadline = time.monotonic() + within_s
        waiting = [(node, key, value) for node in self.nodes() for key, value in self.values.items()]
        begun, total, late = time.monotonic(), len(waiting), 0
        while waiting:
            problems = list(self.threads.map(lambda wanted: self.read(*wanted), waiting))
            waiting = [wanted for wanted, problem in zip(waiting, problems) if problem]
            late += len(waiting)
            if waiting and time.monotonic() > deadline:
                problems = [problem for problem in problems if problem]
                self.fail(f"{when}: {len(problems)} of {total} cannot be read\n" + "\n".join(problems[:10])
                          + "\n" + waiting[0][0].story())
        print(f"{when}: {total} reads right in {time.monotonic() - begun:.1f} s, {late} of them not at once")

    def measure_finds(self, count=20):
        """find_node from every node for random ids: (p50, p99) in seconds."""
        def find(node):
            begun = time.monotonic()
            node.admin.find(self.drawn.randbytes(20).hex())
            return time.monotonic() - begun

        took = sorted(self.threads.map(find, self.nodes() * count))
        p50, p99 = took[len(took) // 2], took[len(took) * 99 // 100]
        print(f"find_node, {len(took)} times from {len(self.nodes())} nodes: p50 {p50 * 1000:.1f} ms, p99 {p99 * 1000:.1f} ms")
        return p50, p99

    def measure_data(self, count=45, size=8192):
        """Values written at one node each and read at the next: bytes of values a second (ROLL-05)."""
        nodes = self.nodes()

        def carry(number):
            key, value = f"bulk {number}", self.bulk[number]
            body = json.dumps({"key": key, "value": value})
            nodes[number % len(nodes)].admin.request("POST", "/put", body, {"Content-Type": "application/json"})
            return self.read(nodes[(number + 1) % len(nodes)], key, value)

        self.bulk = [self.drawn.randbytes(size // 2).hex() for _ in range(count)]
        begun = time.monotonic()
        problems = [problem for problem in self.threads.map(carry, range(count)) if problem]
        rate = 2 * count * size / (time.monotonic() - begun)
        self.assertEqual([problem[:200] for problem in problems], [])
        print(f"{count} values of {size} bytes written and read elsewhere: {rate / 1024:.0f} KiB/s")
        return rate

    def measure_idle(self):
        """Messages a minute of all nodes together while nobody asks for anything, without keepalive."""
        def said():
            return [node.status()["counters"] for node in self.nodes()]

        before = said()
        time.sleep(IDLE_S)
        after = said()
        grown = {name: sum(now.get(name, 0) - then.get(name, 0) for then, now in zip(before, after))
                 for name in (*MESSAGES, "host.frames_sent_total")}
        rate = sum(grown[name] for name in MESSAGES) * 60 / IDLE_S
        print(f"idle, {IDLE_S:g} s: {rate:.0f} messages a minute without keepalive, "
              f"{grown['host.frames_sent_total'] * 60 / IDLE_S:.0f} frames a minute with it")
        return rate

    # ---- the story ----

    def test_a_network_of_eighteen_programs_survives(self):
        """P-BC-1, P-CR-14, P-DN-3 (the addresses are drawn), and line 1 of what this capability promises."""
        print()
        network = self.network
        network.start_proxies()
        network.start_bootstrap()
        for index in range(BRIDGES):
            network.start_bridge(index)
        for _ in range(NODES):
            network.launch_node()
        for node in network.nodes:
            node.wait_ready()
        self.wait_well(HEALTHY_WITHIN_S, "started together")
        for node in network.nodes:
            for peer in node.status()["peers"]:
                self.assertIn(peer["address"], network.externals)

        for number, node in enumerate(network.nodes):
            self.put(node, f"key {number}")
        self.assert_readable_everywhere("at first")
        _, p99 = self.measure_finds()
        data_rate = self.measure_data()

        self.lose_any_seven()
        self.lose_all_bridges()
        self.lose_the_bootstrap()
        if self.can_cut:
            self.be_cut_in_two()
        rate = self.measure_idle()
        # What is only slow, or too talkative, ends the story last: the rest of it is worth hearing.
        self.assertLess(p99, FIND_WITHIN_S)
        self.assertGreater(data_rate, DATA_RATE_MIN)
        if LONG:
            self.assertLessEqual(rate, IDLE_MESSAGES_A_MINUTE_MAX)

    def lose_any_seven(self):
        killed = self.drawn.sample(range(NODES), 7)
        for index in killed:
            self.network.nodes[index].kill()
        self.assert_readable_everywhere(f"after kill -9 of nodes {sorted(index + 1 for index in killed)}")
        self.wait_well(BACK_WITHIN_S, "with seven gone")
        for index in killed:
            self.network.relaunch_node(index)
        for index in killed:
            self.network.nodes[index].wait_ready()
        self.wait_well(BACK_WITHIN_S, "the seven started again")
        self.assert_readable_everywhere("with the seven back")

    def lose_all_bridges(self):
        for bridge in self.network.bridges:
            bridge.kill()
        self.assert_readable_everywhere("after kill -9 of all bridges")
        self.wait_well(BACK_WITHIN_S, "without a bridge")
        for index in range(BRIDGES):
            self.network.start_bridge(index)

    def lose_the_bootstrap(self):
        self.network.bootstrap.kill()
        self.assert_readable_everywhere("after kill -9 of the bootstrap")
        self.wait_well(BACK_WITHIN_S, "without a bootstrap")
        self.network.start_bootstrap()

    def be_cut_in_two(self):
        here, there = self.network.nodes[0], self.network.nodes[-1]
        self.ground.cut()
        begun = time.monotonic()
        written = {}
        for node, key in ((here, "written here"), (there, "written there")):
            code, out, err = self.network.put(node, key, "while cut")
            print(f"while cut, {key}: {(out + err).strip()}")
            if code == 0:
                written[key] = "while cut"
        time.sleep(max(0.0, CUT_S - (time.monotonic() - begun)))
        self.assertGreater(self.ground.dropped(), 0)
        print(f"cut for {time.monotonic() - begun:.0f} s, {self.ground.dropped()} packets dropped")
        self.ground.heal()
        self.wait_well(BACK_WITHIN_S, "healed")
        self.assert_readable_everywhere("after the cut", within_s=BACK_WITHIN_S)
        # What was acknowledged on either side is there for both.
        self.values.update(written)
        self.assert_readable_everywhere("with what was written meanwhile", within_s=BACK_WITHIN_S)


if __name__ == "__main__":
    unittest.main()
