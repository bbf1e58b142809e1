#!/usr/bin/python3
"""Does the simulator find bugs? Plants some, one at a time, in a copy of the sources.

  planted_bugs.py draw SEED COUNT      draws one-line changes and prints the list (bench/planted_bugs.txt)
  planted_bugs.py run [--list FILE] [--seconds-per-bug S] [--seeds N] [--jobs N] [NUMBER...]
                                       builds `simulate` with each and runs seeds until one fails

A list is drawn by this tool and fixed before any checker sees it, so that nobody chooses what is easy to find. A change
that does not compile is drawn anew. What a run with the bug is held against is the same run without it:

  * it breaks a rule, and does not without the bug;
  * or, after some seeds of one kind of run: a rare branch or a figure that moves in every one of them without the bug
    is never reached with it ("sometimes"); or all together take half as much again of what is sent, dialled, signed or
    waited for ("work"). Both are looked at again with as many seeds more before they count.

What is not found is told with the number of runs in which anything at all was different: none, and the change may
change nothing. A line of the list that ends with `## not counted: REASON` is not run and does not count. The copy and
what is built of it stay in build/planted, so that each bug compiles one file. The last line is `N of N found`.
"""

import argparse
import fcntl
import hashlib
import json
import os
import pathlib
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
LIST = ROOT / "bench/planted_bugs.txt"
COPY = ROOT / "build/planted"
BUILD = COPY / "build/release"
SOUND = COPY / "build/simulate-without-bugs"
# What a run may take of a processor and of memory: they take less than a second and 100 MB.
LIMITS = ((resource.RLIMIT_CPU, 10), (resource.RLIMIT_AS, 4 << 30))
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
UNCOUNTED = "  ## not counted: "
RUNS = ("--weather storm --nodes 18 --minutes 20",
        "--weather calm --nodes 20 --minutes 20 --mixed --strict",
        "--pool --weather storm --nodes 8 --bridges 3 --minutes 5",
        "--weather storm --mode safety --nodes 45 --minutes 8 --mixed",
        "--weather adversary --mode liveness --nodes 24 --minutes 8",
        "--pool --weather calm --nodes 8 --bridges 3 --minutes 5",
        "--weather calm --nodes 8 --minutes 30 --operations 30 --strict",
        "--weather mobile --nodes 12 --minutes 30",
        "--weather calm --nodes 12 --minutes 120 --operations 40 --strict",
        "--weather storm --nodes 18 --minutes 10 --mixed",
        "--weather datacentre-cut --nodes 24 --minutes 8",
        "--weather calm --nodes 36 --minutes 15 --churn 20 --strict")
SEEDS_COMPARED = 3  # seeds after which `sometimes` and `work` are looked at
WORK_MAX_PERCENT = 150
WORK = ("dials, failed, accepted, late", "frames sent, delivered, lost", "bytes sent", "signatures, checks, failed",
        "milliseconds that users waited")
RULE = re.compile(r"(?:violated at .*?: |^)((?:[IL]\d+: |.*assertion failed: ).*)", re.MULTILINE)


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


def compiles(path, line, changed):
    """Whether the file is still C++ with that line in it."""
    text = (ROOT / path).read_text().replace(line + "\n", changed + "\n", 1)
    command = ["c++", "-std=gnu++23", "-fsyntax-only", "-w", "-I", ROOT / "lib", "-x", "c++", "-"]
    return subprocess.run(command, input=text, text=True, check=False, stderr=subprocess.DEVNULL).returncode == 0


def draw(seed, count):
    """Prints that many changes, as many of each file as chance has it."""
    chance = random.Random(seed)
    everything = list(candidates())
    for change in chance.sample(everything, count):
        while not compiles(*change):
            change = chance.choice(everything)
        path, line, changed = change
        print(f"{path}: {line.strip()}{SEPARATOR}{changed.strip() or '(gone)'}", flush=True)
    return 0


def planted(entry):
    """File, the line as it is, the line as it is to be; or None if the file has changed since."""
    path, change = entry.split(": ", 1)
    line, changed = change.rsplit(SEPARATOR, 1)
    for existing in (ROOT / path).read_text().splitlines():
        if existing.strip() == line:
            indent = existing[:len(existing) - len(existing.lstrip())]
            return path, existing, "" if changed == "(gone)" else indent + changed
    return None


