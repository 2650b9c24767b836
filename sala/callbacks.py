"""Callbacks as commands show and change them."""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import asdict
from typing import Any

from acd.callbacks.policy import Policy, of_queues
from acd.policy.faults import Faults, nearest
from acd.promises import Promises
from acd.roster import Roster
from crm import callbacks, floor as stored_floor
from crm.database import Database
from crm.errors import CrmError
from crm.records import Callback, Floor, Queue
from sala.database import running_url
from sala.errors import SalaError, UserError
from sala.ordering import Orders, StoredLines
from sala.services import gate
from sala.settings import Settings

Counting = Callable[[int], Awaitable[list[dict[str, Any]]]]


@contextlib.asynccontextmanager
async def counting(settings: Settings) -> AsyncIterator[Counting]:
    """Lend a function that returns the open callbacks by queue at a moment (ms).

    While the database is away it returns none: the rest of a status can still be shown.
    """
    database: Database | None = None
    with contextlib.suppress(CrmError, SalaError):
        database = Database(running_url(settings), size=1, timeout_s=2.0)
        await database.open()

    async def count(now: int) -> list[dict[str, Any]]:
        if database is None:
            return []
        with contextlib.suppress(CrmError):
            return [asdict(one) for one in await callbacks.counts(database, now)]
        return []

    try:
        yield count
    finally:
        if database is not None:
            await database.close()


def of_queue(floor: Floor, name: str) -> Queue:
    """Return a stored queue. Raises UserError if there is none of that name."""
    for queue in floor.queues:
        if queue.name == name:
            return queue
    hint = nearest(name, [queue.name for queue in floor.queues])
    raise UserError(f"there is no queue {name}{hint}; sala queue list shows all")


def policy_of(floor: Floor, queue: str | None) -> Policy:
    """Return how callbacks of a queue are made; one that is gone, or none, has the default way."""
    return of_queues(floor.queues, Faults()).get(queue or "", Policy())


async def ordering(settings: Settings, database: Database) -> Orders:
    """Return what takes orders of callbacks, on the floor as it is stored."""
    roster = Roster.of(await stored_floor.load(database))
    promises = Promises(gate(settings), database, _now, StoredLines(roster))
    return Orders(promises, database, lambda: roster, _now)


def _now() -> int:
    return time.time_ns() // 1_000_000


def masked(number: str) -> str:
    """Write a number as lists show it: its country and its last digits."""
    return f"{number[:3]}…{number[-3:]}"


def state_of(one: Callback, now: int) -> str:
    """Say where a callback is, in a word."""
    if one.state != "waiting":
        return f"{one.state} ({one.reason})" if one.reason else one.state
    if one.holder is not None:
        return "dialling"
    return "scheduled" if one.due_ms > now else "waiting"
