"""What is known of a run when it is over. All times are milliseconds since the Unix epoch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Way(StrEnum):
    """Who is called first."""

    AGENT = "agent first"
    CUSTOMER = "customer first"


class Step(StrEnum):
    """Steps of a callback's life at which the service is killed, in their order."""

    PRESSED = "pressed"
    PROMISED = "promised"
    WAITING = "waiting"
    OFFERED = "offered"
    RESERVED = "reserved"
    CLAIMED = "claimed"
    DIALLED = "dialled"
    RINGING = "ringing"
    ANSWERED = "answered"
    ASKED = "asked"
    CHOSE = "chose"
    HOLDING = "holding"
    BRIDGED = "bridged"
    FINISHED = "finished"
    TALKING = "talking"
    WRAP_UP = "wrap_up"
    STARTING = "starting"


MEANING: Mapping[Step, str] = {
    Step.PRESSED: "the caller presses the key",
    Step.PROMISED: "the promise is committed",
    Step.WAITING: "the caller is gone, and it waits",
    Step.OFFERED: "the agent's phone gets an INVITE",
    Step.RESERVED: "the agent has answered",
    Step.CLAIMED: "the attempt is claimed in the database",
    Step.DIALLED: "the customer's phone gets an INVITE",
    Step.RINGING: "the customer's phone rings",
    Step.ANSWERED: "the customer has answered",
    Step.ASKED: "the customer hears the question",
    Step.CHOSE: "the customer presses a key",
    Step.HOLDING: "the customer is in line, at the kept place",
    Step.BRIDGED: "the PBX has put both into one bridge",
    Step.FINISHED: "the attempt's result is written",
    Step.TALKING: "they talk",
    Step.WRAP_UP: "the talk is over",
    Step.STARTING: "the service is coming up after the last kill",
}
STEPS: Mapping[Way, tuple[Step, ...]] = {
    Way.AGENT: (
        Step.PRESSED, Step.PROMISED, Step.WAITING, Step.OFFERED, Step.RESERVED, Step.CLAIMED,
        Step.DIALLED, Step.RINGING, Step.ANSWERED, Step.FINISHED, Step.BRIDGED, Step.TALKING,
        Step.WRAP_UP,
    ),
    Way.CUSTOMER: (
        Step.PRESSED, Step.PROMISED, Step.WAITING, Step.CLAIMED, Step.DIALLED, Step.RINGING,
        Step.ANSWERED, Step.ASKED, Step.CHOSE, Step.HOLDING, Step.OFFERED, Step.RESERVED,
        Step.FINISHED, Step.BRIDGED, Step.TALKING, Step.WRAP_UP,
    ),
}  # fmt: skip
"""The steps of a callback, in their order."""


class Habit(StrEnum):
    """What a customer does."""

    ANSWERS = "answers"
    BUSY_FIRST = "busy_first"
    """Busy when called the first time."""
    AWAY_FIRST = "away_first"
    """Does not answer the first time."""
    DECLINES_FIRST = "declines_first"
    """Turns the first call down."""
    GONE = "gone"
    """Their number is not in use any more."""
    LATER_FIRST = "later_first"
    """Wants to be called later when asked the first time."""
    CANCELS = "cancels"
    """Wants no call any more when asked."""
    STAYS = "stays"
    """Wants no callback and waits on the line."""


@dataclass(frozen=True, slots=True)
class Kill:
    """One `kill -9` of the service: planned after `step` and a delay; `at`, when it was done.

    `way` is None for a step of no callback. `customer` is whose step it was, empty if no such step
    came about in time. `back` is when the service answered again.
    """

    number: int
    way: Way | None
    step: Step
    delay_ms: int
    customer: str
    at: int
    back: int


@dataclass(frozen=True, slots=True)
class Span:
    """Something from `at` to `until`; None: not over. `up`: when it was answered, if it was."""

    at: int
    until: int | None = None
    up: int | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """A row of `callback_attempts`."""

    fence: int
    started: int
    ended: int | None
    outcome: str | None


@dataclass(frozen=True, slots=True)
class Row:
    """A row of `callbacks`, with its attempts. `entered` is the key of its place."""

    id: str
    entered: int
    made: int
    state: str
    reason: str | None
    ended: int | None
    attempts: tuple[Attempt, ...] = ()


@dataclass(slots=True)
class Customer:
    """One customer: what they did, and what outside of Sala was seen to reach them."""

    name: str
    """Such as c017; numbers stay out of reports."""
    habit: Habit
    way: Way = Way.AGENT
    called: int = 0
    pressed: int = 0
    """When they pressed the key last; 0: never."""
    left: int = 0
    """When their own call was over; 0: it is not."""
    sent_off: bool = False
    """Sala ended their call, without an agent having talked to them: they hold a promise."""
    told: bool = False
    """They hung up themselves while they were being told, and count on it."""
    gave_up: bool = False
    """They hung up themselves, having waited too long."""
    entered: int = 0
    """When they entered the queue, as the database has it."""
    offers: list[int] = field(default_factory=list)
    """When Sala's PBX called agents' phones on their behalf."""
    rings: list[Span] = field(default_factory=list)
    """INVITEs that reached their phone."""
    talks: list[Span] = field(default_factory=list)
    """When they were in one bridge with an agent, on either kind of call."""
    mistaken: int = 0
    """In how many talks the agent was shown somebody else's number."""
    waits: list[Span] = field(default_factory=list)
    """When they were in line once more, called back."""
    over: int = 0
    """When the database last told that a callback of theirs has ended; 0: never."""
    rows: list[Row] = field(default_factory=list)


@dataclass(slots=True)
class Facts:
    """A whole run."""

    seed: int
    began: int
    ended: int = 0
    kills: list[Kill] = field(default_factory=list)
    customers: list[Customer] = field(default_factory=list)
    left_over: list[str] = field(default_factory=list)
    """What was not as at the beginning once all was over."""
    agents: Mapping[Way, int] = field(default_factory=dict)
    """How many serve each queue."""
