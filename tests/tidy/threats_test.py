"""The table of threats claims nothing that this checkout does not have."""

import json
import unittest

import threats
from source_tree import SourceTree
from tree_case import TreeCase


class ThreatsTest(TreeCase):

    def test_every_claim_of_the_table_holds(self):
        self.expect_nothing(threats.check_threats(self.tree))

    def test_every_removal_fits_and_no_row_is_shown_without_one(self):
        self.expect_nothing(threats.check_removals(self.tree))

    def test_secrets_are_compared_by_one_function(self):
        """T23"""
        self.expect_nothing(threats.check_comparisons(self.tree))


class PlantedThreatsTest(unittest.TestCase):
    """The checks themselves: a row that is right passes, and each thing wrong with it is found."""

    def setUp(self):
        self.tree = SourceTree({"lib/trestle/link/hand.cpp": "", "tests/link/hand_test.cpp": 'TEST_CASE("T1: one") {}\n'})

    def wrong(self, where="`lib/trestle/link/hand.cpp`", shown='`tests/link/hand_test.cpp` "T1: one"', state="shown"):
        return threats.wrong_in(self.tree, ["a threat", where, shown, state])

    def test_a_row_that_is_right_passes(self):
        self.assertEqual(self.wrong(), [])
        self.assertEqual(self.wrong(where="-", shown="-", state="open: not there"), [])

    def test_what_is_wrong_is_found(self):
        self.assertTrue(self.wrong(where="`lib/trestle/link/none.cpp`"))
        self.assertTrue(self.wrong(where="somewhere"))
        self.assertTrue(self.wrong(shown='`tests/link/hand_test.cpp` "T1: two"'))
        self.assertTrue(self.wrong(shown="`make fuzz TARGET=none`"))
        self.assertTrue(self.wrong(shown="-"))
        self.assertTrue(self.wrong(state="done"))
        self.assertTrue(self.wrong(state="partly:"))

    def removals_wrong(self, state="shown", **changed):
        """What is found about one removal of one row."""
        fields = {"threat": "T1", "file": "lib/trestle/link/hand.cpp", "text": "check();",
                  "suite": "tests/link/hand_test.cpp", "test": "T1: one"} | changed
        row = f'| T1 | a threat | `lib/trestle/link/hand.cpp` | `tests/link/hand_test.cpp` "T1: one" | {state} |\n'
        entry = "[[removal]]\n" + "".join(f"{name} = {json.dumps(value)}\n" for name, value in fields.items())
        return threats.check_removals(SourceTree({
            threats.TABLE: row, threats.REMOVALS: entry if changed.get("threat") != "" else "removal = []",
            "lib/trestle/link/hand.cpp": "check();\nuse();\n", "lib/trestle/link/hand.hpp": "check();",
            "apps/dht-node/main.cpp": ""}))

    def test_a_removal_that_is_right_passes(self):
        self.assertEqual(self.removals_wrong(), [])
        self.assertEqual(self.removals_wrong(left="use();", also=[]), [])
        self.assertEqual(self.removals_wrong(threat="", state="partly: some"), [])

    def test_what_is_wrong_with_a_removal_is_found(self):
        for changed in ({"text": "look();"}, {"text": ";"}, {"left": "check();"}, {"threat": "T2"}, {"threat": ""},
                        {"test": "T1: two"}, {"file": "lib/trestle/link/hand.hpp"}, {"file": "lib/trestle/link/none.cpp"},
                        {"programs": ["dht-node"]}):
            self.assertTrue(self.removals_wrong(**changed), changed)

    def test_a_comparison_that_ends_early_is_found(self):
        for code in ("if (secret == given) {}", "if (std::memcmp(tag, given, 32) == 0) {}", "return proof_ != expected;"):
            tree = SourceTree({"lib/trestle/link/hand.cpp": code})
            self.assertEqual(len(threats.check_comparisons(tree)), 1, code)
        tree = SourceTree({"lib/trestle/link/hand.cpp": "if (equal_in_constant_time(secret, given)) {}"})
        self.assertEqual(threats.check_comparisons(tree), [])


if __name__ == "__main__":
    unittest.main()
