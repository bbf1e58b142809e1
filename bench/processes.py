"""The measuring programs as processes: started, asked for their one line, ended."""

import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

from certificates import Issuer  # noqa: E402

BIN = pathlib.Path(os.environ.get("TRESTLE_BIN", ROOT / "build/release/bin"))
TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
DIE_WITH_PARENT = ("setpriv", "--pdeathsig", "KILL")
LONGEST_RUN_S = 120


class BenchError(Exception):
    """A program did not do what it was started for."""


class Tls:
    """A certificate for the loopback interface, until the end of the block: what each side is told of it."""

    def __enter__(self):
        self._folder = tempfile.TemporaryDirectory()
        issuer = Issuer(self._folder.name)
        certificate, key = issuer.issue("bench")
        self.serving = ("--cert", certificate, "--key", key)
        self.dialling = ("--ca", issuer.certificate)
        return self

    def __exit__(self, *_):
        self._folder.cleanup()


class Server:
    """A program that prints `ready NUMBER` and runs until the end of the block."""

    def __init__(self, *command):
        self.command = [str(BIN / command[0]), *map(str, command[1:])]
        self.port = None
        self._process = None

    def __enter__(self):
        self._process = subprocess.Popen([*DIE_WITH_PARENT, *self.command], stdout=subprocess.PIPE, text=True)
        found = re.match(r"ready (\d+)", self._process.stdout.readline())
        if not found:
            self.__exit__()
            raise BenchError(f"{' '.join(self.command)} does not listen")
        self.port = int(found[1])
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait()

    @property
    def pid(self):
        return self._process.pid

    @property
    def url(self):
        return f"{'wss' if '--cert' in self.command else 'ws'}://127.0.0.1:{self.port}"

    def cpu_seconds(self):
        """User and kernel time of all its threads so far."""
        words = pathlib.Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(words[11]) + int(words[12])) / TICKS_A_SECOND

    def memory_kib(self):
        return memory_kib(self.pid)


def memory_kib(pid):
    """Resident memory of a process, and the part of it that it shares with nobody."""
    fields = {}
    for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        words = line.split()
        if words[-1] == "kB":
            fields[words[0].rstrip(":")] = int(words[1])
    return fields["Rss"], fields["Private_Clean"] + fields["Private_Dirty"]


def run(*command):
    """Runs a program to its end; what its last line of JSON says."""
    return _result_of(BIN / command[0], *command[1:])


def _result_of(*command):
    command = [str(word) for word in command]
    ended = subprocess.run([*DIE_WITH_PARENT, *command], capture_output=True, text=True, timeout=LONGEST_RUN_S,
                           check=False)
    try:
        return json.loads(ended.stdout.strip().splitlines()[-1])
    except (IndexError, ValueError):
        raise BenchError(f"{' '.join(command)} exits {ended.returncode}\n{ended.stdout}{ended.stderr}") from None


def run_in_network(addresses, *command):
    """The same in a network namespace of its own, whose loopback interface has these addresses."""
    as_somebody = () if os.geteuid() == 0 else ("--user", "--map-root-user")
    setting_up = "ip link set lo up && for address; do ip addr add $address/32 dev lo; done"
    words = " ".join(shlex.quote(str(word)) for word in (BIN / command[0], *command[1:]))
    return _result_of("unshare", *as_somebody, "--net", "sh", "-c", f"{setting_up} && exec {words}", "sh", *addresses)


def run_under_callgrind(*command, inside=None):
    """(instructions in user space, what its last line of JSON says) of one run; those of one function and of what it calls
    if its name is given."""
    only = (f"--toggle-collect={inside}",) if inside else ()
    with tempfile.TemporaryDirectory() as folder:
        result = _result_of("valgrind", "--tool=callgrind", *only, f"--callgrind-out-file={folder}/out",
                            BIN / command[0], *command[1:])
        found = re.search(r"^(?:summary|totals): (\d+)", pathlib.Path(folder, "out").read_text(), re.MULTILINE)
    if not found:
        raise BenchError(f"callgrind counted nothing of {command[0]}")
    return int(found[1]), result


def run_against(server, *command):
    """The same for a client of a server: adds `server_cpu_us`, the server's share of each answered request. What the
    server did while the client warmed up is in proportion."""
    before = server.cpu_seconds()
    result = run(*command)
    asked = result["answered"] * (1 + result["warm_up_share"])
    result["server_cpu_us"] = (server.cpu_seconds() - before) * 1e6 / max(1, asked)
    return result


def highest_memory_kib(server, seconds, *command):
    """The most that a server held resident while a client ran against it for so long."""
    command = [str(BIN / command[0]), *map(str, command[1:])]
    client = subprocess.Popen([*DIE_WITH_PARENT, *command], stdout=subprocess.DEVNULL)
    try:
        highest = 0
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            highest = max(highest, server.memory_kib()[0])
            time.sleep(0.1)
        return highest
    finally:
        client.kill()
        client.wait()
