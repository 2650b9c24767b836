"""Fixed queue ratio: keep the queues' lengths in given proportions.

A freed agent takes from the queue that most exceeds its share of all who wait (Gurvich and Whitt,
"Queue-and-idleness-ratio controls in many-server service systems", 2009).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..ordered import Entry
    from ..queue import Queue
    from . import Score


class FixedRatio:
    """Scores by waiting − share × all waiting, in units that keep it whole."""

    __slots__ = ("_queues", "_shares", "_sum")

    def __init__(self, queues: tuple[Queue, ...], weights: Mapping[str, int]) -> None:
        self._queues = queues
        self._shares = {queue.config.name: weights.get(queue.config.name, 1) for queue in queues}
        self._sum = sum(self._shares.values())

    def score(self, queue: Queue, head: Entry, now: int) -> Score:
        """Return the excess over the share, negative so that more is first; then the key."""
        total = 0
        for one in self._queues:
            total += one.waiting
        return -(queue.waiting * self._sum - self._shares[queue.config.name] * total), *head
