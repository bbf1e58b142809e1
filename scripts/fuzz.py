#!/usr/bin/python3
"""Runs the fuzz targets one after the other: fuzz.py DURATION [--uncovered | --unmeasured] [TARGET...], or prints what was
run: fuzz.py totals

DURATION is for each target: 60, 90s, 10m, 2h; 0 measures alone. What a target learns stays in build/fuzz/learnt/<target> and is
where the next run begins; how often each was executed is added up in build/fuzz/totals.json. An input that breaks something is
kept as tests/fuzz/corpus/<target>/finding-<digest>, where `make test` replays it from then on. After each target, what it
learnt and its corpus are run once more for the coverage of the files that it parses with, unless --unmeasured; --uncovered
prints each branch that none of it took. Exit code: 1 if there was a finding, 2 if something could not be run; coverage below
the goal is printed as such.
"""

import dataclasses
import hashlib
import json
import os
import pathlib
import re
import resource
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "fuzz"
CORPUS = ROOT / "tests" / "fuzz" / "corpus"
LINES_GOAL = 70  # In percent, of every target.
# Far above what any input may cost: a larger allocation or a slower run is a finding. libFuzzer goes by the clock, which runs on
# while others have the processor; so it waits longer, and what it calls slow is run once more and its processor time counted.
ALLOCATION_MB_MAX = 64
SECONDS_MAX = 10
WAIT_S = 120
ENDED_BY_TIMEOUT = 70
# Freed memory is kept from reuse, so that its use is noticed. The usual 256 MB do not fit into a cache, and half of the time
# of a small target is spent there; an input frees far less than this. Two callers tell where memory came from: keeping more
# takes a sixth of the time, and whoever wants to see more replays the finding without these options.
SANITIZER = "quarantine_size_mb=4:malloc_context_size=2"


@dataclasses.dataclass
class Target:
    """One program: the longest input, the files whose coverage counts, and what share of their branches must be taken."""

    name: str
    numbers: str
    bytes_max: int
    parser: tuple
    branches_goal: int = 0


KB = 1024
TARGETS = [
    Target("native_codec", "F7 F19", 64 * KB, ("wire/native/",)),
    Target("legacy_codec", "F7", 64 * KB, ("wire/legacy/",)),
    Target("json", "F7 F21", 64 * KB, ("wire/json/",)),
    Target("primitives", "F21", 256, ("base/bytes.cpp", "base/node_id.", "wire/native/fields.hpp", "wire/json/utf8.cpp",
                                         "wire/legacy/credentials.cpp")),
    Target("web_socket_upgrade", "F1 F2", 16 * KB, ("wire/http/head.", "wire/http/syntax.", "wire/http/answer.",
                                                    "wire/http/status_line.", "wire/websocket/server_upgrade.",
                                                    "wire/websocket/client_upgrade.", "wire/websocket/handshake_key."), 90),
    Target("web_socket_frames", "F3 F4", 64 * KB, ("wire/websocket/message_reader.", "wire/websocket/frame_",
                                                   "wire/websocket/connection.", "wire/websocket/close_status.",
                                                   "wire/websocket/mask", "wire/websocket/utf8_check.",
                                                   "wire/websocket/flaw."), 90),
    Target("http_client", "F2", 16 * KB, ("http/http1_client.", "http/http2_client.", "wire/http/body_reader.",
                                          "wire/http/status_line.")),
    Target("tokens", "F8", 8 * KB, ("crypto/token.cpp", "crypto/identity_record.cpp", "crypto/revocation_list.cpp",
                                    "crypto/text_form.cpp", "crypto/sealed.cpp", "crypto/canonical.hpp",
                                    "crypto/edwards_encoding.cpp")),
    Target("sealed_value", "F8", 8 * KB, ("crypto/sealed_value.cpp", "crypto/network_key.cpp", "crypto/agreed_key.cpp")),
    Target("record_store", "F8 F9", 8 * KB, ("dht/record_store.", "dht/record_quotas.", "crypto/record.cpp")),
    Target("signature", "F8", 8 * KB, ("crypto/curve_order.", "crypto/edwards_encoding.cpp", "crypto/sealed.cpp",
                                       "crypto/suite/openssl/")),
    Target("dht", "F9", 64 * KB, ("dht/serving", "dht/limiting.cpp", "dht/asking.cpp", "dht/record_desk.cpp",
                                  "dht/operations.cpp", "dht/writing.cpp")),
    Target("lookup", "F10", 64 * KB, ("dht/lookup",)),
    Target("routing_table", "F11", 8 * KB, ("dht/routing_table",)),
    Target("node", "F20", 256 * KB, ("link/", "node/")),
    Target("database_file", "F14", 64 * KB, ("host/record_database.cpp", "host/saved_records.cpp")),
    Target("peers_file", "F14", 16 * KB, ("host/saved_peers.cpp", "host/key_file.cpp")),
    Target("settings", "F15", 16 * KB, ("host/settings", "host/command_line.cpp")),
    Target("tls_bytes", "F17", 32 * KB, ("host/tls.cpp", "tls/dialling_context.cpp", "tls/failure.cpp", "tls/rules.cpp")),
    Target("tls_engine", "F17", 32 * KB, ("tls/engine.cpp", "tls/ciphertext.", "tls/dialling_context.cpp",
                                          "tls/failure.cpp", "tls/rules.cpp", "tls/sessions.cpp")),
    Target("addresses", "F18", 4 * KB, ("host/address.cpp", "host/trusted_proxies.cpp", "host/admin_gate.cpp",
                                        "host/page_gate.cpp", "link/ip_address.cpp", "link/remote_address.cpp")),
    Target("log_text", "F19 F2", 4 * KB, ("host/status_json.cpp", "host/metrics_text.cpp", "host/http_header.cpp",
                                          "host/dial_failure.cpp")),
    Target("tls_files", "F22", 32 * KB, ("host/tls_material.cpp",)),
]