def limit():
    """A bug may make a run endless, or fill the memory; and whoever works on this machine goes first."""
    os.nice(10)
    for what, most in LIMITS:
        resource.setrlimit(what, (most, most))


def children_seconds():
    """Processor time of all that was run."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class Outcome:
    """What came of one run."""

    def __init__(self, broken, fingerprint, counts):
        self.broken = broken            # the rule, or None
        self.fingerprint = fingerprint  # of all that happened
        self.counts = counts            # of rare branches, figures and work, by name
        self.seconds = 0.0              # of processor time

    @staticmethod
    def of(program, arguments):
        """Runs it."""
        began = children_seconds()
        outcome = Outcome.after(subprocess.run([program, *arguments.split(), "--probes"], capture_output=True, text=True,
                                               errors="replace", check=False, preexec_fn=limit))
        outcome.seconds = children_seconds() - began
        return outcome

    @staticmethod
    def after(ended):
        """Reads what it left."""
        if ended.returncode == 0:
            fingerprint = re.search(r"fingerprint (\w+)", ended.stdout)
            counts = {name: int(count) for count, name in re.findall(r"^ +(\d+)  (\S.*)$", ended.stdout, re.MULTILINE)}
            work = re.findall(r"^  (\w[^:\n]*): (\d+)", ended.stdout, re.MULTILINE)
            counts.update((name, int(count)) for name, count in work if name in WORK)
            return Outcome(None, fingerprint.group(1), counts)
        if ended.returncode in (-signal.SIGKILL, -signal.SIGXCPU):
            return Outcome("it does not end", "", {})
        rule = RULE.search(ended.stderr)
        return Outcome(rule.group(1) if rule else f"it ends with {ended.returncode}", "", {})


class Sound:
    """The same runs of the sources as they are, remembered for the next time."""

    def __init__(self):
        digest = hashlib.sha256(SOUND.read_bytes()).hexdigest()[:16]
        self.file = COPY / f"build/without-bugs-{digest}.json"
        self.known = json.loads(self.file.read_text()) if self.file.exists() else {}

    def run(self, arguments):
        """Runs it, if it was not run before."""
        if arguments not in self.known:
            outcome = Outcome.of(SOUND, arguments)
            self.known[arguments] = [outcome.broken, outcome.fingerprint, outcome.counts]
            self.file.write_text(json.dumps(self.known))
            if outcome.broken:
                print(f"    fails without a bug ({outcome.broken}): {arguments}", flush=True)
        return Outcome(*self.known[arguments])


def difference(pairs):
    """What all runs of one kind together show: a branch that is never reached, or work without need; or None."""
    with_bug = [one.counts for one, _ in pairs]
    without = [other.counts for _, other in pairs]
    for name in without[0]:
        is_always = all(counts.get(name, 0) > 0 for counts in without)
        if name not in WORK and is_always and not any(counts.get(name, 0) for counts in with_bug):
            return f"sometimes: {name}"
    for name in WORK:
        usual, now = (sum(counts.get(name, 0) for counts in side) for side in (without, with_bug))
        if now * 100 > usual * WORK_MAX_PERCENT:
            return f"work: {name}, {now} instead of {usual}"
    return None


def search(seeds, seconds, unreached, sound):
    """Whether it is found, and what there is to say of it."""
    spent = 0.0
    differed = tried = 0
    pairs = {kind: [] for kind in RUNS}
    suspected = set()
    for seed in range(1, seeds + 1):
        for kind in RUNS:
            arguments = f"--seed {seed} {kind}"
            without = sound.run(arguments)
            if without.broken:
                continue
            now = Outcome.of(BUILD / "bin/simulate", arguments)
            spent += now.seconds
            tried += 1
            if now.broken:
                return True, f"found after {tried} runs by {arguments} ({now.broken})"
            differed += now.fingerprint != without.fingerprint
            pairs[kind].append((now, without))
            if differed and len(pairs[kind]) % SEEDS_COMPARED == 0:
                what = difference(pairs[kind])
                if what and kind in suspected:
                    return True, f"found after {tried} runs by seeds 1 to {seed} of {kind} ({what})"
                if what:
                    suspected.add(kind)
            if unreached and not differed and seed > unreached:
                return False, f"NOT FOUND, no run of seeds 1 to {unreached} differs"
            if spent > seconds:
                return False, f"NOT FOUND in {spent:.0f} s, seeds 1 to {seed}; {differed} of {tried} runs differed"
    return False, f"NOT FOUND in {seeds} seeds; {differed} of {tried} runs differed"


def copy_if_changed(source, target):
    """What is as it was keeps its date, and is not compiled again."""
    target = pathlib.Path(target)
    if not target.exists() or target.read_bytes() != pathlib.Path(source).read_bytes():
        shutil.copy(source, target)


def configure():
    """Without the host, debugging information and warnings that stop: what compiles and links fastest."""
    command = ["cmake", "--preset", "release", "-DTRESTLE_TESTS=OFF", "-DTRESTLE_HOST=OFF",
               "-DTRESTLE_WARNINGS_AS_ERRORS=OFF", "-DCMAKE_CXX_FLAGS_RELWITHDEBINFO=-O2"]
    if shutil.which("ccache"):
        command.append("-DCMAKE_CXX_COMPILER_LAUNCHER=ccache")
    if shutil.which("mold"):
        command.append("-DCMAKE_EXE_LINKER_FLAGS=-fuse-ld=mold")
    subprocess.run(command, cwd=COPY, check=True, stdout=subprocess.DEVNULL)


def build(jobs):
    """Builds the simulator of the copy; true when that worked."""
    command = ["ninja", "-C", BUILD, "simulate"] + ([f"-j{jobs}"] if jobs else [])
    return subprocess.run(command, check=False, stdout=subprocess.DEVNULL).returncode == 0


def try_bug(bug, jobs, look):
    """Plants it, looks for it, and takes it out again; whether it was found, and what came of it."""
    path, line, changed = bug
    source = COPY / path
    original = source.read_text()
    source.write_text(original.replace(line + "\n", changed + "\n", 1))
    try:
        return look() if build(jobs) else (False, "does not compile any more")
    finally:
        source.write_text(original)


def run(options):
    """Plants each bug of the list and looks for it."""
    (ROOT / "build").mkdir(exist_ok=True)
    alone = open(ROOT / "build/planted.lock", "w")  # held to the end: two would plant in one copy
    fcntl.flock(alone, fcntl.LOCK_EX | fcntl.LOCK_NB)
    entries = [line for line in options.list.read_text().splitlines() if line and not line.startswith("#")]
    shutil.copytree(ROOT, COPY, ignore=shutil.ignore_patterns("build", ".git"), copy_function=copy_if_changed,
                    dirs_exist_ok=True)
    configure()
    if not build(options.jobs):
        sys.exit("the sources do not compile without a bug")
    shutil.copy(BUILD / "bin/simulate", SOUND)
    sound = Sound()
    found = tried = 0
    for number, entry in enumerate(entries, start=1):
        if options.numbers and number not in options.numbers:
            continue
        entry, _, reason = entry.partition(UNCOUNTED)
        bug = planted(entry)
        if reason or bug is None:
            print(f"{number:3} {'not counted' if reason else 'not there any more'}: {entry}", flush=True)
            continue
        began = time.monotonic()
        is_found, outcome = try_bug(bug, options.jobs, lambda: search(options.seeds, options.seconds_per_bug,
                                                                      options.unreached_seeds, sound))
        tried += 1
        found += is_found
        print(f"{number:3} {outcome} ({time.monotonic() - began:.0f} s): {entry}", flush=True)
    print(f"{found} of {tried} found")
    return 0 if found * 100 >= tried * 95 else 1


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    drawing = commands.add_parser("draw")
    drawing.add_argument("seed", type=int)
    drawing.add_argument("count", type=int)
    running = commands.add_parser("run")
    running.add_argument("--list", type=pathlib.Path, default=LIST)
    running.add_argument("--seeds", type=int, default=2000)
    running.add_argument("--seconds-per-bug", type=float, default=600, help="of processor time")
    running.add_argument("--unreached-seeds", type=int, default=0, help="give up when no run of so many differs")
    running.add_argument("--jobs", type=int)
    running.add_argument("numbers", type=int, nargs="*")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # whatever is planted is taken out again
    if arguments.command == "draw":
        return draw(arguments.seed, arguments.count)
    return run(arguments)


if __name__ == "__main__":
    sys.exit(main())
