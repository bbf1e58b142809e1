"""A TCP proxy that treats what passes as bad networks and bad boxes do, by a seed.

Faults may be changed while connections pass: set the fields of `faults`.
"""

import dataclasses
import heapq
import itertools
import random
import selectors
import socket
import struct
import threading
import time

READ_BYTES = 65536
QUEUED_BYTES_MAX = 1 << 20     # on its way in one direction; then we stop reading, as a full pipe does
TCP_REPAIR = 19
LINGER_RESET = struct.pack("ii", 1, 0)


@dataclasses.dataclass
class Faults:
    """What happens to bytes. Everything off: a faithful line."""

    delay_s: float = 0.0            # one way
    jitter_s: float = 0.0           # up to so much more, drawn for each piece; the order stays
    bytes_per_s: float = 0.0        # in each direction of each connection; 0: as fast as it goes
    piece_bytes: int = 0            # nothing longer is passed at once; 0: as it came
    corrupt_share: float = 0.0      # of pieces, one bit of which is turned
    stalls: bool = False            # nothing passes, and comes later
    swallows: bool = False          # what is dialled is accepted and nobody dials on: accept and ignore


class Direction:
    """What is under way from one socket to the other."""

    def __init__(self, from_socket, to_socket):
        self.from_socket = from_socket
        self.to_socket = to_socket
        self.peer = None
        self.queue = []          # (when, order, bytes)
        self.queued_bytes = 0
        self.free_at = 0.0       # when the line has sent what it has
        self.last_at = 0.0       # nothing overtakes
        self.rest = b""          # what the kernel did not take
        self.is_paused = False


class ChaosProxy:
    """Listens on a port of its own in front of another. A context."""

    def __init__(self, target_port, host="127.0.0.1", seed=1, **faults):
        self.target = (host, target_port)
        self.faults = Faults(**faults)
        self.accepted_total = 0
        self.corrupted_total = 0
        self._random = random.Random(seed)
        self._order = itertools.count()
        self._listener = socket.create_server((host, 0), backlog=1024)
        self.port = self._listener.getsockname()[1]
        self._directions = {}      # by the socket it comes from
        self._swallowed = []
        self._lock = threading.RLock()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._running = True
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._running = False
        self._thread.join()
        with self._lock:
            for one in list(self._directions):
                self._forget(one)
        for held in (self._listener, *self._swallowed):
            held.close()
        self._selector.close()

    @property
    def connections(self):
        with self._lock:
            return len(self._directions) // 2

    # ---- what is done to connections as a whole ----

    def reset(self):
        """Ends every connection with a reset, towards both sides."""
        with self._lock:
            for one in list(self._directions):
                if one.fileno() >= 0:
                    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_RESET)
                    self._forget(one)

    def vanish(self):
        """Both sides keep a connection whose other end is gone, and nobody told them (needs root)."""
        with self._lock:
            for one in list(self._directions):
                vanish(one)
            for one in list(self._directions):
                self._forget(one)

    # ---- the line ----

    def _run(self):
        while self._running:
            with self._lock:
                pause = self._deliver()
            for key, events in self._selector.select(pause):
                with self._lock:
                    if key.fileobj is self._listener:
                        self._accept()
                    elif key.fileobj in self._directions:
                        self._on_ready(key.fileobj, events)

    def _accept(self):
        near, _ = self._listener.accept()
        self.accepted_total += 1
        if self.faults.swallows:
            self._swallowed.append(near)
            return
        try:
            far = socket.create_connection(self.target, 2)
        except OSError:
            near.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_RESET)
            near.close()
            return
        there, back = Direction(near, far), Direction(far, near)
        there.peer, back.peer = back, there
        for direction in (there, back):
            direction.from_socket.setblocking(False)
            direction.from_socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._directions[direction.from_socket] = direction
            self._selector.register(direction.from_socket, selectors.EVENT_READ)

    def _on_ready(self, one, events):
        direction = self._directions[one]
        if events & selectors.EVENT_WRITE:
            self._flush(direction.peer)
        if not events & selectors.EVENT_READ or one not in self._directions:
            return
        try:
            data = one.recv(READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._forget(one)
            return
        self._take(direction, data)

    def _take(self, direction, data):
        """Cuts it into pieces, each with the time at which it arrives."""
        faults, now = self.faults, time.monotonic()
        size = faults.piece_bytes or len(data)
        for at in range(0, len(data), size):
            piece = data[at:at + size]
            if faults.corrupt_share and self._random.random() < faults.corrupt_share:
                turned = bytearray(piece)
                turned[self._random.randrange(len(turned))] ^= 1 << self._random.randrange(8)
                piece = bytes(turned)
                self.corrupted_total += 1
            if faults.bytes_per_s:
                direction.free_at = max(direction.free_at, now) + len(piece) / faults.bytes_per_s
            when = max(now, direction.free_at) + faults.delay_s + self._random.uniform(0, faults.jitter_s)
            direction.last_at = when = max(when, direction.last_at)
            heapq.heappush(direction.queue, (when, next(self._order), piece))
            direction.queued_bytes += len(piece)
        self._watch(direction)

    def _deliver(self):
        """Hands on what is due; how long nothing will be."""
        now, soon = time.monotonic(), 0.2
        if self.faults.stalls:
            return 0.02
        for direction in list(self._directions.values()):
            while direction.queue and direction.queue[0][0] <= now and not direction.rest:
                _, _, piece = heapq.heappop(direction.queue)
                direction.queued_bytes -= len(piece)
                direction.rest = piece
                self._flush(direction)
            if direction.from_socket not in self._directions:
                continue
            if direction.queue and not direction.rest:
                soon = min(soon, max(0.0, direction.queue[0][0] - now))
            self._watch(direction)
        return soon

    def _flush(self, direction):
        if not direction.rest:
            return
        try:
            sent = direction.to_socket.send(direction.rest)
        except BlockingIOError:
            sent = 0
        except OSError:
            self._forget(direction.from_socket)
            return
        direction.rest = direction.rest[sent:]
        self._watch(direction)
        self._watch(direction.peer)

    def _watch(self, direction):
        """Reads while there is room for it, waits for room where something is left over."""
        if direction.from_socket not in self._directions:
            return
        events = selectors.EVENT_READ if direction.queued_bytes < QUEUED_BYTES_MAX else 0
        if direction.peer.rest:
            events |= selectors.EVENT_WRITE
        if events:
            try:
                self._selector.modify(direction.from_socket, events)
            except KeyError:
                self._selector.register(direction.from_socket, events)
        else:
            try:
                self._selector.unregister(direction.from_socket)
            except KeyError:
                pass

    def _forget(self, one):
        direction = self._directions.pop(one, None)
        if direction is None:
            return
        self._directions.pop(direction.to_socket, None)
        for each in (one, direction.to_socket):
            try:
                self._selector.unregister(each)
            except (KeyError, ValueError):
                pass
            each.close()


def vanish(connected):
    """Closes a TCP socket without a word to the other side: no FIN, no reset. Needs root."""
    connected.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
    connected.close()
