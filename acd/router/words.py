"""Words that events and decisions share: presence, why something ended."""

from __future__ import annotations

from enum import StrEnum


class Presence(StrEnum):
    """What an agent is doing, as the field's wallboards say it."""

    OFFLINE = "offline"
    AVAILABLE = "available"
    RINGING = "ringing"
    ON_CONTACT = "on_contact"
    WRAP_UP = "wrap_up"
    PAUSED = "paused"


class Wanted(StrEnum):
    """What an agent asked to be; takes effect when the contact and its wrap-up are over."""

    OFFLINE = "offline"
    AVAILABLE = "available"
    PAUSED = "paused"


class LeaveReason(StrEnum):
    """Why an interaction left its queue without being answered."""

    ABANDONED = "abandoned"
    OVERFLOWED = "overflowed"
    CALLED_BACK = "called_back"
    FAILED = "failed"


class Failure(StrEnum):
    """Why an offer came to nothing, as far as the agent's side goes."""

    NO_ANSWER = "no_answer"
    DECLINED = "declined"
    LEFT = "left"
    """They were held for a customer who was being called, and hung up."""
    BUSY = "busy"
    UNREACHABLE = "unreachable"
    FAILED = "failed"
