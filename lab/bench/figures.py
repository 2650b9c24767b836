"""Figures: how samples spread, and what a measurement found."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lab.errors import LabError


@dataclass(frozen=True, slots=True)
class Spread:
    """Samples of one kind: percentiles by nearest rank, in the samples' unit."""

    median: float
    p95: float
    p99: float
    most: float
    count: int

    @classmethod
    def of(cls, samples: Sequence[float], what: str) -> Spread:
        """Sum samples up. Raises `LabError` if there are none of `what`."""
        if not samples:
            raise LabError(f"nothing was measured: {what}")
        ordered = sorted(samples)

        def percentile(share: float) -> float:
            return ordered[max(math.ceil(share * len(ordered)), 1) - 1]

        return cls(percentile(0.5), percentile(0.95), percentile(0.99), ordered[-1], len(ordered))

    def to_json(self) -> dict[str, float | int]:
        """Give it as an object, rounded to the microsecond if the samples are milliseconds."""
        return {
            "median": round(self.median, 3),
            "p95": round(self.p95, 3),
            "p99": round(self.p99, 3),
            "max": round(self.most, 3),
            "count": self.count,
        }


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table. `met` tells whether the goal was reached, None if there is none."""

    what: str
    sala: str
    app_queue: str
    ratio: str = ""
    goal: str = ""
    met: bool | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """What one measurement found.

    `figures` stand at the top of the JSON, `details` below the measurement's name.
    """

    name: str
    rows: tuple[Row, ...]
    figures: Mapping[str, float]
    details: Mapping[str, Any] = field(default_factory=dict)


def spread_text(spread: Spread) -> str:
    """Write a spread of milliseconds for the table: median, p95."""
    return f"{ms(spread.median)} / {ms(spread.p95)}"


def ms(value: float) -> str:
    """Write milliseconds with as many digits as tell something."""
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:.0f}"
