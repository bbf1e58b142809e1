"""The count that `make test` ends with is right for every way in which a suite can end."""

import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts"))
import run_tests  # noqa: E402
from run_tests import Count  # noqa: E402


class CountTest(unittest.TestCase):

    def test_catch_programs(self):
        for output, succeeded, count in (
                ("=====\nAll tests passed (123 assertions in 45 test cases)\n", True, Count(45, 0)),
                ("All tests passed (1 assertion in 1 test case)\n", True, Count(1, 0)),
                ("test cases: 10 |  7 passed | 3 failed\nassertions: 90 | 80 passed | 10 failed\n", False, Count(7, 3)),
                ("test cases: 3 | 3 failed\nassertions: 3 | 3 failed\n", False, Count(0, 3)),
                ("test cases: 5 | 3 passed | 1 failed | 1 failed as expected\n", False, Count(4, 1)),
                ("No tests ran\n", True, Count(0, 1))):
            with self.subTest(output):
                self.assertEqual(run_tests.count_suite(output, succeeded), count)

    def test_python_suites(self):
        for output, succeeded, count in (
                ("Ran 12 tests in 0.1s\n\nOK\n", True, Count(12, 0)),
                ("Ran 12 tests in 0.1s\n\nOK (skipped=2)\n", True, Count(10, 0)),
                ("Ran 1 test in 0.1s\n\nFAILED (failures=1)\n", False, Count(0, 1)),
                ("Ran 9 tests in 0.1s\n\nFAILED (failures=1, errors=2, skipped=3)\n", False, Count(3, 3)),
                ("Ran 0 tests in 0.1s\n\nFAILED (errors=1)\n", False, Count(0, 1))):
            with self.subTest(output):
                self.assertEqual(run_tests.count_suite(output, succeeded), count)

    def test_suites_that_end_without_a_count_or_against_it(self):
        self.assertEqual(run_tests.count_suite("Segmentation fault", False), Count(0, 1))
        self.assertEqual(run_tests.count_suite("", True), Count(1, 0))
        # All passed, and then the program crashed on its way out.
        self.assertEqual(run_tests.count_suite("All tests passed (2 assertions in 2 test cases)\n", False), Count(2, 1))

    def test_a_report_is_added_up(self):
        report = """<testsuite>
          <testcase name="a" time="0.5" status="run"><system-out>Ran 2 tests in 1s\n\nOK\n</system-out></testcase>
          <testcase name="b" time="0.5" status="fail"><system-out>killed</system-out></testcase>
          <testcase name="c" time="0" status="disabled"/>
        </testsuite>"""
        with tempfile.NamedTemporaryFile("w", suffix=".xml") as file:
            file.write(report)
            file.flush()
            self.assertEqual(run_tests.count_report(file.name), Count(2, 1))


if __name__ == "__main__":
    unittest.main()
