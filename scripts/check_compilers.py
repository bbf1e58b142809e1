#!/usr/bin/python3
"""Builds everything below the line with clang 19, on libstdc++ and on libc++, and runs its tests.

A seed must mean the same world with every compiler: the fingerprints that the program `simulate` prints are compared
between g++, clang on libstdc++ and clang on libc++, line by line. The last line is `N passed, N failed`.
"""

import os
import pathlib
import subprocess
import sys

import run_tests

ROOT = pathlib.Path(__file__).resolve().parent.parent
REFERENCE = "dev"
PRESETS = ("clang", "libcxx")
# The simulator and its program are needed in every build that is compared, whatever else a preset leaves out.
SETTINGS = ("-DTRESTLE_SIM=ON", "-DTRESTLE_EXAMPLES=ON")


def build(preset, *targets):
    """Builds a preset; true when that worked."""
    command = [ROOT / "scripts/build.sh", preset, *SETTINGS]
    if targets:
        command += ["--", *targets]
    return subprocess.run(command, check=False).returncode == 0


def fingerprints(preset):
    """What the build's `simulate --fingerprints` prints, or None if it cannot be run."""
    program = ROOT / "build" / preset / "bin" / "simulate"
    if not program.exists():
        print(f"{preset}: there is no program {program.name} to compare", file=sys.stderr)
        return None
    ended = subprocess.run([program, "--fingerprints"], capture_output=True, text=True, check=False)
    if ended.returncode != 0 or not ended.stdout.strip():
        print(f"{preset}: {program.name} --fingerprints exits {ended.returncode}\n{ended.stderr}", file=sys.stderr)
        return None
    return ended.stdout.splitlines()


def compare(reference, other, name):
    """Counts equal and different lines; says which differ."""
    count = run_tests.Count()
    for index in range(max(len(reference), len(other))):
        left = reference[index] if index < len(reference) else "(nothing)"
        right = other[index] if index < len(other) else "(nothing)"
        if left == right:
            count.passed += 1
        else:
            count.failed += 1
            print(f"fingerprints differ\n  {REFERENCE}: {left}\n  {name}: {right}", file=sys.stderr)
    return count


def main():
    os.chdir(ROOT)
    total = run_tests.Count()
    expected = fingerprints(REFERENCE) if build(REFERENCE, "simulate") else None
    if expected is None:
        total.failed += 1
    for preset in PRESETS:
        print(f"\n== {preset}")
        if not build(preset):
            total.failed += 1
            continue
        # Networks of a thousand are the simulator of the fingerprints once more, for ten minutes.
        total += run_tests.run(f"build/{preset}", ["--label-exclude", "scale"])
        seen = fingerprints(preset)
        if seen is None:
            total.failed += 1
        elif expected is not None:
            total += compare(expected, seen, preset)
    print(total, flush=True)
    return 0 if total.failed == 0 and total.passed > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
