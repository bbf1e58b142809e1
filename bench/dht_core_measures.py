"""Group D, the part that needs no network: what the DHT's core costs by itself."""

import pathlib
import re
import subprocess
import tempfile

from goals import GOALS, Figure
from processes import BIN, BenchError, run


def nearest():
    """D1: instructions of one question for the nearest of a full table, the function alone."""
    few, many = 2_000, 12_000
    figures = []
    for goal, count in (("D1", 20), ("D1b", 8)):
        spent = [under_callgrind(count, rounds) for rounds in (few, many)]
        figures.append(Figure(GOALS[goal], (spent[1] - spent[0]) / (many - few)))
    return figures


def under_callgrind(count, rounds):
    """Instructions inside `RoutingTable::closest` and what it calls, of one run."""
    with tempfile.TemporaryDirectory() as folder:
        ended = subprocess.run(
            ["valgrind", "--tool=callgrind", "--toggle-collect=trestle::dht::RoutingTable::closest(*",
             f"--callgrind-out-file={folder}/out", BIN / "dht_core", "closest", str(count), str(rounds)],
            capture_output=True, text=True, check=False)
        found = re.search(r"^summary: (\d+)|^totals: (\d+)", pathlib.Path(folder, "out").read_text(), re.MULTILINE)
    if not found or f'"answered": {rounds}' not in ended.stdout:
        raise BenchError(f"dht_core under callgrind: {ended.stdout}{ended.stderr}")
    return int(found[1] or found[2])


def idle_memory():
    """D5: the heap of one whole node without sockets and of 200 contacts in its table, then after load."""
    contacts = 200
    counted = run("dht_core", "memory", contacts)
    if counted["contacts"] != contacts:
        raise BenchError(f"only {counted['contacts']} contacts fit")
    node_kb = counted["node_bytes"] / 1000
    table_kb = counted["contacts_bytes"] / 1000
    loaded_kb = counted["loaded_bytes"] / 1000
    return [
        Figure(GOALS["D5"], node_kb + table_kb, anchor=f"the node {node_kb:.1f}, its contacts {table_kb:.1f}"),
        Figure(GOALS["D5b"], node_kb + loaded_kb, anchor=f"the node {node_kb:.1f}, its DHT {loaded_kb:.1f}"),
    ]
