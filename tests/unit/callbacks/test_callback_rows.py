"""Rows of callbacks on a real Postgres: who may have one, who changes it, who is told."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest
from kept_callbacks import DONE, LEASE, NOW, NUMBER, again, call, claimed, promised

from crm import attempts, callbacks, customers
from crm.attempts import Refusal
from crm.database import Database
from crm.errors import DataRefused, NotFound
from crm.records import Identity


async def test_one_open_callback_whichever_way_it_is_asked_for(database: Database) -> None:
    made = await asyncio.gather(*(promised(database) for _ in range(12)))
    assert len(set(made)) == 1
    assert not await callbacks.ingest(database, "f.json", NUMBER, NOW, queue="sales")
    async with database.connection() as connection:
        with pytest.raises(asyncpg.UniqueViolationError):
            await connection.execute(
                "INSERT INTO callbacks (number, queue, requested_at, due_at, source)"
                " VALUES ($1, 'sales', now(), now(), 'api')",
                NUMBER,
            )
    await callbacks.end(database, made[0], "cancelled", "customer", NOW)
    assert await promised(database) != made[0]


async def test_a_number_that_became_the_customers_meanwhile(database: Database) -> None:
    first = await promised(database)
    await customers.find_or_make(database, Identity("phone", NUMBER))
    assert await promised(database) == first


async def test_the_do_not_call_list(database: Database) -> None:
    one, two = await promised(database), await promised(database, queue="support")
    live = await claimed(database, one)
    assert await callbacks.forbid(database, NUMBER, NOW) == 2
    assert {(await callbacks.get(database, x)).reason for x in (one, two)} == {"do_not_call"}
    assert not await attempts.finish(database, live, again())
    asked = callbacks.Wish(NUMBER, "sales", NOW, call())
    assert await callbacks.ask(database, asked) == (callbacks.Answer.FORBIDDEN, "")
    assert not await callbacks.ingest(database, "f.json", NUMBER, NOW)
    assert await callbacks.allow(database, NUMBER)
    assert not await callbacks.allow(database, NUMBER)
    assert await promised(database)


async def test_a_claim_respects_the_list_too(database: Database) -> None:
    one = await promised(database)
    async with database.connection() as connection:
        await connection.execute("INSERT INTO do_not_call (number) VALUES ($1)", NUMBER)
    assert await attempts.claim(database, one, "a", LEASE) is Refusal.DO_NOT_CALL
    assert await attempts.claim(database, call(), "a", LEASE) is Refusal.UNKNOWN


async def test_changes_by_an_admin(database: Database) -> None:
    one = await promised(database)
    other = await promised(database, queue="support")
    await callbacks.reschedule(database, one, NOW + 9000)
    await callbacks.reassign(database, one, owner="1001")
    await callbacks.change_number(database, one, "+14155550188")
    kept = await callbacks.get(database, one)
    assert (kept.due_ms, kept.owner, kept.queue, kept.number) == (
        NOW + 9000, "1001", "sales", "+14155550188",
    )  # fmt: skip
    await callbacks.change_number(database, one, NUMBER)
    with pytest.raises(DataRefused, match="another open callback"):
        await callbacks.reassign(database, one, queue="support")
    await callbacks.end(database, other, "cancelled", "admin", NOW)
    for change in (
        callbacks.reschedule(database, other, NOW),
        callbacks.reassign(database, other, queue="sales"),
        callbacks.change_number(database, other, NUMBER),
    ):
        with pytest.raises(NotFound):
            await change
    assert (await callbacks.named(database, one[-8:])).id == one
    for nothing in ("", "%", "zz"):
        with pytest.raises(NotFound):
            await callbacks.named(database, nothing)


async def test_watchers_are_told_of_changes(database: Database) -> None:
    changes = callbacks.watch(database, every_s=20)
    async with asyncio.timeout(20):
        assert await anext(changes) == frozenset()
        one = await promised(database)
        assert await anext(changes) == {one}
        live = await claimed(database, one)  # ours to know; told to nobody
        await callbacks.reschedule(database, one, NOW + 5)
        assert await anext(changes) == {one}
        await attempts.finish(database, live, DONE)
        assert await anext(changes) == {one}
    await changes.aclose()
    async with database.connection() as connection:
        await connection.execute("SELECT 1")


async def test_watchers_read_everything_again_however_much_is_told(database: Database) -> None:
    one = await promised(database)
    changes = callbacks.watch(database, every_s=0.5)
    told: list[frozenset[str]] = []

    async def busy() -> None:
        due = NOW
        while True:
            due += 1
            await callbacks.reschedule(database, one, due)

    async with asyncio.timeout(20):
        assert await anext(changes) == frozenset()
        others = asyncio.create_task(busy())
        try:
            while not told or told[-1]:
                told.append(await anext(changes))
        finally:
            others.cancel()
            await asyncio.wait({others})
    assert len(told) > 1
    await changes.aclose()
