"""What was acknowledged is there again: after kill -9 of any node and of all, on a full disk, from a damaged file.

TRESTLE_LONG=1 kills 200 times, as the requirements say.
"""

import itertools
import json
import os
import random
import shutil
import subprocess
import threading
import time
import unittest
import urllib.error
import urllib.request

from cryptography.hazmat.primitives.asymmetric import ec
from native_peer import NativePeer, Refused, Stored
from process_case import HOST, AdminError, ProcessCase, free_port, url_of, wait_until

LONG = bool(os.environ.get("TRESTLE_LONG"))
NODES = 6
KILLS = 200 if LONG else 12
KILLS_OF_ALL = 20 if LONG else 2
TMPFS = "4m"
LIFE_S = 3600


def put(node, key, value):
    """What the node says of a put: a dictionary with `code`; None if it is not there."""
    body = json.dumps({"key": key, "value": value, "ttl_s": LIFE_S})
    try:
        _, answer = node.admin.request("POST", "/put", body, {"Content-Type": "application/json"})
    except AdminError:
        return None
    return json.loads(answer)


def get(node, key):
    """The value, or None."""
    try:
        return node.admin.get(f"/get?key={key}").get("value")
    except AdminError:
        return None


def is_acknowledged(answer):
    """As many nodes as it takes have the value on their disks."""
    return bool(answer) and answer["code"] == "NONE" and not answer.get("weak")


def is_joined(node):
    try:
        return node.status()["healthy"] and node.peer_count() >= 2
    except AdminError:
        return False


class Writer:
    """Puts values at random nodes all the time, and remembers which were acknowledged. A context. No two write the same keys: what one
    of them was promised is not made good by another."""

    numbers = itertools.count(1)

    def __init__(self, network, pause_s=0.01):
        self.network = network
        self.pause_s = pause_s
        self.number = next(self.numbers)
        self.random = random.Random(self.number)
        self.acknowledged = {}
        self.puts = 0
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._is_over.set()
        self._thread.join()

    def _work(self):
        while not self._is_over.is_set():
            number = self.puts = self.puts + 1
            key, value = f"key-{self.number}-{number}", f"value {number} " + "v" * self.random.randrange(2000)
            if is_acknowledged(put(self.random.choice(list(self.network.nodes)), key, value)):
                self.acknowledged[key] = value
            time.sleep(self.pause_s)


