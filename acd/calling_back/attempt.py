"""One attempt, from the order to dial until the customer talks or is gone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from acd.callbacks.words import Outcome
from acd.contacts import Contact
from acd.gate import Refusal
from acd.router.events import Arrived
from crm.records import Callback
from pbx.port import Caller, Cause

CALLBACK, FENCE, RESERVED, NUMBER = "callback", "fence", "reserved", "number"
"""What a customer's call carries: which callback and which claim it is made for; and what the leg
of an agent carries who is held for one."""

AWAY_MS = 5_000
"""How long nobody is rung for a callback while the database is away."""
TRUNK_MS = 15_000
"""After which pause it is tried again whether the trunk answers."""
CAPPED_MS = {
    Refusal.AT_ONCE_CAP: 15_000,
    Refusal.DAY_CAP: 600_000,
    Refusal.NUMBER_CAP: 600_000,
}
"""After which pause it is looked again whether the caps of the dialling gate allow a call."""

_OUTCOMES = {
    Cause.BUSY: Outcome.BUSY,
    Cause.REJECTED: Outcome.BUSY,
    Cause.NO_ANSWER: Outcome.NO_ANSWER,
    Cause.NORMAL: Outcome.NO_ANSWER,
    Cause.UNREACHABLE: Outcome.NO_ANSWER,
    Cause.UNALLOCATED: Outcome.REFUSED,
    Cause.CONGESTION: Outcome.CONGESTION,
    Cause.UNDIALLED: Outcome.UNDIALLED,
}


def call_of(callback: str, fence: int) -> str:
    """Return the id of the customer's call in an attempt: never the same twice."""
    return f"callback-{callback}-{fence}"


@dataclass(slots=True)
class Attempt:
    """A live attempt; its claim is held by `Store`."""

    record: Callback
    fence: int
    interaction: str
    agent: str = ""
    dialled: bool = False
    """Whether the PBX has been told to call."""
    given_up: bool = False
    contact: Contact | None = None
    """Once the customer has picked up."""
    joins: str = ""
    """The offer of the leg that they are to be connected with, once they wait."""
    joined: str = ""
    """The offer of the leg that the PBX was told to connect them with."""
    seals: str = ""
    """The offer with whose agent they are written to talk (see `Calls.join`)."""
    sealed: bool = False
    """Whether that is written."""
    talks: bool = False
    """Whether the PBX has listed them as talking, or they may have while it told us nothing."""
    message: bool = False
    """Whether a message is to be left."""

    @property
    def callback(self) -> str:
        """The callback's id."""
        return self.record.id

    @property
    def call(self) -> str:
        """The id of the customer's call."""
        return call_of(self.record.id, self.fence)

    def outcome(self, cause: Cause) -> Outcome:
        """Return what it came to, when the call has ended."""
        if self.contact is not None:
            return Outcome.HUNG_UP
        return _OUTCOMES.get(cause, Outcome.FAILED)


def facts(callback: str, place: Arrived) -> dict[str, str]:
    """Return what calls and legs made for a callback carry."""
    return {
        "interaction": place.interaction,
        "queue": place.queue,
        "entered": str(place.entered),
        CALLBACK: callback,
    }


def whom(carried: Mapping[str, str]) -> Caller | None:
    """Return whom a call was made to, by what it carries; None if it was not made by an attempt.

    The caller of such a call, as the PBX tells it, is the number that the customer is shown.
    """
    return Caller(carried[NUMBER]) if CALLBACK in carried and NUMBER in carried else None


def fence_of(carried: Mapping[str, str]) -> int:
    """Return the fence that a call carries; 0 if it carries none."""
    text = carried.get(FENCE, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0
