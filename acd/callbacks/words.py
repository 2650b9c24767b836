"""Words of callbacks: stages, outcomes of attempts, what customers choose."""

from __future__ import annotations

from enum import StrEnum


class Stage(StrEnum):
    """Where a callback is. The last five are final."""

    SCHEDULED = "scheduled"
    """For later: a chosen time, quiet hours, or a pause between attempts."""
    WAITING = "waiting"
    """In line, or, customer-first, ready to be dialled."""
    RESERVED = "reserved"
    """An agent is held for it, or expected; the attempt is being claimed."""
    DIALLING = "dialling"
    ASKING = "asking"
    """The customer has answered and is asked: talk, later, cancel."""
    HOLDING = "holding"
    """The customer is on the line and waits at the kept place."""
    CONNECTING = "connecting"
    HANGING_UP = "hanging_up"
    """The attempt is being ended from our side."""
    CONNECTED = "connected"
    FAILED = "failed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    MERGED = "merged"


LIVE = frozenset({Stage.DIALLING, Stage.ASKING, Stage.HOLDING, Stage.CONNECTING, Stage.HANGING_UP})
"""Stages in which a call to the customer is up, or may be."""


class Outcome(StrEnum):
    """What came of an attempt."""

    BUSY = "busy"
    NO_ANSWER = "no_answer"
    MACHINE = "machine"
    FAILED = "failed"
    REFUSED = "refused"
    """The network said that there is no such number."""
    CONGESTION = "congestion"
    HUNG_UP = "hung_up"
    """The customer answered and went before they talked."""
    NO_CHOICE = "no_choice"
    """They answered and chose nothing."""
    LOST = "lost"
    """Nobody told how it ended."""
    LATER = "later"
    """They asked to be called later; not counted as an attempt."""
    GIVEN_UP = "given_up"
    """We ended it before they talked, as when the agent went away; their phone may have rung."""
    WITHDRAWN = "withdrawn"
    """We gave it up before they were dialled; not counted."""
    CAPPED = "capped"
    """Not dialled, for the caps of the dialling gate; not counted."""
    UNDIALLED = "undialled"
    """Not dialled, for the database or the link to the PBX was away, or they were on the line by
    another call; not counted."""
    BARRED = "barred"
    """Not dialled, for the dialling gate does not let this number be called, whenever it is: not
    counted, and there is no next attempt."""
    CONNECTED = "connected"


RETRIED = (
    Outcome.BUSY, Outcome.NO_ANSWER, Outcome.MACHINE, Outcome.FAILED, Outcome.REFUSED,
    Outcome.CONGESTION, Outcome.HUNG_UP, Outcome.NO_CHOICE, Outcome.LOST, Outcome.GIVEN_UP,
)  # fmt: skip
"""Outcomes that a policy's retry plan speaks of; each counts as an attempt."""

NOT_DIALLED = frozenset({Outcome.WITHDRAWN, Outcome.CAPPED, Outcome.UNDIALLED, Outcome.BARRED})
"""Outcomes of claims after which nobody was dialled."""


class Choice(StrEnum):
    """What the customer says when they are asked."""

    TALK = "talk"
    LATER = "later"
    CANCEL = "cancel"
