"""What strategies that rank by facts of the agent have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..agent import Agent
    from ..line import Line
    from . import Rank


class Ranking(ABC):
    """Ranks by `worth`, then by who has least in hand, by idle time, by configured order."""

    __slots__ = ("_queue",)

    def __init__(self, queue: str) -> None:
        self._queue = queue

    def rank(self, agent: Agent, line: Line) -> Rank:
        """Return the agent's rank: preference for the queue, worth, in hand, idle since, order."""
        return (
            agent.ranks.get(self._queue, 1),
            self.worth(agent, line),
            agent.in_hand,
            agent.idle_since,
            agent.order,
        )

    @abstractmethod
    def worth(self, agent: Agent, line: Line) -> int:
        """Return what decides first; smaller is better."""

    def chosen(self, rank: Rank) -> None:  # noqa: B027 - only a few remember their choices
        """Nothing hangs on past choices."""
