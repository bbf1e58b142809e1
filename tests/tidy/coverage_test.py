"""The table of requirements claims nothing that this checkout does not have."""

import pathlib
import unittest

import coverage
from source_tree import SourceTree

ROOT = pathlib.Path(__file__).resolve().parents[2]


class CoverageTest(unittest.TestCase):

    def test_every_claim_of_the_table_holds(self):
        findings = coverage.check_coverage(SourceTree.from_folder(ROOT))
        if findings:
            self.fail(f"{len(findings)} findings\n" + "\n".join(map(str, findings)))


class PlantedCoverageTest(unittest.TestCase):
    """The check itself: a table that is right passes, and each thing wrong with it is found."""

    def setUp(self):
        self.files = {
            "Makefile": "bench: ## measure\n\ttrue\n",
            "lib/trestle/pool/set.cpp": "",
            "tests/pool/set_test.cpp": 'TEST_CASE("P-BR-1: one") {}\nTEST_CASE(\n    "a name in two "\n    "parts") {}\n',
            "tests/process/join_test.py": 'class Join:\n    def test_a_join(self):\n        """P-BR-3: one"""\n        pass\n',
        }

    def text_of(self, rows):
        self.files[coverage.TABLE] = "\n".join(rows)
        return [finding.text for finding in coverage.check_coverage(SourceTree(self.files))
                if not finding.text.endswith(" is missing")]

    @staticmethod
    def row(id="POOL-01", where="`lib/trestle/pool/set.cpp`", shown_by='`tests/pool/set_test.cpp` "P-BR-1: one"',
            state="shown"):
        return f"| {id} | one connection | {where} | {shown_by} | {state} |"

    def test_right_rows(self):
        rows = [self.row(), self.row("POOL-02", shown_by='`tests/process/join_test.py` "test_a_join"'),
                self.row("POOL-03", shown_by='`tests/pool/set_test.cpp` "a name in two parts"'),
                self.row("POOL-04", shown_by="`make bench GOAL=P1`", state="partly: no figure yet"),
                self.row("P-BR-1"), self.row("P-BR-3", shown_by='`tests/process/join_test.py` "test_a_join"')]
        self.assertEqual(self.text_of(rows), [])

    def test_a_missing_id(self):
        self.files[coverage.TABLE] = self.row()
        texts = [finding.text for finding in coverage.check_coverage(SourceTree(self.files))]
        self.assertIn("X17 is missing", texts)
        self.assertNotIn("POOL-01 is missing", texts)

    def test_what_can_be_wrong_with_a_row(self):
        for row, text in (
                (self.row("POOL-99"), "POOL-99 is not asked for"),
                (self.row(where="`lib/trestle/pool/gone.cpp`"), "POOL-01: there is no lib/trestle/pool/gone.cpp"),
                (self.row(where="somewhere"), "POOL-01: no file is named where it is done"),
                (self.row(shown_by='`tests/pool/set_test.cpp` "P-BR-1: on"'),
                 'POOL-01: tests/pool/set_test.cpp has no test "P-BR-1: on"'),
                (self.row(shown_by='`tests/process/join_test.py` "test_a"'),
                 'POOL-01: tests/process/join_test.py has no test "test_a"'),
                (self.row(shown_by="`make tea`"), "POOL-01: there is no make tea"),
                (self.row(shown_by="looking at it"), "POOL-01: nothing shows it"),
                (self.row(state="done"), "POOL-01: `done` is no state; write `shown`, or `partly:` and what lacks"),
                (self.row("P-BR-2"), "P-BR-2: no test bears the property's number"),
                (self.row("P-BR-4", shown_by='`tests/process/join_test.py` "test_a_join"'),
                 "P-BR-4: no test bears the property's number"),
                ("| POOL-01 | one | two |", "POOL-01 has 3 cells instead of 5")):
            with self.subTest(text):
                self.assertEqual(self.text_of([row]), [text])

    def test_a_row_twice(self):
        self.assertEqual(self.text_of([self.row(), self.row()]), ["POOL-01 stands there twice"])


if __name__ == "__main__":
    unittest.main()