def seconds_of(text):
    """90, 90s, 15m, 2h."""
    found = re.fullmatch(r"(\d+)([smh]?)", text)
    if not found:
        sys.exit(f"fuzz.py: '{text}' is no duration: 60, 90s, 10m, 2h")
    return int(found.group(1)) * {"": 1, "s": 1, "m": 60, "h": 3600}[found.group(2)]


def recorded():
    """The recorded conversations of the old system, which are read where they lie: lists of (event, frame as its text)."""
    for recording in sorted((ROOT / "tests/data/legacy").glob("*.jsonl")):
        conversation = []
        for line in recording.read_text(encoding="utf-8").splitlines():
            event = json.loads(line)
            if "frame" in event:
                text = json.dumps(event["frame"], separators=(",", ":"), ensure_ascii=False)
                conversation.append((event, text.encode("utf-8", "surrogatepass")))
        yield conversation


def recorded_frames():
    """Each frame once."""
    return {text for conversation in recorded() for _, text in conversation}


def story_of(conversation, name, begin):
    """A conversation as node_fuzz.cpp plays it, with the node in the place of the one with that name: what was said to it on
    each of its connections. `begin` chooses the program and its options."""
    story, wires = bytearray(begin), []
    for event, text in conversation:
        if event["to"] != name:
            continue
        if event["conn"] not in wires:
            wires.append(event["conn"])
            is_ours = event["conn"].startswith(name)
            story += b"\x0a\x01" if is_ours else b"\x02\x01"  # A dial of the node's reaches a stranger; or one comes.
        story += bytes([3, wires.index(event["conn"]), 1]) + len(text).to_bytes(2, "big") + text
        story += b"\x08\x00\x64"  # A tenth of a second passes.
    return bytes(story) if wires else None


def recorded_stories():
    """Bootstrap, bridge and node of the recordings, all with the old dialect on."""
    programs = {"bootstrap": b"\x00\x01\x00", "bridge1": b"\x01\x01", "bridge2": b"\x01\x01", "node1": b"\x02\x01\x00",
                "node2": b"\x02\x01\x00", "node3": b"\x02\x01\x01"}
    stories = {story_of(conversation, name, begin) for conversation in recorded() for name, begin in programs.items()}
    return stories - {None}


# Seeds that are made for the run and are not in the tree.
SEEDS = {"legacy_codec": recorded_frames, "node": recorded_stories}


def corpora(target):
    """The folders of inputs to begin with, the one that grows first."""
    learnt = BUILD / "learnt" / target.name
    learnt.mkdir(parents=True, exist_ok=True)
    folders = [learnt, CORPUS / target.name]
    if target.name in SEEDS:
        made = BUILD / "seeds" / target.name
        made.mkdir(parents=True, exist_ok=True)
        for seed in SEEDS[target.name]():
            (made / hashlib.sha256(seed).hexdigest()[:16]).write_bytes(seed)
        folders.append(made)
    return folders


