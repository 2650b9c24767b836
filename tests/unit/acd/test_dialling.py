"""Promises and transfers: through the gate, on disk, within the caps, also all at once."""

from __future__ import annotations

import asyncio
import logging

import pytest
import uuid6

from acd.dialling import Asked, Dialling
from acd.gate import Gate, Rules
from acd.router.codec import from_entry
from acd.router.events import Arrived
from crm import callbacks, customers
from crm.database import Database
from crm.errors import DatabaseUnavailable
from crm.records import Identity

NUMBER = "+14155550123"
NOW = 1_800_000_000_000
DAY = 24 * 3_600_000


class Desk:
    def __init__(self, database: Database, **rules: int) -> None:
        self.now = NOW
        self.called_back: list[str] = []
        self.asked: dict[str, Asked] = {}
        self.dialling = Dialling(
            Gate(Rules("US", allowed=("US",), sip_hosts=("pbx.lan",), **rules)),
            database,
            lambda: self.now,
            agent={"anna": "1001"}.get,  # type: ignore[arg-type]
            asked=lambda interaction: self.asked.get(interaction, Asked()),
            called_back=self.called_back.append,
        )


def new() -> str:
    return str(uuid6.uuid7())


async def test_a_promise_is_on_disk_once_it_is_made(database: Database) -> None:
    desk, call = Desk(database), new()
    assert await desk.dialling.promise(call, "support", "(415) 555-0123")
    (kept,) = await callbacks.waiting(database)
    assert (kept.number, kept.queue, kept.requested_ms) == (NUMBER, "support", NOW)
    assert (kept.interaction, kept.source, desk.called_back) == (call, "flow", [call])


async def test_a_promise_keeps_the_place_of_who_waited(database: Database) -> None:
    desk, call = Desk(database), new()
    place = Arrived(call, "support", NOW - 90_000, priority=5, tier="vip")
    desk.asked[call] = Asked(place, "th", NOW + 60_000)
    assert await desk.dialling.promise(call, "support", NUMBER)
    (kept,) = await callbacks.waiting(database)
    assert (kept.requested_ms, kept.language, kept.told_ms) == (NOW, "th", NOW + 60_000)
    assert from_entry("arrived", kept.place or {}) == place


async def test_a_place_in_another_queue_is_none_in_this(database: Database) -> None:
    desk, call = Desk(database), new()
    desk.asked[call] = Asked(Arrived(call, "sales", NOW - 90_000))
    assert await desk.dialling.promise(call, "support", NUMBER)
    (kept,) = await callbacks.waiting(database)
    assert kept.place is None


async def test_what_may_not_be_dialled_is_not_promised(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    desk = Desk(database)
    for number in ("+19005550123", "+66812345678", "911", "${X}", ""):
        assert not await desk.dialling.promise(new(), "support", number)
    assert await callbacks.waiting(database) == []
    assert desk.called_back == []
    told = [vars(record) for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(told) == 5
    assert not any("5550123" in str(one) for one in told)


async def test_who_does_not_want_to_be_called_is_promised_nothing(database: Database) -> None:
    desk = Desk(database)
    await callbacks.forbid(database, NUMBER, NOW)
    assert not await desk.dialling.promise(new(), "support", NUMBER)
    assert desk.called_back == []


async def test_one_open_callback_for_a_customer_and_queue(database: Database) -> None:
    desk = Desk(database)
    made = await asyncio.gather(*(desk.dialling.promise(new(), "s", NUMBER) for _ in range(8)))
    assert all(made)
    assert len(await callbacks.waiting(database)) == 1
    assert await desk.dialling.promise(new(), "other", NUMBER)
    assert len(await callbacks.waiting(database)) == 2


async def test_a_customer_of_two_numbers_has_one_callback(database: Database) -> None:
    owner = await customers.find_or_make(database, Identity("phone", NUMBER))
    async with database.connection() as connection:
        await connection.execute(
            "INSERT INTO identities (customer_id, kind, value)"
            " VALUES ($1::text::uuid, 'phone', $2)",
            owner,
            "+14155550124",
        )
    desk = Desk(database)
    assert await desk.dialling.promise(new(), "s", NUMBER)
    assert await desk.dialling.promise(new(), "s", "+14155550124")
    assert len(await callbacks.waiting(database)) == 1


async def test_caps_hold_also_for_those_at_once(database: Database) -> None:
    desk = Desk(database, per_number=3)
    asked = [desk.dialling.address(new(), "number", NUMBER) for _ in range(9)]
    done = await asyncio.gather(*asked)
    assert sorted(map(str, done)) == [NUMBER] * 3 + ["None"] * 6
    assert not await desk.dialling.promise(new(), "s", NUMBER)
    desk.now += DAY
    assert await desk.dialling.address(new(), "number", NUMBER) == NUMBER


async def test_caps_of_a_day_and_at_once(database: Database) -> None:
    numbers = [f"+1415555{n:04d}" for n in range(100, 110)]
    desk = Desk(database, at_once=2)
    done = [await desk.dialling.address(new(), "number", one) for one in numbers[:4]]
    assert done == [*numbers[:2], None, None]
    desk = Desk(database, per_day=4)
    done = [await desk.dialling.address(new(), "number", one) for one in numbers[4:8]]
    assert done == [*numbers[4:6], None, None]


async def test_ways_to_agents_and_sip_addresses(database: Database) -> None:
    dialling = Desk(database).dialling
    assert await dialling.address(new(), "agent", "anna") == "1001"
    desk = Desk(database)
    desk.dialling._agent = lambda agent: ""
    assert await desk.dialling.address(new(), "agent", "bob") is None
    assert await dialling.address(new(), "sip", "sip:a@pbx.lan") == "sip:a@pbx.lan"
    assert await dialling.address(new(), "sip", "sip:a@evil.example") is None


async def test_nothing_is_promised_while_the_database_is_away() -> None:
    desk = Desk(Database("postgresql://nobody@127.0.0.1:1/none"))
    with pytest.raises(DatabaseUnavailable):
        await desk.dialling.promise(new(), "s", NUMBER)
    assert desk.called_back == []
