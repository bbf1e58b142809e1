#!/usr/bin/python3
"""Runs the fuzz targets one after the other: fuzz.py DURATION [TARGET...]

DURATION is for each target: 60, 90s, 10m, 2h. What a target learns stays in build/fuzz/learnt/<target> and is where the next
run begins. An input that breaks something is kept as tests/fuzz/corpus/<target>/finding-<digest>, where `make test` replays
it from then on. After each target its corpus is run once more for the coverage of the files that it parses with. Exit code: 1
if there was a finding, 2 if something could not be run; coverage below the goal is printed as such.
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
COVERAGE_GOAL = 70
# Far above what any input may cost: a larger allocation or a slower run is a finding.
ALLOCATION_MB_MAX = 64
SECONDS_MAX = 10


@dataclasses.dataclass
class Target:
    """One program: the longest input, and the files whose coverage counts."""

    name: str
    numbers: str
    bytes_max: int
    parser: tuple


KB = 1024
TARGETS = [
    Target("native_codec", "F7 F19", 64 * KB, ("wire/native/",)),
    Target("legacy_codec", "F7", 64 * KB, ("wire/legacy/",)),
    Target("json", "F7 F21", 64 * KB, ("wire/json/",)),
    Target("primitives", "F21", 4 * KB, ("base/bytes.cpp", "base/node_id.", "wire/native/fields.hpp", "wire/json/utf8.cpp",
                                         "wire/legacy/credentials.cpp")),
    Target("record_store", "F8 F9", 8 * KB, ("dht/record_store.", "dht/record_quotas.", "crypto/record.cpp")),
    Target("signature", "F8", 8 * KB, ("crypto/curve_order.", "crypto/suite/openssl/suite.cpp")),
    Target("dht", "F9", 64 * KB, ("dht/serving", "dht/limiting.cpp", "dht/asking.cpp", "dht/record_desk.cpp",
                                  "dht/operations.cpp", "dht/writing.cpp")),
    Target("lookup", "F10", 64 * KB, ("dht/lookup",)),
    Target("routing_table", "F11", 8 * KB, ("dht/routing_table",)),
    Target("node", "F20", 256 * KB, ("link/", "node/")),
    Target("database_file", "F14", 64 * KB, ("host/record_database.cpp", "host/saved_records.cpp")),
    Target("peers_file", "F14", 16 * KB, ("host/saved_peers.cpp", "host/key_file.cpp")),
    Target("settings", "F15", 16 * KB, ("host/settings", "host/command_line.cpp")),
    Target("tls_bytes", "F17", 32 * KB, ("host/tls.cpp", "host/tls_context.cpp")),
    Target("addresses", "F18", 4 * KB, ("host/address.cpp", "host/trusted_proxies.cpp", "host/admin_gate.cpp",
                                        "link/ip_address.cpp", "link/remote_address.cpp")),
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


def write_recorded_frames(folder):
    """The recorded conversations of the old system as seeds, each frame once: they are not copied into the tree."""
    folder.mkdir(parents=True, exist_ok=True)
    for recording in sorted((ROOT / "tests/data/legacy").glob("*.jsonl")):
        for line in recording.read_text(encoding="utf-8").splitlines():
            frame = json.loads(line).get("frame")
            if frame is None:
                continue
            text = json.dumps(frame, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")
            (folder / hashlib.sha256(text).hexdigest()[:16]).write_bytes(text)


def processor_seconds():
    """What this program's children have used so far."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def keep_findings(target, artifacts):
    """Moves what broke a target into its corpus; returns the files."""
    kept = []
    for artifact in sorted(artifacts.iterdir()):
        content = artifact.read_bytes()
        place = CORPUS / target.name / ("finding-" + hashlib.sha256(content).hexdigest()[:12])
        shutil.copy(artifact, place)
        kept.append(place.relative_to(ROOT))
    return kept


@dataclasses.dataclass
class Outcome:
    """What one run of a target came to."""

    executions: int = 0
    rate: int = 0
    findings: list = dataclasses.field(default_factory=list)
    coverage: str = "-"


