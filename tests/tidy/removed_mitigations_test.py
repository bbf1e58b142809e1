"""The tool that removes mitigations: what it reads, how it compiles and links, and when it says that a test noticed."""

import pathlib
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))
sys.dont_write_bytecode = True

import removed_mitigations  # noqa: E402  pylint: disable=wrong-import-position

ENTRY = """
[[removal]]
threat = "T2"
file = "lib/trestle/link/handshake.cpp"
text = "suite_.random(hello_.nonce);"
also = [{ file = "lib/trestle/link/handshake.cpp", text = "suite_.random(welcome_.nonce);", left = "use();" }]
suite = "tests/link/replay_test.cpp"
test = "T2: a test"
"""


class RemovedMitigations(unittest.TestCase):
    """Of lists, commands and judgements; nothing is built."""

    def test_a_list_is_read(self):
        (removal,) = removed_mitigations.read_removals(ENTRY)
        self.assertEqual((removal.threat, removal.targets(), len(removal.changes)), ("T2", ("link_tests",), 2))
        self.assertEqual([change.left for change in removal.changes], ["", "use();"])

    def test_two_changes_of_one_file_go_together(self):
        (removal,) = removed_mitigations.read_removals(ENTRY)
        (text,) = removed_mitigations.texts_without(removal).values()
        self.assertNotIn("suite_.random(", text)
        self.assertIn("use();", text)

    def test_a_text_that_is_not_there_is_not_removed(self):
        (removal,) = removed_mitigations.read_removals(ENTRY.replace("hello_.nonce", "no_such_nonce"))
        with self.assertRaises(removed_mitigations.Failed):
            removed_mitigations.texts_without(removal)

    def test_the_copy_is_compiled_as_the_file_is(self):
        words = "c++ -Ilib -O1 -Werror -MD -MT a.o -MF a.o.d -o dir/a.o -c /here/lib/a.cpp".split()
        command, sound = removed_mitigations.compile_command(words, pathlib.Path("/here/lib/a.cpp"),
                                                             pathlib.Path("/copy/a.cpp"), pathlib.Path("/copy/a.o"))
        self.assertEqual(sound, "dir/a.o")
        self.assertEqual(command, "c++ -Ilib -O1 -Werror -c /copy/a.cpp -iquote /here/lib -w -o /copy/a.o".split())

    def test_new_objects_go_in_front_of_archives_and_in_the_place_of_objects(self):
        command = ": && c++ t.o  -o bin/link_tests  dir/./b.o libs.a && :"
        objects = [("dir/a.o", "/copy/a.o"), ("dir/b.o", "/copy/b.o")]
        self.assertEqual(removed_mitigations.link_command(command, "bin/link_tests", objects, "/copy/link_tests"),
                         ": && c++ t.o  /copy/a.o -o /copy/link_tests  /copy/b.o libs.a && :")

    def test_names_are_asked_for_as_they_are(self):
        self.assertEqual(removed_mitigations.pattern_of("T1, T2: [of] one"), "T1\\, T2: \\[of\\] one")

    def test_noticed_is_a_failure_or_a_crash_and_nothing_else(self):
        passed = "All tests passed (3 assertions in 1 test case)"
        failed = "test cases: 1 | 1 failed\nassertions: 2 | 1 passed | 1 failed"
        judge = removed_mitigations.is_noticed
        self.assertIs(judge(0, passed), False)
        self.assertIs(judge(1, failed), True)
        self.assertIs(judge(-6, "assertion failed"), True)
        self.assertIs(judge(0, "Ran 1 test in 1.0s\n\nOK\n"), False)
        self.assertIs(judge(1, "Ran 1 test in 1.0s\n\nFAILED (failures=1)\n"), True)
        for status, output in ((0, "No test cases matched 'x'\n===\nNo tests ran\n"), (0, ""), (2, "usage"),
                               (0, "Ran 0 tests in 0.0s\n\nOK\n"), (0, "Ran 1 test in 0.0s\n\nOK (skipped=1)\n")):
            self.assertIsNone(judge(status, output), output)


if __name__ == "__main__":
    unittest.main()
