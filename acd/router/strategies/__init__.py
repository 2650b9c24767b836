"""Strategies: which of the free agents is offered a line's head.

Each is one small file with one class, registered here under the name that `QueueConfig.strategy`
gives. A profile holds one instance per strategy in use; instances of the same strategy must rank
comparably, since a line picks among the firsts of several profiles.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol

from .longest_idle import LongestIdle

if TYPE_CHECKING:
    from ..agent import Agent

Rank = tuple[int, ...]
"""How good a choice an agent is: smaller is first. The last number is the agent's order."""


class Strategy(Protocol):
    """A pool of free agents that knows who is next."""

    def add(self, agent: Agent) -> None:
        """An agent is free now."""

    def remove(self, agent: Agent) -> None:
        """An agent is free no more."""

    def first(self) -> tuple[Rank, str] | None:
        """Return the next agent's rank (smaller is first) and id; None if nobody is free."""


STRATEGIES: Mapping[str, Callable[[], Strategy]] = {"longest_idle": LongestIdle}
"""Every strategy by its configured name."""