def told(times, what):
    """The figures of a list of seconds, for people."""
    ordered = sorted(times)
    p50, p99 = (ordered[min(len(ordered) - 1, len(ordered) * share // 100)] for share in (50, 99))
    print(f"{what}: p50 {p50 * 1000:.0f} ms, p99 {p99 * 1000:.0f} ms, max {ordered[-1] * 1000:.0f} ms, of {len(ordered)}",
          flush=True)
    return ordered[-1]


class DurabilityTest(ProcessCase):

    def restart(self, network, node):
        """The same node again: same folder, same port. Does not wait."""
        port = node.port
        again = network.launch("dht-node", node.name, "--listen", f"{HOST}:{port}",
                               "--bootstrap", network.url_of(network.bootstrap_port))
        network.nodes[network.nodes.index(node)] = again
        return again

    def wait_all_joined(self, network):
        wait_until(lambda: all(is_joined(node) for node in network.nodes), 60.0,
                   lambda: "\n".join(node.story() for node in network.nodes if not is_joined(node)))

    def assert_readable(self, network, acknowledged):
        """Every value, from a node drawn for each."""
        draw = random.Random(2)
        missing = [key for key, value in acknowledged.items()
                   if get(draw.choice(network.nodes), key) != value
                   and not any(get(node, key) == value for node in network.nodes)]
        self.assertEqual(missing, [], f"{len(missing)} of {len(acknowledged)} acknowledged values are lost")

    def test_kill_9_of_any_node_under_load_loses_nothing_that_was_acknowledged(self):
        network = self.start_network(nodes=NODES, bridges=1)
        self.wait_all_joined(network)
        draw = random.Random(3)
        ready, back = [], []
        with Writer(network) as writer:
            for _ in range(KILLS):
                time.sleep(draw.uniform(0.05, 0.5))
                node = draw.choice(network.nodes)
                node.kill()
                begun = time.monotonic()
                again = self.restart(network, node).wait_ready()
                ready.append(again.ready_after_s)
                wait_until(lambda: is_joined(again), 30.0, again.story)
                back.append(time.monotonic() - begun)
        self.wait_all_joined(network)
        print(f"\n{KILLS} kills, {writer.puts} puts, {len(writer.acknowledged)} acknowledged", flush=True)
        worst = told(ready, "restart to ready")
        told(back, "restart to healthy with two peers")
        self.assertGreater(len(writer.acknowledged), 20, network.nodes[0].story())
        self.assert_readable(network, writer.acknowledged)
        self.assertLess(worst, 5.0)

    def test_kill_9_of_all_nodes_at_once_loses_nothing_that_was_acknowledged(self):
        network = self.start_network(nodes=NODES, bridges=1)
        self.wait_all_joined(network)
        acknowledged = {}
        for _ in range(KILLS_OF_ALL):
            with Writer(network, pause_s=0.002) as writer:
                time.sleep(1.5)
                for node in network.nodes:
                    node.process.kill()
            acknowledged |= writer.acknowledged
            for node in list(network.nodes):
                node.kill()
                self.restart(network, node)
            for node in network.nodes:
                node.wait_ready()
            self.wait_all_joined(network)
            self.assertGreater(len(writer.acknowledged), 10, network.nodes[0].story())
            self.assert_readable(network, acknowledged)

    def test_a_clean_stop_leaves_one_whole_file_and_the_next_start_reads_it(self):
        network = self.start_network(nodes=3, bridges=1)
        self.wait_all_joined(network)
        wait_until(lambda: is_acknowledged(put(network.nodes[0], "key", "value")), 20.0, network.nodes[0].story)
        node = network.nodes[1]
        self.assert_stops(node)
        self.assertTrue((node.data / "records.db").exists())
        self.assertFalse((node.data / "records.db-wal").exists())
        again = self.restart(network, node).wait_ready()
        loaded = again.wait_event("storage.loaded")
        self.assertRegex(loaded["detail"], r"^[1-9]\d* records")
        self.assertEqual(get(again, "key"), "value")

    def test_a_damaged_file_is_set_aside_and_the_other_nodes_make_good(self):
        network = self.start_network(nodes=3, bridges=1)
        self.wait_all_joined(network)
        wait_until(lambda: is_acknowledged(put(network.nodes[0], "key", "value")), 20.0, network.nodes[0].story)
        node = network.nodes[2]
        self.assert_stops(node)  # a log that is left over would mend the file
        (node.data / "records.db").write_bytes(b"x" * 20000)
        again = self.restart(network, node).wait_ready()
        self.assertIn("records.damaged", again.wait_event("storage.damaged")["detail"])
        self.assertEqual((node.data / "records.damaged").read_bytes(), b"x" * 20000)
        wait_until(lambda: is_joined(again), 30.0, again.story)
        wait_until(lambda: get(again, "key") == "value", 20.0, again.story)

    def test_a_second_program_on_the_same_folder_is_refused(self):
        network = self.start_network(nodes=1, bridges=1)
        node = network.nodes[0]
        code, _, err = network.command("dht-node", "run", "--data", node.data, "--listen", f"{HOST}:0",
                                       "--bootstrap", url_of(network.bootstrap_port))
        self.assertEqual(code, 5, err)
        self.assertIn("another program runs on it", err)
        self.assertTrue(node.status()["program"])

    def test_a_folder_that_cannot_hold_records_stops_the_start_with_the_reason(self):
        network = self.prepare_network(bridges=1)
        data = network.folder / "data"
        (data / "records.db").mkdir(parents=True)
        code, _, err = network.command("dht-node", "run", "--data", data, "--listen", f"{HOST}:0",
                                       "--bootstrap", url_of(network.bootstrap_port))
        self.assertEqual(code, 5, err)
        self.assertIn(f"cannot keep records in {data}/records.db", err)

    def test_a_data_folder_that_is_removed_is_noticed(self):
        """C19: nothing more is called stored, what is kept is served, health and figures say so, and no other node suffers."""
        network = self.start_network(nodes=2, bridges=1)
        node = network.start_node("--admin", f"{HOST}:{free_port()}")
        network.wait_joined(network.nodes)
        self.assert_put(network, network.nodes[0], "before", "kept")
        writer = ec.generate_private_key(ec.SECP256R1())
        with NativePeer(node.url, role="observer") as peer:
            peer.handshake()
            peer.store(Stored.sign(writer, "here", b"kept", time.time_ns() // 1_000_000).fields)
            shutil.rmtree(node.data)
            said = node.wait_event("storage.failed")
            self.assertIn("was removed", said["detail"])
            with self.assertRaises(Refused) as refused:
                peer.store(Stored.sign(writer, "lost", b"value", time.time_ns() // 1_000_000).fields)
            self.assertEqual(refused.exception.refusal.code, "STORAGE_FAILED")
            self.assertEqual(peer.find_value("here").value, b"kept")

        def health():
            try:
                with urllib.request.urlopen(f"http://{HOST}:{node.port}/health", timeout=5) as answer:
                    return answer.status
            except urllib.error.HTTPError as error:
                error.close()
                return error.code
        wait_until(lambda: health() == 503, 5.0, node.story)
        status = node.status()
        self.assertEqual((status["healthy"], status["readiness"]), (False, "its disk failed: nothing new is kept"))
        self.assertEqual(status["counters"]["storage.failed"], 1)
        self.assertEqual(get(node, "before"), "kept")
        self.assert_put(network, network.nodes[0], "after", "as well")
        self.assertEqual(get(node, "after"), "as well")
        self.assert_stops(node)

    def test_a_full_disk_refuses_with_a_code_serves_what_it_has_and_recovers(self):
        network = self.prepare_network(bridges=1)
        disk = network.folder / "disk"
        disk.mkdir()
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={TMPFS}", "tmpfs", disk], capture_output=True,
                                 text=True, check=False)
        if mounted.returncode != 0:
            self.skipTest(f"a small file system cannot be mounted: {mounted.stderr.strip()}")
        self.addCleanup(subprocess.run, ["umount", "-l", disk], check=False)
        network.start_bootstrap()
        network.start_bridge(0)
        for number in range(3):
            network.nodes.append(network.start_program(
                "dht-node", f"disk/node {number}", "--listen", f"{HOST}:0", "--bootstrap",
                url_of(network.bootstrap_port)))
        self.wait_all_joined(network)
        node = network.nodes[0]
        wait_until(lambda: is_acknowledged(put(node, "before", "kept")), 20.0, node.story)
        filler = disk / "filler"
        with filler.open("wb", buffering=0) as file:
            try:
                while file.write(bytes(4096)):
                    pass
            except OSError:
                pass
        # Whole pages of the log may still have room.
        def is_refused():
            answer = put(node, "while full", "x" * 8000)
            return answer and answer["code"] in ("STORE_FULL", "STORAGE_FAILED")
        wait_until(is_refused, 20.0, node.story, period_s=0.01)
        node.wait_event("storage.full")
        self.assertEqual([get(each, "before") for each in network.nodes], ["kept"] * 3)
        self.assertTrue(all(each.is_running for each in network.nodes))
        filler.unlink()
        wait_until(lambda: is_acknowledged(put(node, "after", "kept too")), 20.0, node.story)
        for each in network.nodes:
            each.process.kill()
        for each in list(network.nodes):
            each.kill()
            self.restart(network, each).wait_ready()
        self.wait_all_joined(network)
        self.assert_readable(network, {"before": "kept", "after": "kept too"})


if __name__ == "__main__":
    unittest.main()
