"""Longest idle agent: whoever has been without a contact for the longest time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .ranking import Ranking

if TYPE_CHECKING:
    from ..agent import Agent
    from ..line import Line


class LongestIdle(Ranking):
    """Ranks by what an agent has in hand (nothing, on voice), then by `idle_since`."""

    __slots__ = ()

    def worth(self, agent: Agent, line: Line) -> int:
        """Return the same for all: in hand and idle time decide."""
        return 0
