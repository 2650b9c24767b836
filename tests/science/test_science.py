"""The router reproduces the literature, and estimates hold, on short runs.

`make science` runs the long ones, and prints each figure beside its published or exact value.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from calibration import scenes
from literature import (
    Row,
    erlang_a_rows,
    erlang_c_rows,
    ratio_rows,
    wallace_whitt_rows,
)
from scenes import Tally, calls, one_queue, plain, routed

COUNT = 6_000
GAIN = 0.9


def missed(rows: list[Row]) -> list[Row]:
    return [row for row in rows if not row.holds]


def test_erlang_c() -> None:
    assert missed(erlang_c_rows(COUNT)) == []


def test_erlang_a() -> None:
    assert missed(erlang_a_rows(COUNT)) == []


@pytest.mark.parametrize("patience", [None, 1.0])
def test_every_single_wait_is_that_of_the_plain_queue(patience: float | None) -> None:
    waits: dict[str, list[int]] = {"router": [], "plain": []}

    class Each(Tally):
        def add(self, number: int, queue: str, waited_ms: int, outcome: str) -> None:
            waits[self.by_queue["name"]].append((number, waited_ms, outcome))  # type: ignore[index, arg-type]

    for name in waits:
        tally = Each(0)
        tally.by_queue["name"] = name  # type: ignore[assignment]
        source = calls(COUNT, 19.0, patience=patience)
        _ = routed(source, one_queue(20), tally) if name == "router" else plain(source, 20, tally)
    assert sorted(waits["router"]) == sorted(waits["plain"])


def test_wallace_and_whitt() -> None:
    rows = wallace_whitt_rows(2 * COUNT)
    assert missed(rows) == []
    gains = [row.found for row in rows if row.figure == "gain"]
    assert len(gains) == 3
    assert min(gains) >= GAIN


def test_fixed_queue_ratio() -> None:
    assert missed(ratio_rows(2 * COUNT)) == []


def test_estimates_hold_where_they_say_they_do() -> None:
    scores = list(scenes(COUNT))
    assert [score.name for score in scores if not score.holds] == []
