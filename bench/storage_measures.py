"""D8: what an acknowledgement costs, beside the disk's own syncs."""

import json
import os
import statistics
import threading
import time

from goals import GOALS, Figure
from processes import BIN, BenchError

from network import Network, wait_until  # of scripts/, which processes.py has put on the path

NODES = 8
PUTS = 200
REPETITIONS = 3
VALUE = "v" * 1000
# What a put appends to a write-ahead log at least: a page and its head.
APPENDED = bytes(4096 + 24)


def put(node, key):
    """One put through the admin socket: (seconds, the answer)."""
    body = json.dumps({"key": key, "value": VALUE})
    begun = time.perf_counter()
    _, answer = node.admin.request("POST", "/put", body, {"Content-Type": "application/json"})
    return time.perf_counter() - begun, json.loads(answer)


class Appenders:
    """So many threads with a file each in one folder, which append and sync at the same moment. A context."""

    def __init__(self, folder, count):
        self._files = [os.open(folder / f"appended-{number}", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
                       for number in range(count)]
        self._begin, self._end = threading.Barrier(count + 1), threading.Barrier(count + 1)
        self._is_over = False
        self._threads = [threading.Thread(target=self._work, args=(file,), daemon=True) for file in self._files]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._is_over = True
        self._begin.wait()
        for thread in self._threads:
            thread.join()
        for file in self._files:
            os.close(file)

    def _work(self, file):
        while True:
            self._begin.wait()
            if self._is_over:
                return
            os.write(file, APPENDED)
            os.fdatasync(file)
            self._end.wait()

    def sync(self):
        """Seconds until the last of them is done."""
        begun = time.perf_counter()
        self._begin.wait()
        self._end.wait()
        return time.perf_counter() - begun


def acknowledged_puts():
    """Puts of a kilobyte, one at a time, in a network of eight nodes on one disk; after each of them as many parallel syncs
    as it waited for."""
    ratios = []
    for _ in range(REPETITIONS):
        with Network(BIN, bridges=1) as network:
            network.start(NODES)
            node = network.nodes[0]
            answers = []

            def is_acknowledged(net_node=node, seen=answers):
                seen.append(put(net_node, f"warm-{len(seen)}")[1])
                return seen[-1]["code"] == "NONE" and not seen[-1]["weak"]

            wait_until(is_acknowledged, 30.0, lambda: str(answers[-1:]))
            wanted = answers[-1]["replicas_wanted"]
            puts, syncs = [], []
            with Appenders(network.folder, wanted) as appenders:
                for number in range(PUTS):
                    took, answer = put(node, f"key-{number}")
                    if answer["code"] != "NONE" or answer["weak"]:
                        raise BenchError(f"a put was not acknowledged: {answer}")
                    puts.append(took)
                    syncs.append(appenders.sync())
        ratios.append(statistics.median(puts) / statistics.median(syncs))
    anchor = f"{statistics.median(puts) * 1e3:.2f} ms against {statistics.median(syncs) * 1e3:.2f} ms, W {wanted} of {NODES}"
    return [Figure.of(GOALS["D8"], ratios, anchor)]
