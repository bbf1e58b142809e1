"""The table of requirements: which ids it must have, how a row is read, and what can be wrong with it."""

import dataclasses
import re

from source_tree import Finding

TABLE = "docs/requirements-coverage.md"


def series(letters, first, last, width=2):
    return [f"{letters}-{number:0{width}}" for number in range(first, last + 1)]


# What the table has to answer for, in the order in which it stands there.
IDS = (series("POOL", 1, 9) + ["POOL-21"] + series("MUX", 1, 11) + series("BRK", 1, 4) + series("BAL", 1, 4)
       + series("BRIDGE", 1, 14) + series("BOOT", 1, 6) + series("BOOT", 8, 9) + series("ROLL", 1, 4)
       + series("OBS", 5, 6) + ["P-CR-13"] + series("P-BR", 1, 7, 1) + ["P-HA-1"] + series("P-FN", 1, 6, 1)
       + ["P-ML-1", "P-ML-3"] + [f"X{number}" for number in (*range(1, 13), 15, 16, 17)]
       + ["BOOT-07", "BOOT-10", "ROLL-05"] + series("RECOV", 1, 9) + series("MESH", 1, 7)
       + series("P-CR", 14, 20, 1) + series("P-CR", 22, 27, 1) + series("P-CC", 1, 4, 1) + ["P-ML-2"]
       + series("P-ML", 4, 8, 1) + ["X47", "X48", "PROXY-07", "PROXY-08"] + series("PROXY", 10, 12) + ["OBS-01", "OBS-08"]
       + series("PROXY", 1, 6) + ["PROXY-09"] + series("OBS", 2, 4) + ["X54"]
       + series("STORE", 5, 6) + ["P-CR-6"]
       + series("ROUTE", 1, 11) + series("LOOK", 1, 9) + series("STORE", 1, 4) + series("STORE", 7, 8)
       + series("RATE", 1, 7) + [f"P-CR-{number}" for number in (1, 2, 3, 5, *range(7, 12))] + series("P-KR", 1, 22, 1)
       + series("P-NG", 1, 5, 1) + series("P-BC", 1, 5, 1) + series("P-DN", 1, 5, 1)
       + [f"X{number}" for number in (25, 26, *range(28, 35))]
       + series("SEC", 1, 4) + series("SEC", 7, 9) + series("ENC", 1, 6)
       + ["P-CR-12", "P-CR-30", "P-CR-31", "X36", "X44", "X46"])

ROW = re.compile(r"^\| ((?:[A-Z]+-)*[A-Z]+-?\d+) \|(.*)\|$", re.MULTILINE)
PATH = re.compile(r"`([\w./-]+\.(?:hpp|cpp|py|md|txt|html))`")
# `tests/room/file_test.cpp` "the name of a test", or of a method in a Python suite.
PROOF = re.compile(r'`([\w./-]+)` "((?:[^"\\|]|\\.)+)"')
COMMAND = re.compile(r"`make ([\w-]+)[^`]*`")


@dataclasses.dataclass(frozen=True)
class Row:
    """One requirement as the table answers it."""

    line: int
    id: str
    asked: str
    where: str
    shown_by: str
    state: str


def read_rows(text):
    """The rows, and what is wrong with those that cannot be read."""
    rows, findings = [], []
    for found in ROW.finditer(text):
        line = text.count("\n", 0, found.start()) + 1
        cells = [cell.strip() for cell in found.group(2).split(" | ")]
        if len(cells) == 4:
            rows.append(Row(line, found.group(1), *cells))
        else:
            findings.append(Finding(TABLE, line, f"{found.group(1)} has {len(cells) + 1} cells instead of 5"))
    return rows, findings


def check_coverage(tree):
    """Every id once and in order, every file and every test there, and no word more than is shown."""
    rows, findings = read_rows(tree.files.get(TABLE, ""))
    named = [row.id for row in rows]
    findings += [Finding(TABLE, 1, f"{id} is missing") for id in IDS if id not in named]
    findings += [Finding(TABLE, row.line, f"{row.id} is not asked for") for row in rows if row.id not in IDS]
    findings += [Finding(TABLE, row.line, f"{row.id} stands there twice") for place, row in enumerate(rows)
                 if row.id in named[:place]]
    for row in rows:
        findings += check_row(tree, row)
    return findings


def check_row(tree, row):
    """What one row claims and the checkout does not have."""
    def finding(text):
        return Finding(TABLE, row.line, f"{row.id}: {text}")

    findings = [finding(f"there is no {path}") for path in PATH.findall(row.where + row.shown_by)
                if path not in tree.files]
    if not PATH.search(row.where):
        findings.append(finding("no file is named where it is done"))
    proofs = PROOF.findall(row.shown_by)
    findings += [finding(f'{path} has no test "{name}"') for path, name in proofs
                 if path in tree.files and not has_test(tree.files[path], path, name)]
    targets = re.findall(r"^([\w-]+):", tree.files.get("Makefile", ""), re.MULTILINE)
    commands = COMMAND.findall(row.shown_by)
    findings += [finding(f"there is no make {target}") for target in commands if target not in targets]
    is_shown = row.state == "shown"
    if is_shown and not proofs and not commands:
        findings.append(finding("nothing shows it"))
    if not is_shown and not re.match(r"partly: \S", row.state):
        findings.append(finding(f"`{row.state}` is no state; write `shown`, or `partly:` and what lacks"))
    if is_shown and row.id.startswith("P-") and not any(bears(tree, path, name, row.id) for path, name in proofs):
        findings.append(finding("no test bears the property's number"))
    return findings


def has_test(text, path, name):
    """Whether a test of that name stands in the file. Long C++ names are broken over several literals."""
    if path.endswith(".py"):
        return re.search(rf"^\s+def {re.escape(name)}\(", text, re.MULTILINE) is not None
    joined = re.sub(r'"\s*\n\s*"', "", text)
    return re.search(rf'\bTEST_CASE\(\s*"{re.escape(name)}"', joined) is not None


def bears(tree, path, name, number):
    """Whether the property's number stands in the test's name; of a Python method, in what it says of itself first."""
    if path.endswith(".py"):
        said = re.search(rf'^\s+def {re.escape(name)}\([^)]*\):\n\s+"""([^\n]*)', tree.files.get(path, ""), re.MULTILINE)
        return said is not None and re.search(rf"\b{number}\b", said.group(1)) is not None
    return re.search(rf"\b{number}\b[^:]*:", name) is not None
