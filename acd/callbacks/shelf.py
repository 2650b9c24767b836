"""Where the book keeps its callbacks, and when each is to be looked at again."""

from __future__ import annotations

from heapq import heapify, heappop, heappush

from .held import Held
from .words import Stage


class Shelf:
    """Open callbacks by id, those of customer-first queues also by queue, with their deadlines."""

    def __init__(self) -> None:
        self.held: dict[str, Held] = {}
        self._beside: dict[str, dict[str, Held]] = {}
        self._whose: dict[tuple[str, str], dict[str, Held]] = {}
        """By queue and number, the customer's others included, and by queue and customer."""
        self._timers: list[tuple[int, str]] = []

    def put(self, one: Held, *, beside: bool) -> None:
        """Keep one; `beside` the line, or in it."""
        self.held[one.id] = one
        for whose in _whose(one):
            self._whose.setdefault(whose, {})[one.id] = one
        if beside:
            self._beside.setdefault(one.queue, {})[one.id] = one

    def forget(self, one: Held) -> None:
        """Keep one no more."""
        self.held.pop(one.id, None)
        self._beside.get(one.queue, {}).pop(one.id, None)
        for whose in _whose(one):
            them = self._whose.get(whose, {})
            them.pop(one.id, None)
            if not them:
                self._whose.pop(whose, None)

    def of(self, queue: str, customer: str | None, number: str) -> str | None:
        """Return the callback of a customer, or of a number, in a queue; None if none is kept.

        A number is also that of a callback to another number of its customer; its own goes before.
        """
        for whose in (customer, number):
            if whose and (them := self._whose.get((queue, whose))):
                return min(them.values(), key=lambda one: one.record.number != number).id
        return None

    @property
    def any_beside(self) -> bool:
        """Whether any are kept beside the line."""
        return any(self._beside.values())

    def ready(self) -> list[str]:
        """Return the queues in which some beside the line wait to be dialled."""
        return [
            queue for queue, them in self._beside.items() if any(one.ready for one in them.values())
        ]

    def all_beside(self) -> list[Held]:
        """Return those of all queues that are dialled customer-first."""
        return [one for them in self._beside.values() for one in them.values()]

    def beside(self, queue: str) -> list[Held]:
        """Return those of a queue that are dialled customer-first."""
        return list(self._beside.get(queue, {}).values())

    def stay(self, one: Held, stage: Stage, until: int | None) -> None:
        """Let one be in a stage, for so long."""
        one.stage, one.until = stage, until
        if until is not None:
            heappush(self._timers, (until, one.id))
            if len(self._timers) > 4 * len(self.held) + 64:
                self._timers = [
                    (known.until, known.id)
                    for known in self.held.values()
                    if known.until is not None
                ]
                heapify(self._timers)

    @property
    def deadline(self) -> int | None:
        """When the next stage is over; None: none is."""
        timers = self._timers
        while timers:
            held = self.held.get(timers[0][1])
            if held is not None and held.until == timers[0][0]:
                return timers[0][0]
            heappop(timers)
        return None

    def due(self, now: int) -> Held | None:
        """Take one whose stage is over at `now`."""
        at = self.deadline
        if at is None or at > now:
            return None
        one = self.held[heappop(self._timers)[1]]
        one.until = None
        return one


def _whose(one: Held) -> list[tuple[str, str]]:
    """Return whose a callback is; customers' ids and numbers cannot be taken for each other."""
    record = one.record
    numbers = (record.number, record.customer, *record.phones)
    return [(one.queue, whose) for whose in numbers if whose]
