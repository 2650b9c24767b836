"""Longest idle agent: whoever has been without a contact for the longest time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..ranked import Ranked

if TYPE_CHECKING:
    from ..agent import Agent
    from . import Rank


class LongestIdle:
    """Ranks by `idle_since`, then by place in the configuration."""

    __slots__ = ("_idle",)

    def __init__(self) -> None:
        self._idle: Ranked[Rank] = Ranked()

    def add(self, agent: Agent) -> None:
        """Rank a free agent by how long they have been idle."""
        self._idle.put(agent.id, (agent.idle_since, agent.order))

    def remove(self, agent: Agent) -> None:
        """Forget an agent who is free no more."""
        self._idle.remove(agent.id)

    def first(self) -> tuple[Rank, str] | None:
        """Return the longest idle agent."""
        return self._idle.first()
