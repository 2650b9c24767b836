"""Callbacks: places kept for customers who have hung up. Their attempts: see `crm.attempts`."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from crm import queries
from crm.database import Database
from crm.encoding import encode
from crm.errors import CrmError, DataRefused, NotFound
from crm.records import Callback, CallbackAttempt, CallbackCounts, CallbackReport

_CHANNEL = "sala_callbacks"
_HELD = "callbacks_one_open"
_MANY = 100
"""How many rows are taken in at a time."""


async def ingest(
    database: Database,
    spool_file: str,
    number: str,
    requested_ms: int,
    interaction: str | None = None,
    *,
    queue: str | None = None,
    source: str = "survival",
) -> bool:
    """Take in one request from the spool; return whether it was new.

    `spool_file` is the file's name, unique for all time: the same name is taken in once, however
    often and from however many processes it is tried. A number that has an open callback for the
    queue, or stands on the do-not-call list, gets no other. `number` is E.164. When this has
    returned, the request is committed and the file may go. Raises `DataRefused` for what is no
    number.
    """
    made = await database.value(
        "callbacks_ingest", number, queue, requested_ms, source, interaction, spool_file
    )
    return made is not None


class Answer(StrEnum):
    """What became of a wish to be called back."""

    PROMISED = "promised"
    FOUND = "found"
    """The customer has an open callback in that queue, and keeps it."""
    FORBIDDEN = "forbidden"
    """The number is on the do-not-call list."""
    FULL = "full"
    """No more of them fit into that time."""
    CAPPED = "capped"
    """The number has too many open ones, in all queues."""
    ONCE = "once"
    """The customer had one of this source too lately."""


@dataclass(frozen=True, slots=True)
class Wish:
    """A callback that is asked for; fields as in `crm.records.Callback`, `number` in E.164.

    `room`: at most so many open ones of this queue and source may be due in the `slot` (its begin
    and end, in ms). `last_ms`: none of this source may have been asked for by the customer since
    then. `most`: the number may have so many open ones at most.
    """

    number: str
    queue: str
    requested_ms: int
    interaction: str | None = None
    source: str = "flow"
    due_ms: int | None = None
    """None: at once."""
    expires_ms: int | None = None
    owner: str | None = None
    language: str | None = None
    told_ms: int | None = None
    place: Mapping[str, Any] | None = None
    room: int | None = None
    slot: tuple[int, int] = (0, 0)
    last_ms: int | None = None
    most: int | None = None


async def ask(database: Database, wish: Wish) -> tuple[Answer, str]:
    """Keep a place in a queue for a customer; return what became of it, and the callback's id.

    A customer has one open callback for a queue at most: who asks again, by whichever of their
    numbers, keeps the one they have. For who asks from the line, that comes no later than their
    turn there. Committed on return. The id is empty where none is kept.
    """
    named, number, queue = queries.load(), wish.number, wish.queue
    due = wish.requested_ms if wish.due_ms is None else wish.due_ms
    async with database.transaction() as connection:
        if await connection.fetchval(named["callbacks_forbidden"], number):
            return Answer.FORBIDDEN, ""
        customer = await connection.fetchval(named["callbacks_owner"], number)
        await connection.execute(named["callbacks_lock"], f"{queue}.{customer or number}")
        found = await connection.fetchval(named["callbacks_open"], queue, number, customer)
        if found is not None:
            if wish.interaction is not None and wish.due_ms is None:
                hasten = named["callbacks_hasten"]
                await connection.execute(
                    hasten, found, due, wish.source, wish.told_ms, _place(wish)
                )
            return Answer.FOUND, str(found)
        if wish.last_ms is not None:
            await connection.execute(named["callbacks_lock"], f"{wish.source}.{customer or number}")
            last = await connection.fetchval(named["callbacks_last"], number, wish.source, customer)
            if last is not None and last >= wish.last_ms:
                return Answer.ONCE, ""
        if wish.most is not None:
            await connection.execute(named["callbacks_lock"], f"number.{number}")
            if await connection.fetchval(named["callbacks_open_count"], number) >= wish.most:
                return Answer.CAPPED, ""
        if wish.room is not None:
            slot = wish.slot
            await connection.execute(named["callbacks_lock"], f"{queue}.{wish.source}.{slot[0]}")
            taken = await connection.fetchval(named["callbacks_due_in"], queue, wish.source, *slot)
            if taken >= wish.room:
                return Answer.FULL, ""
        made = await connection.fetchval(
            named["callbacks_promise"],
            number,
            queue,
            wish.requested_ms,
            wish.interaction,
            customer,
            wish.source,
            due,
            wish.expires_ms,
            wish.owner,
            wish.language,
            wish.told_ms,
            _place(wish),
        )
        if made is not None:
            return Answer.PROMISED, str(made)
        # Somebody else's promise for the same number, which was not the customer's then.
        found = await connection.fetchval(named["callbacks_open"], queue, number, customer)
        if found is None:
            raise DataRefused("A promise of the same moment stood in the way; ask again.")
        return Answer.FOUND, str(found)


def _place(wish: Wish) -> str | None:
    return None if wish.place is None else encode(wish.place).decode()


async def open_of(database: Database, number: str, queue: str) -> Callback | None:
    """Return the open callback of a number (E.164), or of its customer, in a queue."""
    row = await database.row("callbacks_open_of", queue, number)
    return None if row is None else _callback(row)


async def open_of_customer(database: Database, customer: str) -> list[Callback]:
    """Return a customer's open callbacks in all queues, oldest first."""
    return [_callback(row) for row in await database.rows("callbacks_of_customer", customer)]


