"""A test that looks at this checkout."""

import pathlib
import unittest

from source_tree import SourceTree

ROOT = pathlib.Path(__file__).resolve().parents[2]


class TreeCase(unittest.TestCase):
    """`tree` is the checkout's files."""

    @classmethod
    def setUpClass(cls):
        cls.tree = SourceTree.from_folder(ROOT)

    def expect_nothing(self, findings):
        if findings:
            self.fail(f"{len(findings)} findings\n" + "\n".join(map(str, findings)))
