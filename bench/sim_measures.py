"""Group S, and D9: what the simulator itself does, and what it shows of lookups in large networks."""

import re
import resource
import subprocess

from goals import GOALS, Figure
from processes import BIN, BenchError

SPEED = re.compile(r"([0-9.]+) node-hours in ([0-9.]+) s of processor time")
FINGERPRINT = re.compile(r"fingerprint ([0-9a-f]{16}) events (\d+) good")


def run(program, *arguments):
    """A program's output; it must end well."""
    ended = subprocess.run([BIN / program, *map(str, arguments)], capture_output=True, text=True, errors="replace",
                           check=False)
    if ended.returncode != 0:
        raise BenchError(f"{program} {' '.join(map(str, arguments))} exits {ended.returncode}\n{ended.stderr[-2000:]}")
    return ended.stdout


# ---- speed

SPEED_NODES = 50
SPEED_MINUTES = 60
SPEED_SEEDS = (1, 2, 3, 4, 5)


def speeds(weather):
    """Node-hours per second of processor time, one figure a seed: all codecs and all checkers at work."""
    figures = []
    for seed in SPEED_SEEDS:
        found = SPEED.search(run("simulate", "--seed", seed, "--nodes", SPEED_NODES, "--minutes", SPEED_MINUTES,
                                 "--weather", weather))
        figures.append(float(found.group(1)) / max(float(found.group(2)), 0.01))
    return figures


def speed():
    """S2: calm and storm."""
    return [Figure.of(GOALS["S2"], speeds("calm")), Figure.of(GOALS["S2b"], speeds("storm"))]


# ---- size

LARGE_NODES = 100_000


def large():
    """S1: a hundred thousand nodes for a virtual hour."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    output = run("simulate", "--seed", 1, "--nodes", LARGE_NODES, "--minutes", 26, "--weather", "calm")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    minutes = (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / 60
    found = FINGERPRINT.search(output)
    anchor = f"fingerprint {found.group(1)}"
    return [Figure(GOALS["S1"], minutes, anchor=anchor),
            Figure(GOALS["S1m"], after.ru_maxrss / 1024 / 1024, anchor=anchor)]


# ---- lookups

def lookups():
    """D9: what a get costs among 10,000 nodes of which a tenth is exchanged every hour."""
    _, gets, found, queries, hops, members, _ = run("lookup_program").split()
    anchor = f"{found} of {gets} gets found, {members} members"
    found = max(int(found), 1)
    return [Figure(GOALS["D9"], int(queries) / found, anchor=anchor),
            Figure(GOALS["D9h"], int(hops) / found, anchor=anchor)]
