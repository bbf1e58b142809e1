"""Proven users of one program, who ask it all the time and note how long each answer took: in a process of their own, so that
the attacker's work does not slow their clocks.

users.py URL USERS PAUSE_S KIND: prints `ready`, asks until its standard input ends, then prints JSON.
"""

import collections
import dataclasses
import json
import pathlib
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "process"))

from native_peer import FIND_NODE, JOIN, PING, NativePeer, Refused  # noqa: E402

READY_WITHIN_S = 30.0
ANSWER_WITHIN_S = 10.0
# What one may ask: the record's type and its fields.
KINDS = {"ping": (PING, b""), "find": (FIND_NODE, bytes(20)), "join": (JOIN, b"\x14\0")}


@dataclasses.dataclass(frozen=True)
class Waits:
    """How long requests took, in a stretch of time."""

    seconds: list   # sorted
    refused: dict   # code: how often
    lost: list      # why a user got no answer at all

    @property
    def count(self):
        return len(self.seconds)

    def quantile(self, share):
        return self.seconds[min(self.count - 1, int(self.count * share))] if self.seconds else float("inf")

    @property
    def p99(self):
        return self.quantile(0.99)

    def __str__(self):
        return (f"p50 {self.quantile(0.5) * 1000:.1f} ms, p99 {self.p99 * 1000:.1f} ms, max {self.quantile(1) * 1000:.1f} ms "
                f"of {self.count}, refused {self.refused}, lost {self.lost[:3]}")


class Users:
    """The process. A context; `waits(begin, end)` ends it and tells how it went between the two."""

    def __init__(self, url, count=10, pause_s=0.05, kind="ping"):
        # It ends with whoever started it.
        self._process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", sys.executable, "-B", __file__, url, str(count), str(pause_s), kind],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._story = None
        if self._process.stdout.readline().strip() != "ready":
            self._process.kill()
            raise OSError("the users found no way in")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()

    def end(self):
        if self._story is None:
            out, _ = self._process.communicate(timeout=60)
            self._story = json.loads(out)

    def waits(self, begin, end=float("inf")):
        """Between two readings of time.monotonic(), which is the same clock in every process."""
        self.end()
        within = [entry for entry in self._story if begin <= entry[0] < end]
        return Waits(sorted(took for _, took, what in within if what == ""),
                     dict(collections.Counter(what for _, _, what in within if what and not what.startswith("lost"))),
                     [what for _, _, what in within if what.startswith("lost")])


class User(threading.Thread):
    """One peer with a link of its own."""

    def __init__(self, url, pause_s, kind, is_over):
        super().__init__(daemon=True)
        self.kind = KINDS[kind]
        self.pause_s = pause_s
        self.is_over = is_over
        self.story = []       # (when, how long, what went wrong)
        begun = time.monotonic()
        while True:
            try:
                self.peer = NativePeer(url, role="node" if kind == "join" else "observer", timeout_s=ANSWER_WITHIN_S).handshake()
                return
            except (OSError, Refused):
                if time.monotonic() - begun > READY_WITHIN_S:
                    raise
                time.sleep(0.2)

    def run(self):
        while not self.is_over.wait(self.pause_s):
            begun = time.monotonic()
            what = ""
            try:
                self.peer.request(*self.kind, timeout_s=ANSWER_WITHIN_S)
            except Refused as refused:
                what = refused.refusal.code if refused.refusal else f"lost: {refused}"
            except (OSError, ValueError) as error:
                what = f"lost: {type(error).__name__} {error}"
            self.story.append((begun, time.monotonic() - begun, what))
            if what.startswith("lost"):
                return


def main():
    url, count, pause_s, kind = sys.argv[1:]
    is_over = threading.Event()
    users = [User(url, float(pause_s), kind, is_over) for _ in range(int(count))]
    for user in users:
        user.start()
    print("ready", flush=True)
    sys.stdin.read()
    is_over.set()
    for user in users:
        user.join()
    print(json.dumps([entry for user in users for entry in user.story]))


if __name__ == "__main__":
    main()
