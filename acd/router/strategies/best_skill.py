"""Best skill match: whoever has the highest levels, summed over the skills that are asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..criteria import asked_skills
from .ranking import Ranking

if TYPE_CHECKING:
    from ..agent import Agent
    from ..line import Line


class BestSkill(Ranking):
    """Ranks by the sum of levels. Where no skill is asked for, idle time decides."""

    __slots__ = ("_skills",)

    def __init__(self, queue: str) -> None:
        super().__init__(queue)
        self._skills: tuple[str, ...] | None = None

    def worth(self, agent: Agent, line: Line) -> int:
        """Return the sum of levels, negative so that more is better."""
        if self._skills is None:
            self._skills = asked_skills(line.need)
        return -sum(agent.skills.get(skill, 0) for skill in self._skills)
