"""The floor's configuration: queues, agents and how they are put together. Plain and frozen."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from .criteria import ANYONE, Criteria
from .recipes import Exit, Recipe, Staffing, TurnAway


class Channel(StrEnum):
    """How an interaction reaches us."""

    VOICE = "voice"
    CHAT = "chat"
    EMAIL = "email"


@dataclass(frozen=True, slots=True)
class Capacity:
    """How many interactions an agent takes at once on each channel; 0 for none."""

    voice: int = 1
    chat: int = 4
    email: int = 6


@dataclass(frozen=True, slots=True)
class Step:
    """A routing step: who may take an interaction, and how long before the next step widens it.

    An agent eligible in one step stays so in those after it, unless a step `replaces`. When the
    last step has expired, anyone of the queue may take it who meets its own criteria as relaxed.
    """

    criteria: Criteria = ANYONE
    lasts_ms: int | None = None
    """How long it holds; None: for as long as the interaction waits."""
    drop: tuple[str, ...] = ()
    """Skills of the interaction's own criteria that are asked for no more, from this step on."""
    lower: tuple[tuple[str, int], ...] = ()
    """Skills of its own criteria that are asked for at most at this level, from this step on."""
    skip_without: Staffing | None = None
    """Go on to the next step while no agent who meets `criteria` is there in this way."""
    members: bool = True
    """False for agents outside the queue too (the last agent spoken to, an account's owner)."""
    replaces: bool = False
    """Shut out who met only the steps before."""


TOO_LATE, FULL, EMPTY, CLOSED = (
    TurnAway("max_wait"), TurnAway("full"), TurnAway("empty"), TurnAway("closed")
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class QueueConfig:
    """One queue's policy."""

    name: str
    ring_ms: int = 20_000
    wrap_up_ms: int = 10_000
    strategy: str = "longest_idle"
    """Which of the agents is offered an interaction first: a name in `strategies.STRATEGIES`."""
    ring_at_once: int = 1
    """How many agents ring for one interaction, the strategy's best first; one wins."""
    steps: tuple[Step, ...] = ()
    recipes: tuple[Recipe, ...] = ()
    tiers: tuple[tuple[str, int], ...] = ()
    """Head start in ms that a caller's tier adds to the priority."""
    target_ms: int = 20_000
    """Service level: answered within this."""
    short_abandon_ms: int = 0
    """Abandons before this wait are short, and told apart; 0: none are."""
    max_wait_ms: int | None = None
    when_late: Exit = TOO_LATE
    """What becomes of who has waited `max_wait_ms`."""
    max_length: int | None = None
    when_full: Exit = FULL
    """What becomes of who arrives when `max_length` are unanswered already."""
    join_needs: Staffing | None = None
    """Who arrives when no agent of the queue is there in this way goes by `when_empty`."""
    stay_needs: Staffing | None = None
    """Who waits when no agent of the queue is there in this way goes by `when_empty`."""
    when_empty: Exit = EMPTY
    when_closed: Exit | None = CLOSED
    """What becomes of who arrives while the queue is closed; None: they wait."""
    closing_clears: bool = False
    """Whether who waits when the queue closes goes by `when_closed` too; else they are served."""


@dataclass(frozen=True, slots=True)
class AgentConfig:
    """One agent as the router sees them: who they are and what they serve."""

    agent: str
    queues: tuple[str, ...] = ()
    skills: tuple[tuple[str, int], ...] = ()
    """Skills with levels 1–5."""
    languages: tuple[str, ...] = ()
    site: str = ""
    ranks: tuple[int, ...] = ()
    """Preference for each of `queues`, 1 first; empty: all 1.

    An agent takes from queues of rank 2 when nobody waits in those of rank 1 whom they may take;
    a queue's agents of rank 2 are offered when none of rank 1 is free.
    """
    capacity: Capacity | None = None
    """None: the floor's."""
    weight: int = 1
    """Share of `weighted_random`."""


@dataclass(frozen=True, slots=True)
class SelectionConfig:
    """How a freed agent's next interaction is chosen among these queues."""

    queues: tuple[str, ...]
    policy: str = "priority"
    """A name in `selection.POLICIES`."""
    weights: tuple[tuple[str, int], ...] = ()
    """By queue: the weight (`service_level`) or the share (`fixed_ratio`); 1 where not told."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """The floor's configuration, as one value with a version that grows with each change."""

    version: int = 0
    queues: tuple[QueueConfig, ...] = ()
    agents: tuple[AgentConfig, ...] = ()
    busy_backoff_ms: int = 5_000
    """How long an agent whose phone was busy, or who declined, is left alone."""
    selections: tuple[SelectionConfig, ...] = ()
    """A queue in none of them goes by priority, with the other such queues."""
    capacity: Capacity = Capacity()
    """Of agents without their own."""
    blocks: tuple[tuple[Channel, tuple[Channel, ...]], ...] = (
        (Channel.VOICE, (Channel.CHAT, Channel.EMAIL)),
    )
    """Channels on which an agent is offered nothing while busy on another: a call blocks chats."""
    skills: tuple[str, ...] = ()
    """Names that criteria may use though no agent has them (yet); so too with the next two."""
    languages: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()
