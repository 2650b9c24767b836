"""A set of named items that knows its first by rank: a heap with lazy deletion."""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import Any, Generic, TypeVar

R = TypeVar("R", bound=tuple[Any, ...])
"""A rank: smaller is first. Ranks within one set should differ; the item's name breaks ties."""

_SLACK = 32


class Ranked(Generic[R]):
    """Items by rank. `put`, `remove` and `first` cost O(log n) amortised.

    A removed item's heap entry stays until it comes up or until dead entries outnumber live ones,
    when the heap is built anew: its size is bounded by twice the live items.
    """

    __slots__ = ("_heap", "_ranks")

    def __init__(self) -> None:
        self._heap: list[tuple[R, str]] = []
        self._ranks: dict[str, R] = {}

    def __len__(self) -> int:
        return len(self._ranks)

    def names(self) -> list[str]:
        """Return the items' names, those put in first first."""
        return list(self._ranks)

    def has(self, item: str) -> bool:
        """Whether an item is in."""
        return item in self._ranks

    def rank(self, item: str) -> R | None:
        """Return an item's rank; None if it is not in."""
        return self._ranks.get(item)

    def put(self, item: str, rank: R) -> None:
        """Add an item, or give it another rank."""
        self._ranks[item] = rank
        heappush(self._heap, (rank, item))
        if len(self._heap) > 2 * len(self._ranks) + _SLACK:
            self._heap = [(live, name) for name, live in self._ranks.items()]
            heapify(self._heap)

    def remove(self, item: str) -> None:
        """Take an item out. Does nothing if it is not in."""
        self._ranks.pop(item, None)

    def first(self) -> tuple[R, str] | None:
        """Return the first item and its rank, without taking it out; None if empty."""
        heap, ranks = self._heap, self._ranks
        while heap:
            top = heap[0]
            if ranks.get(top[1]) is top[0]:
                return top
            heappop(heap)
        return None
