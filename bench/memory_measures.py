"""Group M: what an idle connection, waiting requests and an idle program take."""

import statistics
import subprocess
import tempfile
import time

from goals import GOALS, Figure
from processes import BIN, DIE_WITH_PARENT, BenchError, Server, Tls, highest_memory_kib, memory_kib
from request_measures import LIBRARY

FEW = 100  # what a process takes for its first connections is not theirs


# ---- connections

def connection_sizes(many, serving=(), dialling=()):
    """Resident KiB that a connection takes at (who dialled, who accepted), as the slope between few and many."""
    few_sizes = resident_with(FEW, serving, dialling)
    many_sizes = resident_with(many, serving, dialling)
    return tuple((after - before) / (many - FEW) for before, after in zip(few_sizes, many_sizes))


def resident_with(connections, serving, dialling):
    """Resident KiB of (who dialled, who accepted) with so many open channels between them."""
    with Server("bridge_program", *serving) as bridge, \
            Server("idle_program", "--to", bridge.url, *dialling, "--count", connections) as dialler:
        time.sleep(0.5)  # what the handshakes took is given back
        return dialler.memory_kib()[0], bridge.memory_kib()[0]


def plain_connections():
    """M1: the dearer end of a plain connection."""
    dialled, accepted = connection_sizes(10_000, LIBRARY, LIBRARY)
    return [Figure(GOALS["M1"], max(dialled, accepted), anchor=f"dialled {dialled:.2f}, accepted {accepted:.2f}")]


def tls_connections():
    """M2: both ends of a TLS connection."""
    with Tls() as tls:
        dialled, accepted = connection_sizes(1_000, (*tls.serving, *LIBRARY), (*tls.dialling, *LIBRARY))
    return [Figure(GOALS["M2"], dialled), Figure(GOALS["M2b"], accepted)]


# ---- waiting requests

UNDER_WAY = 558  # the connections that wore out the old system
PATIENCE_MS = 60_000
HELD_S = 12


def waiting_requests():
    """M3: what a bridge takes above idle while so many onboardings are under way, on one connection and on one each."""
    saved, above = [], []
    with Tls() as tls:
        for _ in range(3):
            pooled, stateless = (above_idle(tls, *options) for options in ((), ("--mode", "stateless")))
            saved.append((1 - pooled / stateless) * 100)
            above.append((pooled, stateless))
    pooled, stateless = (statistics.median(sizes) for sizes in zip(*above))
    return [Figure.of(GOALS["M3"], saved, f"pooled {pooled:,.0f} KB, stateless {stateless:,.0f} KB")]


def above_idle(tls, *options):
    with Server("bridge_program", *tls.serving, "--in-service", UNDER_WAY, "--probe-us", PATIENCE_MS * 1000) as bridge:
        time.sleep(0.3)
        idle = bridge.memory_kib()[0]
        return highest_memory_kib(
            bridge, HELD_S, "asker_program", "--bridge", bridge.url, *tls.dialling, "--in-flight", UNDER_WAY,
            "--patience-ms", PATIENCE_MS, *options) - idle


# ---- programs

def idle_program():
    """M4: an idle bootstrap node, as the operating system sees it. A second one runs beside it: what they share then is what
    any number of them share."""
    resident, private = [], []
    for _ in range(3):
        with IdleNode(), IdleNode() as node:
            time.sleep(1.0)
            sizes = memory_kib(node.pid)
        resident.append(sizes[0] / 1024)
        private.append(sizes[1] / 1024)
    return [Figure.of(GOALS["M4"], resident), Figure.of(GOALS["M4p"], private)]


class IdleNode:
    """A bootstrap node with nothing to do, until the end of the block."""

    def __enter__(self):
        self._folder = tempfile.TemporaryDirectory()
        self._process = subprocess.Popen(
            [*DIE_WITH_PARENT, BIN / "bootstrap-node", "run", "--genesis", "--listen", "127.0.0.1:0",
             "--data", f"{self._folder.name}/data"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        if not self._process.stdout.readline().startswith("ready"):
            self.__exit__()
            raise BenchError("bootstrap-node does not get ready")
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait()
        self._folder.cleanup()

    @property
    def pid(self):
        return self._process.pid
