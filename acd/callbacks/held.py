"""One callback as the book holds it."""

from __future__ import annotations

from dataclasses import dataclass

from acd.router.events import Arrived
from crm.records import Callback

from .words import LIVE, Outcome, Stage


@dataclass(slots=True, eq=False)
class Held:
    """One open callback. `place` is the arrival that takes its place in line."""

    record: Callback
    place: Arrived
    key: tuple[int, int]
    """What the router orders by: (entered - priority, entered)."""
    due: int
    expires: int
    stage: Stage = Stage.SCHEDULED
    attempts: int = 0
    """That count against the maximum."""
    fence: int = 0
    """Of the live attempt; 0: none is."""
    seen: int = 0
    """The latest fence known."""
    finished: int = 0
    """The fence of the last attempt whose result was brought from here."""
    claiming: bool = False
    """A claim was asked for and not answered yet."""
    in_line: bool = False
    """The router knows it."""
    offer: str = ""
    agent: str = ""
    until: int | None = None
    """When the stage ends by itself, in ms."""
    outcome: Outcome = Outcome.NO_ANSWER
    """While HANGING_UP: what the attempt will have come to."""

    @property
    def id(self) -> str:
        """The callback's id."""
        return self.record.id

    @property
    def queue(self) -> str:
        """The queue it waits in."""
        return self.place.queue

    @property
    def live(self) -> bool:
        """Whether a call to the customer is up, or may be."""
        return self.stage in LIVE

    @property
    def ready(self) -> bool:
        """Whether, customer-first, they are called as soon as an agent is expected."""
        return self.stage is Stage.WAITING and not self.in_line

    @property
    def called(self) -> bool:
        """Whether, customer-first, they are called, and do not stand in the line yet."""
        return (self.live or self.stage is Stage.RESERVED) and not self.in_line

    def is_old(self, record: Callback) -> bool:
        """Tell whether a row was read before what is known here was written."""
        if record.fence != self.seen:
            return record.fence < self.seen
        return record.holder is not None and record.fence == self.finished
