"""What the router shows of its floor: read-only copies, for status, announcements and tests."""

from __future__ import annotations

from dataclasses import dataclass

from . import progress
from .agent import Agent
from .criteria import canonical, text
from .events import Arrived, Done, Presence, Wanted
from .interaction import Interaction, InteractionState, StepStatus
from .line import Line
from .supply import Supply


@dataclass(frozen=True, slots=True)
class InteractionView:
    """One live interaction. Times in ms since the epoch."""

    interaction: str
    queue: str
    entered: int
    priority: int
    state: InteractionState
    place: int | None
    """1-based place among the unanswered of its queue; None once answered."""
    agent: str | None
    """Who talks, or rings (the first of several)."""
    offer: str | None
    """The offer that was accepted, or rings (the first of several)."""
    offers: tuple[tuple[str, str], ...]
    """Every offer that rings, with its agent."""
    needs: str
    """What it needs of an agent in the step that holds; empty once answered."""


@dataclass(frozen=True, slots=True)
class AgentView:
    """One agent. Times in ms since the epoch."""

    agent: str
    presence: Presence
    reason: str
    since: int
    until: int | None
    idle_since: int | None
    """Since when idle, for AVAILABLE and RINGING; else None."""
    wanted: Wanted
    reachable: bool
    offer: str | None
    """The first offer that rings, or that of the first contact."""
    interaction: str | None
    """What it is for."""
    interactions: tuple[str, ...]
    """Everything that rings or is talked to, in order of its beginning."""
    wrapping_up: tuple[str, ...]
    busy: tuple[str, ...]
    """What else occupies them: consults, conferences, calls out."""
    contacts_today: int
    busy_today_ms: int
    """Occupied time today, up to the contacts still in hand."""
    busy_from: int | None = None
    """Since when occupied with these; None if with none."""


@dataclass(frozen=True, slots=True)
class StepView:
    """One routing step of an interaction, for explanation."""

    criteria: str
    """What the step by itself asks for, as text."""
    status: StepStatus
    began: int | None
    """When it began, in ms; None if it has not."""
    lasts_ms: int | None


@dataclass(frozen=True, slots=True)
class OfferView:
    """One offer that rings or was accepted and whose contact lasts."""

    offer: str
    interaction: str
    queue: str
    agent: str
    offered: int
    accepted: bool


@dataclass(frozen=True, slots=True)
class Stranded:
    """A waiting interaction that no agent, however free, could serve as things stand."""

    interaction: str
    queue: str
    reason: str
    """`no_queue` (not configured), `closed` (and nobody logged in), `no_agents` (none serve it),
    `no_skill` (none who do meet its criteria), `logged_out` (those who would are all offline)."""


def why_stranded(line: Line, supply: Supply) -> str:
    """Return why nobody can serve a line as things stand; empty if somebody can."""
    if not line.queue.configured:
        return "no_queue"
    if line.eligible & supply.logged_in:
        return ""
    if line.queue.closed is not None:
        return "closed"
    if not line.eligible:
        return "no_skill" if supply.of(line.queue.membership) else "no_agents"
    return "logged_out"


def place_of(interaction: Interaction) -> int | None:
    """Return the 1-based place among the unanswered of its queue; None once answered."""
    if interaction.state is InteractionState.ON_CONTACT:
        return None
    return interaction.queue.unanswered.place(interaction.entry)


def view_interaction(interaction: Interaction, place: int | None) -> InteractionView:
    """Show an interaction, with its place as `place_of` tells it."""
    ringing = tuple((offer, agent.id) for offer, agent in (interaction.offers or {}).items())
    if interaction.agent is not None:
        agent, offer = interaction.agent.id, interaction.offer
    else:
        offer, agent = ringing[0] if ringing else ("", "")
    return InteractionView(
        interaction.id,
        interaction.queue.config.name,
        interaction.entered,
        interaction.priority,
        interaction.state,
        place,
        agent or None,
        offer or None,
        ringing,
        "" if place is None else interaction.line.label,
    )


def kept(interaction: Interaction) -> Arrived:
    """Return the event that lets an interaction rejoin as it is."""
    one = interaction
    done = tuple(Done(queue, recipe, at) for (queue, recipe), at in (one.cooked or {}).items())
    return Arrived(
        one.id, one.queue.config.name, one.entered, one.priority - one.tier_ms, one.channel,
        one.criteria, one.own_steps, one.tier, one.began, rejoins=True, dropped=one.dropped,
        done=done, step=one.step, stepped=one.step_began, skipped=one.skipped,
    )  # fmt: skip


def view_steps(interaction: Interaction) -> list[StepView]:
    """Show the steps of an interaction."""
    began = interaction.step_began
    return [
        StepView(
            text(canonical(interaction.queue.alternative(interaction, number))),
            progress.status(interaction, number),
            began[number] if number < len(began) else None,
            step.lasts_ms,
        )
        for number, step in enumerate(interaction.steps)
    ]


def view_agent(agent: Agent) -> AgentView:
    """Show an agent."""
    idle = agent.presence in (Presence.AVAILABLE, Presence.RINGING)
    held = [(offer, one.id) for offer, one in agent.ringing.items()]
    held += [(one.offer, one.id) for one in agent.contacts.values()]
    return AgentView(
        agent.id,
        agent.presence,
        agent.reason,
        agent.since,
        agent.until,
        agent.idle_since if idle else None,
        agent.wanted,
        agent.reachable,
        held[0][0] if held else None,
        held[0][1] if held else None,
        tuple(one for _, one in held),
        tuple(agent.wraps),
        tuple(agent.busy),
        agent.contacts_today,
        agent.busy_today,
        agent.busy_from,
    )