async def taken(
    database: Database, queue: str, source: str, first_ms: int, last_ms: int
) -> dict[int, int]:
    """Return how many open callbacks of a source are due by moment, from first to before last."""
    rows = await database.rows("callbacks_taken", queue, source, first_ms, last_ms)
    return {row["due_ms"]: row["count"] for row in rows}


async def ahead(database: Database, callback: Callback) -> int:
    """Return how many open callbacks of its queue were asked for before it."""
    return int(
        await database.value("callbacks_ahead", callback.queue, callback.requested_ms, callback.id)
    )


async def waiting(database: Database) -> list[Callback]:
    """Return the callbacks that have not ended, oldest request first.

    There may be thousands: they are read with others at work meanwhile.
    """
    rows, found = await database.rows("callbacks_waiting"), list[Callback]()
    for at in range(0, len(rows), _MANY):
        found += [_callback(row) for row in rows[at : at + _MANY]]
        await asyncio.sleep(0)
    return found


async def sealed(database: Database) -> list[Callback]:
    """Return those who are about to talk, or were when their worker died (`attempts.seal`)."""
    return [_callback(row) for row in await database.rows("callbacks_sealed")]


async def find(
    database: Database, *, queue: str | None = None, ended: bool = False, limit: int = 100
) -> list[Callback]:
    """Return the latest callbacks, newest first: open ones, or with `ended` all."""
    rows = await database.rows("callbacks_list", queue, ended, limit)
    return [_callback(row) for row in rows]


async def get(database: Database, callback: str) -> Callback:
    """Return a callback by id. Raises `NotFound`."""
    row = await database.row("callbacks_get", callback)
    if row is None:
        raise NotFound(f"There is no callback {callback}.")
    return _callback(row)


async def named(database: Database, end: str) -> Callback:
    """Return the callback whose id is this, or ends so. Raises `NotFound`: none does, or two do."""
    plain = end.lower().replace("%", "").replace("_", "")
    rows = await database.rows("callbacks_named", plain) if plain else []
    if len(rows) != 1:
        what = "Two callbacks' ids end" if rows else "There is no callback whose id ends"
        raise NotFound(f"{what} with {end}.")
    return _callback(rows[0])


async def attempts(database: Database, callback: str) -> list[CallbackAttempt]:
    """Return a callback's attempts, oldest first."""
    rows = await database.rows("callbacks_attempts", callback)
    return [CallbackAttempt(**row) for row in rows]


async def end(
    database: Database,
    callback: str,
    state: str,
    reason: str,
    now_ms: int,
    *,
    merged_into: str | None = None,
) -> bool:
    """End a callback as `cancelled`, `merged`, `expired` or `failed`, whatever it is doing.

    Returns False if it had ended, or is not known: the first end stands. The result of an attempt
    that was live is refused from now on.
    """
    done = await database.value("callbacks_end", callback, state, reason, now_ms, merged_into)
    return done is not None


