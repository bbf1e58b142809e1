"""What may not be linked into the programs: the stand-in for cryptography, which has no security at all."""

import os
import pathlib
import unittest

BUILD = pathlib.Path(os.environ.get("TRESTLE_BUILD", "build/dev"))
BIN = pathlib.Path(os.environ.get("TRESTLE_BIN", BUILD / "bin"))
PROGRAMS = ("bootstrap-node", "bridge-node", "dht-node")
STANDIN_PROGRAM = "crypto_tests"  # links the stand-in on purpose
MARKER = b"trestle_standin_crypto_marker"


class ProgramsTest(unittest.TestCase):

    def test_no_program_contains_the_standin(self):
        for program in PROGRAMS:
            with self.subTest(program):
                # The name of the symbol stands in the file's string table as long as the symbol does.
                self.assertNotIn(MARKER, (BIN / program).read_bytes())

    def test_the_programs_still_have_their_symbols(self):
        # Otherwise the test above would find nothing in any program.
        for program in PROGRAMS:
            with self.subTest(program):
                self.assertIn(b"on_accepted", (BIN / program).read_bytes())

    def test_the_marker_is_where_the_standin_is(self):
        self.assertIn(MARKER, (BIN / STANDIN_PROGRAM).read_bytes())


if __name__ == "__main__":
    unittest.main()
