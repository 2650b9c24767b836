"""The router on the floors of the literature: rows of what came beside what is known."""

from __future__ import annotations

from dataclasses import dataclass

from scenes import (
    TYPES,
    Tally,
    calls,
    one_queue,
    plain,
    routed,
    shared,
    wallace_whitt,
)

from acd.simulation.erlang import Figures, erlang_a, erlang_c, with_places

ERLANG_C = ((3, 2), (10, 8), (14, 10), (20, 18), (50, 48), (55, 50), (100, 90), (100, 95))
"""Agents, offered load."""
ERLANG_A = (
    ("48/min, 50, 1, 2", 48.0, 50, 1.0, 2.0),
    ("48/min, 50, 1, 1", 48.0, 50, 1.0, 1.0),
    ("3.333/min, 14, 3, 5", 10 / 3, 14, 3.0, 5.0),
    ("98, 100, 1, 1", 98.0, 100, 1.0, 1.0),
    ("100, 100, 1, 1", 100.0, 100, 1.0, 1.0),
    ("102, 100, 1, 1", 102.0, 100, 1.0, 1.0),
)
"""Name, arrivals a minute, agents, mean handling and patience in minutes."""
WALLACE_WHITT = {
    77.4: {1: 1.94, 2: 0.148, 6: 0.084},
    84.0: {1: 3.06, 2: 0.586, 6: 0.446},
    90.0: {1: 3.63, 2: 1.40, 6: 1.24},
}
"""Load: mean wait in minutes by skills, as published (AHT 10 minutes)."""


@dataclass(frozen=True, slots=True)
class Row:
    """One figure: `known` is exact or published, `raw` what this run gave, `found` the estimate."""

    what: str
    figure: str
    known: float
    raw: float
    found: float
    within: float | None = 0.04
    """The deviation allowed, as a share of `known`; None: shown only."""

    @property
    def off(self) -> float:
        return self.found / self.known - 1

    @property
    def holds(self) -> bool:
        return self.within is None or abs(self.off) <= self.within


def _corrected(exact: float, router: float, other: float) -> float:
    return exact * router / other if other else router


def _rows(what: str, exact: Figures, router: Tally, other: Tally, unit: float) -> list[Row]:
    rows = [
        Row(what, "P(wait)", exact.waits, router.waits,
            _corrected(exact.waits, router.waits, other.waits)),
        Row(what, "E[wait]", exact.mean_wait * unit, router.mean_wait * unit,
            _corrected(exact.mean_wait, router.mean_wait, other.mean_wait) * unit),
    ]  # fmt: skip
    if exact.abandons:
        found = _corrected(exact.abandons, router.abandons, other.abandons)
        rows.append(Row(what, "P(abandon)", exact.abandons, router.abandons, found))
    return rows


def erlang_c_rows(count: int) -> list[Row]:
    """M/M/s, waits in handling times."""
    rows = []
    for agents, load in ERLANG_C:
        router = routed(calls(count, load), one_queue(agents), Tally(count // 20))
        other = plain(calls(count, load), agents, Tally(count // 20))
        rows += _rows(f"M/M/{agents}, load {load}", erlang_c(agents, load), router, other, 1.0)
    return rows


def erlang_a_rows(count: int) -> list[Row]:
    """M/M/s+M, waits in minutes."""
    rows = []
    for what, rate, agents, aht, patience in ERLANG_A:
        load, given = rate * aht, patience / aht
        router = routed(calls(count, load, patience=given), one_queue(agents), Tally(count // 20))
        other = plain(calls(count, load, patience=given), agents, Tally(count // 20))
        rows += _rows(what, erlang_a(agents, load, given), router, other, aht)
    return rows


def wallace_whitt_rows(count: int) -> list[Row]:
    """Waits in minutes; the gain is what two skills recover of that from one to six."""
    rows = []
    for load, published in WALLACE_WHITT.items():
        exact = with_places(90, load, 30)
        other = plain(calls(count, load, queues=TYPES), 90, Tally(count // 20), places=30)
        found, raw = {}, {}
        for skills, known in published.items():
            source = calls(count, load, queues=TYPES)
            router = routed(source, wallace_whitt(skills), Tally(count // 20), lines=120)
            raw[skills] = found[skills] = router.mean_wait * 10
            if skills > 1:  # with one, it is six queues that have little in common with one
                found[skills] = _corrected(exact.mean_wait * 10, raw[skills], other.mean_wait * 10)
            rows.append(
                Row(f"load {load:g}, {skills} skills", "E[wait]", known, router.mean_wait * 10,
                    found[skills], None)
            )  # fmt: skip
        rows.append(
            Row(f"load {load:g}, 6 skills beside M/M/90/30", "E[wait]", exact.mean_wait * 10,
                other.mean_wait * 10, found[6])
        )  # fmt: skip
        gain = (raw[1] - raw[2]) / (raw[1] - raw[6])
        known_gain = (published[1] - published[2]) / (published[1] - published[6])
        rows.append(Row(f"load {load:g}, two skills", "gain", known_gain, gain, gain, None))
    return rows


def ratio_rows(count: int) -> list[Row]:
    """Two equal classes, 100 agents, load 98: the share of all who wait that is in the first."""
    rows = []
    exact = erlang_c(100, 98).mean_wait
    other = plain(calls(count, 98, queues=("t0", "t1")), 100, Tally(count // 20))
    for name, weights, asked, waits in (
        ("share .2", (1, 4), 0.2, (0.16, 0.60)),
        ("share .5", (1, 1), 0.5, (0.38, 0.38)),
    ):
        source = calls(count, 98, queues=("t0", "t1"))
        router = routed(source, shared(weights, "fixed_ratio"), Tally(count // 20))
        share = router.by_queue["t0"] / router.waited
        rows.append(Row(name, "E[Q0]/E[Q]", asked, share, share, 0.05))
        for queue, known in zip(("t0", "t1"), waits, strict=True):
            mean = router.by_queue[queue] / router.numbers[queue]
            found = _corrected(exact, mean, other.mean_wait)
            rows.append(Row(name, f"E[wait {queue[1]}]", known, mean, found, None))
    return rows
