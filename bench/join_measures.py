"""P8: many newcomers at once, through the real programs."""

import os

from goals import GOALS, Figure
from processes import BIN, TICKS_A_SECOND, run

from network import Network  # of scripts/, which processes.py has put on the path

ONE_BY_ONE = 40
AT_ONCE = 200


def cpu_seconds(programs):
    """User and kernel time of running programs so far."""
    total = 0
    for program in programs:
        with open(f"/proc/{program.process.pid}/stat", encoding="utf-8") as file:
            words = file.read().rpartition(")")[2].split()
        total += (int(words[11]) + int(words[12])) / TICKS_A_SECOND
    return total


def simultaneous_joins():
    """Joins at a bootstrap node with two bridges, all over TLS: one at a time for their CPU, then 200 at once."""
    slower, failed = [], 0
    for _ in range(3):
        with Network(BIN, tls=True) as network:
            network.start(2)

            def join(count, at_once, net=network):
                return run("join_program", "--bootstrap", net.bootstrap.url, "--ca", net.issuer.certificate,
                           "--joins", count, "--at-once", at_once)

            before = cpu_seconds(network.running())
            single = join(ONE_BY_ONE, 1)
            each = (cpu_seconds(network.running()) - before + single["cpu_seconds"]) / ONE_BY_ONE
            storm = join(AT_ONCE, AT_ONCE)
        failed += single["failed"] + storm["failed"]
        slower.append(storm["seconds"] / (AT_ONCE * each / os.cpu_count()))
    return [
        Figure(GOALS["P8"], failed, anchor=f"of {3 * (AT_ONCE + ONE_BY_ONE)}"),
        Figure.of(GOALS["P8b"], slower, f"{storm['seconds']:.2f} s, {each * 1e3:.1f} ms of CPU each"),
    ]
