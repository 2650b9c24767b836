"""The journal of a run, fed to a fresh router, must give the decisions that were made."""

from __future__ import annotations

import json

import asyncpg

from acd.replay import Replayer, difference
from acd.router.events import Offer
from crm.records import JournalEntry


async def replayed(db: asyncpg.Pool) -> int:
    """Replay every epoch; compare with what was decided, and with what rang: gives how many did."""
    rung = {
        row["offer"]: (row["interaction"], row["agent"])
        for row in await db.fetch(
            "SELECT offer, interaction::text, agent FROM segments WHERE kind = 'ringing'"
        )
    }
    agreed = 0
    # What is no run of the router stands in epochs of its own.
    routed = "SELECT DISTINCT epoch FROM journal WHERE is_run(epoch)"
    for epoch in [row["epoch"] for row in await db.fetch(routed)]:
        replayer = Replayer(epoch)
        entries = await db.fetch(
            "SELECT epoch, seq, at_ms, config_version, kind, body FROM journal"
            " WHERE epoch = $1 ORDER BY seq",
            epoch,
        )
        for row in entries:
            entry = JournalEntry(**{**row, "body": json.loads(row["body"])})
            turn = replayer.feed(entry)
            assert difference(turn) is None, difference(turn)
            for decision in turn.decisions:
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
