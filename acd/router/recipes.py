"""Recipes: what a queue does for who waits, once something has become so.

A recipe is a list of conditions, which must all hold, and a list of actions, done in order. It is
looked at only when one of its conditions may have changed, and done once for an interaction
unless it repeats.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from .criteria import Criteria


class Staffing(StrEnum):
    """How much an agent must be there to count."""

    LOGGED_IN = "logged_in"
    """Not offline."""
    ACTIVE = "active"
    """Logged in, not paused and with a device that can be reached: would come to it in time."""
    AVAILABLE = "available"
    """Could be offered it now."""


# --- conditions ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Waited:
    """It has waited this long, since its steps began."""

    ms: int


@dataclass(frozen=True, slots=True)
class PositionAtMost:
    """Its place in the queue is this or nearer to the head (1 is the head)."""

    place: int


@dataclass(frozen=True, slots=True)
class PositionAtLeast:
    """Its place in the queue is this or further back."""

    place: int


@dataclass(frozen=True, slots=True)
class LengthAtLeast:
    """The queue has this many unanswered interactions or more."""

    length: int


@dataclass(frozen=True, slots=True)
class NoAgents:
    """None of the agents who may take it under its criteria of now is there.

    AVAILABLE: true of all who wait, since an available one would have been offered it.
    """

    staffing: Staffing = Staffing.LOGGED_IN


@dataclass(frozen=True, slots=True)
class NoMembers:
    """None of the agents who serve the queue is there. Not with AVAILABLE."""

    staffing: Staffing = Staffing.LOGGED_IN


@dataclass(frozen=True, slots=True)
class TierIn:
    """The caller's tier is one of these."""

    tiers: tuple[str, ...]


Condition = (
    Waited | PositionAtMost | PositionAtLeast | LengthAtLeast | NoAgents | NoMembers | TierIn
)


# --- actions ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Require:
    """Ask for these criteria too. It narrows: agents who were eligible may be no more."""

    criteria: Criteria


@dataclass(frozen=True, slots=True)
class Relax:
    """Ask for some skills no more; without any named, for nothing but membership of the queue."""

    skills: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Prioritise:
    """Add to the head start, in ms; below 0 takes away."""

    by_ms: int


@dataclass(frozen=True, slots=True)
class OverflowTo:
    """Go on in another queue, with the same entry time."""

    queue: str


@dataclass(frozen=True, slots=True)
class Callback:
    """Offer the caller to be called back; they wait on meanwhile."""


@dataclass(frozen=True, slots=True)
class Voicemail:
    """Leave the queue for voicemail."""


@dataclass(frozen=True, slots=True)
class Say:
    """Play a prompt; the caller keeps waiting."""

    prompt: str


@dataclass(frozen=True, slots=True)
class TurnAway:
    """Leave the queue; the flow goes on with the reason."""

    reason: str = "rejected"


Action = Require | Relax | Prioritise | OverflowTo | Callback | Voicemail | Say | TurnAway
Exit = OverflowTo | Voicemail | TurnAway
"""Actions that take the interaction out of the queue."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """When all of `when` holds, do `then`; again after `repeat_ms` while it holds, if not None."""

    when: tuple[Condition, ...]
    then: tuple[Action, ...]
    repeat_ms: int | None = None
