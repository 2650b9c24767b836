"""Callbacks: places kept for customers who have hung up."""

from __future__ import annotations

from crm import queries
from crm.database import Database
from crm.records import Callback


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
    often and from however many processes it is tried. `number` is E.164. When this has returned,
    the request is committed and the file may go. Raises `DataRefused` for what is no number.
    """
    made = await database.value(
        "callbacks_ingest", number, queue, requested_ms, source, interaction, spool_file
    )
    return made is not None


async def promise(
    database: Database, number: str, queue: str, requested_ms: int, interaction: str
) -> str:
    """Keep a place in a queue for a customer who asked for it; return the callback's id.

    A customer has one open callback for a queue at most: who asks again, by whichever of their
    numbers, keeps the one they have. Committed on return. `number` is E.164.
    """
    named = queries.load()
    async with database.transaction() as connection:
        owner = await connection.fetchval(named["callbacks_owner"], number)
        await connection.execute(named["callbacks_lock"], f"{queue}.{owner or number}")
        found = await connection.fetchval(named["callbacks_open"], queue, number, owner)
        if found is None:
            found = await connection.fetchval(
                named["callbacks_promise"], number, queue, requested_ms, interaction, owner
            )
        return str(found)


async def waiting(database: Database) -> list[Callback]:
    """Return the callbacks nobody has made yet, oldest request first."""
    return [Callback(**row) for row in await database.rows("callbacks_waiting")]
