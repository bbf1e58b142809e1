"""What the scenarios of faults share: networks that must be well again, and values that must still be there."""

import random
import re
import time

from chaos_case import ChaosCase, sized, wait_until  # first: it says where the others are
from durability_test import get, is_acknowledged, is_joined, put

NODES = 5
WELL_WITHIN_S = 60.0


def told(times):
    ordered = sorted(times)
    return f"p50 {ordered[len(ordered) // 2] * 1000:.0f} ms, p99 {ordered[len(ordered) * 99 // 100] * 1000:.0f} ms"


class FaultsCase(ChaosCase):

    def wait_well(self, nodes, timeout_s=WELL_WITHIN_S):
        begun = time.monotonic()
        wait_until(lambda: all(is_joined(node) for node in nodes), timeout_s,
                   lambda: "\n".join(node.story() for node in nodes if not is_joined(node)), 0.2)
        return time.monotonic() - begun

    def lost_of(self, nodes, acknowledged, timeout_s=20.0):
        """Keys that no node has any more. A value may need a moment to be found again."""
        draw, until = random.Random(5), time.monotonic() + timeout_s
        missing = list(acknowledged)
        while missing:
            missing = [key for key in missing if get(draw.choice(nodes), key) != acknowledged[key]]
            if time.monotonic() > until:
                break
        return missing

    def exercise(self, name, network, number=None):
        """Writes and reads; says how that went. How many operations failed."""
        operations, failed, writes, reads = number or sized(100, 8), [], [], []
        for turn in range(operations):
            key, value = re.sub(r"\W+", "-", f"{name} {turn}"), f"value {turn}"
            begun = time.monotonic()
            answer = put(network.nodes[turn % NODES], key, value)
            writes.append(time.monotonic() - begun)
            if not is_acknowledged(answer):
                failed.append(answer)
                continue
            begun = time.monotonic()
            read = get(network.nodes[(turn + 1) % NODES], key)
            reads.append(time.monotonic() - begun)
            if read != value:
                failed.append(f"read {read}")
        self.say("C8 bad lines", f"{name}: put {told(writes)}, get {told(reads or [0])}, {len(failed)} of {operations} failed"
                 + (f", e.g. {failed[0]}" if failed else ""))
        return len(failed)
