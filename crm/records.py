"""The shapes of the customer record, as the services hand them around.

All are frozen and plain. Times are integer milliseconds since the Unix epoch (`*_ms`); ids are
strings (UUIDs in their usual text form for customers, interactions and callbacks). None means
unknown, or not yet.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Outcome(StrEnum):
    """How an interaction, or a stay in a queue (all but the last), ended."""

    ANSWERED = "answered"
    ABANDONED = "abandoned"
    CALLED_BACK = "called_back"
    OVERFLOWED = "overflowed"
    FAILED = "failed"
    ENDED_IN_FLOW = "ended_in_flow"


class SegmentKind(StrEnum):
    """What a stretch of an interaction is."""

    IVR = "ivr"
    QUEUE = "queue"
    RINGING = "ringing"
    TALK = "talk"
    HOLD = "hold"
    CONSULT = "consult"
    TRANSFER = "transfer"
    WRAP_UP = "wrap_up"
    CALLBACK_WAIT = "callback_wait"


@dataclass(frozen=True, slots=True)
class Identity:
    """One way to recognise a customer, such as kind `phone`, value in E.164."""

    kind: str
    value: str


@dataclass(frozen=True, slots=True)
class Customer:
    """A person or account, with every identity known."""

    id: str
    name: str | None
    language: str | None
    created_ms: int
    identities: tuple[Identity, ...] = ()


@dataclass(frozen=True, slots=True)
class Interaction:
    """One contact through one channel.

    Write the whole row each time: opened first, later with what became known. A None never erases
    what was written before. `customer` is found or made from the identity by the database when it
    is None; `direction` is `inbound` or `outbound`; `ended_by` is a word such as `customer`,
    `agent` or `system`. With `ended_ms` an `outcome` is needed.
    """

    id: str
    arrived_ms: int
    channel: str = "voice"
    direction: str = "inbound"
    customer: str | None = None
    identity: Identity | None = None
    dialled: str = ""
    entry_point: str | None = None
    flow: str | None = None
    flow_version: str | None = None
    queue: str | None = None
    ended_ms: int | None = None
    outcome: str | None = None
    ended_by: str | None = None


@dataclass(frozen=True, slots=True)
class Segment:
    """One stretch of an interaction, numbered within it from 1 by `seq`.

    A segment of kind `queue` lasts from entering the queue until answered or gone, needs a
    `queue`, and ends with one of the first five outcomes; each offer's `ringing` lies within it.
    The outcome of other kinds is any short lower-case word.
    """

    interaction: str
    seq: int
    kind: str
    started_ms: int
    queue: str | None = None
    agent: str | None = None
    offer: str | None = None
    ended_ms: int | None = None
    outcome: str | None = None


@dataclass(frozen=True, slots=True)
class InteractionDetail:
    """An interaction with its segments, by `seq`."""

    interaction: Interaction
    segments: tuple[Segment, ...] = ()


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One thing that changed the floor. `epoch` and `seq` together are unique."""

    epoch: str
    seq: int
    at_ms: int
    config_version: int
    kind: str
    body: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Queue:
    """One queue's policy."""

    name: str
    ring_ms: int = 20_000
    wrap_up_ms: int = 10_000
    strategy: str = "longest_idle"


@dataclass(frozen=True, slots=True)
class Agent:
    """An agent, their device's address, their queues in order, and the presence they asked for.

    `wanted` is `offline`, `available` or `paused`.
    """

    id: str
    name: str
    address: str
    queues: tuple[str, ...] = ()
    wanted: str = "offline"
    reason: str = ""
    since_ms: int = 0


@dataclass(frozen=True, slots=True)
class EntryPoint:
    """A dialled number and the flow alias it leads to."""

    number: str
    flow: str


@dataclass(frozen=True, slots=True)
class Floor:
    """The floor's whole configuration at one version, read in one snapshot."""

    version: int
    queues: tuple[Queue, ...] = ()
    agents: tuple[Agent, ...] = ()
    entry_points: tuple[EntryPoint, ...] = ()


@dataclass(frozen=True, slots=True)
class Callback:
    """A place in a queue kept for a customer who has hung up."""

    id: str
    number: str
    requested_ms: int
    source: str
    queue: str | None = None
    interaction: str | None = None
    state: str = "waiting"
    spool_file: str | None = None


@dataclass(frozen=True, slots=True)
class QueueTotals:
    """What became of those who entered a queue; the first is the sum of the next five."""

    queue: str
    offered: int
    answered: int
    abandoned: int
    called_back: int
    overflowed: int
    failed: int
    waiting: int
