"""What the router shows of its floor: read-only copies, for status, announcements and tests."""

from __future__ import annotations

from dataclasses import dataclass

from .agent import Agent
from .events import Presence, Wanted
from .interaction import Interaction, InteractionState


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
    """Who rings or talks."""
    offer: str | None
    """The offer that rings or was accepted."""


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
    interaction: str | None


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
    """`no_queue` (not configured), `no_agents` (none serve it), `logged_out` (all are offline)."""


def place_of(interaction: Interaction) -> int | None:
    """Return the 1-based place among the unanswered of its queue; None once answered."""
    if interaction.state is InteractionState.ON_CONTACT:
        return None
    return interaction.line.unanswered.place(interaction.entry)


def view_interaction(interaction: Interaction, place: int | None) -> InteractionView:
    """Show an interaction, with its place as `place_of` tells it."""
    return InteractionView(
        interaction.id,
        interaction.line.config.name,
        interaction.entered,
        interaction.priority,
        interaction.state,
        place,
        None if interaction.agent is None else interaction.agent.id,
        interaction.offer or None,
    )


def view_agent(agent: Agent) -> AgentView:
    """Show an agent."""
    idle = agent.presence in (Presence.AVAILABLE, Presence.RINGING)
    held = agent.interaction
    return AgentView(
        agent.id,
        agent.presence,
        agent.reason,
        agent.since,
        agent.until,
        agent.idle_since if idle else None,
        agent.wanted,
        agent.reachable,
        None if held is None else held.offer,
        None if held is None else held.id,
    )
