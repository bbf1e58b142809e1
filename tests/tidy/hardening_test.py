"""How the programs are linked and compiled, so that a fault in them is harder to use: read from the files themselves."""

import os
import pathlib
import re
import subprocess
import unittest

BUILD = pathlib.Path(os.environ.get("TRESTLE_BUILD", "build/release"))
BIN = pathlib.Path(os.environ.get("TRESTLE_BIN", BUILD / "bin"))
PROGRAMS = ("bootstrap-node", "bridge-node", "dht-node")


def setting(name):
    """A value of CMake's cache."""
    found = re.search(rf"^{name}:\w+=(.*)$", (BUILD / "CMakeCache.txt").read_text(encoding="utf-8"), re.MULTILINE)
    return found.group(1) if found else ""


def read_elf(program, *options):
    return subprocess.run(["readelf", "--wide", *options, BIN / program], capture_output=True, text=True,
                          check=True).stdout


def called(program):
    """Functions that the program takes from its libraries."""
    return set(re.findall(r"UND (\w+)", read_elf(program, "--dyn-syms")))


class HardeningTest(unittest.TestCase):

    def for_each(self, check):
        for program in PROGRAMS:
            with self.subTest(program):
                check(program)

    def test_code_lies_where_nobody_can_know(self):
        """PIE"""
        self.for_each(lambda program: self.assertRegex(read_elf(program, "--file-header"), r"Type:\s+DYN"))

    def test_tables_of_addresses_cannot_be_written(self):
        """RELRO, and everything bound at the start"""
        def check(program):
            self.assertIn("GNU_RELRO", read_elf(program, "--program-headers"))
            self.assertRegex(read_elf(program, "--dynamic"), r"BIND_NOW|FLAGS_1\)\s+Flags:.*\bNOW\b")
        self.for_each(check)

    def test_no_memory_can_be_written_and_executed(self):
        def check(program):
            headers = read_elf(program, "--program-headers")
            self.assertRegex(headers, r"GNU_STACK\s.*\sRW\s")
            self.assertNotRegex(headers, r"\sRWE\s")
        self.for_each(check)

    def test_the_compiler_did_its_part(self):
        """Stack protector and checked functions of the C library"""
        if setting("CMAKE_BUILD_TYPE") == "Debug":
            self.skipTest("a matter of the release build: ctest --test-dir build/release -R tidy_hardening")

        def check(program):
            functions = called(program)
            self.assertIn("__stack_chk_fail", functions)
            self.assertTrue([name for name in functions if name.endswith("_chk")], "nothing is checked (FORTIFY)")
        self.for_each(check)


if __name__ == "__main__":
    unittest.main()
