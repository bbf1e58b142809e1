"""Group P: what a request costs. Where there is a peer, ours and the peer's runs alternate, and the figure is the median of
the ratios of neighbours."""

import statistics

from goals import GOALS, Figure, number
from processes import Server, Tls, run, run_against, run_under_callgrind

REPETITIONS = 7
RUN = ("--warm-up-ms", 300, "--run-ms", 1000)
IN_FLIGHT = 128
# P1, P2 and P9 keep to the transport that they were set for; raw_measures.py takes them over ours.
LIBRARY = ("--transport", "library")


def alternating(ours, peer, repetitions=REPETITIONS):
    """Runs both in turn; their results side by side."""
    return tuple(zip(*[(ours(), peer()) for _ in range(repetitions)]))


def ratios(ours, peers, value):
    return [value(our) / value(peer) for our, peer in zip(ours, peers)]


def median_of(results, value):
    return statistics.median(map(value, results))


def rate(result):
    return result["per_second"]


def p50_us(result):
    return result["p50_us"]


def cpu_us(result):
    """CPU of both ends for one request."""
    return result["cpu_us"] + result["server_cpu_us"]


# ---- against gRPC, many in flight

def asked(bridge, *options):
    """One run of the asker with many requests in flight."""
    return run_against(bridge, "asker_program", "--bridge", bridge.url, "--in-flight", IN_FLIGHT, *options, *RUN)


def against_grpc(bridge, grpc, dialling=(), transport=()):
    """Our runs and gRPC's, in turn."""
    return alternating(
        lambda: asked(bridge, *dialling, *transport),
        lambda: run_against(grpc, "grpc_echo", "client", "--port", grpc.port, *dialling, "--in-flight", IN_FLIGHT, *RUN))


def plain_throughput():
    """P1 and P4: the library's role against gRPC, 128 in flight on one connection."""
    with Server("bridge_program", *LIBRARY) as bridge, Server("grpc_echo", "server") as grpc, \
            Server("beast_echo", "server") as beast:
        ours, peers = against_grpc(bridge, grpc, transport=LIBRARY)
        echo = rate(run("beast_echo", "client", "--port", beast.port, "--in-flight", IN_FLIGHT, *RUN))
    return [
        Figure.of(GOALS["P1"], ratios(ours, peers, rate),
                  f"{median_of(ours, rate):,.0f}/s, gRPC {median_of(peers, rate):,.0f}/s, "
                  f"a bare Beast echo {echo:,.0f}/s"),
        Figure.of(GOALS["P4"], ratios(ours, peers, cpu_us),
                  f"{median_of(ours, cpu_us):.1f} us, gRPC {median_of(peers, cpu_us):.1f} us"),
    ]


def tls_throughput():
    """P2: the same over TLS."""
    with Tls() as tls, Server("bridge_program", *tls.serving, *LIBRARY) as bridge, \
            Server("grpc_echo", "server", *tls.serving) as grpc:
        ours, peers = against_grpc(bridge, grpc, tls.dialling, LIBRARY)
    return [
        Figure.of(GOALS["P2"], ratios(ours, peers, rate),
                  f"{median_of(ours, rate):,.0f}/s, gRPC {median_of(peers, rate):,.0f}/s"),
        Figure.of(GOALS["P4t"], ratios(ours, peers, cpu_us),
                  f"{median_of(ours, cpu_us):.1f} us, gRPC {median_of(peers, cpu_us):.1f} us"),
    ]


# ---- one in flight

def one_in_flight():
    """P3: a request at a time over TLS, against a bare epoll echo over TLS."""
    with Tls() as tls, Server("bridge_program", *tls.serving) as bridge, \
            Server("epoll_echo", "server", *tls.serving) as echo:
        ours, peers = alternating(
            lambda: run("asker_program", "--bridge", bridge.url, *tls.dialling, "--in-flight", 1, *RUN),
            lambda: run("epoll_echo", "client", "--port", echo.port, "--tls", 1, "--in-flight", 1, *RUN))
    return [Figure.of(GOALS["P3"], ratios(ours, peers, p50_us),
                      f"{median_of(ours, p50_us):.1f} us, bare {median_of(peers, p50_us):.1f} us")]


