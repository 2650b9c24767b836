"""Who of those that wait can be taken by the agents expected: each agent once, in line's order.

Agents and those who wait are the two sides of a graph: whom each may serve. Customers who are
called already come first, for they cannot be sent away; then all others in the order of the line,
live callers and callbacks alike. One more is taken on if an agent can be found for them without
anybody before losing theirs, be it by letting others change agents: an augmenting path (Berge 1957,
Kuhn 1955). Sets that can be matched form a transversal matroid, so what is found in the line's
order is the best there is by that order, and nobody who is refused could be taken but for somebody
before them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Taker:
    """Somebody who waits. `may` holds, as bits, the agents who may serve them."""

    may: int
    callback: str = ""
    """The callback that would be dialled; empty for a live caller."""


class Takers:
    """Agents expected, as bits, and who has been found one of them."""

    def __init__(self, agents: int) -> None:
        self._open = agents
        """Those who can be had still, by whatever change."""
        self._free = agents
        self._of: dict[int, int] = {}
        """By the bit of an agent who is taken: all who may serve whom they have."""

    def full(self) -> bool:
        """Whether nobody more can be taken."""
        return not self._open or not self._free

    def take(self, may: int) -> bool:
        """Find an agent for one more; return whether there is one."""
        if at_once := may & self._free:
            bit = at_once & -at_once
            self._free ^= bit
            self._of[bit] = may
            return True
        came: dict[int, int] = {}
        seen = may & self._open
        looked = deque((bit, 0) for bit in _bits(seen))
        while looked:
            bit, before = looked.popleft()
            came[bit] = before
            if bit & self._free:
                self._free ^= bit
                self._change(bit, came, may)
                return True
            more = self._of[bit] & self._open & ~seen
            seen |= more
            looked.extend((one, bit) for one in _bits(more))
        # All of these have somebody who could be served by these alone.
        self._open &= ~seen
        return False

    def _change(self, bit: int, came: dict[int, int], may: int) -> None:
        """Let everybody on the way to a free agent change to the next."""
        while before := came[bit]:
            self._of[bit] = self._of[before]
            bit = before
        self._of[bit] = may


def taken(agents: int, called: Iterable[int], line: Iterable[Taker]) -> tuple[str, ...]:
    """Return the callbacks for whom there will be an agent, soonest first.

    `agents` are those expected, `called` who may serve each customer who is called already, and
    `line` all who wait, in order. It is read no further than there are agents.
    """
    takers = Takers(agents)
    for may in called:
        takers.take(may)
    found: list[str] = []
    waits = iter(line)
    while not takers.full() and (one := next(waits, None)) is not None:
        if takers.take(one.may) and one.callback:
            found.append(one.callback)
    return tuple(found)


def _bits(among: int) -> Iterable[int]:
    while among:
        bit = among & -among
        yield bit
        among ^= bit
