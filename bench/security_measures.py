"""Goals X1 to X4: what proofs, seals and checks cost, and what those who forge them."""

import statistics

from goals import GOALS, Figure
from processes import Tls, run, run_in_network

REPETITIONS = 3
# One for each of 20 users and 100 forgers, each in a network of its own.
ADDRESSES = [f"11.0.{number}.1" for number in range(1, 121)]
FORGED_A_SECOND = 50_000


def hello():
    """The opening of a link beside a TLS handshake, both ends of either in one process, turns about."""
    with Tls() as tls:
        runs = [run("hello_program", *tls.serving, *tls.dialling) for _ in range(5)]
    anchor = f"{_median(runs, 'hello_us'):.0f} us against {_median(runs, 'tls_us'):.0f} us"
    return [Figure.of(GOALS["X1"], [one["hello_us"] / one["tls_us"] for one in runs], anchor)]


def sealing():
    """A sealed value beside a plain one in two networks that take turns, and reads of versions that were seen."""
    runs = [run("sealed_program") for _ in range(REPETITIONS)]
    anchor = (f"{_median(runs, 'sealed_us') / 1e3:.2f} ms against {_median(runs, 'plain_us') / 1e3:.2f} ms, the puts "
              f"{_median(runs, 'sealed_put_us') / 1e3:.2f} against {_median(runs, 'plain_put_us') / 1e3:.2f}")
    return [
        Figure.of(GOALS["X2"], [one["sealed_us"] / one["plain_us"] for one in runs], anchor),
        Figure(GOALS["X3"], max(one["checks_when_seen"] for one in runs),
               anchor=f"{_median(runs, 'checks_when_new'):.2g} where a version was new to some"),
    ]


def forgeries():
    """Users of one member, alone, beside forgers and alone again; forgers come back under new names."""
    own, loopback = [], []
    for _ in range(REPETITIONS):
        own.append(run_in_network(ADDRESSES, "forgery_program", "--addresses", "own"))
        loopback.append(run_in_network([], "forgery_program", "--addresses", "loopback"))

    def cost(one):
        """Of the member's processor: all it took, less what so many answers cost it before."""
        return one["cpu_during"] - one["answers_during"] * one["cpu_before"] / one["answers_before"]

    def kept(one):
        return 100 * (1 - cost(one))

    def anchor(runs):
        sent = statistics.median(one["sent"] / one["seconds"] for one in runs)
        return (f"{sent:,.0f} of {FORGED_A_SECOND:,} records/s found a link; {_median(runs, 'links'):.0f} links opened and cut, "
                f"{_median(runs, 'forged'):.0f} records checked; users {_median(runs, 'answers_during'):,.0f}/s, before "
                f"{_median(runs, 'answers_before'):,.0f}")

    return [
        Figure.of(GOALS["X4"], [kept(one) for one in own], anchor(own)),
        Figure.of(GOALS["X4a"], [kept(one) for one in loopback], anchor(loopback)),
        Figure.of(GOALS["X4b"], [one["cut_p99_ms"] / 1e3 for one in own + loopback],
                  f"p50 {_median(own + loopback, 'cut_p50_ms'):.2g} ms"),
        Figure(GOALS["X4c"], max(one["failed"] for one in own + loopback)),
    ]


def _median(runs, field):
    return statistics.median(one[field] for one in runs)
