"""Plays the scenarios in their full size, one after the other, and prints their figures: run.py BUILD_FOLDER [C12 ...]"""

import os
import pathlib
import subprocess
import sys
import time

from scenarios import IDS, SCENARIOS

TESTS = pathlib.Path(__file__).resolve().parents[1]
# The longest holds ten thousand connections for ten minutes, or kills two hundred times.
PATIENCE_S = 5400


def classes_of(path):
    """{test: the class that has it}, for unittest's command line."""
    names = {}
    current = None
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("class "):
            current = line.removeprefix("class ").partition("(")[0]
        elif line.startswith("    def test_"):
            names[line.strip().removeprefix("def ").partition("(")[0]] = current
    return names


def play(build, scenario, test):
    """Whether it passed. What it says is printed; what went wrong as well."""
    path = TESTS / scenario.file
    begun = time.monotonic()
    environment = os.environ | {"TRESTLE_LONG": "1", "TRESTLE_BUILD": str(pathlib.Path(build).resolve())}
    # It ends with us, and what it started with it.
    command = ["setpriv", "--pdeathsig", "KILL", sys.executable, "-B", path.name, f"{classes_of(path)[test]}.{test}"]
    ended = subprocess.run(command, cwd=path.parent, env=environment, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    took = time.monotonic() - begun
    skipped = "skipped=" in ended.stderr
    state = "skipped" if skipped else "passed" if ended.returncode == 0 else "FAILED"
    print(f"{scenario.id} {scenario.what}: {state} ({test}, {took:.0f} s)", flush=True)
    for line in ended.stdout.splitlines():
        if line.strip():
            print(f"    {line.strip()}", flush=True)
    if ended.returncode != 0 or skipped:
        print("\n".join(f"    {line}" for line in ended.stderr.splitlines()[-40:]), flush=True)
    return state


def main():
    if len(sys.argv) < 2 or not set(sys.argv[2:]) <= set(IDS):
        print(f"usage: run.py BUILD_FOLDER [{IDS[0]} ...]", file=sys.stderr)
        return 2
    wanted = sys.argv[2:] or IDS
    states = [play(sys.argv[1], scenario, test) for scenario in SCENARIOS if scenario.id in wanted for test in scenario.tests]
    print(f"{states.count('passed')} passed, {states.count('FAILED')} failed, {states.count('skipped')} skipped", flush=True)
    return 0 if "FAILED" not in states else 1


if __name__ == "__main__":
    sys.exit(main())
