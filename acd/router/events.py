"""What the router is told (events) and what it tells (decisions).

All times are integer milliseconds since the Unix epoch, given by the shell; the router reads no
clock. Everything here is frozen and plain, so that a journal entry is the event itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Channel(StrEnum):
    """How an interaction reaches us."""

    VOICE = "voice"


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
    BUSY = "busy"
    UNREACHABLE = "unreachable"
    FAILED = "failed"


# --- events ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ConfigChanged:
    """A whole new configuration; the router works out what it means for those who wait."""

    config: Configuration


@dataclass(frozen=True, slots=True)
class Arrived:
    """An interaction enters a queue. `entered` is kept through restarts and callbacks."""

    interaction: str
    queue: str
    entered: int
    priority: int = 0
    """Head start in milliseconds: subtracted from `entered` in the ordering key."""
    channel: Channel = Channel.VOICE


@dataclass(frozen=True, slots=True)
class Left:
    """An interaction left: the caller hung up, or was taken elsewhere, at any stage."""

    interaction: str
    reason: LeaveReason = LeaveReason.ABANDONED


@dataclass(frozen=True, slots=True)
class AgentWants:
    """An agent logged in or out, paused or resumed."""

    agent: str
    wanted: Wanted
    reason: str = ""


@dataclass(frozen=True, slots=True)
class AgentReachable:
    """An agent's device registered or went away. Unreachable agents are offered nothing."""

    agent: str
    reachable: bool


@dataclass(frozen=True, slots=True)
class OfferAccepted:
    """The agent took the offer; they are on contact from now."""

    offer: str


@dataclass(frozen=True, slots=True)
class OfferFailed:
    """The offer came to nothing; the interaction goes back to its exact place."""

    offer: str
    failure: Failure


@dataclass(frozen=True, slots=True)
class Ended:
    """The contact between interaction and agent is over; wrap-up begins."""

    interaction: str
    agent: str


@dataclass(frozen=True, slots=True)
class WrapUpDone:
    """The agent is done before the wrap-up time is over."""

    agent: str


@dataclass(frozen=True, slots=True)
class Adopted:
    """After a restart: this agent is ringing for, or talking with, this interaction already."""

    interaction: str
    queue: str
    entered: int
    agent: str
    offer: str
    answered: bool
    priority: int = 0
    channel: Channel = Channel.VOICE


@dataclass(frozen=True, slots=True)
class AgentRestored:
    """After a restart: what this agent was, so that neither wrap-up nor idle time begins anew.

    Ignored for an agent who is logged in already.
    """

    agent: str
    wanted: Wanted
    reason: str = ""
    reachable: bool = True
    idle_since: int | None = None
    """Since when they could have been working, if that is known."""
    wrap_up_until: int | None = None
    """When the wrap-up that they were in ends."""


@dataclass(frozen=True, slots=True)
class TimePassed:
    """Nothing happened but the time; sent at `Router.deadline`."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Several events at one instant: all are applied in order, then decided once.

    For a floor that is rebuilt or resynchronised, where a decision before the last event would
    rest on half of it.
    """

    events: tuple[Event, ...]


Event = (
    ConfigChanged
    | Arrived
    | Left
    | AgentWants
    | AgentReachable
    | OfferAccepted
    | OfferFailed
    | Ended
    | WrapUpDone
    | Adopted
    | AgentRestored
    | TimePassed
    | Batch
)


# --- decisions -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Offer:
    """Ring this agent for this interaction."""

    offer: str
    interaction: str
    queue: str
    agent: str
    ring_ms: int


@dataclass(frozen=True, slots=True)
class CancelOffer:
    """Stop ringing: the interaction has left, or was won by another."""

    offer: str
    interaction: str
    agent: str


@dataclass(frozen=True, slots=True)
class AgentMoved:
    """An agent's presence changed. `reason` tells why for PAUSED, else is empty."""

    agent: str
    presence: Presence
    reason: str = ""
    until: int | None = None
    """When it ends by itself (wrap-up, back-off); None if it does not."""


Decision = Offer | CancelOffer | AgentMoved


# --- configuration -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class QueueConfig:
    """One queue's policy."""

    name: str
    ring_ms: int = 20_000
    wrap_up_ms: int = 10_000
    strategy: str = "longest_idle"


@dataclass(frozen=True, slots=True)
class AgentConfig:
    """One agent as the router sees them: who they are and what they serve."""

    agent: str
    queues: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Configuration:
    """The floor's configuration, as one value with a version that grows with each change."""

    version: int = 0
    queues: tuple[QueueConfig, ...] = ()
    agents: tuple[AgentConfig, ...] = ()
    busy_backoff_ms: int = 5_000
    """How long an agent whose phone was busy, or who declined, is left alone."""
