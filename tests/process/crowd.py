"""Many newcomers at once, each from an address of its own, and what became of every one of their joins."""

import collections
import threading
import time

from native_peer import NativePeer, Refused

# What a newcomer does with these is to ask again after the stated wait.
ASK_AGAIN = ("BUSY", "RATE_LIMITED", "BRIDGE_UNAVAILABLE", "SHUTTING_DOWN")


def source(number):
    """A loopback address for each newcomer, so that limits per address see different ones."""
    return f"127.{10 + number // 60000}.{number // 250 % 240}.{number % 250 + 1}"


class Tally:
    """Counts what happened, from many threads."""

    def __init__(self):
        self._lock = threading.Lock()
        self.outcomes = collections.Counter()
        self.codes = collections.Counter()   # answers that refuse
        self.broken = []                     # joins without any answer, and why
        self.slowest_s = 0.0

    def joined(self, outcome, took_s):
        with self._lock:
            self.outcomes[outcome] += 1
            self.slowest_s = max(self.slowest_s, took_s)

    def refused(self, code):
        with self._lock:
            self.codes[code] += 1

    def lost(self, why):
        with self._lock:
            self.broken.append(why)

    @property
    def joins(self):
        return sum(self.outcomes.values())

    def __str__(self):
        return (f"{self.joins} joined {dict(self.outcomes)}, refused {dict(self.codes)}, {len(self.broken)} lost "
                f"{self.broken[:3]}, slowest {self.slowest_s:.2f} s")


class Newcomer:
    """One peer that knocks at a bootstrap."""

    def __init__(self, network, number, timeout_s=10.0):
        self.peer = NativePeer(network.bootstrap.url, timeout_s=timeout_s, source=source(number),
                               issuer=network.issuer_file).handshake()

    def close(self):
        self.peer.socket.socket.close()

    def join(self, tally, within_s=15.0):
        """Joins, asking again when told to; every answer is counted. True when it got in."""
        began = time.monotonic()
        while True:
            try:
                outcome, _ = self.peer.join(timeout_s=within_s)
                tally.joined(outcome, time.monotonic() - began)
                return True
            except Refused as refused:
                if refused.refusal is None:
                    tally.lost(str(refused))
                    return False
                tally.refused(refused.refusal.code)
                wait_s = refused.refusal.retry_after_ms / 1000
                if refused.refusal.code not in ASK_AGAIN or time.monotonic() - began + wait_s > within_s:
                    tally.lost(str(refused.refusal))
                    return False
                time.sleep(wait_s)
            except OSError as error:
                tally.lost(f"{type(error).__name__}: {error}")
                return False


def connect(network, number, within_s=15.0):
    """A newcomer that has shaken hands; one who is refused before that knocks again, as programs do."""
    began = time.monotonic()
    while True:
        try:
            return Newcomer(network, number)
        except (OSError, Refused):
            if time.monotonic() - began > within_s:
                raise
            time.sleep(0.2)


def at_once(count, action):
    """Runs `action(number)` so many times side by side; the first exception of one of them is raised here."""
    errors = []

    def run(number):
        try:
            action(number)
        except Exception as error:  # pylint: disable=broad-exception-caught
            errors.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


class Traffic:
    """Newcomers that join over and over until it is stopped. A context.

    `tally` tells every join's end; a join that is refused with a code was answered, one that is not answered was lost.
    """

    def __init__(self, network, peers=8, pause_s=0.02, number=5000):
        self.tally = Tally()
        self._newcomers = [connect(network, number + index) for index in range(peers)]
        self._pause_s = pause_s
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(newcomer,)) for newcomer in self._newcomers]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self._over.set()
        for thread in self._threads:
            thread.join()
        for newcomer in self._newcomers:
            newcomer.close()

    def _run(self, newcomer):
        while not self._over.wait(self._pause_s):
            began = time.monotonic()
            try:
                outcome, _ = newcomer.peer.join(timeout_s=10)
                self.tally.joined(outcome, time.monotonic() - began)
            except Refused as refused:
                if refused.refusal is None:
                    self.tally.lost(str(refused))
                    return
                self.tally.refused(refused.refusal.code)
            except OSError as error:
                self.tally.lost(f"{type(error).__name__}: {error}")
                return
