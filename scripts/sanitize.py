#!/usr/bin/python3
"""Runs the suites of a sanitizer's build: sanitize.py address|thread [ctest argument...]

Those are the unit, simulator and process suites; what reads the checkout, compiles, or runs whole networks for minutes would
show nothing more. Each process writes what its sanitizer has to say into a file of its own, so that nothing is lost of a program
whose end nobody looks at: one such file fails the run, whatever the suites say.
"""

import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PRESETS = {"address": "asan", "thread": "tsan"}
# The variable that each sanitizer reads.
VARIABLES = {"address": ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS"), "thread": ("TSAN_OPTIONS",)}
LEFT_OUT = "tidy|package|scale|large|chaos"
# Of the simulator's suites, which run a hundred seeds: a sanitizer makes each cost twenty times as much, and looks at lines.
SEEDS = 3


def environment(kind, reports):
    """The sanitizers' options, where to write; and for tests, that figures of memory are not the programs' own, and how many
    seeds are enough."""
    options = {variable: f"log_path={reports}/{variable.partition('_')[0].lower()}" for variable in VARIABLES[kind]}
    return dict(os.environ, TRESTLE_SANITIZED=kind, TRESTLE_SEEDS=str(SEEDS), **options)


def main():
    if len(sys.argv) < 2 or sys.argv[1] not in PRESETS:
        print(__doc__.splitlines()[0], file=sys.stderr)
        return 2
    kind = sys.argv[1]
    build = ROOT / "build" / PRESETS[kind]
    reports = build / "reports"
    reports.mkdir(exist_ok=True)
    for old in reports.iterdir():
        old.unlink()
    arguments = sys.argv[2:] or ["--label-exclude", LEFT_OUT]
    ended = subprocess.run([sys.executable, "-B", ROOT / "scripts/run_tests.py", build, *arguments],
                           env=environment(kind, reports), check=False)
    found = sorted(reports.iterdir())
    for report in found:
        print(f"{report.relative_to(ROOT)}: {report.read_text(encoding='utf-8', errors='replace')[:4000]}")
    print(f"{kind} sanitizer: {len(found)} reports")
    return 1 if found or ended.returncode != 0 else 0


if __name__ == "__main__":
    sys.exit(main())
