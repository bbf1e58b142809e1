#!/usr/bin/python3
"""Whole simulated networks for as long as asked: soak.py DURATION [--first-seed N] [--day]

Seed after seed, every weather and every way of ending in turn, small networks and large ones. DURATION is in seconds, or
ends in m or h. A run that fails is made smaller and printed with the command that has it again. With --day the last
part is one large network: 10,000 nodes for 24 virtual hours, a tenth of them exchanged every hour, everything that was
acknowledged readable at all times (NODES and HOURS in the environment make it smaller).

The last line is `N runs, N failed`.
"""

import argparse
import collections
import os
import pathlib
import re
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
SIMULATE = ROOT / "build/release/bin/simulate"
WEATHERS = ("storm", "mobile", "datacentre-cut", "adversary")
MODES = ("healing", "liveness", "safety")
SIZES = ((18, 30), (30, 10), (8, 60), (100, 5))  # nodes, minutes
LONGEST_RUN = 900  # seconds; a run that takes longer hangs
FAULT_LINE = re.compile(r"^\d+ ([a-z-]+) \d+ \d+ \d+$", re.MULTILINE)
NODE_HOURS = re.compile(r"^ +([0-9.]+) node-hours in ([0-9.]+) s", re.MULTILINE)


class Tally:
    """What has been run so far."""

    def __init__(self):
        self.runs = 0
        self.failed = 0
        self.node_hours = 0.0
        self.seconds = 0.0
        self.faults = collections.Counter()

    def add(self, output, good):
        self.runs += 1
        self.failed += 0 if good else 1
        self.faults.update(FAULT_LINE.findall(output))
        if found := NODE_HOURS.search(output):
            self.node_hours += float(found.group(1))
            self.seconds += float(found.group(2))

    def print(self):
        total = sum(self.faults.values())
        for kind, count in self.faults.most_common():
            print(f"  {count:9} {kind} ({100 * count / total:.2f} %)")
        print(f"{self.node_hours:,.0f} node-hours in {self.seconds:,.0f} s of processor time, {total:,} faults drawn")
        print(f"{self.runs} runs, {self.failed} failed", flush=True)


def seconds(text):
    """`90`, `15m` or `2h` in seconds."""
    units = {"m": 60, "h": 3600}
    return float(text[:-1]) * units[text[-1]] if text[-1] in units else float(text)


def simulate(*arguments, timeout):
    """Runs the simulator; its output and whether all was well."""
    command = [SIMULATE, *map(str, arguments)]
    try:
        ended = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False, timeout=timeout)
    except subprocess.TimeoutExpired:
        return f"did not end within {timeout} s: {' '.join(map(str, command))}\n", "", False
    return ended.stdout, ended.stderr, ended.returncode == 0


def report_failure(arguments, errors):
    """The failing run itself, and the smaller one that breaks the same rule."""
    print(f"FAILED: simulate {' '.join(map(str, arguments))}\n{errors}", file=sys.stderr)
    shrunk, _, _ = simulate(*arguments, "--shrink", timeout=LONGEST_RUN)
    print(shrunk, file=sys.stderr, flush=True)


def sweep(tally, first_seed, until):
    """Seed after seed until the time is over."""
    seed = first_seed
    while time.monotonic() < until:
        weather, mode = WEATHERS[seed % len(WEATHERS)], MODES[seed // len(WEATHERS) % len(MODES)]
        nodes, minutes = SIZES[seed // (len(WEATHERS) * len(MODES)) % len(SIZES)]
        arguments = ["--seed", seed, "--nodes", nodes, "--minutes", minutes, "--weather", weather, "--mode", mode]
        if mode == "safety":
            arguments.append("--mixed")
        output, errors, good = simulate(*arguments, timeout=LONGEST_RUN)
        tally.add(output, good)
        if not good:
            report_failure(arguments, errors)
        seed += 1


def day(tally, seed):
    """One large network for a long time."""
    nodes, hours = int(os.environ.get("NODES", "10000")), float(os.environ.get("HOURS", "24"))
    arguments = ["--seed", seed, "--nodes", nodes, "--minutes", round(60 * hours), "--weather", "calm",
                 "--churn", "10", "--strict"]
    print(f"simulate {' '.join(map(str, arguments))}", flush=True)
    output, errors, good = simulate(*arguments, timeout=None)
    tally.add(output, good)
    figures = [line for line in output.splitlines() if not FAULT_LINE.match(line)]
    print("\n".join(figures), flush=True)
    if not good:
        print(errors, file=sys.stderr, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("duration", type=seconds)
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--day", action="store_true")
    arguments = parser.parse_args()
    tally = Tally()
    sweep(tally, arguments.first_seed, time.monotonic() + arguments.duration)
    if arguments.day:
        day(tally, arguments.first_seed)
    tally.print()
    return 1 if tally.failed else 0


if __name__ == "__main__":
    sys.exit(main())
