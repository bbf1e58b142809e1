"""Thousands of raw sockets in one thread, each following a script: the attacker's side."""

import collections
import errno
import heapq
import itertools
import selectors
import socket
import time

READ_BYTES = 65536
KEPT_BYTES = 4096             # of what came on one socket
IP_BIND_ADDRESS_NO_PORT = 24  # one source port serves many callers, as long as they differ in something


def source(number):
    """A loopback address for every four hundred callers, as a botnet would have them."""
    return f"127.0.{1 + number // 400 // 250}.{1 + number // 400 % 250}"


class Caller:
    """One socket. Its script is a generator that sends what it likes and yields how many seconds it waits."""

    def __init__(self, number):
        self.number = number
        self.socket = None
        self.script = None
        self.connected_at = None
        self.ended_at = None
        self.how = ""            # refused, closed, reset; empty while it lives
        self.received = b""
        self.received_bytes = 0
        self.reads = True        # whether it takes what comes

    @property
    def lives(self):
        return not self.how

    @property
    def life_s(self):
        """How long it was connected; nothing for who never got so far."""
        return 0.0 if self.connected_at is None else (self.ended_at or time.monotonic()) - self.connected_at

    def send(self, data):
        """As much as the kernel takes; how much that was."""
        try:
            return self.socket.send(data)
        except OSError:
            return 0

    def wait_for(self, what, patience_s=30.0):
        """For a script: `yield from caller.wait_for(b"...")`."""
        until = time.monotonic() + patience_s
        while self.lives and what not in self.received and time.monotonic() < until:
            yield 0.05


class Swarm:
    """Callers of one address. A context; leaving it hangs up."""

    def __init__(self, port, host="127.0.0.1"):
        self.address = (host, port)
        self.callers = []
        self._selector = selectors.EpollSelector()
        self._due = []                   # (when, order, what)
        self._order = itertools.count()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for caller in self.callers:
            if caller.socket:
                caller.socket.close()
        self._selector.close()

    # ---- who calls ----

    def call(self, script, count, within_s=0.0, source_of=source):
        """So many callers, evenly over a time; `script(caller)` is each one's."""
        now = time.monotonic()
        added = [Caller(len(self.callers) + index) for index in range(count)]
        self.callers += added
        for index, caller in enumerate(added):
            self._at(now + within_s * index / count, lambda caller=caller: self._dial(caller, script, source_of))
        return added

    def adopt(self, connected, script):
        """A socket that is open already."""
        caller = Caller(len(self.callers))
        self.callers.append(caller)
        caller.socket = connected
        connected.setblocking(False)
        caller.connected_at = time.monotonic()
        caller.script = script(caller)
        self._selector.register(connected, selectors.EVENT_READ, caller)
        self._at(caller.connected_at, lambda: self._go_on(caller))
        return caller

    def _at(self, when, what):
        heapq.heappush(self._due, (when, next(self._order), what))

    def _dial(self, caller, script, source_of):
        caller.socket = socket.socket()
        caller.socket.setblocking(False)
        caller.socket.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
        caller.script = script(caller)
        try:
            caller.socket.bind((source_of(caller.number), 0))
            code = caller.socket.connect_ex(self.address)
        except OSError as error:
            code = error.errno
        if code not in (0, errno.EINPROGRESS):
            self._end(caller, "refused")
            return
        self._selector.register(caller.socket, selectors.EVENT_WRITE, caller)

    # ---- what happens ----

    def run(self, seconds, until=lambda: False):
        """Drives everybody for so long, or until it is so."""
        end = time.monotonic() + seconds
        while (now := time.monotonic()) < end and not until():
            while self._due and self._due[0][0] <= now:
                heapq.heappop(self._due)[2]()
            pause = min(end - now, self._due[0][0] - now if self._due else 1.0, 0.25)
            for key, events in self._selector.select(max(0.0, pause)):
                self._on_ready(key.data, events)

    def _on_ready(self, caller, events):
        if caller.connected_at is None:
            if caller.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                self._end(caller, "refused")
                return
            caller.connected_at = time.monotonic()
            self._selector.modify(caller.socket, selectors.EVENT_READ, caller)
            self._go_on(caller)
            return
        if events & selectors.EVENT_READ:
            self._read(caller)

    def _read(self, caller):
        if not caller.reads:
            # An end is still noticed, by what is left in the queue of the kernel.
            self._selector.unregister(caller.socket)
            return
        try:
            data = caller.socket.recv(READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            self._end(caller, "reset")
            return
        if not data:
            self._end(caller, "closed")
            return
        caller.received_bytes += len(data)
        caller.received = (caller.received + data)[-KEPT_BYTES:]

    def _go_on(self, caller):
        if not caller.lives:
            return
        wait_s = next(caller.script, None)
        if wait_s is not None:
            self._at(time.monotonic() + wait_s, lambda: self._go_on(caller))

    def hang_up(self, caller):
        """Our own end of it."""
        if caller.lives:
            self._end(caller, "hung up")

    def _end(self, caller, how):
        caller.how = how
        caller.ended_at = time.monotonic()
        if caller.connected_at is None:
            caller.connected_at = caller.ended_at
        try:
            self._selector.unregister(caller.socket)
        except KeyError:
            pass
        caller.socket.close()

    # ---- what came of it ----

    def living(self):
        return [caller for caller in self.callers if caller.lives]

    def ends(self):
        """How many ended how."""
        return dict(collections.Counter(caller.how or "open" for caller in self.callers))
