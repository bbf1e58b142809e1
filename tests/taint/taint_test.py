"""T23: what the programs do does not depend on what a secret is, as valgrind follows it through memory (taint_probe.cpp)."""

import os
import pathlib
import shutil
import subprocess
import unittest

BIN = pathlib.Path(os.environ.get("TRESTLE_BIN", pathlib.Path(os.environ.get("TRESTLE_BUILD", "build/dev"), "bin")))
PROBE = BIN / "taint_probe"
PATHS = {"comparing", "admin bearer", "admin password", "bridge secret", "bridge secret answered",
         "old secret at a bridge", "old secret at a bootstrap node", "value for the network", "value for readers",
         "identity under a passphrase"}


class TaintTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        if not shutil.which("valgrind"):
            raise unittest.SkipTest("valgrind is not installed (scripts/packages.txt, group test)")
        if not PROBE.exists():
            raise unittest.SkipTest(f"there is no {PROBE}: built with a sanitizer, or without valgrind's headers")
        ended = subprocess.run(["valgrind", "--quiet", "--error-limit=no", PROBE], capture_output=True, text=True,
                               check=False)
        lines = [line.split("\t") for line in ended.stdout.splitlines()]
        cls.walks = {name: (outcome, int(real), int(early)) for name, outcome, real, early in lines}
        cls.said = ended.stderr
        if ended.returncode != 0 or cls.walks.keys() != PATHS:
            raise AssertionError(f"ended with {ended.returncode} after {sorted(cls.walks)}: {ended.stderr[-4000:]}")

    def for_each(self, check):
        for name, walk in self.walks.items():
            with self.subTest(name):
                check(*walk)

    def test_each_path_tells_the_right_secret_from_a_wrong_one(self):
        self.for_each(lambda outcome, real, early: self.assertEqual(outcome, "right"))

    def test_no_jump_and_no_address_depends_on_a_secret(self):
        self.for_each(lambda outcome, real, early: self.assertEqual(real, 0, self.said[:4000]))

    def test_a_comparison_that_ends_early_would_be_noticed_on_each_path(self):
        self.for_each(lambda outcome, real, early: self.assertGreater(early, 0))


if __name__ == "__main__":
    unittest.main()
