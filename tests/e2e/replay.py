"""The journal of a run, fed to a fresh router, must give the offers that were made."""

from __future__ import annotations

import json

import asyncpg

from acd.router import Router
from acd.router.codec import from_entry
from acd.router.events import Configuration, Offer


async def replayed(db: asyncpg.Pool) -> int:
    """Replay every epoch and compare with the ringing segments; gives how many offers agreed."""
    rung = {
        row["offer"]: (row["interaction"], row["agent"])
        for row in await db.fetch(
            "SELECT offer, interaction::text, agent FROM segments WHERE kind = 'ringing'"
        )
    }
    agreed = 0
    # Callers' ways through flows stand in epochs of their own.
    routed = "SELECT DISTINCT epoch FROM journal WHERE epoch NOT LIKE 'ivr.%'"
    for epoch in [row["epoch"] for row in await db.fetch(routed)]:
        router = Router(Configuration(), epoch)
        entries = await db.fetch(
            "SELECT seq, at_ms, kind, body FROM journal WHERE epoch = $1 ORDER BY seq", epoch
        )
        assert [row["seq"] for row in entries] == list(range(1, len(entries) + 1)), "a hole"
        for row in entries:
            event = from_entry(row["kind"], json.loads(row["body"]))
            for decision in router.handle(event, row["at_ms"]):
                # One that was given up before it rang has left no segment.
                if isinstance(decision, Offer) and decision.offer in rung:
                    assert rung[decision.offer] == (decision.interaction, decision.agent)
                    agreed += 1
    return agreed


async def adds_up(db: asyncpg.Pool) -> None:
    """Whoever entered a queue was answered, abandoned, called back, overflowed or failed."""
    for row in await db.fetch("SELECT * FROM queue_totals"):
        ways = ("answered", "abandoned", "called_back", "overflowed", "failed")
        assert row["offered"] == sum(row[way] for way in ways), row
        assert row["waiting"] == 0, row