def pooled_against_stateless():
    """P5: a request at a time over TLS, on the pooled connection and on one of its own each."""
    with Tls() as tls, Server("bridge_program", *tls.serving) as bridge:
        def ask(*options):
            return run("asker_program", "--bridge", bridge.url, *tls.dialling, "--in-flight", 1, *options, *RUN)
        pooled, stateless = alternating(ask, lambda: ask("--mode", "stateless"), 5)
    return [Figure.of(GOALS["P5"], ratios(stateless, pooled, p50_us),
                      f"pooled {median_of(pooled, p50_us):.1f} us, stateless {median_of(stateless, p50_us):,.0f} us")]


# ---- among idle neighbours

def idle_neighbours():
    """P9: the throughput of P2 with 2,000 idle connections on both loops, against none."""
    return [among_neighbours("P9", LIBRARY, repetitions=3)]


def among_neighbours(goal, transport=(), repetitions=5):
    with Tls() as tls, Server("bridge_program", *tls.serving, *transport) as bridge:
        def ask(neighbours):
            return asked(bridge, *tls.dialling, *transport, "--neighbours", neighbours)
        crowded, alone = alternating(lambda: ask(2000), lambda: ask(0), repetitions)
    shares = [share * 100 for share in ratios(crowded, alone, rate)]
    return Figure.of(GOALS[goal], shares, f"{median_of(crowded, rate):,.0f}/s, without {median_of(alone, rate):,.0f}/s")


# ---- choosing among bridges

def balancing():
    """P10: the simulator's study of eight bridges, one of them ten times slower; the recommended option."""
    studied = run("balancing_program")
    recommended, in_turn = studied["recommended"], studied["round_robin"]
    return [
        Figure(GOALS["P10"], recommended["p99_us"] / recommended["p50_us"],
               anchor=f"round robin {number(in_turn['p99_us'] / in_turn['p50_us'])}x"),
        Figure(GOALS["P10b"], recommended["extra_percent"]),
    ]


# ---- the core alone

def core_path():
    """P6: instructions by callgrind, as the slope between two numbers of requests; allocations as counted by the
    program itself."""
    few, many = 4_000, 14_000
    (instructions_few, first), (instructions_many, second) = (run_under_callgrind("core_path", requests)
                                                              for requests in (few, many))
    counted = run("core_path", 100_000)
    slope = (instructions_many - instructions_few) / (second["answered"] - first["answered"])
    besides = counted["allocations"] - counted["body_allocations"]
    return [
        Figure(GOALS["P6"], slope),
        Figure(GOALS["P6a"], round(besides, 3), anchor=f"messages alone {number(counted['body_allocations'])}"),
    ]


# ---- more than the bridge can do

# A member takes this long to show itself, so that ten in service make about 1,000 requests a second: the bridge is short of
# time then, not of CPU.
PROBE_US = 10_000
MEMBERS = 512  # so many that two requests hardly ever wait for the same one
GREEDY_SOURCES = 4
QUEUE_PLACES = 100
OVERLOAD_RUN = ("--warm-up-ms", 500, "--run-ms", 2000)


def overload():
    """P7: the bridge's peak with its queue just full, then ten times as much; a polite source alone and beside it."""
    shares, busy, slower, peaks = [], [], [], []
    for _ in range(3):
        with Server("bridge_program", "--probe-us", PROBE_US, "--members", MEMBERS) as bridge:
            def crowd(*options, url=bridge.url):
                return run("crowd_program", "--bridge", url, *options, *OVERLOAD_RUN)
            peak = rate(crowd("--sources", GREEDY_SOURCES, "--in-flight", QUEUE_PLACES // GREEDY_SOURCES))
            polite = max(1, round(peak / 20))
            each = round(10 * peak / GREEDY_SOURCES)
            flooded = crowd("--sources", GREEDY_SOURCES, "--per-second", each)
            alone = crowd("--polite-per-second", polite)
            beside = crowd("--polite-per-second", polite, "--sources", 1, "--per-second", round(10 * peak))
        peaks.append(peak)
        shares.append(rate(flooded) / peak * 100)
        busy.append(flooded["busy_p99_ms"])
        slower.append(beside["polite_p99_ms"] / alone["polite_p99_ms"])
    return [
        Figure.of(GOALS["P7"], shares, f"peak {statistics.median(peaks):,.0f}/s"),
        Figure.of(GOALS["P7b"], busy),
        Figure.of(GOALS["P7c"], slower),
    ]
