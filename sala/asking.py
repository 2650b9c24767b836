"""Callbacks as flows and callers who wait ask for them: `ivr.services.Callbacks`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from acd.callbacks.place import SLOT
from acd.floor import Floor
from acd.gate import Refusal
from acd.ledger import Ledger
from acd.promises import Asked, Known, Promises
from acd.roster import Roster
from acd.router.codec import to_entry
from crm import callbacks
from crm.callbacks import Answer
from crm.database import Database
from crm.errors import CrmError, DataRefused, NotFound
from ivr.flow.actions import AskCallback
from ivr.services import Place
from sala.arrivals import arrival
from sala.ordering import known

log = logging.getLogger(__name__)


class Lines:
    """The floor as promises see it. Implements `acd.promises.Floor`."""

    def __init__(
        self, floor: Floor, ledger: Ledger, roster: Roster, clock: Callable[[], int]
    ) -> None:
        self._floor = floor
        self._clock = clock
        self._ledger = ledger
        self.roster = roster

    def queue(self, name: str) -> Known | None:
        """See `acd.promises.Floor`."""
        return known(self.roster, name)

    def place(self, interaction: str) -> int | None:
        """See `acd.promises.Floor`."""
        return self._floor.place(interaction)

    def kept(self, interaction: str, queue: str) -> Mapping[str, Any] | None:
        """See `acd.promises.Floor`."""
        contact = self._floor.contact(interaction)
        place = (contact.arrival or contact.left) if contact is not None else None
        return to_entry(place)[1] if place is not None and place.queue == queue else None

    def wished(self, interaction: str, asked: AskCallback) -> Mapping[str, Any] | None:
        """Return the place that a caller in no line would have; None: nothing special."""
        contact = self._floor.contact(interaction)
        if contact is None or not (
            asked.priority or asked.criteria or asked.preferred or contact.tier
        ):
            return None
        wish = Place(asked.queue, asked.priority, asked.criteria, asked.preferred)
        now = self._clock()
        return to_entry(replace(arrival(contact, wish), entered=now, began=now))[1]

    def called_back(self, interaction: str) -> None:
        """See `acd.promises.Floor`."""
        self._ledger.called_back(interaction, self._clock())

    def doubt(self, interaction: str) -> None:
        """A caller is told that nothing could be promised; it may be stored nevertheless."""
        self._floor.callbacks.incoming.doubt(interaction)


class FlowCallbacks:
    """Implements `ivr.services.Callbacks`."""

    def __init__(
        self, promises: Promises, lines: Lines, database: Database, clock: Callable[[], int]
    ) -> None:
        self._promises = promises
        self._lines = lines
        self._database = database
        self._clock = clock
        self._counting: set[asyncio.Task[None]] = set()

    async def check(self, number: str) -> Mapping[str, object] | None:
        """See `ivr.services.Callbacks`."""
        found = self._promises.check(number)
        if isinstance(found, Refusal):
            return None
        return {"number": found, "digits": self._promises.spoken(found)}

    async def waits(self, queue: str, number: str) -> Mapping[str, object] | None:
        """See `ivr.services.Callbacks`."""
        found = await self._promises.find(queue, number)
        return None if found is None else {"callback": found[0], "place": found[1]}

    async def times(self, queue: str, number: str) -> Mapping[str, object]:
        """See `ivr.services.Callbacks`."""
        found = await self._promises.times(queue, number)
        return {
            "times": tuple((one.start, one.end) for one in found),
            "zone": self._promises.zone(queue, number),
        }

    async def promise(self, interaction: str, asked: AskCallback) -> bool:
        """See `ivr.services.Callbacks`."""
        due, source = asked.due_ms, "flow" if asked.due_ms is None else SLOT
        if asked.opening:
            due, source = self._promises.opening(asked.queue), "closed"
        try:
            made = await self._promises.make(
                Asked(
                    asked.queue,
                    asked.number,
                    interaction,
                    source=source,
                    due_ms=due,
                    told_ms=asked.told_ms,
                    language=asked.language or None,
                    place=self._lines.kept(interaction, asked.queue)
                    or self._lines.wished(interaction, asked),
                )
            )
        except BaseException:
            self._lines.doubt(interaction)
            raise
        # One that was there is not at the time that was chosen.
        return made.kept and not (source == SLOT and made.answer is Answer.FOUND)

    async def declined(self, interaction: str, queue: str) -> None:
        """See `ivr.services.Callbacks`."""
        task = asyncio.create_task(self._count(interaction, queue), name="callback declined")
        self._counting.add(task)
        task.add_done_callback(self._counting.discard)

    async def _count(self, interaction: str, queue: str) -> None:
        try:
            await callbacks.declined(self._database, interaction, queue, self._clock())
        except CrmError as error:
            log.warning(
                "a declined callback is not counted: %s",
                type(error).__name__,
                extra={"action": "decline_lost", "interaction": interaction},
            )

    async def change(self, callback: str, number: str) -> bool:
        """See `ivr.services.Callbacks`."""
        try:
            if not number:
                return await self._promises.cancel(callback, "customer")
            return not isinstance(await self._promises.change(callback, number), Refusal)
        except (NotFound, DataRefused):
            return False
