#!/usr/bin/env python3
"""Measures against the figures aimed for (bench/goals.py): run.py [GOAL...]. One line a goal:

    <id> <measured> (<spread>) <target> <what it stands beside, measured in the same run> ok|short
"""

import re
import sys

import measures
from goals import GOALS
from processes import BenchError


def wanted(names):
    """The measures that yield the goals of these names, each once; all without names."""
    chosen = []
    for name in names or measures.BY_GOAL:
        if name not in measures.BY_GOAL:
            sys.exit(f"run.py: no goal {name}; there are {' '.join(measures.BY_GOAL)}")
        if measures.BY_GOAL[name] not in chosen:
            chosen.append(measures.BY_GOAL[name])
    return chosen


def main():
    names = [word for argument in sys.argv[1:] for word in argument.replace(",", " ").split()]
    failed = False
    for measure in wanted(names):
        try:
            figures = measure()
        except BenchError as error:
            print(f"{measure.__name__}: {error}", file=sys.stderr)
            failed = True
            continue
        for figure in figures:
            if not names or any(re.fullmatch(name + "[a-z]?", figure.goal.id) for name in names):
                print(figure.line, f"  # {GOALS[figure.goal.id].what}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
