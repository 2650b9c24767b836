"""What a simulation came to: figures with confidence intervals, one floor and two."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist, fmean, stdev

from acd.router.configuration import Configuration

from .day import Figures, play
from .plan import Plan

_SURE = 0.95


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean over days, and half the width of its 95 % confidence interval."""

    mean: float
    half: float
    """0 where there was one day only: nothing is known of how days differ."""


def interval(values: Sequence[float]) -> Interval:
    """Return the mean with Student's interval."""
    if len(values) < 2:
        return Interval(values[0] if values else 0.0, 0.0)
    return Interval(fmean(values), student(len(values) - 1) * stdev(values) / sqrt(len(values)))


def student(freedom: int) -> float:
    """Return the 97.5 % point of Student's distribution.

    Exact for 1 and 2 degrees of freedom, Cornish and Fisher's expansion from 3 (within 0.5 %).
    """
    if freedom <= 2:
        return (12.7062, 4.3027)[freedom - 1]
    z = NormalDist().inv_cdf((1 + _SURE) / 2)
    z3, z5, z7 = z**3, z**5, z**7
    return (
        z
        + (z3 + z) / (4 * freedom)
        + (5 * z5 + 16 * z3 + 3 * z) / (96 * freedom**2)
        + (3 * z7 + 19 * z5 + 17 * z3 - 15 * z) / (384 * freedom**3)
    )


MEASURES: dict[str, Callable[[Figures], float]] = {
    "offered": lambda f: float(f.offered),
    "service_level": lambda f: f.service_level,
    "asa_s": lambda f: f.asa_ms / 1000,
    "abandoned": lambda f: f.abandons,
    "blocked": lambda f: f.blocked / f.offered if f.offered else 0.0,
    "turned_away": lambda f: f.turned_away / f.offered if f.offered else 0.0,
    "longest_s": lambda f: f.longest_ms / 1000,
}
"""What is told of each queue, by name."""

Outcome = dict[str, dict[str, Interval]]
"""By queue and measure."""


def run(
    plan: Plan,
    floor: Configuration,
    other: Configuration | None = None,
    tell: Callable[[int], None] = lambda day: None,
) -> tuple[Outcome, Outcome | None]:
    """Simulate every day; with another floor, the differences too, day by day.

    Both floors meet the same callers, so the intervals of the differences hold only what the floors
    make of them.
    """
    days: list[dict[str, Figures]] = []
    others: list[dict[str, Figures]] = []
    for day in range(plan.days):
        days.append(play(plan, floor, day))
        if other is not None:
            others.append(play(plan, other, day))
        tell(day)
    mine = _summed(plan, [{q: _all(f) for q, f in day.items()} for day in days])
    if other is None:
        return mine, None
    changes = [
        {q: {m: _all(o[q])[m] - value for m, value in _all(f).items()} for q, f in day.items()}
        for day, o in zip(days, others, strict=True)
    ]
    return mine, _summed(plan, changes)


def _all(figures: Figures) -> dict[str, float]:
    return {name: measure(figures) for name, measure in MEASURES.items()}


def _summed(plan: Plan, days: list[dict[str, dict[str, float]]]) -> Outcome:
    return {
        queue: {name: interval([day[queue][name] for day in days]) for name in MEASURES}
        for queue in plan.queues
    }
