"""The table of scenarios names tests that exist, and leaves out none of the scenarios; the document tells of each."""

import pathlib
import re
import unittest

from scenarios import IDS, SCENARIOS

TESTS = pathlib.Path(__file__).resolve().parents[1]
DOCUMENT = TESTS.parent / "docs" / "chaos.md"


class ScenariosTest(unittest.TestCase):

    def test_every_scenario_is_played_by_tests_that_exist(self):
        self.assertEqual({scenario.id for scenario in SCENARIOS}, set(IDS))
        for scenario in SCENARIOS:
            content = (TESTS / scenario.file).read_text(encoding="utf-8")
            for test in scenario.tests:
                self.assertIn(f"    def {test}(self", content, scenario.file)

    def test_every_scenario_of_this_folder_is_in_the_table(self):
        named = {test for scenario in SCENARIOS if scenario.file.startswith("chaos/") for test in scenario.tests}
        for path in (TESTS / "chaos").glob("*_test.py"):
            for test in re.findall(r"    def (test_\w+)\(self", path.read_text(encoding="utf-8")):
                if path.stem not in ("scenarios_test", "chaos_proxy_test"):
                    self.assertIn(test, named, path.name)

    def test_the_document_has_a_row_for_each(self):
        rows = re.findall(r"^\| (C\d+) \|", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE)
        self.assertEqual(sorted(set(rows), key=lambda found: int(found[1:])), list(IDS))


if __name__ == "__main__":
    unittest.main()
