"""The world around a router: callers who come, wait and lose patience, agents who answer and talk.

Events are done in order of time; at one instant, first what the router's own timers ask for, then
what happens from outside, then who arrives, then answers, ends and hang-ups in the order they came
about.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from heapq import heappop, heappush

from acd.router import Router, events as ev
from acd.router.configuration import Configuration, Step
from acd.router.criteria import ANYONE, Criteria

_NEVER = 1 << 62
_ANSWER, _END, _HANG_UP = range(3)

WAITING = "waiting"
"""The outcome of a call that is still in line when all is over; no world gives it."""

Turn = Callable[[ev.Event, list[ev.Decision], int], None]
"""Told of each event, what the router decided, and when."""


@dataclass(slots=True, eq=False)
class Call:
    """One interaction and what is drawn for it in advance, so that it is the same on any floor.

    Times in ms. What became of it is filled in by the world.
    """

    id: str
    queue: str
    at: int
    talk_ms: int
    patience_ms: int | None = None
    """After how long it gives up; None: never."""
    priority: int = 0
    tier: str = ""
    criteria: Criteria = ANYONE
    steps: tuple[Step, ...] = ()
    entered: int | None = None
    """Its place in line, where that is older than `at`."""
    outcome: str = ""
    """`answered`, `abandoned`, `blocked` (no line was free), `voicemail`, or the reason for which
    the queue turned it away; empty while none of these."""
    over: int = 0
    """When that came about."""
    agent: str = ""
    first_queue: str = ""
    """The queue it came to; `queue` is the one it ended in."""

    @property
    def waited_ms(self) -> int:
        """How long it waited for what became of it."""
        return self.over - self.at


class World:
    """Drives one router. `answer_ms` is how long agents let it ring.

    `lines` bounds the calls that wait or talk at once: one more is blocked. `turn` is told of
    every event, `done` of every call once its fate is known (answered or gone).
    """

    def __init__(
        self,
        config: Configuration,
        *,
        epoch: str = "simulation",
        answer_ms: int = 0,
        lines: int | None = None,
        turn: Turn | None = None,
        done: Callable[[Call], None] | None = None,
    ) -> None:
        self.router = Router(config, epoch)
        self.now = 0
        self.calls: dict[str, Call] = {}
        """Those that wait or talk."""
        self._answer_ms = answer_ms
        self._lines = lines
        self._turn = turn
        self._done = done
        self._heap: list[tuple[int, int, int, str]] = []
        self._pushed = 0
        self._ringing: dict[str, ev.Offer] = {}

    def run(
        self,
        calls: Iterable[Call],
        events: Iterable[tuple[int, ev.Event]] = (),
        until: int | None = None,
    ) -> None:
        """Let calls come, and other events happen, each given in order of time.

        Ends when nothing is left to happen, or before the first thing later than `until`.
        """
        arrivals, others = iter(calls), iter(events)
        call, other = next(arrivals, None), next(others, None)
        end = _NEVER - 1 if until is None else until
        heap, router = self._heap, self.router
        while True:
            at = heap[0][0] if heap else _NEVER
            what = 0
            if call is not None and call.at <= at:
                at, what = call.at, 1
            if other is not None and other[0] <= at:
                at, what = other[0], 2
            deadline = router.deadline
            if deadline is not None and deadline <= at:
                at, what = deadline, 3
            if at > end:
                return
            self.now = at
            if what == 1 and call is not None:
                self._arrive(call)
                call = next(arrivals, None)
            elif what == 3:
                self.tell(ev.TimePassed())
            elif what == 2 and other is not None:
                self.tell(other[1])
                other = next(others, None)
            else:
                _, _, kind, name = heappop(heap)
                self._happen(kind, name)

    def tell(self, event: ev.Event) -> None:
        """Feed one event now, and do what is decided."""
        now = self.now
        decisions = self.router.handle(event, now)
        if self._turn is not None:
            self._turn(event, decisions, now)
        offers = None
        for one in decisions:
            kind = type(one)
            if kind is ev.AgentMoved:
                continue
            if isinstance(one, ev.Offer):
                self._ringing[one.offer] = one
                offers = [*offers, one] if offers else [one]
            elif isinstance(one, ev.CancelOffer):
                self._ringing.pop(one.offer, None)
            elif isinstance(one, ev.Overflow):
                self.calls[one.interaction].queue = one.to
            elif isinstance(one, ev.TurnedAway):
                self._gone(one.interaction, one.reason)
            elif isinstance(one, ev.ToVoicemail):
                self._gone(one.interaction, "voicemail")
        if offers:
            for offer in offers:
                if self._answer_ms:
                    self._push(now + self._answer_ms, _ANSWER, offer.offer)
                else:
                    self._happen(_ANSWER, offer.offer)

    def _push(self, at: int, kind: int, name: str) -> None:
        self._pushed += 1
        heappush(self._heap, (at, self._pushed, kind, name))

    def _arrive(self, call: Call) -> None:
        call.first_queue = call.queue
        if self._lines is not None and len(self.calls) >= self._lines:
            call.outcome, call.over = "blocked", self.now
            if self._done is not None:
                self._done(call)
            return
        self.calls[call.id] = call
        entered = call.at if call.entered is None else call.entered
        self.tell(
            ev.Arrived(call.id, call.queue, entered, call.priority, criteria=call.criteria,
                       steps=call.steps, tier=call.tier)
        )  # fmt: skip
        if call.patience_ms is not None and not call.outcome:
            self._push(self.now + call.patience_ms, _HANG_UP, call.id)

    def _happen(self, kind: int, name: str) -> None:
        if kind == _ANSWER:
            offer = self._ringing.pop(name, None)
            if offer is None:
                return
            call = self.calls[offer.interaction]
            call.outcome, call.over, call.agent = "answered", self.now, offer.agent
            self.tell(ev.OfferAccepted(name))
            self._push(self.now + call.talk_ms, _END, call.id)
            if self._done is not None:
                self._done(call)
        elif kind == _END:
            call = self.calls.pop(name)
            self.tell(ev.Ended(name, call.agent))
        else:
            waits = self.calls.get(name)
            if waits is not None and not waits.outcome:
                self.tell(ev.Left(name))
                self._gone(name, "abandoned")

    def _gone(self, interaction: str, how: str) -> None:
        call = self.calls.pop(interaction)
        call.outcome, call.over = how, self.now
        if self._done is not None:
            self._done(call)
