"""Priority with ageing: whoever entered first, a priority being a head start."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..ordered import Entry
    from ..queue import Queue
    from . import Score


class Priority:
    """Scores by the key itself."""

    __slots__ = ()

    def __init__(self, queues: tuple[Queue, ...], weights: Mapping[str, int]) -> None:
        """Take neither queues nor weights into account."""

    def score(self, queue: Queue, head: Entry, now: int) -> Score:
        """Return the entry."""
        return head
