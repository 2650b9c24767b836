"""An estimate of a wait: mean and percentiles."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

_Z = 1.2815515655446004
"""The normal distribution's 90 % point."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """How long an interaction will still wait if it stays, in ms.

    P10 and P90 hold four waits of five between them.
    """

    p10: int
    p50: int
    p90: int
    mean: int
    ahead: int
    """How many in line have a claim before it on agents it needs."""
    agents: int
    """How many agents on duty may take it."""


@dataclass(frozen=True, slots=True)
class Spread:
    """Mean and variance of a wait, in ms and ms²."""

    mean: float
    variance: float

    def quantile(self, z: float) -> float:
        """Return the quantile at `z` standard normal deviations of a gamma distribution.

        Wilson and Hilferty's approximation (1931): within 3 % of the exact from shape 1 upwards
        (P10 of the exponential: .098 for .105 means).
        """
        shape = self.mean * self.mean / self.variance
        inner = 1 - 1 / (9 * shape) + z / (3 * sqrt(shape))
        return self.mean * max(inner, 0.0) ** 3

    def estimate(self, ahead: int, agents: int) -> Estimate:
        """Round it to milliseconds."""
        low, middle, high = (round(self.quantile(z)) for z in (-_Z, 0.0, _Z))
        return Estimate(low, middle, high, round(self.mean), ahead, agents)
