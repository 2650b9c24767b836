"""Service-level objective: whoever is closest to, or furthest past, their queue's target.

The wait (head start included) as a share of the queue's target, times the queue's weight.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..ordered import Entry
    from ..queue import Queue
    from . import Score

_PARTS = 1_000_000


class ServiceLevel:
    """Scores by millionths of the target that are used up, weighted."""

    __slots__ = ("_weights",)

    def __init__(self, queues: tuple[Queue, ...], weights: Mapping[str, int]) -> None:
        self._weights = dict(weights)

    def score(self, queue: Queue, head: Entry, now: int) -> Score:
        """Return the used share of the target, negative so that more is first; then the key."""
        config = queue.config
        waited = now - head[0]
        return -(waited * _PARTS * self._weights.get(config.name, 1) // config.target_ms), *head
