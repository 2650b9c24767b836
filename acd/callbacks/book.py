"""The book of callbacks: one pure state machine, from events and the time to decisions.

Theory of operation. A callback that is due and may be called now is WAITING. *Agent-first* it then
stands in the router's line, at its place, like anybody else; when the router's offer has reserved
an agent (`Offered`), an attempt is claimed and the customer dialled, while the router still holds
agent and callback as ringing. *Customer-first* it stands beside the line and is dialled when, of
the agents expected within the ring time, one is left for it at its key (`Expected`); once the
customer is on the line and wants to talk, it enters the line at its place.

An attempt that comes to nothing leaves the line (`Leave`, which frees the agent at once and
without a mark) and is due again after the policy's pause, in hours at which the customer may be
called, at the same place. So the router needs to know nothing of callbacks.

    SCHEDULED ⇄ WAITING → RESERVED → DIALLING → [ASKING → [HOLDING]] → CONNECTING → CONNECTED

    RESERVED → WAITING                    the agent went away
    DIALLING … CONNECTING → SCHEDULED     the attempt came to nothing; by HANGING_UP if we end it
    any → FAILED, EXPIRED, CANCELLED, MERGED

Laws: at most one live attempt of a callback; each ends once; no call to a customer without an agent
reserved (agent-first) or expected (customer-first); what is told late or twice changes nothing.
A clock that jumps moves deadlines, never the order or the number of attempts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from heapq import nsmallest
from itertools import islice
from typing import TypeVar

from acd.router.events import Arrived, QueueConfig
from crm.records import Callback

from . import events as ev
from .conduct import Conduct
from .events import Decision
from .held import Held
from .place import arrival, key
from .policy import Policy
from .shelf import Shelf
from .words import Stage

T = TypeVar("T")

MANY = 100
"""How many callbacks are looked at anew in one turn: a change of thousands blocks nobody."""


class Book:
    """All open callbacks of the floor. Reads no clock and draws no random numbers; never raises."""

    def __init__(self) -> None:
        self._shelf = Shelf()
        self._conduct = Conduct(self._shelf)
        self._anew: dict[str, None] = {}
        """Those whose queue, or how its callbacks are made, has changed, and is to be looked at."""

    def handle(self, event: ev.Event, now: int) -> list[Decision]:
        """Apply one event, after what is due by `now`; return what is to be done, in order."""
        conduct = self._conduct
        out = conduct.out = []
        while due := self._due(now):
            for one in due:
                conduct.over(one, now)
        match event:
            case ev.Configured():
                self._configured(event)
            case ev.Known():
                self._know(event.callback, now)
            case ev.Expected():
                self._expected(event)
            case ev.TimePassed():
                pass
            case _:
                held = self._shelf.held.get(event.callback)
                if held is not None:
                    conduct.told(held, event, now)
        for callback in list(islice(self._anew, MANY)):
            del self._anew[callback]
            if (held := self._shelf.held.get(callback)) is not None:
                self._know(held.record, now, anew=True)
        return out

    def _due(self, now: int) -> list[Held]:
        """Take those whose stage is over, in the order of the line: many are in the morning."""
        found: list[Held] = []
        while (one := self._shelf.due(now)) is not None:
            found.append(one)
        return sorted(found, key=lambda one: one.key)

    @property
    def deadline(self) -> int | None:
        """When `TimePassed` is to be sent next, in ms; None: never, 0: at once."""
        return 0 if self._anew else self._shelf.deadline

    def stage(self, callback: str) -> Stage | None:
        """Return where an open callback is; None if it is not open, or unknown."""
        held = self._shelf.held.get(callback)
        return None if held is None else held.stage

    def record(self, callback: str) -> Callback | None:
        """Return the row of an open callback as it is known here; None as `stage`."""
        held = self._shelf.held.get(callback)
        return None if held is None else held.record

    def known(self) -> list[str]:
        """Return the ids of all open callbacks."""
        return list(self._shelf.held)

    @property
    def dials_customers_first(self) -> bool:
        """Whether any open callback is of a queue that calls customers first."""
        return self._shelf.any_beside

    @property
    def any_ready(self) -> bool:
        """Whether somebody is to be called as soon as an agent is expected."""
        return bool(self._shelf.ready())

    def to_call(self) -> tuple[list[Held], list[Held]]:
        """Return whom customer-first queues call now, and whom they would call next.

        The latter wait for agents to be expected; of each queue as many as may be called at once.
        """
        called: list[Held] = []
        ready: list[Held] = []
        for queue in self._shelf.ready():
            waits = [one for one in self._shelf.beside(queue) if one.ready]
            ready += nsmallest(max(self._room(queue), 0), waits, key=lambda one: one.key)
        if ready:
            called = [one for one in self._shelf.all_beside() if one.called]
        return called, ready

    def in_line(self) -> list[tuple[str, Arrived]]:
        """Return those that stand in the router's line, with what brings each to its place."""
        return [(one.id, one.place) for one in self._shelf.held.values() if one.in_line]

    def first(self, rows: Iterable[Callback], now: int, count: int) -> list[Callback]:
        """Return, of rows not known yet, those that agents are rung for first, at most `count`."""
        due = [
            row for row in rows
            if row.queue and row.due_ms <= now and (self.policy(row.queue).agent_first or row.owner)
        ]  # fmt: skip

        def order(row: Callback) -> tuple[int, int]:
            queue = self._conduct.queues.get(row.queue or "") or QueueConfig(row.queue or "")
            return key(arrival(row, queue, self.policy(queue.name).owner_wait_ms), queue)

        # To read the places of ten thousand would take longer than what it is for.
        near = nsmallest(10 * count, due, key=lambda row: row.requested_ms)
        return nsmallest(count, near, key=order)

    def place(self, callback: str) -> Arrived | None:
        """Return what brings an open callback to its place; None as `stage`."""
        held = self._shelf.held.get(callback)
        return None if held is None else held.place

    def of(self, queue: str, customer: str | None, number: str) -> str | None:
        """Return the open callback of a customer, or of a number, in a queue; None if none is."""
        return self._shelf.of(queue, customer, number)

    def policy(self, queue: str) -> Policy:
        """Return a queue's policy."""
        return self._conduct.policy(queue)

    def _configured(self, event: ev.Configured) -> None:
        """Take in policies and queues; their callbacks follow, `MANY` in a turn."""
        conduct = self._conduct
        policies = _same(conduct.policies, event.policies)
        queues = _same(conduct.queues, event.queues)
        changed = {
            name
            for old, new in ((conduct.policies, policies), (conduct.queues, queues))
            for name in {*old, *new}
            if old.get(name) is not new.get(name)
        }
        conduct.policies, conduct.queues = policies, queues
        held = self._shelf.held.values()
        self._anew.update((one.id, None) for one in held if one.queue in changed)

    def _know(self, record: Callback, now: int, *, anew: bool = False) -> None:
        """Take in a row: a new callback, or what others changed of one; or all of it anew."""
        conduct, shelf = self._conduct, self._shelf
        held = shelf.held.get(record.id)
        if record.state != "waiting":
            if held is not None:
                conduct.ended_elsewhere(held, Stage(record.state))
            return
        if held is not None and not anew and held.is_old(record):
            return
        name = record.queue or ""
        queue = conduct.queues.get(name) or QueueConfig(name)
        policy = conduct.policy(name)
        place = arrival(record, queue, policy.owner_wait_ms)
        expires = policy.expires(record)
        if held is None:
            held = Held(record, place, key(place, queue), record.due_ms, expires)
            held.attempts, held.seen = record.attempts, record.fence
        else:
            shelf.forget(held)
            if record.due_ms != held.record.due_ms:
                held.due = record.due_ms
            was = held.record
            moved = (record.queue, record.owner, record.place) != (was.queue, was.owner, was.place)
            if not held.live and (moved or held.due > now):
                conduct.leave(held)
                held.stage = Stage.WAITING
            if held.in_line:
                place = replace(place, began=held.place.began)
            held.record, held.place, held.key = record, place, key(place, queue)
            held.expires = expires
        shelf.put(held, beside=not conduct.agent_first(held))
        if not held.live and held.stage is not Stage.RESERVED:
            conduct.settle(held, now)

    def _expected(self, event: ev.Expected) -> None:
        """Dial those customer-first callbacks for which agents are expected."""
        room = {queue: self._room(queue) for queue in self._shelf.ready()}
        for name in event.callbacks:
            one = self._shelf.held.get(name)
            if one is not None and one.ready and room.get(one.queue, 0) > 0:
                room[one.queue] -= 1
                self._conduct.reserve(one)

    def _room(self, queue: str) -> int:
        """Return how many more of a queue may be called at once; those who hold count, too."""
        policy = self.policy(queue)
        if policy.agent_first:
            return 0  # it has just become so
        calls = sum(one.live or one.stage is Stage.RESERVED for one in self._shelf.beside(queue))
        return policy.at_once - calls


def _same(old: Mapping[str, T], new: Mapping[str, T]) -> dict[str, T]:
    """Return `new`, with what was not changed as it is in `old`."""
    return {name: old[name] if old.get(name) == one else one for name, one in new.items()}
