"""A line: the interactions that wait with the same criteria. Today, those of one queue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .ordered import Entry, Ordered
from .ranked import Ranked

if TYPE_CHECKING:
    from .events import QueueConfig
    from .profile import Profile


class Line:
    """Unanswered interactions in order, and which profiles have somebody free for them.

    An interaction keeps its place in `unanswered` while it is offered, so that a failed offer
    changes nothing for it or for those behind; only `offerable` says who may be offered next.
    """

    __slots__ = ("config", "configured", "live", "offerable", "staffed", "unanswered")

    def __init__(self, config: QueueConfig, *, configured: bool) -> None:
        self.config = config
        """The queue's policy; its last one, if the queue has been removed."""
        self.configured = configured
        """False for a queue that is not configured: its interactions are stranded."""
        self.unanswered = Ordered()
        self.offerable: Ranked[Entry] = Ranked()
        self.staffed: dict[Profile, None] = {}
        """The profiles that serve this line and have a free agent now."""
        self.live = 0
        """Interactions that waiting, ringing or talking still need this line."""

    def join(self, entry: Entry) -> None:
        """Let an interaction wait at its place."""
        self.unanswered.add(entry)
        self.offerable.put(entry[3], entry)

    def hold_back(self, entry: Entry) -> None:
        """Offer an interaction to nobody else; it keeps its place."""
        self.offerable.remove(entry[3])

    def put_back(self, entry: Entry) -> None:
        """Make an interaction that was held back offerable again."""
        self.offerable.put(entry[3], entry)

    def leave(self, entry: Entry) -> None:
        """Take an interaction out, held back or not."""
        self.unanswered.remove(entry)
        self.offerable.remove(entry[3])

    def best_agent(self) -> str | None:
        """Return who is to be offered the head of this line; None if nobody is free."""
        strategy = self.config.strategy
        best = None
        for profile in self.staffed:
            first = profile.pools[strategy].first()
            if first is not None and (best is None or first < best):
                best = first
        return None if best is None else best[1]