def run(target, seconds, learnt, log):
    """Runs a target for its time, or until it finds something."""
    outcome = Outcome()
    begin = processor_seconds()
    with tempfile.TemporaryDirectory() as folder:
        artifacts = pathlib.Path(folder)
        command = [BUILD / "bin" / f"{target.name}_fuzz", learnt, CORPUS / target.name,
                   f"-max_total_time={seconds}", f"-max_len={target.bytes_max}", f"-timeout={SECONDS_MAX}",
                   f"-malloc_limit_mb={ALLOCATION_MB_MAX}", "-rss_limit_mb=2048", "-print_final_stats=1",
                   f"-artifact_prefix={artifacts}/"]
        if target.name == "legacy_codec":
            frames = BUILD / "seeds" / target.name
            write_recorded_frames(frames)
            command.insert(3, frames)
        environment = dict(os.environ, LLVM_PROFILE_FILE=os.devnull)
        with open(log, "wb") as output:
            ended = subprocess.run(command, stdout=output, stderr=subprocess.STDOUT, env=environment, check=False)
        outcome.findings = keep_findings(target, artifacts)
    text = log.read_text(encoding="utf-8", errors="replace")
    if found := re.search(r"stat::number_of_executed_units:\s*(\d+)", text):
        outcome.executions = int(found.group(1))
    # For each second of the processor: on a busy machine those of the clock say nothing.
    outcome.rate = round(outcome.executions / max(processor_seconds() - begin, 1))
    if ended.returncode != 0 and not outcome.findings:
        outcome.findings = [f"ended with {ended.returncode}, see {log.relative_to(ROOT)}"]
    return outcome


def coverage(target, learnt):
    """Lines of the parser's files that the corpus runs through, in percent."""
    program = BUILD / "bin" / f"{target.name}_fuzz"
    with tempfile.TemporaryDirectory() as folder:
        raw, merged = pathlib.Path(folder, "raw"), pathlib.Path(folder, "merged")
        command = [program, "-runs=0", f"-max_len={target.bytes_max}", learnt, CORPUS / target.name]
        subprocess.run(command, env=dict(os.environ, LLVM_PROFILE_FILE=str(raw)), capture_output=True, check=False)
        if not raw.exists():
            return "-"
        subprocess.run(["llvm-profdata-19", "merge", "-sparse", raw, "-o", merged], check=True)
        shown = subprocess.run(["llvm-cov-19", "export", "-summary-only", f"-instr-profile={merged}", program],
                               capture_output=True, text=True, check=True).stdout
    covered = lines = 0
    for file in json.loads(shown)["data"][0]["files"]:
        _, _, path = file["filename"].rpartition("lib/trestle/")
        if any(path.startswith(part) for part in target.parser):
            covered += file["summary"]["lines"]["covered"]
            lines += file["summary"]["lines"]["count"]
    return f"{100 * covered / lines:.1f} %" if lines else "-"


def main():
    if len(sys.argv) < 2:
        print(__doc__.splitlines()[0], file=sys.stderr)
        return 2
    seconds = seconds_of(sys.argv[1])
    wanted = sys.argv[2:] or [target.name for target in TARGETS]
    unknown = set(wanted) - {target.name for target in TARGETS}
    if unknown:
        print(f"fuzz.py: no such target: {', '.join(sorted(unknown))}", file=sys.stderr)
        return 2
    total, findings = 0, 0
    print(f"{'target':<15} {'':<8} {'executions':>12} {'a CPU second':>12} {'of its parser':>14}  findings", flush=True)
    for target in [target for target in TARGETS if target.name in wanted]:
        learnt = BUILD / "learnt" / target.name
        learnt.mkdir(parents=True, exist_ok=True)
        outcome = run(target, seconds, learnt, BUILD / f"{target.name}.log")
        outcome.coverage = coverage(target, learnt)
        if outcome.coverage != "-" and float(outcome.coverage.split()[0]) < COVERAGE_GOAL:
            outcome.coverage += " (!)"
        total += outcome.executions
        findings += len(outcome.findings)
        print(f"{target.name:<15} {target.numbers:<8} {outcome.executions:>12,} {outcome.rate:>12,} "
              f"{outcome.coverage:>14}  {len(outcome.findings)}", flush=True)
        for finding in outcome.findings:
            print(f"    {finding}", flush=True)
    print(f"{total:,} executions, {findings} findings; (!): below the goal of {COVERAGE_GOAL} % of the parser's lines")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
