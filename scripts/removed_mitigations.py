#!/usr/bin/python3
"""Does anybody notice when a mitigation is gone? Removes them, one at a time, and runs the test that must then fail.

  removed_mitigations.py [--build FOLDER] [--jobs N] [T2...]

The list is tests/threats/removals.toml, the table it proves docs/threat-model.md. A removal names a threat, a source file
with the exact text of its mitigation and what is left of it, and one of the tests of the threat's row. First the test has
to pass as everything is; then it has to fail without the mitigation: an expectation that is not met or a crash, not a test
that never ends. No source is touched: a copy of the one file is compiled, as the build compiles the file itself, and
linked in front of the archive that has the sound one. So a removal costs one compilation and one linking. What is made
stays in build/threats. The last line is `N of N removals are noticed, of N threats`.
"""

import argparse
import dataclasses
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import time
import tomllib

import run_tests

ROOT = pathlib.Path(__file__).resolve().parent.parent
LIST = ROOT / "tests/threats/removals.toml"
WORK = ROOT / "build/threats"
TEST_SECONDS_MAX = 300  # as for any suite (tests/CMakeLists.txt)
OUTPUT_SHOWN = 1500


@dataclasses.dataclass(frozen=True)
class Change:
    """A piece of one file, and what is left of it."""

    file: str
    text: str
    left: str


@dataclasses.dataclass(frozen=True)
class Removal:
    """A mitigation that goes, and who must notice."""

    threat: str
    changes: tuple   # several where one mitigation stands behind another
    suite: str       # the file of the test
    test: str
    programs: tuple  # what a test of running programs starts, of what is affected

    def targets(self):
        """What is linked with the changed files in it."""
        return self.programs if self.suite.endswith(".py") else (f"{pathlib.PurePath(self.suite).parts[1]}_tests",)


def read_removals(text):
    """The list, in its order."""
    removals = []
    for entry in tomllib.loads(text)["removal"]:
        changes = tuple(Change(change["file"], change["text"], change.get("left", ""))
                        for change in (entry, *entry.get("also", ())))
        removals.append(Removal(entry["threat"], changes, entry["suite"], entry["test"],
                                tuple(entry.get("programs", ()))))
    return removals


class Failed(Exception):
    """A removal that could not be tried, with the reason."""


class Build:
    """The sound build, and how it compiles and links."""

    def __init__(self, folder, jobs):
        self.folder = pathlib.Path(folder)
        self.jobs = jobs
        if not (self.folder / "build.ninja").exists():
            subprocess.run(["cmake", "--preset", "dev", *self.choices()], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        self.commands = json.loads((self.folder / "compile_commands.json").read_text())

    @staticmethod
    def choices():
        """What compiles again and links fastest."""
        chosen = ["-DCMAKE_CXX_COMPILER_LAUNCHER=ccache"] if shutil.which("ccache") else []
        return chosen + (["-DCMAKE_EXE_LINKER_FLAGS=-fuse-ld=mold"] if shutil.which("mold") else [])

    def make(self, targets):
        """Builds what is sound."""
        command = ["ninja", "-C", self.folder, *sorted(targets)] + ([f"-j{self.jobs}"] if self.jobs else [])
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)

    def compile(self, file, text, place):
        """Compiles that text in place of the file; returns the object of the build, and the new one."""
        source = ROOT / file
        known = next((one for one in self.commands if pathlib.Path(one["file"]) == source), None)
        if known is None:
            raise Failed(f"{file} is not compiled")
        changed = place / source.name
        changed.write_text(text)
        made = changed.with_suffix(".o")
        command, sound = compile_command(shlex.split(known["command"]), source, changed, made)
        # The list of commands leaves out what launches the compiler.
        run_quietly(["ccache", *command] if shutil.which("ccache") else command, known["directory"])
        return sound, made

    def link(self, target, objects, place):
        """Links a program with those objects instead of the sound ones."""
        listed = subprocess.run(["ninja", "-C", self.folder, "-t", "commands", f"bin/{target}"], check=True,
                                capture_output=True, text=True).stdout
        made = place / target
        run_quietly(link_command(listed.splitlines()[-1], f"bin/{target}", objects, made), self.folder, shell=True)


def compile_command(words, source, changed, made):
    """The same compilation of another text, without warnings that stop; and which object it makes otherwise."""
    sound = words[words.index("-o") + 1]
    command, skipped = [], False
    for word in words:
        if skipped:
            skipped = False
        elif word in ("-MF", "-MT", "-MQ", "-o"):
            skipped = True
        elif word not in ("-MD", "-MMD"):
            command.append(str(changed) if word == str(source) else word)
    return [*command, "-iquote", str(source.parent), "-w", "-o", str(made)], sound


