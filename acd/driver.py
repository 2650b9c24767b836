"""Drives the router: an event in, the journal written, decisions handed on, the timer set."""

from __future__ import annotations

import functools
import logging
from collections import deque
from collections.abc import Callable, Iterable

from acd.clock import Clock, Timer
from acd.ledger import Ledger
from acd.router import Router
from acd.router.events import Batch, Configuration, Decision, Event, TimePassed

log = logging.getLogger(__name__)


Watch = Callable[[Router, Event, list[Decision], int], None]


class Driver:
    """One router at a time; while the link to the PBX is down, none is fed.

    `act` is given each decision; what it feeds meanwhile, such as a ring that cannot be made, comes
    after. `epoch` names this run of the service: offers and the journal are numbered within
    `<epoch>.<n>`, where `n` counts its routers.
    """

    def __init__(
        self, ledger: Ledger, clock: Clock, act: Callable[[Decision, int], None], epoch: str
    ) -> None:
        self._ledger = ledger
        self._clock = clock
        self._act = act
        self._epoch = epoch
        self._routers = 0
        self._seq = 0
        self._inbox: deque[tuple[Event, int]] = deque()
        self._deciding = False
        self._timer: Timer | None = None
        self.up = False
        """Whether the switch tells what happens."""
        self.router: Router | None = None
        """The one that routes, or that routed until the link was lost."""
        self.watch: Watch | None = None
        """Told of each turn, once the event loop's own is over."""

    @property
    def epoch(self) -> str:
        """The epoch of the present router."""
        return f"{self._epoch}.{self._routers}"

    def begin(self, configuration: Configuration, events: Iterable[Event], now: int) -> None:
        """Route with a fresh router, which these events tell of the floor as it is."""
        self._routers += 1
        self._seq = 0
        self._inbox.clear()
        self.router = Router(configuration, self.epoch)
        self.up = True
        self.feed(Batch(tuple(events)), now)

    def lose(self) -> None:
        """The link is down: nothing is decided until `begin`."""
        self.up = False
        self._arm()

    def feed(self, event: Event, now: int) -> None:
        """Tell the router, and have done what it decides."""
        if not self.up:
            return  # the PBX's list tells all of it when the link is back
        self._inbox.append((event, now))
        if self._deciding:
            return
        self._deciding = True
        try:
            while self._inbox and self.router is not None:
                event, now = self._inbox.popleft()
                self._decide(self.router, event, now)
        finally:
            self._deciding = False
        self._arm()

    def _decide(self, router: Router, event: Event, now: int) -> None:
        decisions = router.handle(event, now)
        self._seq += 1
        self._ledger.journal(self.epoch, self._seq, now, router.config.version, event, decisions)
        for decision in decisions:
            try:
                self._act(decision, now)
            except Exception:
                # What one decision asks for must not keep the others from being done.
                log.exception(
                    "decision not done",
                    extra={"action": "decision_fault", "decision": type(decision).__name__},
                )
        for interaction in router.altered:
            if (kept := router.kept(interaction)) is not None:
                self._ledger.place(kept, now)
        if self.watch is not None:
            self._ledger.note(functools.partial(self.watch, router, event, decisions, now))

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        router = self.router
        if self.up and router is not None and router.deadline is not None:
            self._timer = self._clock.at(router.deadline, self._time_passed)

    def _time_passed(self) -> None:
        self._timer = None
        self.feed(TimePassed(), self._clock.now())
