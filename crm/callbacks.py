"""Callbacks: places kept for customers who have hung up."""

from __future__ import annotations

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


async def waiting(database: Database) -> list[Callback]:
    """Return the callbacks nobody has made yet, oldest request first."""
    return [Callback(**row) for row in await database.rows("callbacks_waiting")]
