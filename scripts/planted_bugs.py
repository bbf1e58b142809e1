#!/usr/bin/python3
"""Does the simulator find bugs? Plants some, one at a time, in a copy of the sources.

  planted_bugs.py draw SEED COUNT      draws one-line changes and prints the list (bench/planted_bugs.txt)
  planted_bugs.py run [SEEDS] [NUMBER...]   builds `simulate` with each and runs seeds until one fails

A list is drawn by this tool and fixed before any checker sees it, so that nobody chooses what is easy to find. A change
that does not compile is drawn anew. The last line of a run is `N of N found`.
"""

import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
LIST = ROOT / "bench/planted_bugs.txt"
ROOMS = ("link", "mesh", "dht", "onboarding", "bridge", "pool", "node/member", "node/bridge", "node/bootstrap")
# What programmers get wrong: the border of a comparison, a forgotten negation, the other branch, one too few.
CHANGES = (
    (re.compile(r" < "), " <= "), (re.compile(r" <= "), " < "), (re.compile(r" > "), " >= "), (re.compile(r" >= "), " > "),
    (re.compile(r" == "), " != "), (re.compile(r" && "), " || "), (re.compile(r" \|\| "), " && "),
    (re.compile(r"\(!"), "("), (re.compile(r" \+ 1\b"), ""), (re.compile(r"\btrue\b"), "false"),
    (re.compile(r"\bfalse\b"), "true"), (re.compile(r"\bstd::min\("), "std::max("), (re.compile(r"\+\+"), "--"),
)
STATEMENT = re.compile(r"^ +[a-z_][\w.\->]*\(.*\);$")
SKIPPED = re.compile(r"^\s*(//|#|case |TRESTLE_ASSERT|template|for \(|static_assert)|legacy|log\(|stats_|LogRecord")
SEPARATOR = "  ==>  "
RUNS = (("storm", "healing", 18, 20), ("adversary", "liveness", 30, 10), ("mobile", "healing", 12, 30),
        ("datacentre-cut", "healing", 30, 10), ("calm", "healing", 40, 30))


def candidates():
    """Every one-line change there is: file, line, new line."""
    for room in ROOMS:
        for path in sorted((ROOT / "lib/trestle" / room).glob("*.cpp")):
            if "legacy" in path.name:
                continue
            lines = path.read_text().splitlines()
            for line in lines:
                if SKIPPED.search(line) or lines.count(line) != 1:
                    continue
                for pattern, replacement in CHANGES:
                    if pattern.search(line):
                        yield path.relative_to(ROOT), line, pattern.sub(replacement, line, count=1)
                if STATEMENT.match(line):
                    yield path.relative_to(ROOT), line, ""


def draw(seed, count):
    """Prints that many changes, as many of each file as chance has it."""
    everything = list(candidates())
    for path, line, changed in random.Random(seed).sample(everything, count):
        print(f"{path}: {line.strip()}{SEPARATOR}{changed.strip() or '(gone)'}")


def planted(entry):
    """File, the line as it is, the line as it is to be; or None if the file has changed since."""
    path, change = entry.split(": ", 1)
    line, changed = change.rsplit(SEPARATOR, 1)
    for existing in (ROOT / path).read_text().splitlines():
        if existing.strip() == line:
            indent = existing[:len(existing) - len(existing.lstrip())]
            return path, existing, "" if changed == "(gone)" else indent + changed
    return None


def is_found(program, seeds):
    """By which run, or None."""
    for seed in range(1, seeds + 1):
        for weather, mode, nodes, minutes in RUNS:
            arguments = ["--seed", str(seed), "--nodes", str(nodes), "--minutes", str(minutes), "--weather", weather,
                         "--mode", mode]
            if weather == "calm":
                arguments += ["--churn", "20", "--strict"]
            try:
                ended = subprocess.run([program, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                       check=False, timeout=300)
            except subprocess.TimeoutExpired:
                return f"hangs with {' '.join(arguments)}"
            if ended.returncode != 0:
                return " ".join(arguments)
    return None


def build(copy):
    """Builds the simulator of the copy; true when that worked."""
    command = ["cmake", "--preset", "release", "-DTRESTLE_TESTS=OFF", "-DTRESTLE_HOST=OFF"]
    if shutil.which("ccache"):
        command.append("-DCMAKE_CXX_COMPILER_LAUNCHER=ccache")
    if not (copy / "build/release/build.ninja").exists():
        subprocess.run(command, cwd=copy, check=True, stdout=subprocess.DEVNULL)
    ended = subprocess.run(["ninja", "-C", "build/release", "simulate"], cwd=copy, check=False,
                           stdout=subprocess.DEVNULL)
    return ended.returncode == 0


def run(seeds, numbers):
    """Plants each bug of the list and looks for it."""
    entries = [line for line in LIST.read_text().splitlines() if line and not line.startswith("#")]
    found = tried = 0
    with tempfile.TemporaryDirectory(dir=ROOT / "build") as folder:
        copy = pathlib.Path(folder) / "trestle"
        shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns("build", ".git"))
        for number, entry in enumerate(entries, start=1):
            if numbers and number not in numbers:
                continue
            bug = planted(entry)
            if bug is None:
                print(f"{number:3} not there any more: {entry}", flush=True)
                continue
            path, line, changed = bug
            source = copy / path
            original = source.read_text()
            source.write_text(original.replace(line + "\n", changed + "\n", 1))
            by = is_found(copy / "build/release/bin/simulate", seeds) if build(copy) else "the compiler"
            source.write_text(original)
            tried += 1
            found += 1 if by else 0
            print(f"{number:3} {'found by ' + by if by else 'NOT FOUND'}: {entry}", flush=True)
    print(f"{found} of {tried} found")
    return 0 if found * 100 >= tried * 95 else 1


def main():
    if len(sys.argv) == 4 and sys.argv[1] == "draw":
        return draw(int(sys.argv[2]), int(sys.argv[3]))
    if len(sys.argv) >= 2 and sys.argv[1] == "run":
        seeds = int(sys.argv[2]) if len(sys.argv) > 2 else 20
        return run(seeds, {int(number) for number in sys.argv[3:]})
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
