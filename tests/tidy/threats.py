"""The table of threats: which it must answer for, and what can be wrong with a row."""

import re

import coverage
from source_tree import Finding

TABLE = "docs/threat-model.md"
# Left out are those of what is not built: pub/sub, relay, WebRTC, releases.
IDS = [f"T{number}" for number in (*range(1, 13), *range(15, 25), *range(26, 29), *range(31, 42), 43)]
ROW = re.compile(r"^\| (T\d+) \|(.*)\|$", re.MULTILINE)
# Comparing secrets, other than by crypto::equal_in_constant_time. Settings are read by whoever owns the process.
EARLY_END = r"\b(?:memcmp|strcmp|std::equal)\s*\([^;]*(?:secret|proof|token|tag)|\b\w*(?:secret|proof)_?\s*[!=]=\s*\w"
OF_THE_OWNER = ("lib/trestle/host/settings.cpp", "lib/trestle/host/reloader.cpp")


def check_threats(tree):
    """Every threat once and in order, every file and every test there, and nothing called shown that is not attacked."""
    text = tree.files.get(TABLE, "")
    rows = [(text.count("\n", 0, found.start()) + 1, found.group(1),
             [cell.strip() for cell in found.group(2).split(" | ")]) for found in ROW.finditer(text)]
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


def check_comparisons(tree):
    """Places that compare what may be a secret and may end early."""
    return [Finding(path, tree.files[path].count("\n", 0, found.start()) + 1,
                    f"`{found.group()}` may tell by its duration; use crypto::equal_in_constant_time")
            for path in tree.paths("lib") if path not in OF_THE_OWNER
            for found in re.finditer(EARLY_END, tree.code(path))]
