"""Round robin: whoever was offered something least recently, by any queue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .ranking import Ranking

if TYPE_CHECKING:
    from ..agent import Agent
    from ..line import Line


class RoundRobin(Ranking):
    """Ranks by the number of the last offer, so that failed offers count as a turn too."""

    __slots__ = ()

    def worth(self, agent: Agent, line: Line) -> int:
        """Return the number of the last offer; 0 before the first."""
        return agent.offered_at
