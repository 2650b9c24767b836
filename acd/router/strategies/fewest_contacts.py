"""Fewest contacts: whoever has answered the fewest interactions today."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .ranking import Ranking

if TYPE_CHECKING:
    from ..agent import Agent
    from ..line import Line


class FewestContacts(Ranking):
    """Ranks by contacts since the day started."""

    __slots__ = ()

    def worth(self, agent: Agent, line: Line) -> int:
        """Return the number of contacts answered."""
        return agent.contacts_today
