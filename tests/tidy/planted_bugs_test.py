"""The tool that plants bugs: what it draws, what it reads, and when it says that it found one."""

import pathlib
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))
sys.dont_write_bytecode = True

import planted_bugs  # noqa: E402  pylint: disable=wrong-import-position

LISTS = sorted((ROOT / "bench").glob("planted_bugs*.txt"))


def runs(*counts):
    """Runs of one kind with those counts of one branch, and as many without a bug that reached it once."""
    def outcome(count, work):
        return planted_bugs.Outcome(None, "", {"a branch": count, "bytes sent": work})
    return [(outcome(count, 100), outcome(1, 100)) for count in counts]


class PlantedBugs(unittest.TestCase):
    """Of lists and judgements; nothing is built."""

    def test_each_list_counts_twenty_and_says_why_others_do_not_count(self):
        self.assertEqual(len(LISTS), 2)
        for file in LISTS:
            entries = [line for line in file.read_text().splitlines() if not line.startswith("#")]
            counted = [entry for entry in entries if planted_bugs.UNCOUNTED not in entry]
            self.assertEqual(len(counted), 20, file)
            for entry in entries:
                change, _, reason = entry.partition(planted_bugs.UNCOUNTED)
                path, lines = change.split(": ", 1)
                self.assertTrue((ROOT / path).is_file(), path)
                self.assertEqual(lines.count(planted_bugs.SEPARATOR), 1, entry)
                self.assertEqual(bool(reason), entry not in counted)

    def test_a_line_that_is_not_there_any_more_is_not_planted(self):
        entry = "lib/trestle/link/backoff.cpp: no such line;" + planted_bugs.SEPARATOR + "(gone)"
        self.assertIsNone(planted_bugs.planted(entry))

    def test_there_is_much_to_draw_from_and_each_change_changes_its_line(self):
        everything = list(planted_bugs.candidates())
        self.assertGreater(len(everything), 1000)
        for _, line, changed in everything:
            self.assertNotEqual(line, changed)

    def test_a_branch_that_is_always_reached_without_the_bug_and_never_with_it_tells(self):
        self.assertIsNone(planted_bugs.difference(runs(1, 0, 0)))
        self.assertEqual(planted_bugs.difference(runs(0, 0, 0)), "sometimes: a branch")

    def test_half_as_much_work_again_tells(self):
        pairs = runs(1, 1)
        pairs[0][0].counts["bytes sent"] = 200
        self.assertIsNone(planted_bugs.difference(pairs))
        pairs[1][0].counts["bytes sent"] = 101
        self.assertEqual(planted_bugs.difference(pairs), "work: bytes sent, 301 instead of 200")


if __name__ == "__main__":
    unittest.main()
