"""A peer that proves who it is and then sends what the fuzzer's corpora hold, mutated: in a process of its own.

hostile_peer.py URL SEED COUNT: prints JSON when so many inputs were taken by the other side.

What is sent is a batch of inputs and a question behind it. Answered: the whole batch was read. Cut off: whatever did it was
in the batch, so one input is counted and the next batch of that kind has one. A kind that survives gets batches twice as long.
"""

import collections
import json
import os
import pathlib
import random
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "process"))

from native_peer import FAILURE, GOODBYE, PING, PONG, NativePeer, Refusal, Refused, record, records  # noqa: E402
from web_socket import BINARY, TEXT, Closed, WebSocket, frame  # noqa: E402

CORPUS = pathlib.Path(__file__).resolve().parents[1] / "fuzz" / "corpus"
BATCH_MAX = 256
MARKER = 1 << 40
PATIENCE_S = 20.0
FRAME_BYTES_MAX = 20_000      # the bulk of the inputs is small; those over a limit are the business of other tests


def seeds_of(folder, skip=0):
    """The files of a corpus; the fuzzer's first bytes choose how a target is set up."""
    return [path.read_bytes()[skip:] for path in sorted((CORPUS / folder).iterdir())]


def bodies():
    """(kind, fields) of every record in the frames of the corpora."""
    found = []
    for data in (*seeds_of("native_codec", 1), *seeds_of("dht", 1), *seeds_of("node", 1)):
        try:
            found += [(made.kind, made.fields) for made in records(data)]
        except (ValueError, IndexError):
            continue
    return found


class Inputs:
    """Draws what to send, by a seed."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.frames = seeds_of("native_codec", 1)
        self.bodies = bodies()
        self.texts = [data for folder in ("legacy_codec", "json") for data in seeds_of(folder)]

    def mutated(self, data):
        """One to four small damages."""
        made = bytearray(data)
        for _ in range(self.random.randint(1, 4)):
            at = self.random.randrange(len(made) + 1)
            what = self.random.randrange(5)
            if what == 0 and made:
                made[at % len(made)] ^= 1 << self.random.randrange(8)
            elif what == 1:
                del made[at:at + self.random.randint(1, 8)]
            elif what == 2:
                made[at:at] = self.random.randbytes(self.random.randint(1, 8))
            elif what == 3:
                made[at:at + 4] = b"\xff" * 4
            else:
                made = made[:at]
        return bytes(made[:FRAME_BYTES_MAX])

    # Each gives the payload of one message.
    def mutated_frame(self):
        return self.mutated(self.random.choice(self.frames))

    def mutated_fields(self):
        """A record that is framed well, with damaged fields; asking and answering alike."""
        kind, fields = self.random.choice(self.bodies)
        return record(kind, self.random.randrange(1, 1 << 30), self.mutated(fields))

    def unasked_answer(self):
        kind, fields = self.random.choice([body for body in self.bodies if body[0] >= 16])
        return record(kind | 1, self.random.randrange(1, 1 << 30), fields)

    def unknown_record(self):
        return record(self.random.randrange(46, 256), self.random.randrange(1 << 30), self.random.randbytes(self.random.randrange(60)))

    def damaged_text(self):
        return self.mutated(self.random.choice(self.texts))


class HostilePeer:
    """Sends one kind of input after the other, on link after link."""

    KINDS = ("mutated_frame", "mutated_fields", "unasked_answer", "unknown_record")

    def __init__(self, url, seed, count):
        self.url = url
        self.inputs = Inputs(seed)
        self.count = count
        self.taken = collections.Counter()
        self.cuts = collections.Counter()
        self.refusals = collections.Counter()
        self.batches = dict.fromkeys(self.KINDS, 1)
        self.unreached = 0

    def run(self):
        peer = None
        turn = 0
        while sum(self.taken.values()) < self.count:
            turn += 1
            if turn % 20 == 0:
                self.say_before_anything()
            peer = peer or self.connect()
            kind = self.KINDS[turn % len(self.KINDS)]
            batch = [getattr(self.inputs, kind)() for _ in range(self.batches[kind])]
            if self.survives(peer, batch):
                self.taken[kind] += len(batch)
                self.batches[kind] = min(BATCH_MAX, 2 * len(batch))
            else:
                self.taken[kind] += 1
                self.cuts[kind] += 1
                self.batches[kind] = 1
                peer.socket.socket.close()
                peer = None
        return {"inputs": dict(self.taken), "cuts": dict(self.cuts), "refusals": dict(self.refusals), "unreached": self.unreached}

    def connect(self):
        """A new identity each time; who is kept out for a while waits."""
        until = time.monotonic() + PATIENCE_S
        while True:
            try:
                return NativePeer(self.url, role="observer", timeout_s=PATIENCE_S).handshake()
            except (OSError, Refused):
                self.unreached += 1
                if time.monotonic() > until:
                    raise
                time.sleep(0.05)

    def survives(self, peer, batch):
        """Whether the link is there after it, and all of it was read."""
        peer.socket.send_bytes(b"".join(frame(BINARY, data) for data in (*batch, record(PING, MARKER))))
        while True:
            got = peer.next_record(PATIENCE_S)
            if isinstance(got, Closed):
                return False
            if got.kind in (GOODBYE, FAILURE):
                self.refusals[Refusal.read(got.fields).code] += 1
            if got.kind == PONG and got.request_id == MARKER:
                return True

    def say_before_anything(self):
        """Messages of nobody: text or binary, the first thing on a connection."""
        try:
            with WebSocket(self.url, PATIENCE_S) as opened:
                is_text = self.inputs.random.random() < 0.5
                opened.send(TEXT if is_text else BINARY, self.inputs.damaged_text() if is_text else self.inputs.mutated_frame())
                # A valid first word would have the other side wait for the second.
                opened.send(BINARY, os.urandom(3))
                self.taken["first message"] += 1
                opened.wait_closed(PATIENCE_S)
        except (OSError, UnicodeDecodeError):
            self.unreached += 1


def main():
    url, seed, count = sys.argv[1:]
    print(json.dumps(HostilePeer(url, int(seed), int(count)).run()))


if __name__ == "__main__":
    main()