def link_command(command, output, objects, made):
    """The same linking with other objects: in front of the archives, of which the sound ones are then not taken."""
    words = command.replace(f" -o {output} ", f" -o {shlex.quote(str(made))} ", 1).split(" ")
    places = {os.path.normpath(word): place for place, word in enumerate(words) if word.endswith(".o")}
    in_front = words.index("-o")
    for sound, new in objects:
        place = places.get(os.path.normpath(sound))
        if place is None:
            words[in_front] = f"{shlex.quote(str(new))} {words[in_front]}"
        else:
            words[place] = shlex.quote(str(new))
    return " ".join(words)


def run_quietly(command, folder, shell=False):
    """Runs what has to work."""
    ended = subprocess.run(command, cwd=folder, shell=shell, check=False, capture_output=True, text=True)
    if ended.returncode != 0:
        raise Failed("does not build: " + (ended.stdout + ended.stderr).strip()[-OUTPUT_SHOWN:])


def pattern_of(name):
    """The name of a test as Catch2 has to be asked for it."""
    return re.sub(r'([\\,\[\]"*~])', r"\\\1", name)


def is_noticed(status, output):
    """Whether a test failed: True, False, or None where nothing was tested."""
    count = run_tests.count_catch(output) or run_tests.count_unittest(output)
    if "No tests ran" in output or "No test cases matched" in output or (count is None and status == 0):
        return None
    if status < 0:
        return True  # an assertion of ours, most likely
    if count is None or count.passed + count.failed == 0:
        return None
    return count.failed > 0


def test(removal, programs):
    """Runs the test with the programs of that folder; whether it fails, and what it printed."""
    suite = ROOT / removal.suite
    if suite.suffix == ".py":
        command = [sys.executable, "-B", suite.name, "-k", removal.test]
        folder = suite.parent
    else:
        command = [programs / removal.targets()[0], pattern_of(removal.test)]
        folder = WORK
    environment = {**os.environ, "TRESTLE_BIN": str(programs), "TRESTLE_BUILD": str(programs.parent)}
    try:
        ended = subprocess.run(command, cwd=folder, env=environment, check=False, capture_output=True, text=True,
                               errors="replace", timeout=TEST_SECONDS_MAX)
    except subprocess.TimeoutExpired:
        return None, f"does not end within {TEST_SECONDS_MAX} s"
    output = ended.stdout + ended.stderr
    return is_noticed(ended.returncode, output), output


def texts_without(removal):
    """What is left of each file that it changes."""
    texts = {}
    for change in removal.changes:
        text = texts.get(change.file) or (ROOT / change.file).read_text()
        if text.count(change.text) != 1:
            raise Failed(f"its text stands {text.count(change.text)} times in {change.file}")
        texts[change.file] = text.replace(change.text, change.left)
    return texts


class Proving:
    """Tries removals one after the other."""

    def __init__(self, build):
        self.build = build
        self.sound = {}  # whether a test passes without a removal, by test

    def expect_sound(self, removal):
        """The test has to pass as everything is."""
        key = (removal.suite, removal.test)
        if key not in self.sound:
            self.sound[key] = test(removal, self.build.folder / "bin")
        failed, output = self.sound[key]
        if failed is not False:
            raise Failed("fails though nothing was removed: " + output.strip()[-OUTPUT_SHOWN:])

    def programs_without(self, removal):
        """A folder of programs that lack the mitigation."""
        place = WORK / "bin"
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        objects = [self.build.compile(file, text, place) for file, text in texts_without(removal).items()]
        for target in removal.targets():
            self.build.link(target, objects, place)
        if removal.suite.endswith(".py"):
            for program in (self.build.folder / "bin").iterdir():
                if not (place / program.name).exists():
                    (place / program.name).symlink_to(program)
        return place

    def outcome(self, removal):
        """Whether it is noticed, and what there is to say."""
        try:
            self.expect_sound(removal)
            failed, output = test(removal, self.programs_without(removal))
        except Failed as reason:
            return False, str(reason)
        if failed:
            return True, "noticed"
        if failed is None:
            return False, "NOT SHOWN: " + output.strip()[-OUTPUT_SHOWN:]
        return False, "NOT NOTICED"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/dev")
    parser.add_argument("--jobs", type=int)
    parser.add_argument("threats", nargs="*", metavar="T2")
    arguments = parser.parse_args()
    removals = [removal for removal in read_removals(LIST.read_text())
                if not arguments.threats or removal.threat in arguments.threats]
    WORK.mkdir(parents=True, exist_ok=True)
    build = Build(arguments.build, arguments.jobs)
    build.make({target for removal in removals for target in removal.targets()})
    proving = Proving(build)
    noticed = 0
    for removal in removals:
        began = time.monotonic()
        is_good, said = proving.outcome(removal)
        noticed += is_good
        where = " and ".join(dict.fromkeys(change.file.removeprefix("lib/trestle/") for change in removal.changes))
        print(f'{removal.threat:4}{said} ({time.monotonic() - began:.0f} s): {where}, "{removal.test}"', flush=True)
    threats = len({removal.threat for removal in removals})
    print(f"{noticed} of {len(removals)} removals are noticed, of {threats} threats")
    return 0 if removals and noticed == len(removals) else 1


if __name__ == "__main__":
    sys.exit(main())
