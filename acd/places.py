"""What a call carries of its place in line, and how that is read again.

The short facts travel on the channel itself: interaction, queue, since when, head start, tier. What
is too long for it (criteria, steps of its own) or comes about while it waits (recipes done, skills
dropped, steps skipped) is written behind, as the very event that brings it back: a journal entry
of kind `arrived` in an epoch of the interaction's own. So are head start and tier, for a rescue
when the channel is gone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from acd.router.criteria import ANYONE
from acd.router.events import Arrived

PLACE = "place"
"""What the epochs of those entries begin with: `place.<interaction>`."""

_DIGITS = 15


def facts(arrival: Arrived, carried: Mapping[str, str]) -> dict[str, str]:
    """Return what a call is to carry of its place.

    A fact that is empty is among them only where it takes back one that is `carried`.
    """
    began = arrival.entered if arrival.began is None else arrival.began
    told = {
        "interaction": arrival.interaction,
        "queue": arrival.queue,
        "entered": str(arrival.entered),
        "priority": str(arrival.priority) if arrival.priority else "",
        "tier": arrival.tier,
        "began": str(began) if began != arrival.entered else "",
    }
    return {fact: value for fact, value in told.items() if value or carried.get(fact)}


def arrival_of(
    interaction: str, carried: Mapping[str, str], now: int, kept: Arrived | None = None
) -> Arrived | None:
    """Return what brings a call back by what it carries; None if it carries no queue.

    `kept` is what was written behind. It holds if it is of this stay: the call's own word on when
    it entered goes before it.
    """
    queue = carried.get("queue", "")
    if not queue:
        return None
    entered = _number(carried.get("entered", ""))
    if kept is not None and kept.entered == entered:
        return replace(kept, rejoins=True)
    since = now if entered is None else entered
    began = _number(carried.get("began", ""))
    return Arrived(
        interaction,
        queue,
        since,
        priority=_number(carried.get("priority", "")) or 0,
        tier=carried.get("tier", ""),
        began=since if began is None else began,
        rejoins=True,
    )


def is_plain(arrival: Arrived) -> bool:
    """Whether a place is but a queue and a time, as the rows of a call tell it, too."""
    return not (
        arrival.priority
        or arrival.tier
        or arrival.steps
        or arrival.dropped
        or arrival.done
        or arrival.skipped
        or arrival.criteria != ANYONE
    )


def _number(text: str) -> int | None:
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()) or len(digits) > _DIGITS:
        return None
    return int(text)
