"""What it costs to keep the copies of records alive."""

from goals import GOALS, Figure, number
from processes import run

SEEDS = 3


def republishing():
    """D10: 64 members refresh 10,000 records of 100 bytes, 20 copies each, in virtual time; every byte that is said
    is counted, and so are those of one lookup and 20 whole records for each."""
    runs = [run("republish_program", "--seed", seed) for seed in range(1, SEEDS + 1)]
    lookups = [100 - 100 * taken["lookups"] / taken["plain_lookups"] for taken in runs]
    saved = [100 - 100 * taken["bytes"] / taken["plain_bytes"] for taken in runs]
    one = runs[0]
    return [
        Figure.of(GOALS["D10"], lookups, f"{one['lookups']:,} lookups for {one['records']:,} records"),
        Figure.of(GOALS["D10b"], saved,
                  f"{number(one['bytes'] / 1e6)} MB; plain {number(one['plain_bytes'] / 1e6)} MB, "
                  f"{number(one['transfer_bytes'] / 1e6)} MB without lookups"),
    ]
