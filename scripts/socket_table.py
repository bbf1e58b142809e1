"""Which TCP connections a process holds, asked of the operating system and not of the process."""

import dataclasses
import os
import pathlib
import re
import threading
import time

ESTABLISHED = "01"
LISTENING = "0A"


@dataclasses.dataclass(frozen=True)
class Connection:
    """An established TCP connection, by its two ports (all programs here are on loopback)."""

    local_port: int
    remote_port: int


def socket_inodes(pid):
    """Inodes of the sockets that a process holds open."""
    inodes = set()
    for descriptor in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        try:
            found = re.fullmatch(r"socket:\[(\d+)\]", os.readlink(descriptor))
        except OSError:
            continue  # closed while we looked
        if found:
            inodes.add(found.group(1))
    return inodes


def held_in_state(pid, wanted):
    """(local port, remote port) of each TCP socket of a process that is in this state; none for a process that is gone."""
    try:
        inodes = socket_inodes(pid)
        tables = [path.read_text() for path in map(pathlib.Path, (f"/proc/{pid}/net/tcp", f"/proc/{pid}/net/tcp6")) if path.exists()]
    except (FileNotFoundError, ProcessLookupError):
        return set()
    found = set()
    for row in (row for table in tables for row in table.splitlines()[1:]):
        fields = row.split()
        local, remote, state, inode = fields[1], fields[2], fields[3], fields[9]
        if state == wanted and inode in inodes:
            found.add((int(local.rpartition(":")[2], 16), int(remote.rpartition(":")[2], 16)))
    return found


def established(pid):
    """The established TCP connections of a process."""
    return {Connection(local, remote) for local, remote in held_in_state(pid, ESTABLISHED)}


def listens(pid):
    """Whether new connections can still reach the process."""
    return bool(held_in_state(pid, LISTENING))


def established_to(pid, ports):
    """Those whose far end is one of the ports: the connections that the process itself opened to listeners there."""
    return {connection for connection in established(pid) if connection.remote_port in ports}


class ConnectionWatch:
    """Samples, all along, the connections of a process to some listening ports.

    `seen` keeps every different connection: one that was closed and opened again counts twice, even if no sample ever
    held more than one.
    """

    PERIOD_S = 0.02

    def __init__(self, pid, ports):
        self.pid = pid
        self.ports = frozenset(ports)
        self.samples = 0
        self.most_at_once = 0
        self.most_by_port = dict.fromkeys(self.ports, 0)
        self.fewest_at_once = None
        self.seen = set()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self._stop.set()
        self._thread.join()

    def wait_for(self, count, timeout_s):
        """Waits until so many connections stand; true when they do."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            if len(established_to(self.pid, self.ports)) == count:
                return True
            time.sleep(self.PERIOD_S)
        return False

    def _run(self):
        while not self._stop.wait(self.PERIOD_S):
            try:
                now = established_to(self.pid, self.ports)
            except OSError:
                return  # the process has ended
            self.samples += 1
            self.seen |= now
            self.most_at_once = max(self.most_at_once, len(now))
            for port in self.ports:
                held = sum(connection.remote_port == port for connection in now)
                self.most_by_port[port] = max(self.most_by_port[port], held)
            # Counted from the moment both first stood: before, the network is starting.
            if self.fewest_at_once is not None or len(now) == len(self.ports):
                self.fewest_at_once = min(len(now), self.fewest_at_once or len(now))
