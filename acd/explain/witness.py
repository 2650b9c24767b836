"""The witness: the router, with each choice written down at the moment it is made."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from acd.router import Router
from acd.router.agent import Agent
from acd.router.configuration import Configuration
from acd.router.interaction import Interaction, InteractionState
from acd.router.line import Line
from acd.router.strategies import Rank
from acd.router.supply import orders

from . import reasons


@dataclass(frozen=True, slots=True)
class Standing:
    """One agent who may take an interaction, when a choice was made."""

    agent: str
    doing: str
    rank: Rank | None
    """None for one who was not free."""


@dataclass(frozen=True, slots=True)
class Choice:
    """An agent chosen for an interaction."""

    at: int
    interaction: str
    queue: str
    agent: str
    strategy: str
    needs: str
    eligible: tuple[Standing, ...]
    """Who may take it under the criteria in force: the free by rank, the others after them."""
    why: str
    """Why the agent came first."""
    passed: tuple[tuple[str, str], ...] = ()
    """Others who waited and whom the agent might have taken, best key first, with why not they."""
    why_not: tuple[tuple[str, str], ...] = ()
    """Agents asked about, and why it was not they."""
    why_before: str = ""
    """If this is another's choice: why it went before the one that is explained."""


class Witness(Router):
    """Routes as `Router` does, and tells of choices that concern one interaction.

    `others` are interactions asked about, `agents` agents asked about.
    """

    def __init__(
        self,
        config: Configuration,
        epoch: str,
        about: str,
        agents: Collection[str],
        others: Collection[str],
        tell: Callable[[Choice], None],
        clock: reasons.Clock,
    ) -> None:
        self._about = about
        self._asked_agents = agents
        self._asked = others
        self._tell = tell
        self._clock = clock
        super().__init__(config, epoch)

    def _ring(self, interaction: Interaction, agent: Agent) -> None:
        if interaction.id == self._about or interaction.id in self._asked:
            self._tell(self._choice(interaction, agent))
        super()._ring(interaction, agent)

    def _choice(self, one: Interaction, agent: Agent) -> Choice:
        floor, line, clock = self.floor, one.line, self._clock
        now = self._handling.now
        ranked, rest = self._standings(line)
        mine = line.strategy.rank(agent, line)
        why_before = ""
        if one.id != self._about:
            other = floor.interactions.get(self._about)
            if other is not None and other.state is InteractionState.WAITING:
                why_before = reasons.before(floor, one, other, agent, now)
        why_not = tuple(
            (name, self._why_not(one, name, agent, mine)) for name in self._asked_agents
        )
        passed = []
        for candidate in agent.lines:
            head = candidate.offerable.first()
            if head is not None and head[1] != one.id and candidate.bit & agent.open:
                other = floor.interactions[head[1]]
                passed.append(
                    (other.entry, other.id, reasons.before(floor, one, other, agent, now))
                )
        passed.sort()
        return Choice(
            now,
            one.id,
            one.queue.config.name,
            agent.id,
            one.queue.config.strategy,
            line.label,
            (*(Standing(a.id, reasons.doing(a, clock), rank) for rank, a in ranked),
             *(Standing(a.id, reasons.doing(a, clock), None) for a in rest)),
            self._why(line, agent, mine, [(rank, a) for rank, a in ranked if a is not agent]),
            tuple((name, why) for _, name, why in passed),
            why_not,
            why_before,
        )  # fmt: skip

    def _standings(self, line: Line) -> tuple[list[tuple[Rank, Agent]], list[Agent]]:
        agents = [self.floor.ordered[order] for order in orders(line.eligible)]
        free = [agent for agent in agents if agent.open & line.bit]
        ranked = sorted(((line.strategy.rank(a, line), a) for a in free), key=lambda x: x[0])
        return ranked, [agent for agent in agents if not agent.open & line.bit]

    def _why(self, line: Line, agent: Agent, mine: Rank, others: list[tuple[Rank, Agent]]) -> str:
        if not others:
            return f"{agent.id} was the only one of them free"
        rank, second = others[0]
        return f"before {second.id} by {reasons.behind(line, rank, mine, self._clock)}"

    def _why_not(self, one: Interaction, name: str, chosen: Agent, mine: Rank) -> str:
        if name == chosen.id:
            return "was chosen"
        agent = self.floor.agents.get(name)
        if agent is None:
            return "is not an agent of this floor"
        hindrance = reasons.hindrance(self.floor, one.line, agent, self._clock)
        if hindrance:
            return hindrance
        rank = one.line.strategy.rank(agent, one.line)
        return f"was free, but came after {chosen.id} by " + reasons.behind(
            one.line, rank, mine, self._clock
        )
