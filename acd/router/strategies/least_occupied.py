"""Least occupied agent: whoever has had the least ringing, talking and wrapping up to do today."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .ranking import Ranking

if TYPE_CHECKING:
    from ..agent import Agent
    from ..line import Line


class LeastOccupied(Ranking):
    """Ranks by occupied milliseconds since the day started."""

    __slots__ = ()

    def worth(self, agent: Agent, line: Line) -> int:
        """Return the occupied time up to the contacts still in hand."""
        return agent.busy_today
