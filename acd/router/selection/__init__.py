"""Selection: which of the waiting interactions a freed agent is offered.

A policy stands over a set of queues. It scores the heads of lines, the best of each line by key;
the smallest score wins within the set, the smallest key among the winners of several sets. Each
policy is one small file with one class.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol

from .fixed_ratio import FixedRatio
from .priority import Priority
from .service_level import ServiceLevel

if TYPE_CHECKING:
    from ..ordered import Entry
    from ..queue import Queue

Score = tuple[int | str, ...]
"""How urgent the head of a line is: smaller is first. Ends in the entry itself."""


class Policy(Protocol):
    """Scores who waits in a set of queues."""

    def score(self, queue: Queue, head: Entry, now: int) -> Score:
        """Return the score of the best entry of one of the queue's lines."""


POLICIES: Mapping[str, Callable[[tuple[Queue, ...], Mapping[str, int]], Policy]] = {
    "priority": Priority,
    "service_level": ServiceLevel,
    "fixed_ratio": FixedRatio,
}
"""Every policy by its configured name; made with its queues and their weights."""
