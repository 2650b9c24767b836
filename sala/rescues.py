"""Callbacks that nobody asked for: for those who hung up in line, and those who were cut off."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

from acd.callbacks.asking import ABANDON, RESCUE
from acd.floor import Floor
from acd.partings import Parting
from acd.places import PLACE
from acd.promises import Asked, Known, Promises
from acd.router import JournalError
from acd.router.codec import from_entry, to_entry
from acd.router.events import Arrived
from crm import interactions, journal
from crm.database import Database
from crm.errors import CrmError, DatabaseUnavailable, NotFound
from crm.identities import phone
from crm.records import SegmentKind

log = logging.getLogger(__name__)

PAUSES_S = (1.0, 5.0, 30.0, 120.0)
"""Between tries while the database is away."""


class Rescues:
    """Promises them. `queue` tells what is known of a queue, `clock` ms since the epoch.

    `region` (ISO 3166) reads callers' numbers in national form.
    """

    def __init__(
        self,
        promises: Promises,
        floor: Floor,
        database: Database,
        queue: Callable[[str], Known | None],
        clock: Callable[[], int],
        *,
        region: str,
    ) -> None:
        self._promises = promises
        self._floor = floor
        self._database = database
        self._queue = queue
        self._clock = clock
        self._region = region
        self._tasks: set[asyncio.Task[None]] = set()

    def parted(self, parting: Parting) -> None:
        """Take note of a caller who is gone."""
        known = self._queue(parting.queue)
        number = phone(parting.number, self._region) if parting.number else None
        if known is None or number is None:
            return
        policy, least = known.policy, known.policy.after_abandon_ms
        waited = least is not None and parting.waited_ms >= least
        wanted = policy.rescue if parting.cut else waited
        if wanted and not self._back(number, parting.interaction):
            self._run(self._promise(parting, number))

    def cut(self, interaction: str) -> None:
        """Take note of a call of an earlier process that the PBX has cut."""
        self._run(self._recall(interaction))

    async def close(self) -> None:
        """Stop."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _back(self, number: str, interaction: str) -> bool:
        """Tell whether the customer is on the line again."""
        return any(
            one.interaction != interaction
            and one.caller.number
            and phone(one.caller.number, self._region) == number
            for one in self._floor.contacts()
        )

    async def _promise(self, parting: Parting, number: str) -> None:
        asked = Asked(
            parting.queue,
            number,
            # The call has ended as what it was; the callback is an interaction of its own.
            None,
            source=RESCUE if parting.cut else ABANDON,
            place=to_entry(parting.place)[1] if parting.place is not None else None,
            once=not parting.cut,
        )
        for pause in (*PAUSES_S, None):
            try:
                made = await self._promises.make(asked)
            except DatabaseUnavailable:
                if pause is None:
                    break
                await asyncio.sleep(pause)
            except CrmError as error:
                self._lost(parting.interaction, type(error).__name__)
                return
            else:
                log.info(
                    "callback after the call was %s",
                    "cut" if parting.cut else "abandoned",
                    extra={
                        "action": "callback_after",
                        "interaction": parting.interaction,
                        "callback": made.callback,
                        "made": str(made.answer),
                    },
                )
                return
        self._lost(parting.interaction, "the database is away")

    async def _recall(self, interaction: str) -> None:
        with contextlib.suppress(CrmError, NotFound):
            found = await interactions.get(self._database, interaction)
            entered = [one for one in found.segments if one.kind == SegmentKind.QUEUE and one.queue]
            identity = found.interaction.identity
            if not entered or identity is None or identity.kind != "phone":
                return
            theirs = [one.kind for one in found.segments if one.kind != SegmentKind.WRAP_UP]
            if theirs[-1] == SegmentKind.IVR:  # in the flow behind the queue: they were served
                return
            first, last = entered[0], entered[-1]
            queue, now = last.queue or "", self._clock()
            place = await self._place(interaction, queue)
            place = place or Arrived(interaction, queue, first.started_ms, rejoins=True)
            self.parted(
                Parting(interaction, queue, identity.value, place, now - first.started_ms, cut=True)
            )

    async def _place(self, interaction: str, queue: str) -> Arrived | None:
        """Read what was written of a place that has more to it than queue and time."""
        for entry in await journal.last(self._database, [f"{PLACE}.{interaction}"]):
            with contextlib.suppress(JournalError):
                found = from_entry(entry.kind, entry.body)
                if isinstance(found, Arrived) and found.queue == queue:
                    return replace(found, rejoins=True)
        return None

    def _lost(self, interaction: str, why: str) -> None:
        log.error(
            "no callback after a call: %s",
            why,
            extra={"action": "callback_lost", "interaction": interaction},
        )

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work, name="rescue")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
