"""What requests and idle connections cost over the raw transport: the measures of groups P and M once more, beside the
library's own WebSocket role and a bare epoll loop."""

from goals import GOALS, Figure
from memory_measures import connection_sizes
from processes import Server, Tls, run, run_under_callgrind
from request_measures import (IN_FLIGHT, LIBRARY, RUN, against_grpc, among_neighbours, asked, median_of, rate,
                              ratios)

RAW = ("--transport", "raw")


# ---- requests

def plain_throughput():
    """P1r: ours against gRPC, 128 in flight on one connection."""
    with Server("bridge_program", *RAW) as bridge, Server("grpc_echo", "server") as grpc, \
            Server("bridge_program", *LIBRARY) as reference, Server("epoll_echo", "server") as bare, \
            Server("beast_echo", "server") as beast:
        ours, peers = against_grpc(bridge, grpc, transport=RAW)
        library = rate(asked(reference, *LIBRARY))
        limits = {name: rate(run(f"{name}_echo", "client", "--port", server.port, "--in-flight", IN_FLIGHT, *RUN))
                  for name, server in (("beast", beast), ("epoll", bare))}
    return [Figure.of(GOALS["P1r"], ratios(ours, peers, rate),
                      f"{median_of(ours, rate):,.0f}/s, gRPC {median_of(peers, rate):,.0f}/s, the library's role "
                      f"{library:,.0f}/s; bare echoes: Beast {limits['beast']:,.0f}/s, epoll {limits['epoll']:,.0f}/s")]


def tls_throughput():
    """P2r: the same over TLS."""
    with Tls() as tls, Server("bridge_program", *tls.serving, *RAW) as bridge, \
            Server("grpc_echo", "server", *tls.serving) as grpc, \
            Server("bridge_program", *tls.serving, *LIBRARY) as reference, \
            Server("epoll_echo", "server", *tls.serving) as bare:
        ours, peers = against_grpc(bridge, grpc, tls.dialling, RAW)
        library = rate(asked(reference, *tls.dialling, *LIBRARY))
        limit = rate(run("epoll_echo", "client", "--port", bare.port, "--tls", 1, "--in-flight", IN_FLIGHT, *RUN))
    return [Figure.of(GOALS["P2r"], ratios(ours, peers, rate),
                      f"{median_of(ours, rate):,.0f}/s, gRPC {median_of(peers, rate):,.0f}/s, the library's role "
                      f"{library:,.0f}/s; a bare epoll echo {limit:,.0f}/s")]


# Under callgrind a second is as long as fifty.
CALLGRIND_RUNS_MS = (2_000, 8_000)
CALLGRIND_PATIENCE_MS = 60_000


def tls_instructions():
    """P2i: instructions of one request over TLS at the end that asks, as the slope between two runs; kernel excluded."""
    def counted(transport, run_ms):
        with Tls() as tls, Server("bridge_program", *tls.serving, *transport) as bridge:
            instructions, result = run_under_callgrind(
                "asker_program", "--bridge", bridge.url, *tls.dialling, *transport, "--in-flight", IN_FLIGHT,
                "--patience-ms", CALLGRIND_PATIENCE_MS, "--warm-up-ms", 0, "--run-ms", run_ms)
        return instructions, result["answered"] * (1 + result["warm_up_share"])

    def slope(transport):
        (few, few_asked), (many, many_asked) = (counted(transport, run_ms) for run_ms in CALLGRIND_RUNS_MS)
        return (many - few) / (many_asked - few_asked)
    return [Figure(GOALS["P2i"], slope(RAW), anchor=f"the library's role {slope(LIBRARY):,.0f}")]


def idle_neighbours():
    """P9r: the throughput of P2r with 2,000 idle connections on both loops, against none."""
    return [among_neighbours("P9r", RAW)]


# ---- reconnections

def resumption():
    """U5: a WebSocket over TLS whose session is taken up again, against one with a whole handshake."""
    with Tls() as tls:
        runs = [run("resumption_program", *tls.serving, *tls.dialling) for _ in range(5)]
    return [
        Figure.of(GOALS["U5"], [one["resumed_us"] / one["whole_us"] for one in runs],
                  f"{median_of(runs, lambda one: one['resumed_us']):.0f} us, a whole one "
                  f"{median_of(runs, lambda one: one['whole_us']):.0f} us"),
        Figure(GOALS["U5b"], min(one["resumed_percent"] for one in runs)),
    ]


# ---- idle connections

def plain_connections():
    """M1r: the dearer end of a plain connection."""
    dialled, accepted = connection_sizes(10_000, RAW, RAW)
    return [Figure(GOALS["M1r"], max(dialled, accepted), anchor=f"dialled {dialled:.2f}, accepted {accepted:.2f}")]


def tls_connections():
    """M2r: both ends of a TLS connection."""
    with Tls() as tls:
        dialled, accepted = connection_sizes(1_000, (*tls.serving, *RAW), (*tls.dialling, *RAW))
    return [Figure(GOALS["M2r"], dialled), Figure(GOALS["M2rb"], accepted)]
