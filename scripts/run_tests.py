#!/usr/bin/python3
"""Runs ctest on a build folder and counts test cases: run_tests.py BUILD_FOLDER [ctest argument...]

One ctest entry is a whole program of tests, so ctest's own count says little. This adds up the test cases that each
Catch2 program and each Python suite reports; one that ends without a count (crash, time-out) is one failure. The last
line is `N passed, N failed`.
"""

import dataclasses
import os
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree


@dataclasses.dataclass
class Count:
    """How many test cases passed and failed."""

    passed: int = 0
    failed: int = 0

    def __add__(self, other):
        return Count(self.passed + other.passed, self.failed + other.failed)

    def __str__(self):
        return f"{self.passed} passed, {self.failed} failed"


CATCH_ALL_PASSED = re.compile(r"^All tests passed \(.* in (\d+) test cases?\)", re.MULTILINE)
CATCH_TOTALS = re.compile(r"^test cases:\s*\d+(.*)$", re.MULTILINE)
UNITTEST_TOTAL = re.compile(r"^Ran (\d+) tests? in ", re.MULTILINE)
UNITTEST_END = re.compile(r"^(?:OK|FAILED)(?: \((.*)\))?$", re.MULTILINE)


def count_catch(output):
    """The totals that Catch2 (2 or 3) prints last, or None."""
    if found := CATCH_ALL_PASSED.search(output):
        return Count(passed=int(found.group(1)))
    if found := CATCH_TOTALS.search(output):
        figures = {word: int(number) for number, word in
                   re.findall(r"(\d+) (passed|failed as expected|failed)", found.group(1))}
        return Count(figures.get("passed", 0) + figures.get("failed as expected", 0), figures.get("failed", 0))
    return None


def count_unittest(output):
    """The totals that Python's unittest prints last, or None."""
    total, end = UNITTEST_TOTAL.search(output), UNITTEST_END.search(output)
    if not total or not end:
        return None
    figures = dict(re.findall(r"([a-z][a-z ]*)=(\d+)", end.group(1) or ""))
    failed = sum(int(figures.get(kind, 0)) for kind in ("failures", "errors", "unexpected successes"))
    skipped = int(figures.get("skipped", 0))
    # An error in setUpClass is reported without having been counted as run.
    return Count(max(int(total.group(1)) - failed - skipped, 0), failed)


def count_suite(output, succeeded):
    """What one ctest entry did. A suite that failed has at least one failure, whatever it printed."""
    count = count_catch(output) or count_unittest(output)
    if "No tests ran" in output:
        return Count(failed=1)
    if count is None:
        return Count(passed=1) if succeeded else Count(failed=1)
    if not succeeded and count.failed == 0:
        return count + Count(failed=1)
    return count


def count_report(path):
    """Adds up a JUnit file written by ctest. Prints one line per suite."""
    total = Count()
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        status = case.get("status")
        if status == "disabled":
            continue
        count = count_suite(case.findtext("system-out") or "", status == "run")
        print(f"  {case.get('name'):<24} {count}  ({float(case.get('time') or 0):.1f} s)")
        total += count
    return total


def run(build, arguments):
    """Runs ctest, showing what fails; returns the count."""
    with tempfile.TemporaryDirectory() as folder:
        report = os.path.join(folder, "report.xml")
        ended = subprocess.run(
            ["ctest", "--test-dir", build, "--output-on-failure", "-j", str(os.cpu_count() or 1),
             "--test-output-size-passed", "10000000", "--test-output-size-failed", "10000000",
             "--output-junit", report, *arguments], check=False)
        if not os.path.exists(report):
            return Count(failed=1)
        print()
        count = count_report(report)
    if ended.returncode != 0 and count.failed == 0:
        count += Count(failed=1)
    return count


def main():
    if len(sys.argv) < 2:
        print("usage: run_tests.py BUILD_FOLDER [ctest argument...]", file=sys.stderr)
        return 2
    count = run(sys.argv[1], sys.argv[2:])
    print(count, flush=True)
    return 0 if count.failed == 0 and count.passed > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