def processor_seconds():
    """What this program's children have used so far."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def is_only_starved(target, artifact):
    """Whether an input that libFuzzer called slow takes no time by itself."""
    begin = processor_seconds()
    ended = subprocess.run([BUILD / "bin" / f"{target.name}_fuzz", f"-timeout={10 * WAIT_S}", artifact],
                           capture_output=True, env=environment(os.devnull), check=False)
    return ended.returncode == 0 and processor_seconds() - begin < SECONDS_MAX


def keep_findings(target, artifacts):
    """Moves what broke a target into its corpus; returns the files."""
    kept = []
    for artifact in sorted(artifacts.iterdir()):
        if artifact.name.startswith("timeout-") and is_only_starved(target, artifact):
            continue
        content = artifact.read_bytes()
        place = CORPUS / target.name / ("finding-" + hashlib.sha256(content).hexdigest()[:12])
        shutil.copy(artifact, place)
        kept.append(place.relative_to(ROOT))
    return kept


@dataclasses.dataclass
class Outcome:
    """What one run of a target came to."""

    executions: int = 0
    seconds: float = 0
    findings: list = dataclasses.field(default_factory=list)

    def rate(self):
        return round(self.executions / max(self.seconds, 1))


def environment(profile):
    """Of a target: where its coverage goes, and its temporary files into memory."""
    memory = "/dev/shm" if os.path.isdir("/dev/shm") else tempfile.gettempdir()
    return dict(os.environ, LLVM_PROFILE_FILE=str(profile), ASAN_OPTIONS=SANITIZER, TMPDIR=memory)


def run(target, seconds, log):
    """Runs a target for its time, or until it finds something."""
    outcome = Outcome()
    begin = processor_seconds()
    with tempfile.TemporaryDirectory() as folder:
        artifacts = pathlib.Path(folder)
        command = [BUILD / "bin" / f"{target.name}_fuzz", *corpora(target),
                   f"-max_total_time={seconds}", f"-max_len={target.bytes_max}", f"-timeout={WAIT_S}",
                   f"-malloc_limit_mb={ALLOCATION_MB_MAX}", "-rss_limit_mb=2048", "-print_final_stats=1",
                   # What costs little is changed more often: the same time shows several times as much.
                   "-entropic_scale_per_exec_time=1",
                   f"-artifact_prefix={artifacts}/"]
        with open(log, "wb") as output:
            ended = subprocess.run(command, stdout=output, stderr=subprocess.STDOUT, env=environment(os.devnull),
                                   check=False)
        outcome.findings = keep_findings(target, artifacts)
    text = log.read_text(encoding="utf-8", errors="replace")
    if found := re.search(r"stat::number_of_executed_units:\s*(\d+)", text):
        outcome.executions = int(found.group(1))
    # Of the processor: on a busy machine those of the clock say nothing.
    outcome.seconds = processor_seconds() - begin
    if ended.returncode not in (0, ENDED_BY_TIMEOUT) and not outcome.findings:
        outcome.findings = [f"ended with {ended.returncode}, see {log.relative_to(ROOT)}"]
    return outcome


@dataclasses.dataclass
class Coverage:
    """Of the parser's files: how much there is, how much of it was run through, and where a branch was not."""

    lines: int = 0
    lines_covered: int = 0
    branches: int = 0
    untaken: list = dataclasses.field(default_factory=list)

    def of_lines(self):
        return 100 * self.lines_covered / self.lines if self.lines else 0

    def of_branches(self):
        return 100 * (self.branches - len(self.untaken)) / self.branches if self.branches else 0

    def add(self, path, file):
        """What llvm-cov exports of one file. A branch is one of the two ways that a condition as it is written can turn out:
        each operand of && and ||, each case of a switch, a switch that no case fits. Those of assertions do not count, which
        come out of a macro: nothing may take their other way. Nor do constants, as in while (true), nor what compilers add,
        which is not measured."""
        self.lines += file["summary"]["lines"]["count"]
        self.lines_covered += file["summary"]["lines"]["covered"]
        source = pathlib.Path(ROOT / "lib/trestle" / path).read_text(encoding="utf-8").splitlines()
        taken = {}  # A template has them once for each of its instances.
        for line, column, _, end, is_true, is_false, *_ in file.get("branches", []):
            if source[line - 1][column - 1:end - 1] == "true":
                continue
            before = taken.get((line, column), (0, 0))
            taken[line, column] = (before[0] + is_true, before[1] + is_false)
        for (line, column), counts in sorted(taken.items()):
            self.branches += 2
            ways = [way for way, count in zip(("true", "false"), counts) if count == 0]
            self.untaken += [f"{path}:{line}:{column} is never {way}" for way in ways]


