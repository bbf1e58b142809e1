"""Ports for programs whose addresses must be known before they run. Several test runs side by side never get the same one."""

import random
import socket

HOST = "127.0.0.1"
# Below what Linux hands out by itself (32768 and up), so that no connection takes a port between its choice and its use.
FIRST = 12_000
SHARES = 40
PORTS = 500


class Share:
    """A part of the ports, which belongs to this process until it ends."""

    def __init__(self):
        self._lock = socket.socket(socket.AF_UNIX)
        for number in range(SHARES):
            try:
                # An abstract name: it leaves no file behind, and the kernel frees it whatever becomes of us.
                self._lock.bind(f"\0trestle-ports-{number}")
                break
            except OSError:
                continue
        else:
            raise OSError(f"{SHARES} processes are choosing ports already")
        self._ports = list(range(FIRST + number * PORTS, FIRST + (number + 1) * PORTS))
        # Whoever had the share before may have left connections that are still closing.
        start = random.randrange(PORTS)
        self._ports = self._ports[start:] + self._ports[:start]

    def take(self):
        """One that nothing listens on; not given again until all others have been."""
        for _ in range(PORTS):
            port = self._ports.pop(0)
            self._ports.append(port)
            with socket.socket() as probe:
                try:
                    probe.bind((HOST, port))
                except OSError:
                    continue
            return port
        raise OSError("no port is free")


_shares = []


def free_port():
    """A port that nothing listens on. Where one program must know another's address before either runs, it has to be
    chosen beforehand; everywhere else programs listen on port 0 and say which they got."""
    if not _shares:
        _shares.append(Share())
    return _shares[0].take()
