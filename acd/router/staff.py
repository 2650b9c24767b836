"""Staff: what becomes of agents when something of theirs begins or ends."""

from __future__ import annotations

from . import events as ev
from .agent import Agent, Hold
from .events import Decision, Presence
from .floor import Floor
from .interaction import Interaction
from .supply import INDEX


class Staff:
    """Moves agents on a floor at `now`, and tells presences and cancelled offers in `out`."""

    def __init__(self, floor: Floor) -> None:
        self.floor = floor
        self.now = 0
        self.out: list[Decision] = []

    def settle(self, agent: Agent, at: int, *, keep_idle: bool = False) -> None:
        """Show what an agent is after something of theirs ended; with nothing left, be idle."""
        self.show(agent, at, idle=not keep_idle)
        if agent.config is None and not agent.in_hand:
            self.floor.forget_agent(agent)

    def show(self, agent: Agent, at: int, *, idle: bool = False) -> None:
        """Bring presence, timer, sets and pools up to what the agent has in hand and wants."""
        presence, reason, until = agent.shows()
        if idle and presence is Presence.AVAILABLE:
            agent.idle_since = at
        self.floor.time(agent)
        if (presence, reason, until) != (agent.presence, agent.reason, agent.until):
            agent.presence, agent.reason, agent.until, agent.since = presence, reason, until, at
            self.out.append(ev.AgentMoved(agent.id, presence, reason, until))
        self.floor.refresh(agent)

    def agent_due(self, agent: Agent, at: int) -> None:
        """End what is over for an agent by an instant."""
        for holds in (agent.wraps, agent.busy):
            for name, hold in list(holds.items()):
                if hold.until is not None and hold.until <= at:
                    self.release(agent, holds, name, at)
        if agent.backs_off is not None and agent.backs_off[1] <= at:
            agent.backs_off = None
        self.settle(agent, at)

    def part(self, agent: Agent, one: Interaction, wrap_up_ms: int) -> None:
        """Let an agent wrap up a contact that is not theirs any more."""
        if wrap_up_ms and agent.config is not None:
            # The place stays taken until the wrap-up is over; one of an earlier talk gives way.
            if one.id in agent.wraps:
                self.release(agent, agent.wraps, one.id, self.now)
            agent.wraps[one.id] = Hold(one.channel, self.now + wrap_up_ms)
        else:
            self.floor.load(agent, one.channel, -1, self.now)
        self.settle(agent, self.now)

    def release(self, agent: Agent, holds: dict[str, Hold], name: str, at: int) -> None:
        """Give back the place that a wrap-up or another occupation took."""
        self.floor.load(agent, holds.pop(name).channel, -1, at)

    def make_room(self, agent: Agent) -> None:
        """Cancel what rings at an agent beyond what they can take now."""
        busy = list(agent.load)
        for one in agent.ringing.values():
            busy[INDEX[one.channel]] -= 1
        for offer, one in list(agent.ringing.items()):
            at = INDEX[one.channel]
            blocked = any(
                load and blocks >> at & 1
                for load, blocks in zip(busy, self.floor.blocks, strict=True)
            )
            if blocked or agent.load[at] > agent.limits[at]:
                self.cancel(one, offer)

    def cancel(self, one: Interaction, offer: str) -> Agent:
        """Let one offer ring no more; return its agent, not yet settled."""
        agent = self.floor.unring(one, offer, self.now)
        self.out.append(ev.CancelOffer(offer, one.id, agent.id))
        return agent

    def cancel_ringing(self, agent: Agent) -> None:
        """Let nothing ring at an agent any more."""
        for offer, one in list(agent.ringing.items()):
            self.cancel(one, offer)

    def cancel_all(self, one: Interaction) -> list[Agent]:
        """Let an interaction ring nowhere any more; return the agents, not yet settled."""
        return [self.cancel(one, offer) for offer in list(one.offers or ())]
