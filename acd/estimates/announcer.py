"""What callers are told of their wait: a rounded range that never grows without a reason."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass

from .estimate import Estimate

STEPS = (1, 2, 3, 4, 5, 7, 10, 15, 20, 25, 30, 45, 60)
"""Minutes that are said."""
MINUTE_MS = 60_000
SLACK = 0.1
"""By what share fewer agents or a longer line must have become to be a reason."""


@dataclass(frozen=True, slots=True)
class Said:
    """A range in minutes. `least` 0: less than `most`; `most` None: more than `least`."""

    least: int
    most: int | None

    def prompts(self) -> tuple[str, ...]:
        """Return the prompts that say it, by id; none where it says nothing."""
        if self.most is None:
            return (f"wait-more-than-{self.least}",) if self.least else ()
        if self.least == 0:
            return (f"wait-less-than-{self.most}",)
        return f"wait-from-{self.least}", f"wait-to-{self.most}"


@dataclass(frozen=True, slots=True)
class _Told:
    said: Said
    ahead: int
    agents: int
    at: int


class Announcer:
    """Keeps what each caller was told, until `forget`.

    The range said next lies within what was said last, less the time that has passed since, unless
    there is a reason for more: more callers ahead than then (a higher priority came in), or fewer
    agents on duty. Where an estimate has grown without one, what was said stands.
    """

    def __init__(self) -> None:
        self._told: dict[str, _Told] = {}

    def say(self, interaction: str, estimate: Estimate | None, now: int) -> Said | None:
        """Return what to tell a caller now; None where nothing honest can be said."""
        if estimate is None:
            return None
        said = rounded(estimate)
        last = self._told.get(interaction)
        if last is not None and not _reason(last, estimate):
            said = _within(said, last.said)
        self._told[interaction] = _Told(said, estimate.ahead, estimate.agents, now)
        return said

    def forget(self, interaction: str) -> None:
        """Drop what a caller was told: they wait no more."""
        self._told.pop(interaction, None)


def rounded(estimate: Estimate) -> Said:
    """Round P10 down and P90 up to minutes that are said."""
    low, high = estimate.p10 / MINUTE_MS, estimate.p90 / MINUTE_MS
    at = bisect_left(STEPS, high)
    most = STEPS[at] if at < len(STEPS) else None
    below = [step for step in STEPS if step <= low]
    least = below[-1] if below else 0
    if most is not None and least >= most:
        least = ([0] + [step for step in STEPS if step < most])[-1]
    return Said(least, most)


def _reason(last: _Told, estimate: Estimate) -> bool:
    more = estimate.ahead > last.ahead
    fewer = estimate.agents < last.agents * (1 - SLACK) or (
        estimate.agents < last.agents and last.agents <= 1 / SLACK
    )
    return more or fewer


def _within(said: Said, last: Said) -> Said:
    if last.most is None:
        return said
    most = last.most if said.most is None else min(said.most, last.most)
    least = min(said.least, last.least)
    if least >= most:
        least = ([0] + [step for step in STEPS if step < most])[-1]
    return Said(least, most)
