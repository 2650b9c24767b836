"""Experience: handling times, patience and arrivals, learnt from what passes through the router.

Fed with every event, the decisions and the time, live, in replay and in simulation alike. Handling
lasts from the answer until the agent is free again, wrap-up included. It is learnt by queue and by
hour of the day: an hour's mean leans on the queue's as long as few were seen in it. What is old
counts less: `MEMORY` contacts weigh as much as all before them.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import exp

from acd.router import events as ev
from acd.router.events import Presence

ENOUGH = 20
"""Fewer contacts than this are too few to tell a wait from."""
MEMORY = 2_000
LEAN = 200
"""How many contacts the queue's mean counts for beside an hour's own."""
ARRIVALS_MS = 15 * 60_000
"""Over how long arrival rates are taken."""
_HOUR_MS = 3_600_000

_EDGES = [1000 * 2 ** (n / 4) for n in range(60)]
"""Bounds of the bins of handling times, from a second to eight hours."""


@dataclass(slots=True)
class Mean:
    """A mean that forgets, and how many observations it rests on."""

    count: float = 0.0
    value: float = 0.0

    def add(self, value: float, weight: float = 1.0) -> None:
        """Take one observation in."""
        self.count = min(self.count + weight, MEMORY)
        self.value += (value - self.value) * min(weight / self.count, 1.0)


@dataclass(slots=True)
class Handling:
    """Handling times of one queue, in ms."""

    all: Mean = field(default_factory=Mean)
    hours: dict[int, Mean] = field(default_factory=dict)
    bins: list[float] = field(default_factory=lambda: [0.0] * (len(_EDGES) + 1))
    sums: list[float] = field(default_factory=lambda: [0.0] * (len(_EDGES) + 1))
    _left: list[tuple[float, float]] = field(default_factory=list)
    """By bin: how many lasted to it or longer, and their sum; empty when stale."""

    def add(self, ms: int, hour: int) -> None:
        """Take one contact in."""
        self.all.add(ms)
        self.hours.setdefault(hour, Mean()).add(ms)
        at = bisect_right(_EDGES, ms)
        self.bins[at] += 1
        self.sums[at] += ms
        if sum(self.bins) > 2 * MEMORY:
            self.bins = [count / 2 for count in self.bins]
            self.sums = [one / 2 for one in self.sums]
        self._left = []

    def mean(self, hour: int) -> float:
        """Return what to expect of a contact at an hour."""
        own = self.hours.get(hour)
        if own is None:
            return self.all.value
        return (own.value * own.count + self.all.value * LEAN) / (own.count + LEAN)

    def left(self, elapsed: int, hour: int) -> float:
        """Return how much longer a contact will last that has lasted so long: mean residual life.

        Where few lasted as long, it is taken to forget its age.
        """
        mean = self.mean(hour)
        if not self._left:
            self._left = [(0.0, 0.0)] * len(self.bins)
            count = total = 0.0
            for at in range(len(self.bins) - 1, -1, -1):
                count += self.bins[at]
                total += self.sums[at]
                self._left[at] = (count, total)
        at = bisect_right(_EDGES, elapsed)
        count, total = self._left[at]
        if 0 < at < len(_EDGES):
            # Of its own bin, those that lasted longer: evenly spread within it.
            low, high = _EDGES[at - 1], _EDGES[at]
            passed = self.bins[at] * (elapsed - low) / (high - low)
            count, total = count - passed, total - passed * (low + elapsed) / 2
        if count <= 0:
            return mean
        residual = max(total / count - elapsed, 0.1 * mean)
        return (residual * count + mean * ENOUGH) / (count + ENOUGH)


@dataclass(slots=True)
class _Contact:
    queue: str
    began: int


def utc_hour(at_ms: int) -> int:
    """Return the hour of the day at Greenwich."""
    return at_ms // _HOUR_MS % 24


class Experience:
    """What is known of each queue. `hour` tells the hour of the day, 0–23, at a time in ms."""

    def __init__(self, hour: Callable[[int], int] = utc_hour) -> None:
        self.hour = hour
        self.handling: dict[str, Handling] = {}
        self.contacts: dict[str, _Contact] = {}
        """Those that last, by interaction."""
        self._offers: dict[str, ev.Offer] = {}
        self._waiting: dict[str, tuple[str, int, int]] = {}
        """Queue, since when, and priority, by interaction."""
        self._wrapping: dict[str, _Contact] = {}
        """By agent, the contact that is wrapped up."""
        self._abandons: dict[str, float] = {}
        self._exposure: dict[str, float] = {}
        """Time waited in ms, with those who gave up and those who did not."""
        self._arrivals: dict[tuple[str, int], tuple[float, int]] = {}
        """By queue and priority: arrivals, counting the less the older, and when last."""

    # --- what is learnt --------------------------------------------------------------------------

    def turn(self, event: ev.Event, decisions: Sequence[ev.Decision], now: int) -> None:
        """Take one turn of the router in."""
        self._event(event, now)
        for one in decisions:
            if isinstance(one, ev.AgentMoved):
                contact = self._wrapping.get(one.agent)
                if contact is not None and one.presence is not Presence.WRAP_UP:
                    del self._wrapping[one.agent]
                    self.handled(contact.queue, now - contact.began, now)
            elif isinstance(one, ev.Offer):
                self._offers[one.offer] = one
            elif isinstance(one, ev.CancelOffer):
                self._offers.pop(one.offer, None)
            elif isinstance(one, ev.TurnedAway | ev.ToVoicemail):
                self._waited(one.interaction, now)
            elif isinstance(one, ev.Overflow):
                self._waited(one.interaction, now)
                self._waiting[one.interaction] = (one.to, now, 0)

    def _event(self, event: ev.Event, now: int) -> None:
        match event:
            case ev.Arrived():
                self._arrived(event, now)
            case ev.OfferAccepted(offer):
                accepted = self._offers.pop(offer, None)
                if accepted is not None:
                    self._waited(accepted.interaction, now)
                    self.contacts[accepted.interaction] = _Contact(accepted.queue, now)
            case ev.OfferFailed(offer):
                self._offers.pop(offer, None)
            case ev.Left(interaction, reason):
                queue = self._waited(interaction, now)
                if queue and reason is ev.LeaveReason.ABANDONED:
                    self._abandons[queue] = self._abandons.get(queue, 0.0) + 1
            case ev.Ended(interaction, agent):
                self._ended(interaction, agent)
            case ev.Transferred(interaction, agent, arrived):
                self._ended(interaction, agent)
                self._arrived(arrived, now)
            case ev.Adopted(interaction, queue) if event.answered:
                self.contacts[interaction] = _Contact(queue, now)
            case ev.Batch(events):
                for one in events:
                    self._event(one, now)

    def _arrived(self, event: ev.Arrived, now: int) -> None:
        self._waiting[event.interaction] = (event.queue, now, event.priority)
        if not event.rejoins:
            key = (event.queue, event.priority)
            self._arrivals[key] = (self._recent(key, now) + 1, now)

    def _waited(self, interaction: str, now: int) -> str:
        queue, since, _ = self._waiting.pop(interaction, ("", now, 0))
        if queue:
            self._exposure[queue] = self._exposure.get(queue, 0.0) + now - since
        return queue

    def _ended(self, interaction: str, agent: str) -> None:
        contact = self.contacts.pop(interaction, None)
        if contact is not None:
            self._wrapping[agent] = contact

    def handled(self, queue: str, ms: int, now: int) -> None:
        """Take in that an agent was taken up for so long by a contact of a queue."""
        known = self.handling.get(queue)
        if known is None:
            known = self.handling[queue] = Handling()
        known.add(ms, self.hour(now))

    def gave_up(self, queue: str, abandons: int, waited_ms: float) -> None:
        """Take in how many of a queue gave up within so much waiting of all."""
        self._abandons[queue] = self._abandons.get(queue, 0.0) + abandons
        self._exposure[queue] = self._exposure.get(queue, 0.0) + waited_ms

    # --- what is known ---------------------------------------------------------------------------

    def seen(self, queue: str) -> float:
        """Return on how many contacts what is known of a queue rests."""
        known = self.handling.get(queue)
        return 0.0 if known is None else known.all.count

    def mean(self, queue: str, now: int) -> float | None:
        """Return the handling time to expect, in ms; None where too few were seen."""
        known = self.handling.get(queue)
        if known is None or known.all.count < ENOUGH:
            return None
        return known.mean(self.hour(now))

    def left(self, interaction: str, now: int) -> float | None:
        """Return how much longer a contact will last; None where too little is known."""
        contact = self.contacts.get(interaction)
        if contact is None or self.seen(contact.queue) < ENOUGH:
            return None
        return self.handling[contact.queue].left(now - contact.began, self.hour(now))

    def hazard(self, queue: str) -> float:
        """Return at which rate callers of a queue give up, a ms: abandons over time waited."""
        exposure = self._exposure.get(queue, 0.0)
        return self._abandons.get(queue, 0.0) / exposure if exposure > 0 else 0.0

    def _recent(self, key: tuple[str, int], now: int) -> float:
        count, last = self._arrivals.get(key, (0.0, now))
        return count * exp((last - now) / ARRIVALS_MS)

    def arrival_rates(self, queue: str, now: int) -> dict[int, float]:
        """Return the arrivals a ms of a queue lately, by priority."""
        return {
            key[1]: self._recent(key, now) / ARRIVALS_MS
            for key in self._arrivals
            if key[0] == queue
        }
