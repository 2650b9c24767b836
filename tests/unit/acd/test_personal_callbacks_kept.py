"""Callbacks that agents promise in person, and callers by other numbers, on a real database."""

from __future__ import annotations

import asyncio

import pytest
import uuid6
from promise_desk import NOW, NUMBER, Desk

from acd.promises import Promises
from acd.roster import Roster
from crm import callbacks, customers, interactions
from crm.database import Database
from crm.errors import DataRefused
from crm.interactions import Spoken
from crm.records import Agent, Floor, Identity, Queue
from sala.ordering import CallbackRefused, Orders, StoredLines

ROSTER = Roster.of(
    Floor(
        1,
        queues=(Queue("support"),),
        agents=(Agent("ann", "Ann", "1", ("support",)), Agent("bob", "Bob", "2", ("support",))),
    )
)
OTHER = "+14155550177"


def orders(database: Database, desk: Desk) -> Orders:
    promises = Promises(desk.gate, database, lambda: desk.now, StoredLines(ROSTER))
    return Orders(promises, database, lambda: ROSTER, lambda: desk.now)


def spoken(number: str | None = NUMBER) -> Spoken:
    return Spoken("i1", number, "support", "th")


async def talked(
    database: Database, agent: str, number: str | None, at: int, ended: int | None
) -> str:
    """An agent has talked with somebody."""
    one = str(uuid6.uuid7())
    async with database.connection() as connection:
        await connection.execute(
            "INSERT INTO interactions (id, channel, direction, identity_kind, identity_value,"
            " arrived_at, ended_at, outcome) VALUES ($1::text::uuid, 'voice', 'inbound', $2, $3,"
            " from_ms($4), from_ms($5), CASE WHEN $5::bigint > 0 THEN 'answered' END)",
            one, None if number is None else "phone", number, at, ended,
        )  # fmt: skip
        await connection.execute(
            "INSERT INTO segments (interaction, seq, kind, queue, agent, started_at, ended_at)"
            " VALUES ($1::text::uuid, 1, 'talk', 'support', $2, from_ms($3), from_ms($4))",
            one, agent, at, ended,
        )  # fmt: skip
    return one


async def test_it_is_the_agents_own_and_at_their_time(database: Database) -> None:
    desk = Desk(database)
    due = NOW + 900_000
    assert await orders(database, desk).own("ann", spoken("(415) 555-0123"), due) == NUMBER
    (kept,) = await callbacks.waiting(database)
    assert (kept.owner, kept.source, kept.due_ms, kept.language) == ("ann", "agent", due, "th")


async def test_one_that_waits_already_becomes_theirs_but_not_another_agents(
    database: Database,
) -> None:
    desk = Desk(database)
    asked = (await desk.asks()).callback
    take = orders(database, desk)
    assert await take.own("ann", spoken(), NOW + 1) == NUMBER
    (kept,) = await callbacks.waiting(database)
    assert (kept.id, kept.owner) == (asked, "ann")
    assert await take.own("ann", spoken(), NOW + 60_000) == NUMBER
    assert (await callbacks.get(database, asked)).due_ms == NOW + 60_000
    with pytest.raises(CallbackRefused):
        await take.own("bob", spoken(), NOW + 1)
    assert (await callbacks.get(database, asked)).owner == "ann"


@pytest.mark.parametrize("number", [None, "+19005550123", "911"])
async def test_what_may_not_be_dialled_is_refused(database: Database, number: str | None) -> None:
    with pytest.raises(CallbackRefused):
        await orders(database, Desk(database)).own("ann", spoken(number), NOW + 1)
    assert await callbacks.waiting(database) == []


async def test_whoever_was_spoken_to_last_is_meant(database: Database) -> None:
    since = NOW - 1000
    assert await interactions.last_of(database, "ann", since) is None
    await talked(database, "ann", OTHER, NOW - 9000, NOW - 5000)
    assert await interactions.last_of(database, "ann", since) is None
    first = await talked(database, "ann", NUMBER, NOW - 4000, NOW - 500)
    await talked(database, "bob", OTHER, NOW - 400, None)
    found = await interactions.last_of(database, "ann", since)
    assert (found and found.interaction, found and found.number) == (first, NUMBER)
    await talked(database, "ann", None, NOW - 300, None)
    found = await interactions.last_of(database, "ann", since)
    assert found is not None
    assert (found.number, found.queue) == (None, "support")


async def test_a_callback_knows_the_customers_other_numbers(database: Database) -> None:
    desk = Desk(database)
    customer = await customers.find_or_make(database, Identity("phone", NUMBER))
    one = (await desk.asks()).callback
    assert (await callbacks.get(database, one)).phones == ()
    told = callbacks.watch(database)
    assert await anext(told) == frozenset()
    async with database.connection() as connection:
        await connection.execute(
            "INSERT INTO identities VALUES ('phone', $1, $2::text::uuid),"
            " ('email', 'a@example.com', $2::text::uuid)",
            OTHER,
            customer,
        )
    async with asyncio.timeout(10):
        assert one in await anext(told)
    assert (await callbacks.get(database, one)).phones == (OTHER,)
    await told.aclose()  # type: ignore[attr-defined]


async def test_who_handles_a_customer_sees_what_they_wait_for(database: Database) -> None:
    desk = Desk(database)
    take = orders(database, desk)
    # The number became theirs only after the promise.
    one = (await desk.asks()).callback
    customer = await customers.find_or_make(database, Identity("phone", NUMBER))
    call = await talked(database, "ann", NUMBER, NOW, None)
    async with database.connection() as connection:
        await connection.execute("UPDATE interactions SET customer_id = $1::text::uuid", customer)
    assert [seen["id"] for seen in await take.open("", "", call)] == [one]
    assert [seen["id"] for seen in await take.open("support", customer)] == [one]
    assert await take.open("sales", customer) == []
    nobody = str(uuid6.uuid7())
    assert await take.open("", "", nobody) == await take.open("", nobody) == []
    assert await take.open("", "", "no id") == await take.open("", "no id") == []
    with pytest.raises(DataRefused):
        await interactions.customer_of(database, "no id")
