"""For whom agents are expected, in queues whose customers are called before an agent is held.

Expected are those who are free now, and those whose wrap-up ends within the ring time: no more
than can be taken for certain. Who talks is not foretold, since a customer who is called too early
has to hold. An agent is expected for one customer only, however many queues they serve, and for
those whom they may take; whoever waits on the line, in any queue, has them at their own key.
"""

from __future__ import annotations

from collections.abc import Callable

from acd.callbacks import Book, events as ev
from acd.callbacks.held import Held
from acd.callbacks.takers import Taker, taken
from acd.clock import Clock, Timer
from acd.driver import Driver
from acd.router import Router
from acd.router.events import Arrived, Presence, Wanted
from acd.router.floor import Floor
from acd.router.interaction import Interaction, InteractionState
from acd.router.progress import who_may

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
        if router is not None and self._driver.up:
            callbacks = expected(router, self._book, now)
            if callbacks:
                self._looking = True
                self._tell(ev.Expected(callbacks))
                self._looking = False
        if self._book.any_ready:
            self._arm(EVERY_MS)


def expected(router: Router, book: Book, now: int) -> tuple[str, ...]:
    """Return the callbacks for which agents will be free within the ring time of their queues."""
    called, ready = book.to_call()
    if not ready:
        return ()
    floor = router.floor
    who = Eligible(floor, now)
    soon: dict[int, int] = {}
    for one in (*called, *ready):
        ring_ms = book.policy(one.queue).ring_ms
        if ring_ms not in soon:
            soon[ring_ms] = _free_within(router, ring_ms, now)
    agents = 0
    for some in soon.values():
        agents |= some
    if not agents:
        return ()

    def may(one: Held) -> int:
        return who.may(one.place) & soon[book.policy(one.queue).ring_ms]

    # By key, as the router orders; a live caller goes first among equals.
    line: list[tuple[tuple[int, int], int, Held | Interaction]] = [
        (waits.entry[:2], 0, waits)
        for waits in floor.interactions.values()
        if waits.state is InteractionState.WAITING and waits.line.eligible & agents
    ]
    line += [(one.key, 1, one) for one in ready]
    line.sort(key=lambda entry: entry[:2])
    takers = (
        Taker(may(one), one.id) if isinstance(one, Held) else Taker(one.line.eligible)
        for _, _, one in line
    )
    return taken(agents, map(may, called), takers)


def _free_within(router: Router, ring_ms: int, now: int) -> int:
    """Return the agents who are free now, or whose wrap-up ends within a time, as bits."""
    found = 0
    for agent in router.floor.agents.values():
        if agent.config is None or not agent.reachable or agent.wanted is not Wanted.AVAILABLE:
            continue
        ends = agent.until is not None and agent.until <= now + ring_ms
        if agent.presence is Presence.AVAILABLE or (agent.presence is Presence.WRAP_UP and ends):
            found |= 1 << agent.order
    return found


class Eligible:
    """Tells which agents may take a callback by what it asks for, as bits; each demand once."""

    def __init__(self, floor: Floor, now: int) -> None:
        self._floor = floor
        self._now = now
        self._known: dict[object, int] = {}

    def may(self, place: Arrived) -> int:
        """Return who may take whoever comes back to a place now, however busy they are."""
        queue = self._floor.queues.get(place.queue)
        if place.steps or queue is None or queue.config.steps:
            # Where there are steps, it goes by the time as well.
            return who_may(self._floor, place, self._now)
        demand = place.queue, place.channel, place.criteria, place.dropped
        if demand not in self._known:
            self._known[demand] = who_may(self._floor, place, self._now)
        return self._known[demand]
