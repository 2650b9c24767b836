"""The shapes of the customer record, as the services hand them around.

All are frozen and plain. Times are integer milliseconds since the Unix epoch (`*_ms`); ids are
strings (UUIDs in their usual text form for customers, interactions and callbacks). None means
unknown, or not yet.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    CALLBACK = "callback"
    """An attempt to call a customer back, from the order to dial to its outcome."""


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
    tier: str | None = None
    """What they are worth to us, such as `vip`; queues turn it into a head start."""


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
    short: bool = False
    """Of one of kind `queue` that was abandoned: too soon to count against the service level."""


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
    """One queue's policy.

    `tiers`, `steps`, `recipes`, `callback` and the `when_*` are in the admin's own words, for
    `acd.policy`.
    """

    name: str
    ring_ms: int = 20_000
    wrap_up_ms: int = 10_000
    strategy: str = "longest_idle"
    ring_at_once: int = 1
    target_ms: int = 20_000
    short_abandon_ms: int = 0
    max_wait_ms: int | None = None
    when_late: str = "turn_away"
    max_length: int | None = None
    when_full: str = "turn_away"
    join_needs: str | None = None
    stay_needs: str | None = None
    when_empty: str = "turn_away"
    calendar: str | None = None
    """When it is open; None: always."""
    when_closed: str = "turn_away"
    closing_clears: bool = False
    tiers: Mapping[str, Any] = field(default_factory=dict)
    steps: Sequence[Any] = ()
    recipes: Sequence[Any] = ()
    callback: Mapping[str, Any] = field(default_factory=dict)
    """How its callbacks are made, for `acd.callbacks.policy`."""


@dataclass(frozen=True, slots=True)
class Agent:
    """An agent, their device's address, what they can do, and the presence they asked for.

    `wanted` is `offline`, `available` or `paused`. A channel's capacity is None where the floor's
    policy holds.
    """

    id: str
    name: str
    address: str
    queues: tuple[str, ...] = ()
    wanted: str = "offline"
    reason: str = ""
    since_ms: int = 0
    ranks: tuple[int, ...] = ()
    """Preference for each of `queues`, 1 first; empty: all 1."""
    skills: tuple[tuple[str, int], ...] = ()
    """With levels, by name; so too languages."""
    languages: tuple[str, ...] = ()
    site: str = ""
    voice: int | None = None
    chat: int | None = None
    email: int | None = None
    weight: int = 1


@dataclass(frozen=True, slots=True)
class CalendarSource:
    """Opening hours in the admin's own words, for `crm.calendars.read`."""

    name: str
    source: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Selection:
    """How a freed agent's next interaction is chosen among queues, given with their weights."""

    name: str
    policy: str = "priority"
    queues: tuple[tuple[str, int], ...] = ()
    """By name."""


@dataclass(frozen=True, slots=True)
class FloorPolicy:
    """What holds for all agents: capacities, and which channels a busy one blocks."""

    busy_backoff_ms: int = 5_000
    voice: int = 1
    chat: int = 4
    email: int = 6
    blocks: Mapping[str, Any] = field(default_factory=lambda: {"voice": ["chat", "email"]})


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
    skills: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()
    calendars: tuple[CalendarSource, ...] = ()
    selections: tuple[Selection, ...] = ()
    policy: FloorPolicy = FloorPolicy()


@dataclass(frozen=True, slots=True)
class Callback:
    """A place in a queue kept for a customer who has hung up.

    `state` is `waiting` until it ends: connected, failed, expired, cancelled or merged.
    """

    id: str
    number: str
    requested_ms: int
    source: str
    queue: str | None = None
    interaction: str | None = None
    state: str = "waiting"
    spool_file: str | None = None
    customer: str | None = None
    place: Mapping[str, Any] | None = None
    """What the router kept of the call that asked, as its journal writes an arrival."""
    due_ms: int = 0
    """Not dialled before."""
    expires_ms: int | None = None
    """Not dialled after; None: as the queue's policy."""
    owner: str | None = None
    """The agent whose personal callback it is."""
    language: str | None = None
    told_ms: int | None = None
    """The latest moment the customer was told."""
    attempts: int = 0
    """Attempts that count against the maximum."""
    fence: int = 0
    """Of the last claim; 0: never claimed."""
    holder: str | None = None
    """Which worker holds the live attempt."""
    ended_ms: int | None = None
    reason: str | None = None
    merged_into: str | None = None
    phones: tuple[str, ...] = ()
    """The customer's other numbers, as the record has them."""


@dataclass(frozen=True, slots=True)
class CallbackAttempt:
    """One claim of a callback, and what came of the dialling; no end: live, or its worker died."""

    fence: int
    holder: str
    started_ms: int
    ended_ms: int | None
    outcome: str | None


@dataclass(frozen=True, slots=True)
class CallbackCounts:
    """Open callbacks of one queue: due, for later, and with a live attempt (counted in `waiting`).

    `queue` is empty for those taken in without one.
    """

    queue: str
    waiting: int
    scheduled: int
    dialling: int


@dataclass(frozen=True, slots=True)
class CallbackReport:
    """What became of callbacks of one queue that were asked for in a span of time.

    offered = accepted + declined; accepted = waiting + connected + failed + expired + cancelled +
    merged. `attempted`: at least once dialled. `kept` of `told`: connected by the time told. From
    request to connection: `mean_ms`; half took `median_ms` at most, nine of ten `p90_ms`; None
    before the first.
    """

    queue: str
    offered: int
    accepted: int
    declined: int
    waiting: int
    attempted: int
    connected: int
    failed: int
    expired: int
    cancelled: int
    merged: int
    told: int
    kept: int
    mean_ms: int | None
    median_ms: int | None
    p90_ms: int | None


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
    short_abandoned: int = 0
    """Of the abandoned."""
