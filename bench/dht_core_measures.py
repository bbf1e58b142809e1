"""Group D, the part that needs no network: what the DHT's core costs by itself."""

from goals import GOALS, Figure
from processes import BenchError, run, run_under_callgrind


def nearest():
    """D1: instructions of one question for the nearest of a full table, the function alone."""
    few, many = 2_000, 12_000
    figures = []
    for goal, count in (("D1", 20), ("D1b", 8)):
        spent = [instructions(count, rounds) for rounds in (few, many)]
        figures.append(Figure(GOALS[goal], (spent[1] - spent[0]) / (many - few)))
    return figures


def instructions(count, rounds):
    """Inside `RoutingTable::closest` and what it calls, of one run."""
    spent, result = run_under_callgrind("dht_core", "closest", count, rounds,
                                        inside="trestle::dht::RoutingTable::closest(*")
    if result["answered"] != rounds:
        raise BenchError(f"dht_core answered {result['answered']} of {rounds}")
    return spent


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
