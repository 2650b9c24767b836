"""What a new process learns of waits from the record, before its first call."""

from __future__ import annotations

from crm.database import Database

from .experience import MEMORY, Experience

SPAN_MS = 28 * 86_400_000
"""How far back it looks."""


async def recall(database: Database, experience: Experience, now: int) -> None:
    """Learn handling times and patience from the last contacts of the record."""
    since = now - SPAN_MS
    for row in await database.rows("history_handled", since, 4 * MEMORY):
        experience.handled(row["queue"], row["ms"], row["at_ms"])
    for row in await database.rows("history_queues", since, now):
        experience.gave_up(row["queue"], row["abandoned"], row["waited_ms"])
