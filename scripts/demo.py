#!/usr/bin/python3
"""Starts a whole network on loopback, shows it working, checks what it promises, and stops it: `make run`.

The exit code is 0 when every check held, 1 when one did not, and 130 when it was interrupted before all were made.
"""

import argparse
import dataclasses
import pathlib
import queue
import signal
import subprocess
import sys
import time

from admin import AdminError
from demo_view import Screen, bridge_panel, network_panel
from network import ROOT, Network
from program import ProgramError
from socket_table import ConnectionWatch

JOIN_WITHIN_S = 15.0
STOP_WITHIN_S = 10.0
REFRESH_S = 1.0
READ_AGAIN_S = 5.0
KEY, VALUE = "greeting", "hello from the first node"
WAYS = {"genesis": "as the first node", "bridge": "as a bridge", "emergency": "through peers the bootstrap knows",
        "linked": "by a link that another opened"}
ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
PROGRAMS = ("bootstrap-node", "bridge-node", "dht-node")


@dataclasses.dataclass
class Check:
    """One promise, and whether it was kept."""

    promise: str
    kept: bool
    detail: str


class Demo:
    """The story from the first start to the verdict."""

    def __init__(self, screen, network, nodes, duration_s):
        self.screen = screen
        self.network = network
        self.nodes_wanted = nodes
        self.duration_s = duration_s
        self.checks = []
        self.watch = None
        self.nodes_started = 0.0
        self.panel = []
        self.joins = queue.SimpleQueue()  # (program, log event), filled by the threads that read logs
        self.reads = self.reads_right = 0
        network.on_event = self._on_event

    def _on_event(self, program, event):
        if event.get("event") == "joined" and program is not self.network.bootstrap:
            self.joins.put((program, event))

    def check(self, promise, kept, detail=""):
        self.checks.append(Check(promise, bool(kept), detail))

    # ---- chapters ----

    def start(self):
        """Bootstrap, bridges and nodes, each as soon as the one before listens."""
        network = self.network
        self._started(network.start_bootstrap())
        for index in range(len(network.bridge_ports)):
            self._started(network.start_bridge(index))
        self.watch = ConnectionWatch(network.bootstrap.process.pid, network.bridge_ports)
        self.watch.__enter__()
        self.check(f"the bootstrap connects to its {len(network.bridges)} bridges",
                   self.watch.wait_for(len(network.bridges), JOIN_WITHIN_S))
        self.nodes_started = time.monotonic()
        self._started(network.start_first_node())
        for _ in range(self.nodes_wanted - 1):
            self._started(network.start_node())

    def wait_joined(self):
        """Every node has its peers, in time."""
        network = self.network
        enough = network.enough_peers()
        while True:
            statuses = self.refresh()
            counts = {node.name: node.peer_count() for node in network.nodes}
            took = time.monotonic() - self.nodes_started
            if all(count >= enough for count in counts.values()) or took > JOIN_WITHIN_S or not statuses:
                break
            time.sleep(0.1)
        missing = [f"{name} has {count}" for name, count in counts.items() if count < enough]
        self.check(f"{len(counts)} of {len(counts)} nodes joined, each with {enough} peers or more, within "
                   f"{JOIN_WITHIN_S:g} s", not missing, ", ".join(missing) or f"{took:.1f} s")

    def put_and_get(self):
        """A value written at one node is read at another."""
        writer, reader = self.network.nodes[0], self.network.nodes[-1]
        code, out, err = self.network.put(writer, KEY, VALUE)
        self.screen.event(writer.name, f'put "{KEY}" = "{VALUE}": {(out or err).strip() or f"exit {code}"}')
        right = code == 0 and self.read(reader)
        self.check("a value written at one node is read at another", right, f"{writer.name} to {reader.name}")

    def read(self, node):
        """Reads the value at a node; true when it is the one written."""
        asked = time.monotonic()
        code, out, err = self.network.get(node, KEY)
        took_ms = (time.monotonic() - asked) * 1000
        right = code == 0 and out.strip() == VALUE
        self.reads += 1
        self.reads_right += right
        answer = self.screen.paint(f'"{out.strip()}"', "green" if right else "red") if code == 0 else err.strip()
        self.screen.event(node.name, f'get "{KEY}": {answer} ({took_ms:.0f} ms with the command\'s start)')
        return right

    def live(self):
        """Shows the network until the time is over or somebody interrupts. Meanwhile one node after the other reads the
        value again."""
        next_read = time.monotonic() + READ_AGAIN_S
        turn = 0
        while self.duration_s is None or time.monotonic() - self.screen.started < self.duration_s:
            self.refresh()
            if time.monotonic() >= next_read:
                self.read(self.network.nodes[turn % len(self.network.nodes)])
                turn += 1
                next_read = time.monotonic() + READ_AGAIN_S
            time.sleep(REFRESH_S)

    def check_connections(self):
        """What the pool promises, by its own account and by the operating system's."""
        wanted = len(self.network.bridges)
        try:
            slots = self.network.bootstrap.status()["bridges"]
        except AdminError as error:
            slots = []
            self.screen.event("bootstrap", str(error))
        opened = [slot["connections_opened"] for slot in slots]
        requests = sum(slot["requests"] for slot in slots)
        self.check("the bootstrap opened one connection per bridge and no other", opened == [1] * wanted,
                   f"/status: {opened} opened, {requests} requests over them")
        watch = self.watch
        watch.stop()
        self.check("the operating system saw exactly those, all along",
                   len(watch.seen) == watch.most_at_once == watch.fewest_at_once == wanted,
                   f"{len(watch.seen)} different, never more than {watch.most_at_once}, "
                   f"never fewer than {watch.fewest_at_once} in {watch.samples} looks")
        self.check("every later read gave the value", self.reads == self.reads_right,
                   f"{self.reads_right} of {self.reads}")

    def stop(self):
        """SIGTERM to each, newest first; each ends by itself and in time."""
        ended = [program for program in self._programs() if program and not program.is_running]
        for program in ended:
            self.screen.event(program.name, f"ended by itself, exit {program.process.returncode}\n{program.story()}")
        self.check("no program ended by itself", not ended, ", ".join(program.name for program in ended))
        slow = []
        for program in self.network.running():
            code, took = program.stop(signal.SIGTERM, STOP_WITHIN_S)
            self.screen.event(program.name, f"stopped, exit {code}, {took * 1000:.0f} ms")
            if code != 0:
                slow.append(f"{program.name} exits {code}")
                self.screen.line(program.story())
        self.check(f"every program ends with exit 0 within {STOP_WITHIN_S:g} s of SIGTERM", not slow, ", ".join(slow))

    # ---- showing ----

    def _started(self, program):
        self.screen.event(program.name, f"listens on {program.url} as {program.id[:8]} "
                                        f"after {program.ready_after_s * 1000:.0f} ms")
        self._show_joins()

    def names(self):
        return {program.id: program.name for program in self._programs() if program}

    def _show_joins(self):
        names = self.names()
        while not self.joins.empty():
            program, event = self.joins.get()
            through, outcome = event.get("through_id"), event.get("outcome", "")
            way = f"through {names[through]}" if through in names else WAYS.get(outcome, "")
            self.screen.event(program.name, f"{self.screen.paint('joined', 'green')} {way} "
                                            f"in {event.get('took_ms', '?')} ms ({outcome})")

    def refresh(self):
        """Asks everybody how they are and renews the panel; the answers by name."""
        self._show_joins()
        statuses = {}
        for program in self._programs():
            try:
                statuses[program.name] = program.status()
            except AdminError:
                continue
        self.panel = [*network_panel(self.screen, self._programs(), statuses),
                      *bridge_panel(self.screen, statuses.get("bootstrap"), self.names(), self.watch)]
        self.screen.show(self.panel)
        return statuses

    def _programs(self):
        return [self.network.bootstrap, *self.network.bridges, *self.network.nodes]

    def verdict(self, interrupted):
        """The checks, one a line, and what they come to; the exit code."""
        self.screen.line()
        for check in self.checks:
            mark = self.screen.paint("ok  ", "green") if check.kept else self.screen.paint("FAIL", "red", "bold")
            self.screen.line(f"  {mark}  {check.promise}" + (f" ({check.detail})" if check.detail else ""))
        broken = sum(not check.kept for check in self.checks)
        if broken:
            self.screen.line(self.screen.paint(f"\n{broken} of {len(self.checks)} checks failed.", "red", "bold"))
            return 1
        if interrupted:
            self.screen.line("\nInterrupted before everything was checked.")
            return 130
        self.screen.line()
        self.screen.line(self.screen.paint(f"The network works: all {len(self.checks)} checks held.", "green", "bold"))
        return 0

    def run(self):
        """All chapters; the exit code."""
        interrupted = True
        try:
            self.start()
            self.wait_joined()
            self.put_and_get()
            interrupted = False
            self.live()
        except KeyboardInterrupt:
            self.screen.event("you", "interrupt")
        except ProgramError as error:
            interrupted = False
            self.check("every program starts", False, str(error))
        ignore_ending_signals()  # the rest takes a moment and ends by itself
        if self.network.nodes and self.watch:
            self.refresh()
            self.screen.keep(self.panel)
            self.check_connections()
        self.stop()
        return self.verdict(interrupted)


