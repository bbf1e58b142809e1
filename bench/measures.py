"""How each figure is taken. A measure returns one or more figures; where there is a peer, ours and the peer's runs
alternate, and the figure is the median of the ratios of neighbours."""

import pathlib
import re
import statistics
import subprocess
import tempfile
import time

from goals import GOALS, Figure, number
from processes import BIN, BenchError, Server, memory_kib, run, run_against

REPETITIONS = 7
RUN = ("--warm-up-ms", 300, "--run-ms", 1000)


def alternating(ours, peer, repetitions=REPETITIONS):
    """Runs both in turn; the pairs of results."""
    return [(ours(), peer()) for _ in range(repetitions)]


def median_of(results, key):
    return statistics.median(result[key] for result in results)


# ---- requests over one connection

def plain_throughput():
    """P1 and P4: ours against gRPC, 128 in flight on one connection."""
    with Server("bridge_program") as bridge, Server("grpc_echo", "server") as grpc:
        pairs = alternating(
            lambda: run_against(bridge, "asker_program", "--bridge", bridge.url, *RUN),
            lambda: run_against(grpc, "grpc_echo", "client", "--port", grpc.port, *RUN))
    ours, peers = zip(*pairs)
    rates = [our["per_second"] / peer["per_second"] for our, peer in pairs]
    costs = [cpu_us(our) / cpu_us(peer) for our, peer in pairs]
    return [
        Figure.of(GOALS["P1"], rates, f"{median_of(ours, 'per_second'):,.0f}/s, "
                                      f"gRPC {median_of(peers, 'per_second'):,.0f}/s"),
        Figure.of(GOALS["P4"], costs, f"{statistics.median(map(cpu_us, ours)):.1f} us, "
                                      f"gRPC {statistics.median(map(cpu_us, peers)):.1f} us"),
    ]


def cpu_us(result):
    """CPU of both ends for one request."""
    return result["cpu_us"] + result["server_cpu_us"]


# ---- the core alone

def core_path():
    """P6: instructions by callgrind, as the slope between two numbers of requests; allocations as counted by the
    program itself."""
    few, many = 4_000, 14_000
    instructions, answered = zip(*(under_callgrind(requests) for requests in (few, many)))
    counted = run("core_path", 100_000)
    slope = (instructions[1] - instructions[0]) / (answered[1] - answered[0])
    besides = counted["allocations"] - counted["body_allocations"]
    return [
        Figure(GOALS["P6"], slope),
        Figure(GOALS["P6a"], round(besides, 3), anchor=f"messages alone {number(counted['body_allocations'])}"),
    ]


def under_callgrind(requests):
    """(instructions, answered requests) of one run of the core path."""
    with tempfile.TemporaryDirectory() as folder:
        ended = subprocess.run(
            ["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out", BIN / "core_path", str(requests)],
            capture_output=True, text=True, check=False)
        found = re.search(r"^summary: (\d+)|^totals: (\d+)", pathlib.Path(folder, "out").read_text(), re.MULTILINE)
    answered = re.search(r'"answered": (\d+)', ended.stdout)
    if not found or not answered:
        raise BenchError(f"core_path under callgrind: {ended.stdout}{ended.stderr}")
    return int(found[1] or found[2]), int(answered[1])


# ---- memory

def idle_program():
    """M4: an idle bootstrap node, as the operating system sees it."""
    resident, private = [], []
    for _ in range(3):
        with tempfile.TemporaryDirectory() as folder:
            process = subprocess.Popen(
                [BIN / "bootstrap-node", "run", "--genesis", "--listen", "127.0.0.1:0", "--data", f"{folder}/data"],
                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
            try:
                if not process.stdout.readline().startswith("ready"):
                    raise BenchError("bootstrap-node does not get ready")
                time.sleep(1.0)
                sizes = memory_kib(process.pid)
            finally:
                process.kill()
                process.wait()
        resident.append(sizes[0] / 1024)
        private.append(sizes[1] / 1024)
    return [Figure.of(GOALS["M4"], resident), Figure.of(GOALS["M4p"], private)]


BY_GOAL = {
    "P1": plain_throughput, "P4": plain_throughput,
    "P6": core_path,
    "M4": idle_program,
}
