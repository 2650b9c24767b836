"""The floor: every agent, line, interaction and timer, and how a configuration lays them out."""

from __future__ import annotations

from .agent import Agent
from .events import Channel, Configuration, Presence, QueueConfig
from .interaction import Interaction, InteractionState
from .line import Line
from .profile import Profile
from .ranked import Ranked


class Floor:
    """State and its bookkeeping; `router.Router` says what happens when.

    Invariants: `agent.free` exactly if AVAILABLE, reachable and configured, and then the agent
    stands in the pools of the profile; an interaction is in its line until answered, and
    offerable exactly while WAITING; `until` is set exactly if the agent stands in `timers`.
    """

    __slots__ = ("_sequence", "agents", "config", "dirty", "interactions", "lines", "offers",
                 "timers")  # fmt: skip

    def __init__(self, config: Configuration) -> None:
        self.config = config
        self.agents: dict[str, Agent] = {}
        self.interactions: dict[str, Interaction] = {}
        self.offers: dict[str, Interaction] = {}
        """Offers that ring, or were accepted and whose contact lasts."""
        self.lines: dict[str, Line] = {}
        self.timers: Ranked[tuple[int, int]] = Ranked()
        """Agents whose presence ends by itself, by (until, order)."""
        self.dirty: dict[Line, None] = {}
        """Lines for which a match may have become possible since the last decision."""
        self._sequence = 0
        self.configure(config, 0)

    # --- configuration -----------------------------------------------------------------------

    def configure(self, config: Configuration, now: int) -> list[Agent]:
        """Apply a configuration and return the agents who are in it no more.

        They have no profile from here on and stay known until `forget_agent`. The configuration
        must have passed `configuration.check`.
        """
        self.config = config
        for line in self.lines.values():
            line.configured = False
            line.staffed.clear()
        for queue in config.queues:
            known = self.lines.get(queue.name)
            if known is None:
                self.lines[queue.name] = Line(queue, configured=True)
            else:
                known.config, known.configured = queue, True
        profiles: dict[tuple[str, ...], Profile] = {}
        gone = {a.id: a for a in sorted(self.agents.values(), key=lambda a: a.order)}
        for order, one in enumerate(config.agents):
            profile = profiles.get(one.queues)
            if profile is None:
                # A name given twice in one agent's list is one line.
                lines = tuple(self.lines[name] for name in dict.fromkeys(one.queues))
                profile = profiles[one.queues] = Profile(lines)
            agent = gone.pop(one.agent, None)
            if agent is None:
                agent = self.agents[one.agent] = Agent(one.agent, order, profile, now)
            agent.order, agent.profile, agent.free = order, profile, False
            if agent.until is not None:
                self.timers.put(agent.id, (agent.until, order))
            self.refresh(agent)
        for order, agent in enumerate(gone.values(), len(config.agents)):
            agent.order, agent.profile, agent.free = order, None, False
        for line in list(self.lines.values()):
            self._drop_if_unused(line)
        self.dirty = dict.fromkeys(line for line in self.lines.values() if line.configured)
        return list(gone.values())

    def _drop_if_unused(self, line: Line) -> None:
        if not line.configured and not line.live:
            del self.lines[line.config.name]
            self.dirty.pop(line, None)

    # --- agents ------------------------------------------------------------------------------

    def guest(self, agent: str, now: int) -> Agent:
        """Make up an agent who is not configured but talks: they must be known until done."""
        new = self.agents[agent] = Agent(agent, len(self.agents), None, now)
        return new

    def move(
        self, agent: Agent, presence: Presence, now: int, reason: str = "", until: int | None = None
    ) -> None:
        """Change an agent's presence, with all bookkeeping."""
        agent.presence, agent.reason, agent.since = presence, reason, now
        if until is not None:
            self.timers.put(agent.id, (until, agent.order))
        elif agent.until is not None:
            self.timers.remove(agent.id)
        agent.until = until
        self.refresh(agent)

    def refresh(self, agent: Agent) -> None:
        """Put the agent among the free or take them out, as their state now says."""
        profile = agent.profile
        free = agent.presence is Presence.AVAILABLE and agent.reachable and profile is not None
        if free is agent.free or profile is None:
            return
        if free:
            profile.add(agent)
            for line in profile.lines:
                if line.offerable:
                    self.dirty[line] = None
        else:
            profile.remove(agent)

    def forget_agent(self, agent: Agent) -> None:
        """Drop an agent who is not configured and has no interaction."""
        self.timers.remove(agent.id)
        del self.agents[agent.id]

    # --- interactions ------------------------------------------------------------------------

    def arrive(
        self, interaction: str, queue: str, entered: int, priority: int, channel: Channel
    ) -> Interaction:
        """Let a new interaction wait at its place, though its queue be unknown."""
        line = self.lines.get(queue)
        if line is None:
            line = self.lines[queue] = Line(QueueConfig(queue), configured=False)
        self._sequence += 1
        entry = (entered - priority, entered, self._sequence, interaction)
        new = Interaction(interaction, line, entry, priority, channel)
        self.interactions[interaction] = new
        line.live += 1
        line.join(entry)
        self.dirty[line] = None
        return new

    def hold(self, interaction: Interaction, agent: Agent, offer: str, now: int) -> None:
        """Tie a waiting interaction to the agent who is rung for it."""
        interaction.line.hold_back(interaction.entry)
        interaction.state = InteractionState.RINGING
        interaction.agent, interaction.offer, interaction.offered = agent, offer, now
        agent.interaction = interaction
        self.offers[offer] = interaction

    def answer(self, interaction: Interaction) -> None:
        """Take a ringing interaction out of its line: its agent has it."""
        interaction.line.leave(interaction.entry)
        interaction.state = InteractionState.ON_CONTACT

    def put_back(self, interaction: Interaction) -> None:
        """Untie a ringing interaction from its agent; it goes on at its place."""
        self._untie(interaction)
        interaction.state = InteractionState.WAITING
        interaction.line.put_back(interaction.entry)
        self.dirty[interaction.line] = None

    def forget(self, interaction: Interaction) -> None:
        """Drop an interaction that has left or ended, and untie its agent."""
        if interaction.agent is not None:
            self._untie(interaction)
        line = interaction.line
        if interaction.state is not InteractionState.ON_CONTACT:
            line.leave(interaction.entry)
        del self.interactions[interaction.id]
        line.live -= 1
        self._drop_if_unused(line)

    def _untie(self, interaction: Interaction) -> None:
        if interaction.agent is not None:
            interaction.agent.interaction = None
        del self.offers[interaction.offer]
        interaction.agent, interaction.offer = None, ""
