"""The way to a real Postgres: leases while the database is away, and ends after claims."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import uuid6
from kept_callbacks import NOW, promised

from acd.callbacks import Policy, events as ev
from acd.callbacks.policy import HOUR
from acd.callbacks.words import Stage
from acd.calling_back import store as module
from acd.calling_back.expiry import expire
from acd.calling_back.store import Store
from crm import attempts, callbacks
from crm.attempts import Claim
from crm.database import Database
from crm.recorder import Recorder
from crm.records import Identity, Interaction, Segment, SegmentKind


class Desk:
    """Whom the store tells."""

    def __init__(self, database: Database) -> None:
        self.told: asyncio.Queue[ev.Event] = asyncio.Queue()
        self.lost: asyncio.Queue[tuple[str, int, bool]] = asyncio.Queue()
        self.store = Store(database, None, lambda: NOW, holder="w", kept=_kept)  # type: ignore[arg-type]
        self.store.serve(
            self.told.put_nowait,
            lambda callback, fence, *, sure=True: self.lost.put_nowait((callback, fence, sure)),
        )

    async def claimed(self, callback: str) -> ev.Claimed:
        """Claim an attempt, which is granted."""
        self.store.claim(callback)
        told = await self.told.get()
        assert isinstance(told, ev.Claimed)
        return told


async def _kept() -> None:
    pass


@pytest.fixture
async def desk(database: Database) -> AsyncIterator[Desk]:
    made = Desk(database)
    yield made
    await made.store.close()


async def test_a_claim_that_could_not_be_renewed_in_time_may_be_another_workers(
    database: Database, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LEASE_MS", 600)
    one = await promised(database)
    async with asyncio.timeout(20):
        claimed = await desk.claimed(one)
        await database.close()
        # Again and again, as long as nobody gives the call up.
        for _ in range(2):
            assert await desk.lost.get() == (one, claimed.fence, False)


async def test_a_claim_that_is_renewed_is_ours(
    database: Database, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Renewed at a third of it, so that a machine may stand still for the other two.
    monkeypatch.setattr(module, "LEASE_MS", 9000)
    one = await promised(database)
    async with asyncio.timeout(60):
        claimed = await desk.claimed(one)
        async with database.connection() as connection:
            # Wait, by the clock of the database, until the lease as it is now would be over.
            until = await connection.fetchval("SELECT leased_until FROM callbacks")
            await connection.execute("SELECT pg_sleep_until($1)", until, timeout=40)
            assert (await attempts.leases(database))[one] > 0
            assert desk.lost.empty()
            await connection.execute("UPDATE callbacks SET fence = fence + 1")
        assert await desk.lost.get() == (one, claimed.fence, True)


async def test_no_lease_is_renewed_of_what_ended_while_it_was_claimed(
    database: Database, desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    one = await promised(database)
    with caplog.at_level(logging.WARNING):
        desk.store.claim(one)
        async with asyncio.timeout(20):
            await desk.store.end(ev.End(one, Stage.CANCELLED, "customer"))
    assert desk.store._leases == {}
    assert (await callbacks.get(database, one)).state == "cancelled"


async def test_where_nobody_is_called_callbacks_expire_all_the_same(database: Database) -> None:
    old = await promised(database)
    chosen = await promised(database, "+14155550124", due_ms=NOW + 72 * HOUR)
    held = await promised(database, "+14155550125")
    assert isinstance(await attempts.claim(database, held, "w", 60_000), Claim)
    await expire(database, {"sales": Policy()}, NOW + 72 * HOUR - 1)
    assert len(await callbacks.waiting(database)) == 3
    await expire(database, {"sales": Policy()}, NOW + 72 * HOUR)
    found = [await callbacks.get(database, one) for one in (old, chosen, held)]
    assert [(one.state, one.reason) for one in found] == [
        ("expired", "expired"),
        ("waiting", None),
        ("waiting", None),
    ]
    await expire(database, {"sales": replace(Policy(), expires_ms=100 * HOUR)}, NOW + 144 * HOUR)
    assert (await callbacks.get(database, chosen)).state == "waiting"


async def test_rows_that_callbacks_go_on_with_are_read_together(database: Database) -> None:
    recorder = Recorder(database, every_s=0.01)
    recorder.start()
    call = str(uuid6.uuid7())
    recorder.interaction(Interaction(call, NOW, ended_ms=NOW + 9, outcome="called_back"))
    recorder.segment(Segment(call, 1, SegmentKind.QUEUE, NOW, "sales"))
    await recorder.drain()
    await callbacks.ask(database, callbacks.Wish("+14155550123", "sales", NOW, call))
    await callbacks.ask(database, callbacks.Wish("+14155550124", "sales", NOW))
    desk = Desk(database)
    rows = sorted(await desk.store.waiting(), key=lambda row: row.number)
    theirs, made = await desk.store.accounts(rows)
    assert (theirs.interaction.id, len(theirs.segments)) == (call, 1)
    # Nobody called for the other: the interaction is made up, and is the callback's own.
    assert (made.interaction.id, made.interaction.direction) == (rows[1].id, "outbound")
    assert (made.interaction.identity, made.segments) == (Identity("phone", "+14155550124"), ())
    assert await desk.store.accounts([]) == []
    await desk.store.close()
