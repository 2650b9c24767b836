"""Longest idle agent: whoever has been without a contact for the longest time."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..agent import Agent
    from ..line import Line
    from . import Rank


class LongestIdle:
    """Ranks by what an agent has in hand (nothing, on voice), then by `idle_since`."""

    __slots__ = ("_queue",)

    def __init__(self, queue: str) -> None:
        self._queue = queue

    def rank(self, agent: Agent, line: Line) -> Rank:
        """Return preference for the queue, places taken, idle since, order."""
        return agent.ranks.get(self._queue, 1), agent.in_hand, agent.idle_since, agent.order

    def chosen(self, rank: Rank) -> None:
        """Nothing hangs on past choices."""