async def reschedule(database: Database, callback: str, due_ms: int) -> None:
    """Set when it is due. Its place among those due is kept. Raises `NotFound` if not open."""
    _open(await database.value("callbacks_reschedule", callback, due_ms), callback)


async def reassign(
    database: Database, callback: str, *, queue: str | None = None, owner: str | None = None
) -> None:
    """Move it to another queue (None: stay), and give it to an agent (None: to the queue).

    Raises `NotFound` if it is not open, `DataRefused` if the customer has one in that queue.
    """
    with _one_open():
        _open(await database.value("callbacks_reassign", callback, queue, owner), callback)


async def change_number(database: Database, callback: str, number: str) -> bool:
    """Call another number (E.164); False if it is on the do-not-call list. Raises as `reassign`."""
    with _one_open():
        if await database.value("callbacks_change_number", callback, number) is not None:
            return True
    if await database.value("callbacks_forbidden", number):
        return False
    raise NotFound(f"There is no open callback {callback}.")


async def declined(database: Database, interaction: str, queue: str, at_ms: int) -> None:
    """Count a caller who was offered a callback and did not take it; once, however often asked."""
    await database.value("callbacks_decline", interaction, queue, at_ms)


async def forbid(database: Database, number: str, now_ms: int) -> int:
    """Put a number (E.164) on the do-not-call list; cancel what is open for it, return how many."""
    await database.value("callbacks_forbid", number)
    rows = await database.rows("callbacks_of_number", number)
    done = [await end(database, row["id"], "cancelled", "do_not_call", now_ms) for row in rows]
    return sum(done)


async def allow(database: Database, number: str) -> bool:
    """Take a number off the do-not-call list; return whether it stood there."""
    return await database.value("callbacks_allow", number) is not None


async def counts(database: Database, now_ms: int) -> list[CallbackCounts]:
    """Return what is open now, by queue."""
    return [CallbackCounts(**row) for row in await database.rows("callbacks_counts", now_ms)]


async def report(database: Database, first_ms: int, last_ms: int) -> list[CallbackReport]:
    """Return what became of what was asked for from first to before last, by queue."""
    rows = await database.rows("callbacks_report", first_ms, last_ms)
    return [CallbackReport(**row) for row in rows]


async def watch(database: Database, *, every_s: float = 30.0) -> AsyncIterator[frozenset[str]]:
    """Yield ids of callbacks that are new or were changed by anyone; never ends, never raises.

    An empty set means: read all that wait. It comes first, after the database was away, and each
    time `every_s` have passed, however much was told meanwhile: what was missed or could not be
    read is known by then.
    """
    now = asyncio.get_running_loop().time
    while True:
        with contextlib.suppress(CrmError):
            async with database.connection() as connection:
                told: asyncio.Queue[str] = asyncio.Queue()

                def heard(*what: Any, told: asyncio.Queue[str] = told) -> None:
                    told.put_nowait(what[3] if len(what) > 3 else "")

                await connection.add_listener(_CHANNEL, heard)
                connection.add_termination_listener(heard)
                try:
                    yield frozenset()
                    all_at = now() + every_s
                    while not connection.is_closed():
                        ids: set[str] = set()
                        with contextlib.suppress(TimeoutError):
                            async with asyncio.timeout_at(all_at):
                                ids.add(await told.get())
                        while not told.empty():
                            ids.add(told.get_nowait())
                        if now() >= all_at:
                            all_at, ids = now() + every_s, set()
                        yield frozenset(ids - {""})
                finally:
                    connection.remove_termination_listener(heard)
                    if not connection.is_closed():
                        with contextlib.suppress(Exception):
                            await connection.remove_listener(_CHANNEL, heard)
        await asyncio.sleep(min(every_s, 1.0))


def _callback(row: Any) -> Callback:
    fields = dict(row)
    if fields["place"] is not None:
        fields["place"] = json.loads(fields["place"])
    fields["phones"] = tuple(fields["phones"])
    return Callback(**fields)


def _open(found: Any, callback: str) -> None:
    if found is None:
        raise NotFound(f"There is no open callback {callback}.")


@contextlib.contextmanager
def _one_open() -> Any:
    try:
        yield
    except DataRefused as error:
        if not error.constraint.startswith(_HELD):
            raise
        raise DataRefused(
            "The customer has another open callback in that queue.", constraint=error.constraint
        ) from error
