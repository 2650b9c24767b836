"""How many agents are expected, for queues whose customers are called before an agent is held.

Expected are those who are free now, and those whose wrap-up ends within the ring time: no more
than can be taken for certain. Who talks is not foretold, since a customer who is called too early
has to hold. Whoever waits in any queue of these agents counts as ahead, at their own key.
"""

from __future__ import annotations

from collections.abc import Callable

from acd.callbacks import Book
from acd.callbacks import events as ev
from acd.clock import Clock, Timer
from acd.driver import Driver
from acd.router import Router
from acd.router.events import Presence, Wanted
from acd.router.interaction import InteractionState

SOON_MS = 50
"""How long after something happened it is looked: what follows at once is seen together."""
EVERY_MS = 1_000
"""How often it is looked while nothing happens: a wrap-up comes within the ring time by itself."""


class Expecting:
    """Tells the book (by `tell`) of agents expected, while it has somebody to call."""

    def __init__(
        self, tell: Callable[[ev.Event], None], book: Book, clock: Clock, driver: Driver
    ) -> None:
        self._tell = tell
        self._book = book
        self._clock = clock
        self._driver = driver
        self._timer: Timer | None = None
        self._at = 0
        self._looking = False

    def soon(self) -> None:
        """Something has happened: look soon."""
        if self._book.dials_customers_first and not self._looking:
            self._arm(SOON_MS)

    def _arm(self, after_ms: int) -> None:
        at = self._clock.now() + after_ms
        if self._timer is not None and self._at <= at:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._at, self._timer = at, self._clock.at(at, self._look)

    def _look(self) -> None:
        self._timer = None
        router, now = self._driver.router, self._clock.now()
        queues = self._book.ready()
        self._looking = True
        for queue in queues:
            if router is not None and self._driver.up:
                self._tell(expected(router, queue, self._book.policy(queue).ring_ms, now))
        self._looking = False
        if queues:
            self._arm(EVERY_MS)


def expected(router: Router, queue: str, ring_ms: int, now: int) -> ev.Expected:
    """Count the agents of a queue who are free within the ring time, and tell who is ahead."""
    agents, queues = 0, {queue}
    for config in router.config.agents:
        view = router.agent(config.agent) if queue in config.queues else None
        if view is None or not view.reachable or view.wanted is not Wanted.AVAILABLE:
            continue
        ends = view.until is not None and view.until <= now + ring_ms
        if view.presence is Presence.AVAILABLE or (view.presence is Presence.WRAP_UP and ends):
            agents += 1
            queues.update(config.queues)
    ahead = tuple(
        (one.entered - one.priority, one.entered)
        for name in sorted(queues)
        for one in router.waiting(name)
        if one.state is InteractionState.WAITING
    )
    return ev.Expected(queue, agents, ahead)
