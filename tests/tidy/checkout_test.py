"""The checks of this folder, on this checkout."""

import unittest

import floors
import leftovers
import sizes
from tree_case import TreeCase


class CheckoutTest(TreeCase):

    def test_the_checkout_was_found(self):
        self.assertIn("lib/trestle/base/time.hpp", self.tree.files)
        self.assertIn("tests/tidy/checkout_test.py", self.tree.files)

    def test_a_room_includes_itself_and_the_floors_below(self):
        self.expect_nothing(floors.check_floors(self.tree))

    def test_nothing_below_the_line_touches_the_world(self):
        self.expect_nothing(floors.check_world(self.tree))

    def test_no_file_is_too_long(self):
        self.expect_nothing(sizes.check_file_lengths(self.tree))

    def test_no_line_is_too_wide(self):
        self.expect_nothing(sizes.check_columns(self.tree))

    def test_no_function_is_too_long(self):
        self.expect_nothing(sizes.check_functions(self.tree))

    def test_nothing_is_unfinished_by_its_own_word(self):
        self.expect_nothing(leftovers.check_words(self.tree))

    def test_no_file_names_a_path_of_one_machine(self):
        self.expect_nothing(leftovers.check_machine_paths(self.tree))

    def test_every_file_is_named_by_its_concept(self):
        self.expect_nothing(leftovers.check_names(self.tree))

    def test_every_header_has_pragma_once(self):
        self.expect_nothing(leftovers.check_pragma_once(self.tree))

    def test_slow_headers_are_included_by_one_source_file_each(self):
        self.expect_nothing(leftovers.check_one_source_file(self.tree))

    def test_every_header_is_included_by_someone(self):
        self.expect_nothing(leftovers.check_dead_headers(self.tree))

    def test_every_source_file_of_the_library_is_compiled(self):
        self.expect_nothing(leftovers.check_dead_sources(self.tree))

    def test_a_property_is_tested_under_its_number(self):
        self.expect_nothing(leftovers.check_test_names(self.tree))

    def test_the_files_that_a_visitor_looks_for_are_there(self):
        self.expect_nothing(leftovers.check_expected_files(self.tree))


if __name__ == "__main__":
    unittest.main()