def measure(target):
    """What corpus and learnt inputs cover of the parser's files; None if that cannot be said."""
    program = BUILD / "bin" / f"{target.name}_fuzz"
    with tempfile.TemporaryDirectory() as folder:
        raw, merged = pathlib.Path(folder, "raw"), pathlib.Path(folder, "merged")
        command = [program, "-runs=0", f"-max_len={target.bytes_max}", *corpora(target)]
        subprocess.run(command, env=environment(raw), capture_output=True, check=False)
        if not raw.exists():
            return None
        subprocess.run(["llvm-profdata-19", "merge", "-sparse", raw, "-o", merged], check=True)
        shown = subprocess.run(["llvm-cov-19", "export", "-skip-functions", f"-instr-profile={merged}", program],
                               capture_output=True, text=True, check=True).stdout
    coverage = Coverage()
    for file in json.loads(shown)["data"][0]["files"]:
        _, _, path = file["filename"].rpartition("lib/trestle/")
        if any(path.startswith(part) for part in target.parser):
            coverage.add(path, file)
    return coverage if coverage.lines else None


def totals_so_far():
    """What was run since the build folder is there, as {target: {executions, seconds, lines, branches}}."""
    file = BUILD / "totals.json"
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}


def add_to_totals(target, outcome, coverage):
    totals = totals_so_far()
    total = totals.setdefault(target.name, {"executions": 0, "seconds": 0})
    total["executions"] += outcome.executions
    total["seconds"] = round(total["seconds"] + outcome.seconds, 2)
    if coverage:
        total["lines"], total["branches"] = f"{coverage.of_lines():.1f} %", f"{coverage.of_branches():.1f} %"
    # In one step: whoever stops the script loses the run of one target, not the sum.
    fresh = BUILD / "totals.new"
    fresh.write_text(json.dumps(totals, indent=1), encoding="utf-8")
    fresh.replace(BUILD / "totals.json")


def print_totals():
    """As the table of docs/fuzzing.md."""
    totals = totals_so_far()
    print("| Target | Executions | A second of the processor | Lines of its parser | Branches |\n"
          "| --- | --- | --- | --- | --- |")
    for target in TARGETS:
        if total := totals.get(target.name):
            rate = round(total["executions"] / max(total["seconds"], 1))
            print(f"| {target.name} | {total['executions']:,} | {rate:,} | {total.get('lines', '-')} "
                  f"| {total.get('branches', '-')} |")
    print(f"| all | {sum(total['executions'] for total in totals.values()):,} | | | |")


def shown(percent, goal):
    return f"{percent:.1f} %" + (" (!)" if percent < goal else "")


def print_row(target, outcome, coverage):
    lines = branches = "-"
    if coverage:
        lines = shown(coverage.of_lines(), LINES_GOAL)
        branches = shown(coverage.of_branches(), target.branches_goal)
    print(f"{target.name:<19} {target.numbers:<8} {outcome.executions:>12,} {outcome.rate():>12,} {lines:>11} {branches:>11}  "
          f"{len(outcome.findings)}", flush=True)
    for finding in outcome.findings:
        print(f"    {finding}", flush=True)


def main():
    if len(sys.argv) < 2:
        print(__doc__.split("\n\n", maxsplit=1)[0], file=sys.stderr)
        return 2
    if sys.argv[1] == "totals":
        print_totals()
        return 0
    seconds = seconds_of(sys.argv[1])
    options = {word for word in sys.argv[2:] if word in ("--uncovered", "--unmeasured")}
    wanted = [word for word in sys.argv[2:] if word not in options] or [target.name for target in TARGETS]
    unknown = set(wanted) - {target.name for target in TARGETS}
    if unknown:
        print(f"fuzz.py: no such target: {', '.join(sorted(unknown))}", file=sys.stderr)
        return 2
    total, findings = 0, 0
    print(f"{'target':<19} {'':<8} {'executions':>12} {'a CPU second':>12} {'lines':>11} {'branches':>11}  findings",
          flush=True)
    for target in [target for target in TARGETS if target.name in wanted]:
        # For libFuzzer no time is all the time.
        outcome = run(target, seconds, BUILD / f"{target.name}.log") if seconds else Outcome()
        coverage = None if "--unmeasured" in options else measure(target)
        add_to_totals(target, outcome, coverage)
        print_row(target, outcome, coverage)
        if coverage and "--uncovered" in options:
            for branch in coverage.untaken:
                print(f"    {branch}", flush=True)
        total += outcome.executions
        findings += len(outcome.findings)
    print(f"{total:,} executions, {findings} findings; (!): below the goal, {LINES_GOAL} % of the parser's lines and of its "
          "branches what the target says")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
