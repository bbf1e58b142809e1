"""Goals D2 to D4, D6 and D7: a network of 64 nodes and the same load on libtorrent and OpenDHT, one after the other in the same
run. Ours speaks WebSockets over TCP, the others bare UDP."""

import statistics

from goals import GOALS, Figure
from processes import run, run_in_network

REPETITIONS = 3
NODES = 64
# The others do not talk to loopback addresses: they get a network of their own, with public-looking ones.
OWN_ADDRESSES = [f"11.0.0.{number}" for number in range(1, NODES + 1)]


def _ours(*arguments):
    return run("dht_program", *(arguments or ("--nodes", NODES)))


def _other(program, *arguments):
    return run_in_network(OWN_ADDRESSES, program, *arguments)


def starts():
    """From nothing to eight proven links, in a network of 48 that grows to 64."""
    took = sorted(one for _ in range(REPETITIONS) for one in run("start_program")["milliseconds"])
    return [Figure(GOALS[id_], took[int(share * (len(took) - 1))], took[0], took[-1])
            for id_, share in (("D6", 0.5), ("D6b", 0.99))]


def dht_gets():
    ours, torrent, open_dht = [], [], []
    for _ in range(REPETITIONS):
        ours.append(_ours())
        torrent.append(_other("libtorrent_dht"))
        open_dht.append(_other("opendht_dht"))

    def beside(field):
        return f"libtorrent {_median(torrent, field):.4g}, OpenDHT {_median(open_dht, field):.4g}"

    def ratios(field):
        return [one[field] / other[field] for one, other in zip(ours, torrent)]

    return [
        Figure.of(GOALS["D2"], ratios("gets_a_second"),
                  f"{_median(ours, 'gets_a_second'):,.0f} gets/s; {beside('gets_a_second')}"),
        Figure.of(GOALS["D2b"], [100 * one["missed"] / one["gets"] for one in ours],
                  f"libtorrent {100 * _median(torrent, 'missed') / _median(torrent, 'gets'):.2g} %, "
                  f"OpenDHT {100 * _median(open_dht, 'missed') / _median(open_dht, 'gets'):.2g} %"),
        Figure.of(GOALS["D3"], ratios("cpu_seconds_per_10000"),
                  f"{_median(ours, 'cpu_seconds_per_10000'):.3g} s; {beside('cpu_seconds_per_10000')}"),
        Figure.of(GOALS["D4"], ratios("p99_ms"), f"{_median(ours, 'p99_ms'):.3g} ms; {beside('p99_ms')}"),
    ]


def half_killed():
    killed, frozen, torrent, open_dht = [], [], [], []
    for _ in range(REPETITIONS):
        killed.append(_ours("--crash", "killed"))
        frozen.append(_ours("--crash", "frozen"))
        torrent.append(_other("libtorrent_dht", "crash"))
        open_dht.append(_other("opendht_dht", "crash"))

    def share_missed(one):
        return 100 * one["missed"] / one["gets"]

    def beside(text_of):
        return f"libtorrent {text_of(torrent)}, OpenDHT {text_of(open_dht)}"

    missed = beside(lambda runs: f"{statistics.median(map(share_missed, runs)):.2g} %")
    figures = []
    for ids, ours in ((("D7", "D7a", "D7b"), killed), (("D7c", "D7d", "D7e"), frozen)):
        figures.append(Figure.of(GOALS[ids[0]], [share_missed(one) for one in ours], missed))
        for id_, field in zip(ids[1:], ("p99_ms_at_once", "p99_ms_afterwards")):
            others = beside(lambda runs, wanted=field: f"{_median(runs, wanted):.3g} ms")
            before = f"before {_median(ours, 'p99_ms_before'):.3g} ms"
            figures.append(Figure.of(GOALS[id_], [one[field] for one in ours], f"{before}; {others}"))
    return figures


def _median(runs, field):
    return statistics.median(one[field] for one in runs)
