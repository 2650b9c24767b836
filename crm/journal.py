"""The journal, read back: the append-only log of everything that changed the floor."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import orjson

from crm.database import Database
from crm.records import JournalEntry

_PAGE = 1000


async def read(
    database: Database, epoch: str, *, first: int = 0, before: int | None = None
) -> AsyncIterator[JournalEntry]:
    """Yield the entries of one run of the service by `seq`, from `first` up to `before`."""
    while True:
        rows = await database.rows("journal_read", epoch, first, before, _PAGE)
        for row in rows:
            yield JournalEntry(**{**row, "body": orjson.loads(row["body"])})
        if len(rows) < _PAGE:
            return
        first = rows[-1]["seq"] + 1


async def epochs(database: Database) -> list[str]:
    """Return the epochs there are, oldest first."""
    return [row["epoch"] for row in await database.rows("journal_epochs")]


async def runs(database: Database, first_ms: int, last_ms: int) -> list[str]:
    """Return the epochs of the router that have entries in a span of time, oldest first.

    What else stands in the journal, such as callers' ways through flows, is left out: the
    database's `is_run` knows it.
    """
    return [row["epoch"] for row in await database.rows("journal_runs", first_ms, last_ms)]


async def last(database: Database, epochs: Sequence[str]) -> list[JournalEntry]:
    """Return the last entry of each of these epochs that has any."""
    rows = await database.rows("journal_last", list(epochs))
    return [JournalEntry(**{**row, "body": orjson.loads(row["body"])}) for row in rows]


async def last_before(database: Database, epoch: str, at_ms: int) -> JournalEntry | None:
    """Return the last entry of an epoch from before an instant; None if there is none."""
    rows = await database.rows("journal_last_before", epoch, at_ms)
    found = [JournalEntry(**{**row, "body": orjson.loads(row["body"])}) for row in rows]
    return found[0] if found else None


async def keep(database: Database, entry: JournalEntry) -> None:
    """Write one entry at once. Does nothing if there is one of that epoch and number."""
    body = orjson.dumps(entry.body).decode()
    await database.rows(
        "journal_keep", entry.epoch, entry.seq, entry.at_ms, entry.config_version, entry.kind, body
    )
