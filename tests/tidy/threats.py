"""The table of threats: which it must answer for, and what can be wrong with a row."""

import pathlib
import re
import sys

import coverage
from source_tree import Finding

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts"))

import removed_mitigations  # noqa: E402  pylint: disable=wrong-import-position

TABLE = "docs/threat-model.md"
REMOVALS = "tests/threats/removals.toml"
# Left out are those of what is not built: pub/sub, relay, WebRTC, releases.
IDS = [f"T{number}" for number in (*range(1, 13), *range(15, 25), *range(26, 29), *range(31, 42), 43)]
ROW = re.compile(r"^\| (T\d+) \|(.*)\|$", re.MULTILINE)
# Comparing secrets, other than by crypto::equal_in_constant_time. Settings are read by whoever owns the process.
EARLY_END = r"\b(?:memcmp|strcmp|std::equal)\s*\([^;]*(?:secret|proof|token|tag)|\b\w*(?:secret|proof)_?\s*[!=]=\s*\w"
OF_THE_OWNER = ("lib/trestle/host/settings.cpp", "lib/trestle/host/reloader.cpp")


def rows_of(tree):
    """The table: line, id and the other cells of each row."""
    text = tree.files.get(TABLE, "")
    return [(text.count("\n", 0, found.start()) + 1, found.group(1),
             [cell.strip() for cell in found.group(2).split(" | ")]) for found in ROW.finditer(text)]


def check_threats(tree):
    """Every threat once and in order, every file and every test there, and nothing called shown that is not attacked."""
    rows = rows_of(tree)
    findings = []
    named = [id for _, id, _ in rows]
    if named != IDS:
        findings.append(Finding(TABLE, 1, f"the threats are {', '.join(named)} instead of {', '.join(IDS)}"))
    for line, id, cells in rows:
        findings += [Finding(TABLE, line, f"{id}: {text}") for text in wrong_in(tree, cells)]
    return findings


def wrong_in(tree, cells):
    """What one row claims and the checkout does not have."""
    if len(cells) != 4:
        return [f"{len(cells) + 1} cells instead of 5"]
    _, where, shown_by, state = cells
    proofs = coverage.PROOF.findall(shown_by)
    wrong = [f"there is no {path}" for path in coverage.PATH.findall(where + shown_by) if path not in tree.files]
    wrong += [f'{path} has no test "{name}"' for path, name in proofs
              if path in tree.files and not coverage.has_test(tree.files[path], path, name)]
    wrong += [f"there is no fuzz target {target}" for target in re.findall(r"`make fuzz TARGET=(\w+)`", shown_by)
              if f"tests/fuzz/{target}_fuzz.cpp" not in tree.files]
    if state != "shown" and not re.match(r"(?:partly|open): \S", state):
        wrong.append(f"`{state}` is no state; write `shown`, or `partly:` or `open:` and what lacks")
    if not state.startswith("open") and not (proofs and coverage.PATH.search(where)):
        wrong.append("no test attacks it, or no file is named that stands against it")
    return wrong


def check_removals(tree):
    """Each removal fits the sources as they are and is noticed by a test of its row; no row is shown without one."""
    rows = {id: cells for _, id, cells in rows_of(tree)}
    removals = removed_mitigations.read_removals(tree.files.get(REMOVALS, "removal = []"))
    findings = [Finding(REMOVALS, 1, f"{removal.threat}: {text}")
                for removal in removals for text in wrong_with(tree, removal, rows.get(removal.threat))]
    tried = {removal.threat for removal in removals}
    findings += [Finding(TABLE, line, f"{id}: called shown, and nothing says what happens without its mitigation")
                 for line, id, cells in rows_of(tree) if cells[-1] == "shown" and id not in tried]
    return findings


def wrong_with(tree, removal, cells):
    """Why a removal cannot be tried, or proves nothing about its row."""
    if cells is None:
        return ["no such threat"]
    wrong = [f"its text stands {tree.files.get(change.file, '').count(change.text)} times in {change.file}"
             for change in removal.changes if tree.files.get(change.file, "").count(change.text) != 1]
    wrong += [f"nothing is changed in {change.file}" for change in removal.changes if change.text == change.left]
    wrong += [f"{change.file} is no source file" for change in removal.changes if not change.file.endswith(".cpp")]
    if (removal.suite, removal.test) not in coverage.PROOF.findall(cells[2]):
        wrong.append(f'{removal.suite} "{removal.test}" is not in its row')
    if removal.suite.endswith(".py") != bool(removal.programs):
        wrong.append("the programs that lack it have to be named where the test starts programs, and nowhere else")
    wrong += [f"there is no program {program}" for program in removal.programs
              if not any(path.startswith(f"apps/{program}") or path.endswith(f"/{program}.cpp") for path in tree.files)]
    return wrong


def check_comparisons(tree):
    """Places that compare what may be a secret and may end early."""
    return [Finding(path, tree.files[path].count("\n", 0, found.start()) + 1,
                    f"`{found.group()}` may tell by its duration; use crypto::equal_in_constant_time")
            for path in tree.paths("lib") if path not in OF_THE_OWNER
            for found in re.finditer(EARLY_END, tree.code(path))]
