"""The figures aimed for, one place for all of them. docs/benchmarks.md says how each is taken."""

import dataclasses
import statistics


@dataclasses.dataclass(frozen=True)
class Goal:
    """One measured figure against its target. `sign` is how they must stand to each other."""

    id: str
    what: str
    sign: str  # ">=" or "<="
    target: float
    unit: str = ""

    def is_met(self, measured):
        return measured >= self.target if self.sign == ">=" else measured <= self.target

    @property
    def target_text(self):
        return f"{self.sign}{number(self.target)}{self.unit}"


@dataclasses.dataclass
class Figure:
    """What was measured for a goal: the figure itself and, where there is one, what it stands beside."""

    goal: Goal
    measured: float
    low: float = None
    high: float = None
    anchor: str = "-"

    @classmethod
    def of(cls, goal, samples, anchor="-"):
        """The median of repetitions, with their spread."""
        return cls(goal, statistics.median(samples), min(samples), max(samples), anchor)

    @property
    def line(self):
        spread = ""
        if self.low is not None and self.low != self.high:
            spread = f" ({number(self.low)}..{number(self.high)})"
        verdict = "ok" if self.goal.is_met(self.measured) else "short"
        return f"{self.goal.id:<4} {number(self.measured)}{self.goal.unit}{spread}  {self.goal.target_text}  " \
               f"{self.anchor}  {verdict}"


def number(value):
    """Three digits that count."""
    if value == 0:
        return "0"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


GOALS = {goal.id: goal for goal in (
    Goal("P1", "requests/s, plain, 128 in flight, against gRPC", ">=", 4, "x"),
    Goal("P2", "the same over TLS", ">=", 4, "x"),
    Goal("P1r", "P1 over the raw transport", ">=", 20, "x"),
    Goal("P2r", "P2 over it", ">=", 20, "x"),
    Goal("P2i", "user-space instructions of one request over TLS at the end that asks", "<=", 6000),
    Goal("P3", "p50 with one in flight over TLS, against a bare epoll echo", "<=", 1.5, "x"),
    Goal("P4", "CPU of both ends per request, plain, 128 in flight, against gRPC", "<=", 1 / 6, "x"),
    Goal("P4t", "the same over TLS", "<=", 1 / 6, "x"),
    Goal("P5", "p50 over TLS, stateless against pooled", ">=", 10, "x"),
    Goal("P6", "instructions of one request in the core, both ends", "<=", 3000),
    Goal("P6a", "allocations of one request in the core besides its messages'", "<=", 0.05),
    Goal("P7", "goodput of a bridge offered ten times what it can do, of its peak", ">=", 95, " %"),
    Goal("P7b", "p99 of its busy answers", "<=", 50, " ms"),
    Goal("P7c", "p99 of a polite source beside a greedy one against alone", "<=", 2, "x"),
    Goal("P8", "joins failed, 200 at once through two bridges over TLS", "<=", 0),
    Goal("P8b", "their time against 200 x CPU of one join / cores", "<=", 1.5, "x"),
    Goal("P9", "throughput of P2 with 2,000 idle neighbours against none", ">=", 25, " %"),
    Goal("P9r", "throughput of P2r with 2,000 idle neighbours against none", ">=", 70, " %"),
    Goal("P10", "p99 against p50 with one of eight bridges ten times slower", "<=", 10, "x"),
    Goal("P10b", "extra requests for that", "<=", 5, " %"),
    Goal("D1", "instructions for the 20 nearest of a full table, in exact order", "<=", 1700),
    Goal("D1b", "for the 8 nearest", "<=", 450),
    Goal("D5", "an idle node with 200 contacts, its core alone", "<=", 40, " KB"),
    Goal("D5b", "the same node after a thousand gets", "<=", 120, " KB"),
    Goal("D6", "start to eight proven links, p50", "<=", 20, " ms"),
    Goal("D6b", "the same, p99", "<=", 60, " ms"),
    Goal("D7", "gets missed after half of 64 nodes were killed at once", "<=", 0, " %"),
    Goal("D7a", "p99 of the gets in the first second", "<=", 250, " ms"),
    Goal("D7b", "p99 from three seconds on", "<=", 20, " ms"),
    Goal("D7c", "missed where that half falls silent and keeps its sockets", "<=", 0, " %"),
    Goal("D7d", "p99 in the first second then", "<=", 250, " ms"),
    Goal("D7e", "p99 from three seconds on then", "<=", 20, " ms"),
    Goal("D8", "put acknowledged by W synced holders, p50, against W parallel fdatasyncs", "<=", 2, "x"),
    Goal("D10", "lookups saved when 10,000 records are republished, against one for each", ">=", 98, " %"),
    Goal("D10b", "bytes saved, against that and the whole record to each holder", ">=", 95, " %"),
    Goal("M1", "an idle plain connection with an open channel, the dearer end, 10,000 held", "<=", 6.5, " KB"),
    Goal("M2", "an idle TLS connection, the end that dialled, 1,000 held", "<=", 30, " KB"),
    Goal("M2b", "the end that accepted", "<=", 20, " KB"),
    Goal("M1r", "M1 over the raw transport", "<=", 2, " KB"),
    Goal("M2r", "M2 over it, the end that dialled", "<=", 24, " KB"),
    Goal("M2rb", "the end that accepted", "<=", 18, " KB"),
    Goal("M3", "memory of a bridge with 558 onboardings under way, saved against stateless", ">=", 90, " %"),
    Goal("M4", "resident memory of an idle bootstrap node", "<=", 16, " MB"),
    Goal("D2", "gets/s of 64 nodes in one process, 16 in flight, against libtorrent", ">=", 1, "x"),
    Goal("D2b", "of them missed", "<=", 0, " %"),
    Goal("D3", "CPU of all nodes per get, against libtorrent", "<=", 1, "x"),
    Goal("D4", "p99 of a get, against libtorrent", "<=", 1, "x"),
    Goal("M4p", "private part of it", "<=", 5, " MB"),
    Goal("D9", "questions to the first value, 10,000 simulated nodes, 10 % exchanged an hour", "<=", 4.5),
    Goal("D9h", "hops to it", "<=", 2.2),
    Goal("T23", "abs(t) of comparing a secret, wrong in its first byte against in its last", "<=", 4.5),
    Goal("T23b", "of opening sealed bytes with a wrong tag", "<=", 4.5),
    Goal("S1", "processor time of 100,000 simulated nodes for an hour", "<=", 20, " min"),
    Goal("S1m", "their memory", "<=", 5, " GB"),
    Goal("S2", "simulated node-hours per second of processor time, calm", ">=", 100),
    Goal("S2b", "the same in a storm", ">=", 25),
    Goal("U5", "opening a WebSocket over a resumed TLS session, against a whole handshake, p50", "<=", 0.5, "x"),
    Goal("U5b", "reconnections that resumed", ">=", 99, " %"),
    Goal("X1", "CPU of both ends to open a link with both proofs, against a full TLS handshake", "<=", 1 / 3, "x"),
    Goal("X2", "put and get of a sealed kilobyte against a plain one, p50", "<=", 1.2, "x"),
    Goal("X3", "signatures checked for a read of a version that was seen before", "<=", 0),
    Goal("X4", "of a member's processor left to its users while 100 peers offer 50,000 forged records a second", ">=", 90, " %"),
    Goal("X4a", "the same where addresses say nothing of who is behind them", ">=", 90, " %"),
    Goal("X4b", "time until a forger is cut, p99", "<=", 2, " s"),
    Goal("X4c", "requests of users that failed meanwhile", "<=", 0),
)}
