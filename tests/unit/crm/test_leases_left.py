"""How long claims hold, as a service that starts reads it."""

from __future__ import annotations

from crm import attempts, callbacks
from crm.database import Database


async def test_leases_tell_how_long_they_hold(database: Database) -> None:
    ids = [
        (await callbacks.ask(database, callbacks.Wish(f"+1415555010{at}", "support", 1_000)))[1]
        for at in range(3)
    ]
    first, second, third = ids
    await attempts.claim(database, first, "w", 60_000)
    await attempts.claim(database, second, "w", 0)
    found = await attempts.leases(database)
    assert 50_000 < found[first] <= 60_000
    assert found[second] == 0
    assert third not in found
