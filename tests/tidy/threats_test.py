"""The table of threats claims nothing that this checkout does not have."""

import unittest

import threats
from source_tree import SourceTree
from tree_case import TreeCase


class ThreatsTest(TreeCase):

    def test_every_claim_of_the_table_holds(self):
        self.expect_nothing(threats.check_threats(self.tree))

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

    def test_a_comparison_that_ends_early_is_found(self):
        for code in ("if (secret == given) {}", "if (std::memcmp(tag, given, 32) == 0) {}", "return proof_ != expected;"):
            tree = SourceTree({"lib/trestle/link/hand.cpp": code})
            self.assertEqual(len(threats.check_comparisons(tree)), 1, code)
        tree = SourceTree({"lib/trestle/link/hand.cpp": "if (equal_in_constant_time(secret, given)) {}"})
        self.assertEqual(threats.check_comparisons(tree), [])


if __name__ == "__main__":
    unittest.main()
