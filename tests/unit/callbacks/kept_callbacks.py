"""Callbacks in a real Postgres, and attempts of them."""

from __future__ import annotations

from typing import Any

import uuid6

from crm import attempts, callbacks
from crm.attempts import Claim, Result
from crm.database import Database

NUMBER = "+14155550123"
NOW = 1_800_000_000_000
LEASE = 60_000
DONE = Result("connected", False, "connected", None, NOW + 5000)


def call() -> str:
    return str(uuid6.uuid7())


async def promised(
    database: Database, number: str = NUMBER, queue: str = "sales", **more: Any
) -> str:
    _, made = await callbacks.ask(database, callbacks.Wish(number, queue, NOW, call(), **more))
    assert made
    return made


async def claimed(database: Database, callback: str, who: str = "a", ms: int = LEASE) -> Claim:
    found = await attempts.claim(database, callback, who, ms)
    assert isinstance(found, Claim)
    return found


def again(outcome: str = "busy", due: int = NOW + 1000) -> Result:
    return Result(outcome, True, "waiting", None, NOW + 1, due)


async def overdue(database: Database, callback: str) -> None:
    """Let the lease of a callback be over."""
    async with database.connection() as connection:
        await connection.execute(
            "UPDATE callbacks SET leased_until = now() - interval '1 second'"
            " WHERE id = $1::text::uuid",
            callback,
        )
