"""Whether the time of an answer tells something of a secret."""

from goals import GOALS, Figure, number
from processes import BenchError, run

SAMPLES = 1_000_000
SEEDS = 3


def durations():
    """T23: a million answers to what differs from the secret in its first byte or its last, in random order; Welch's t of
    both. A comparison that ends early must be seen by the same measurement, else the machine is too loud for it."""
    runs = [run("secret_program", "--samples", SAMPLES, "--seed", seed) for seed in range(1, SEEDS + 1)]
    seen = min(abs(taken["early_end"]) for taken in runs)
    if seen <= GOALS["T23"].target:
        raise BenchError(f"a comparison that ends early comes to abs(t) = {number(seen)}: nothing can be seen here")
    anchor = f"a comparison that ends early: {number(seen)}"
    return [Figure.of(GOALS["T23"], [abs(taken["comparing"]) for taken in runs], anchor),
            Figure.of(GOALS["T23b"], [abs(taken["opening"]) for taken in runs], anchor)]