def ignore_ending_signals():
    for number in ENDING_SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def on_ending_signal(*_):
    """The first one ends the show; more of them do not disturb the end."""
    ignore_ending_signals()
    raise KeyboardInterrupt


def build(screen):
    """Builds the three programs; the folder they are in, or None."""
    screen.line("building the programs (preset release) ...")
    settings = ("-DTRESTLE_TESTS=OFF", "-DTRESTLE_EXAMPLES=OFF")
    ended = subprocess.run([ROOT / "scripts/build.sh", "--quiet", "release", *settings, "--", *PROGRAMS], check=False)
    return ROOT / "build/release/bin" if ended.returncode == 0 else None


def main():
    parser = argparse.ArgumentParser(description="Starts a network on loopback and shows it working.")
    parser.add_argument("--nodes", type=int, default=8, help="how many dht-nodes (default 8)")
    parser.add_argument("--duration", type=float, help="seconds to run for (default: until Ctrl-C)")
    parser.add_argument("--programs", type=pathlib.Path, help="folder of built programs (default: build them)")
    parser.add_argument("--tls", action="store_true", help="speak wss://, under an issuer made for this network")
    arguments = parser.parse_args()
    if arguments.nodes < 1:
        parser.error("a network has at least one node")

    for number in ENDING_SIGNALS:
        signal.signal(number, on_ending_signal)

    screen = Screen()
    programs = arguments.programs or build(screen)
    if programs is None:
        print("The build failed.", file=sys.stderr)
        return 1
    screen.started = time.monotonic()
    screen.line(screen.paint(f"a network on loopback: one bootstrap, two bridges, {arguments.nodes} nodes it invites"
                             + ("" if arguments.duration else "; Ctrl-C ends it"), "bold"))
    with Network(programs, tls=arguments.tls, invited=True) as network:
        return Demo(screen, network, arguments.nodes, arguments.duration).run()


if __name__ == "__main__":
    sys.exit(main())
