"""How estimates that were given did: each held against the wait that came."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import sqrt
from typing import Any

from crm.database import Database


@dataclass(slots=True)
class Score:
    """The estimates of one queue. Times in ms.

    Who hung up before P90 says nothing of the wait there would have been: `unknown`. Who hung up
    after it had waited longer than P90 already: `above`.
    """

    queue: str
    given: int = 0
    held: int = 0
    """What came lay between P10 and P90."""
    below: int = 0
    above: int = 0
    unknown: int = 0
    answered: int = 0
    told: float = 0.0
    came: float = 0.0
    squares: float = 0.0

    def add(self, row: Mapping[str, Any]) -> None:
        """Count one estimate and what came of it."""
        self.given += 1
        waited = row["waited_ms"]
        if row["outcome"] != "answered":
            if waited > row["p90"]:
                self.above += 1
            else:
                self.unknown += 1
            return
        self.answered += 1
        self.told += row["mean"]
        self.came += waited
        self.squares += (row["mean"] - waited) ** 2
        if waited < row["p10"]:
            self.below += 1
        elif waited > row["p90"]:
            self.above += 1
        else:
            self.held += 1

    @property
    def coverage(self) -> float | None:
        """The share that held, of those of whom it is known; None for none."""
        known = self.given - self.unknown
        return self.held / known if known else None

    @property
    def bias(self) -> float | None:
        """By how much the means told were longer than the waits of those answered, as a share."""
        return self.told / self.came - 1 if self.came else None

    @property
    def error_ms(self) -> float | None:
        """Root mean squared error of the mean, over those answered."""
        return sqrt(self.squares / self.answered) if self.answered else None


def score(rows: Iterable[Mapping[str, Any]]) -> list[Score]:
    """Score rows by queue, in order of queues."""
    found: dict[str, Score] = {}
    for row in rows:
        found.setdefault(row["queue"], Score(row["queue"])).add(row)
    return [found[queue] for queue in sorted(found)]


async def scored(database: Database, first_ms: int, last_ms: int) -> list[Score]:
    """Score every estimate given in a span of time whose wait is over."""
    return score(await database.rows("estimates_scored", first_ms, last_ms))
