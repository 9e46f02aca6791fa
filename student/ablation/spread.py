"""Means over seeds, and differences between runs that share one."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Spread:
    """Mean and sample standard deviation (divisor n - 1) of n values; a single one has none."""

    mean: float
    std: float | None
    n: int

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread | None":
        """None for no values."""
        if not values:
            return None
        std = statistics.stdev(values) if len(values) > 1 else None
        return cls(statistics.fmean(values), std, len(values))


@dataclass(frozen=True)
class PairedDifference:
    """An arm's values minus the baseline's, seed by seed: what both owe to the seed is gone.

    `better` counts the seeds in which the arm's value is the higher one.
    """

    difference: Spread
    better: int

    @classmethod
    def of(cls, arm: Mapping[int, float], baseline: Mapping[int, float]) -> "PairedDifference | None":
        """From values by seed, over the seeds that both have; None where there is none."""
        differences = [arm[seed] - baseline[seed] for seed in arm if seed in baseline]
        difference = Spread.of(differences)
        return None if difference is None else cls(difference, sum(value > 0 for value in differences))
