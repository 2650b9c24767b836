"""Promises of callbacks: through the dialling gate, on disk, and only then told.

Whichever way a callback comes to be (a flow, the wait, a command, the control socket, an agent,
an abandon), it comes by `Promises.make`; whoever changes a number comes by `Promises.change`. So no
number that may not be dialled ever gets a row.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import phonenumbers

from acd.callbacks.asking import Slot, day_began, slots, zone_of
from acd.callbacks.place import SLOT
from acd.callbacks.policy import Policy
from acd.gate import Counts, Gate, Refusal
from crm import callbacks, dialled
from crm.calendars import Calendar, State
from crm.callbacks import Answer, Wish
from crm.database import Database

log = logging.getLogger(__name__)

MOST_SLOTS = 200


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a queue: how its callbacks are made, when it is open, how many serve it."""

    policy: Policy
    hours: Calendar | None = None
    """None: always open."""
    agents: int = 0


class Floor(Protocol):
    """What promises ask of the floor."""

    def queue(self, name: str) -> Known | None:
        """Return what is known of a queue; None if there is none."""

    def place(self, interaction: str) -> int | None:
        """Return an interaction's place in line, 1 the first; None if it is not in line."""

    def kept(self, interaction: str, queue: str) -> Mapping[str, Any] | None:
        """Return what brings an interaction to its place in a queue, as the journal writes it."""

    def called_back(self, interaction: str) -> None:
        """An interaction's callback is promised."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A wish as it comes in. `number` is as it was written; times in ms since the epoch."""

    queue: str
    number: str
    interaction: str | None = None
    source: str = "flow"
    due_ms: int | None = None
    told_ms: int | None = None
    owner: str | None = None
    language: str | None = None
    place: Mapping[str, Any] | None = None
    """What the router kept of the call, as its journal writes an arrival."""
    once: bool = False
    """Refused if the customer had one of this source on the same day."""


@dataclass(frozen=True, slots=True)
class Made:
    """What became of a wish: the callback's id, or why there is none."""

    answer: Answer | None
    callback: str = ""
    refusal: Refusal | None = None

    @property
    def kept(self) -> bool:
        """Whether there is a callback, new or one that was there."""
        return bool(self.callback)


