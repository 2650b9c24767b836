"""Strategies: which of the free agents is offered an interaction.

Each is one small file with one class, registered here under the name that `QueueConfig.strategy`
gives. A line holds an instance, made with its queue's name. A rank holds from when an agent
becomes free until something of theirs changes; before it, an agent's preference for the queue
decides (`AgentConfig.ranks`), which `ranked_for` puts in front.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol

from .best_skill import BestSkill
from .fewest_contacts import FewestContacts
from .least_occupied import LeastOccupied
from .longest_idle import LongestIdle
from .round_robin import RoundRobin
from .weighted_random import WeightedRandom

if TYPE_CHECKING:
    from ..agent import Agent
    from ..line import Line

Rank = tuple[int, ...]
"""How good a choice an agent is: smaller is first. The first number is the agent's preference for
the queue, the last their order."""


class Strategy(Protocol):
    """Ranks the agents of one line."""

    def rank(self, agent: Agent, line: Line) -> Rank:
        """Return a free agent's rank as things stand."""

    def chosen(self, rank: Rank) -> None:
        """The agent of this rank was offered the line's head."""


STRATEGIES: Mapping[str, Callable[[str], Strategy]] = {
    "longest_idle": LongestIdle,
    "least_occupied": LeastOccupied,
    "fewest_contacts": FewestContacts,
    "best_skill": BestSkill,
    "weighted_random": WeightedRandom,
    "round_robin": RoundRobin,
}
"""Every strategy by its configured name."""
