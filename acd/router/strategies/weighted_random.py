"""Weighted random: agents in proportion to their weights (`AgentConfig.weight`).

Each agent who becomes free draws an exponential time of rate `weight` from the moment the line's
clock shows; the earliest is chosen and the clock moves on to it. As the exponential has no memory,
each choice among those free falls on an agent with probability weight / sum of weights, whoever
came and went before (the race behind Efraimidis and Spirakis' sampling, 2006). The draw is
a hash of the queue, the agent and how often they changed: the same events draw the same.
"""

from __future__ import annotations

from math import log
from typing import TYPE_CHECKING
from zlib import crc32

if TYPE_CHECKING:
    from ..agent import Agent
    from ..line import Line
    from . import Rank

_MASK = (1 << 64) - 1
_UNIT = 1 << 40


class WeightedRandom:
    """Ranks by the time drawn."""

    __slots__ = ("_clock", "_queue", "_seed")

    def __init__(self, queue: str) -> None:
        self._queue = queue
        self._seed = crc32(queue.encode()) << 32
        self._clock = 0

    def rank(self, agent: Agent, line: Line) -> Rank:
        """Draw an agent's time."""
        weight = 1 if agent.config is None else agent.config.weight
        seed = self._seed ^ crc32(agent.id.encode())
        uniform = (_mix(seed + agent.stamp * 0x9E3779B97F4A7C15) + 1) / (_MASK + 2)
        time = self._clock + int(-log(uniform) * _UNIT / weight)
        return agent.ranks.get(self._queue, 1), time, agent.order

    def chosen(self, rank: Rank) -> None:
        """Move the clock on to the one chosen."""
        self._clock = max(self._clock, rank[1])


def _mix(value: int) -> int:
    """Return a well mixed 64-bit number (SplitMix64's finaliser)."""
    value &= _MASK
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & _MASK
    return value ^ (value >> 31)