class Promises:
    """Makes and changes callbacks.

    `clock` gives milliseconds since the epoch. Methods raise CrmError while the database is away:
    then nothing is promised.
    """

    def __init__(
        self, gate: Gate, database: Database, clock: Callable[[], int], floor: Floor
    ) -> None:
        self._gate = gate
        self._database = database
        self._clock = clock
        self._floor = floor

    # --- numbers ---------------------------------------------------------------------------------

    def spoken(self, number: str) -> str:
        """Return the digits by which people of its country say a number, given in E.164."""
        parsed = phonenumbers.parse(number)
        home = phonenumbers.region_code_for_number(parsed) == self._gate.rules.region
        form = phonenumbers.PhoneNumberFormat
        written = phonenumbers.format_number(parsed, form.NATIONAL if home else form.E164)
        return "".join(one for one in written if one.isdigit())

    def check(self, number: str) -> str | Refusal:
        """Return a number in E.164 if it could be called back, caps aside; else why not."""
        return self._gate.number(number)

    async def allowed(self, number: str) -> str | Refusal:
        """Return a number in E.164 that may be called back now, caps counted; else why not."""
        found = self._gate.number(number)
        if isinstance(found, Refusal):
            return found
        before = await dialled.counts(self._database, found, self._clock())
        # What is in progress now says nothing of when it will be called.
        return self._gate.caps(Counts(before.number, before.day, 0)) or found

    # --- promises --------------------------------------------------------------------------------

    async def make(self, asked: Asked) -> Made:
        """Promise a callback; with a callback in what is returned, it is on disk."""
        found = await self.allowed(asked.number)
        if isinstance(found, Refusal):
            self._refused(found, asked.interaction)
            return Made(None, refusal=found)
        now, known = self._clock(), self._floor.queue(asked.queue)
        policy = known.policy if known else Policy()
        place, chosen = asked.place, asked.source == SLOT
        if place is None and asked.interaction is not None:
            place = self._floor.kept(asked.interaction, asked.queue)
        answer, callback = await callbacks.ask(
            self._database,
            Wish(
                found,
                asked.queue,
                now,
                asked.interaction,
                source=asked.source,
                due_ms=asked.due_ms,
                owner=asked.owner,
                language=asked.language,
                told_ms=asked.told_ms,
                place=place,
                # One of an agent's own is the agent's to find time for.
                room=self._room(known) if known and chosen and not asked.owner else None,
                slot=policy.slot_of(now if asked.due_ms is None else asked.due_ms),
                most=self._gate.rules.per_number,
                last_ms=day_began(policy, found, now) if asked.once else None,
            ),
        )
        if answer is Answer.FORBIDDEN:
            self._refused(Refusal.DO_NOT_CALL, asked.interaction)
            return Made(answer, refusal=Refusal.DO_NOT_CALL)
        if answer is Answer.CAPPED:
            self._refused(Refusal.NUMBER_CAP, asked.interaction)
            return Made(answer, refusal=Refusal.NUMBER_CAP)
        if callback:
            if asked.interaction is not None:
                self._floor.called_back(asked.interaction)
            log.info(
                "callback %s",
                answer,
                extra={
                    "action": "callback_promised",
                    "interaction": asked.interaction,
                    "callback": callback,
                    "queue": asked.queue,
                    "source": asked.source,
                },
            )
        return Made(answer, callback)

    async def change(self, callback: str, number: str) -> str | Refusal:
        """Have another number called; return it in E.164, or why it may not be called.

        Raises `NotFound` if the callback is not open, `DataRefused` if the customer of that number
        has another in the queue.
        """
        found = await self.allowed(number)
        if isinstance(found, Refusal):
            self._refused(found, None)
            return found
        if not await callbacks.change_number(self._database, callback, found):
            self._refused(Refusal.DO_NOT_CALL, None)
            return Refusal.DO_NOT_CALL
        log.info("callback changed", extra={"action": "callback_changed", "callback": callback})
        return found

    async def cancel(self, callback: str, by: str) -> bool:
        """Cancel a callback; False: it had ended. `by` is `customer`, `agent` or `admin`."""
        done = await callbacks.end(self._database, callback, "cancelled", by, self._clock())
        log.info("callback cancelled", extra={"action": "callback_ended", "callback": callback})
        return done

    async def find(self, queue: str, number: str) -> tuple[str, int] | None:
        """Return a customer's open callback in a queue, with its place in line (1: the first)."""
        found = self._gate.number(number)
        if isinstance(found, Refusal):
            return None
        one = await callbacks.open_of(self._database, found, queue)
        if one is None:
            return None
        place = self._floor.place(one.interaction or one.id)
        return one.id, place or await callbacks.ahead(self._database, one) + 1

    # --- times -----------------------------------------------------------------------------------

    def opening(self, queue: str) -> int | None:
        """Return when a queue opens next, in ms; None: it is open, or no time is known."""
        known, now = self._floor.queue(queue), self._clock()
        if known is None or known.hours is None:
            return None
        at: int | None = now
        while at is not None and known.hours.at(at) is not State.OPEN:
            at = known.hours.changes(at)
        return None if at == now else at

    async def times(self, queue: str, number: str) -> list[Slot]:
        """Return the times that a customer may choose, soonest first; none for a wrong number."""
        known, found = self._floor.queue(queue), self._gate.number(number)
        if known is None or isinstance(found, Refusal):
            return []
        now = self._clock()
        until = now + known.policy.book_ahead_ms
        taken: Counter[int] = Counter()
        first = known.policy.slot_of(now)[0]
        due = await callbacks.taken(self._database, queue, SLOT, first, until)
        for at, count in due.items():
            taken[known.policy.slot_of(at)[0]] += count
        room = self._room(known)
        free = slots(known.policy, known.hours, found, now, lambda _: room, taken, until=until)
        return [one for one, _ in zip(free, range(MOST_SLOTS), strict=False)]

    def zone(self, queue: str, number: str) -> str:
        """Return the time zone in which times are told to a customer."""
        known = self._floor.queue(queue)
        policy = known.policy if known else Policy()
        found = self._gate.number(number)
        if isinstance(found, Refusal):
            return policy.calling.timezone
        return zone_of(policy, found, self._clock())

    @staticmethod
    def _room(known: Known) -> int:
        return known.agents if known.policy.slot_takes is None else known.policy.slot_takes

    def _refused(self, why: Refusal, interaction: str | None) -> None:
        """Tell of a refusal, without the number."""
        log.warning(
            "no callback: %s",
            why.value,
            extra={"action": "dial_refused", "interaction": interaction, "why": why.name},
        )
