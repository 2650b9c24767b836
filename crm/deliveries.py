"""Events that flows raised, on their way to others. The journal is the outbox."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from crm.database import Database


@dataclass(frozen=True, slots=True)
class Due:
    """An event to be told: `body` holds `interaction`, `event` and `data`."""

    id: int
    at_ms: int
    body: dict[str, Any]
    attempts: int


async def due(database: Database, since_ms: int, now_ms: int, most: int) -> list[Due]:
    """Return events raised after `since_ms` that are to be told now, oldest first."""
    return [
        Due(row["id"], row["at_ms"], orjson.loads(row["body"]), row["attempts"])
        for row in await database.rows("deliveries_due", since_ms, now_ms, most)
    ]


async def done(database: Database, event: Due, now_ms: int) -> None:
    """Note that an event was taken."""
    await database.value("deliveries_done", event.id, event.attempts + 1, now_ms)


async def failed(database: Database, event: Due, next_ms: int, fault: str, *, last: bool) -> None:
    """Note that an event was not taken; `last`: it is given up. `fault` is cut at 200 letters."""
    await database.value("deliveries_failed", event.id, event.attempts + 1, next_ms, last, fault)
