"""A line: the interactions of one queue and channel that need the same of an agent."""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING

from .criteria import text
from .ordered import Ordered
from .ranked import Ranked
from .supply import BITS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .agent import Agent
    from .configuration import Channel
    from .criteria import Criteria
    from .ordered import Entry
    from .queue import Queue
    from .strategies import Rank, Strategy

_SLACK = 64


class Line:
    """Who of a queue may be offered next, and the free agents who may take them, best first.

    The pool is a heap with lazy deletion: an agent's place in it is void once the agent's stamp
    has moved on, so that taking an agent costs nothing in the lines they might have served.
    """

    __slots__ = (
        "_label",
        "_pool",
        "bit",
        "channel",
        "eligible",
        "entries",
        "live",
        "need",
        "offerable",
        "queue",
        "size",
        "skips",
        "strategy",
        "thin",
        "watched",
    )  # fmt: skip

    def __init__(
        self, queue: Queue, channel: Channel, need: Criteria, eligible: int, strategy: Strategy
    ) -> None:
        self.queue = queue
        self.channel = channel
        self.bit = BITS[channel]
        self.need = need
        """Canonical criteria, membership of the queue included."""
        self.eligible = eligible
        """Who meets them, as a set of `supply.Supply`."""
        self.size = eligible.bit_count()
        self.strategy = strategy
        self.offerable: Ranked[Entry] = Ranked()
        """Who waits and rings nowhere."""
        self.thin: Ranked[Entry] = Ranked()
        """Who rings at fewer agents than the queue would have."""
        self.watched = False
        """Whether recipes or steps to skip may concern who is in it."""
        self.skips = False
        """Whether steps to skip may."""
        self.live = 0
        """Unanswered interactions that need this line."""
        self.entries = Ordered()
        """Their entries, those that ring included."""
        self._label = ""
        self._pool: list[tuple[Rank, int, Agent]] = []

    @property
    def label(self) -> str:
        """What is needed, as text."""
        if not self._label:
            self._label = text(self.need)
        return self._label

    def staff(self, agents: Iterable[Agent]) -> None:
        """Take on the agents who are eligible; those who stand in pools stand in this one too."""
        rank = self.strategy.rank
        for agent in agents:
            agent.lines[self] = None
            if agent.pooled and agent.open & self.bit:
                self._pool.append((rank(agent, self), agent.stamp, agent))
        heapify(self._pool)

    def freed(self, agent: Agent) -> None:
        """Let an eligible agent stand in the pool at the rank they have now."""
        pool = self._pool
        heappush(pool, (self.strategy.rank(agent, self), agent.stamp, agent))
        if len(pool) > 2 * self.size + _SLACK:
            self._pool = [entry for entry in pool if entry[2].stamp == entry[1]]
            heapify(self._pool)

    def first(self) -> tuple[Rank, int, Agent] | None:
        """Return the best free agent with their rank; None if nobody is free."""
        pool = self._pool
        while pool:
            top = pool[0]
            if top[2].stamp == top[1]:
                return top
            heappop(pool)
        return None

    def first_but(self, agents: Iterable[Agent]) -> tuple[Rank, int, Agent] | None:
        """Return the best free agent who is none of these."""
        others = set(agents)
        passed = []
        while (found := self.first()) is not None and found[2] in others:
            passed.append(heappop(self._pool))
        for entry in passed:
            heappush(self._pool, entry)
        return found
