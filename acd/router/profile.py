"""A profile: the agents who can serve the same lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .strategies import STRATEGIES

if TYPE_CHECKING:
    from .agent import Agent
    from .line import Line
    from .strategies import Strategy


class Profile:
    """What agents with the same queues share: the lines they serve and the pools of who is free.

    There is one pool for each strategy that its lines use.
    """

    __slots__ = ("_free", "lines", "pools")

    def __init__(self, lines: tuple[Line, ...]) -> None:
        self.lines = lines
        self.pools: dict[str, Strategy] = {
            name: STRATEGIES[name]() for name in dict.fromkeys(x.config.strategy for x in lines)
        }
        self._free = 0

    def add(self, agent: Agent) -> None:
        """Count an agent among the free."""
        agent.free = True
        for pool in self.pools.values():
            pool.add(agent)
        self._free += 1
        if self._free == 1:
            for line in self.lines:
                line.staffed[self] = None

    def remove(self, agent: Agent) -> None:
        """Count an agent among the free no more."""
        agent.free = False
        for pool in self.pools.values():
            pool.remove(agent)
        self._free -= 1
        if self._free == 0:
            for line in self.lines:
                del line.staffed[self]
