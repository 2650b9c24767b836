"""Promises of callbacks: through the gate, on disk, one for a customer, within the caps."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace

import pytest
from promise_desk import HOUR, NOW, NUMBER, Desk, new

from acd.callbacks.place import SLOT
from acd.gate import Refusal
from acd.promises import Asked
from crm import calendars, callbacks, customers
from crm.callbacks import Answer
from crm.database import Database
from crm.errors import DatabaseUnavailable, DataRefused, NotFound
from crm.records import Identity

OTHER = "+14155550124"


async def test_a_promise_is_on_disk_once_it_is_made(database: Database) -> None:
    desk, call = Desk(database), new()
    made = await desk.promises.make(Asked("support", "(415) 555-0123", call, language="th"))
    assert (made.answer, made.kept) == (Answer.PROMISED, True)
    (kept,) = await callbacks.waiting(database)
    assert (kept.id, kept.number, kept.queue) == (made.callback, NUMBER, "support")
    assert (kept.requested_ms, kept.due_ms, kept.language) == (NOW, NOW, "th")
    assert (kept.interaction, kept.source, desk.told) == (call, "flow", [call])


async def test_a_promise_keeps_the_place_of_who_waited(database: Database) -> None:
    desk, call = Desk(database), new()
    desk.entries[call] = NOW - 90_000
    assert (await desk.promises.make(Asked("support", NUMBER, call))).kept
    (kept,) = await callbacks.waiting(database)
    assert (kept.requested_ms, kept.place) == (NOW, {"entered": NOW - 90_000})


async def test_what_may_not_be_dialled_is_not_promised(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    desk = Desk(database)
    for number in ("+19005550123", "+66812345678", "911", "${X}", ""):
        made = await desk.asks(number)
        assert not made.kept
        assert made.refusal is not None
    assert (await callbacks.waiting(database), desk.told) == ([], [])
    told = [vars(record) for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(told) == 5
    assert not any("5550123" in str(one) for one in told)


async def test_who_does_not_want_to_be_called_is_promised_nothing(database: Database) -> None:
    desk = Desk(database)
    await callbacks.forbid(database, NUMBER, NOW)
    assert (await desk.asks()).refusal is Refusal.DO_NOT_CALL
    one = await desk.asks(OTHER)
    assert await desk.promises.change(one.callback, NUMBER) is Refusal.DO_NOT_CALL
    assert len(desk.told) == 1


async def test_one_open_callback_for_a_customer_and_queue(database: Database) -> None:
    desk = Desk(database)
    made = await asyncio.gather(*(desk.asks() for _ in range(8)))
    assert sorted(one.answer for one in made if one.answer) == ["found"] * 7 + ["promised"]
    assert len({one.callback for one in made}) == 1
    assert (await desk.asks(queue="other")).answer is Answer.PROMISED
    assert len(await callbacks.waiting(database)) == 2


async def test_who_asks_from_the_line_has_theirs_no_later_than_their_turn_there(
    database: Database,
) -> None:
    desk = Desk(database)
    first = await desk.asks(source=SLOT, due_ms=NOW + 24 * HOUR, told_ms=NOW + 25 * HOUR)
    desk.now += 2 * HOUR
    waits = new()
    desk.entries[waits] = NOW + HOUR
    asked = Asked("support", NUMBER, waits, told_ms=NOW + 3 * HOUR)
    second = await desk.promises.make(asked)
    assert (second.answer, second.callback) == (Answer.FOUND, first.callback)
    (row,) = await callbacks.waiting(database)
    assert (row.due_ms, row.source, row.told_ms) == (desk.now, "flow", NOW + 3 * HOUR)
    assert row.place == {"entered": NOW + HOUR}
    # Who stands further back in line changes nothing.
    later = new()
    desk.entries[later] = NOW + 2 * HOUR
    desk.now += 1
    await desk.promises.make(Asked("support", NUMBER, later))
    assert await callbacks.waiting(database) == [row]


async def test_a_customer_of_two_numbers_has_one_callback(database: Database) -> None:
    await owns(database, NUMBER, OTHER)
    desk = Desk(database)
    assert (await desk.asks()).answer is Answer.PROMISED
    assert (await desk.asks(OTHER)).answer is Answer.FOUND
    assert len(await callbacks.waiting(database)) == 1


async def test_a_second_request_finds_the_first_with_its_place(database: Database) -> None:
    desk = Desk(database)
    for ahead in ("+14155550130", "+14155550131"):
        await desk.asks(ahead)
        desk.now += 1000
    one = await desk.asks()
    assert await desk.promises.find("support", NUMBER) == (one.callback, 3)
    assert await desk.promises.find("other", NUMBER) is None
    assert await desk.promises.find("support", "withheld") is None
    kept = await callbacks.get(database, one.callback)
    desk.places[kept.interaction or ""] = 7  # live callers stand between
    assert await desk.promises.find("support", NUMBER) == (one.callback, 7)


async def test_a_number_is_changed_through_the_gate(database: Database) -> None:
    desk = Desk(database)
    one = (await desk.asks()).callback
    assert await desk.promises.change(one, "(415) 555-0124") == OTHER
    assert await desk.promises.change(one, "+19005550123") is Refusal.COSTLY
    assert (await callbacks.get(database, one)).number == OTHER
    await desk.asks()
    with pytest.raises(DataRefused, match="another open callback"):
        await desk.promises.change(one, NUMBER)
    assert await desk.promises.cancel(one, "customer")
    assert not await desk.promises.cancel(one, "customer")
    with pytest.raises(NotFound):
        await desk.promises.change(one, OTHER)


async def test_the_number_is_said_as_its_country_writes_it(database: Database) -> None:
    desk = Desk(database)
    assert desk.promises.spoken(NUMBER) == "4155550123"
    assert desk.promises.spoken("+66812345678") == "66812345678"


async def test_times_lie_in_opening_hours_and_are_given_to_so_many_as_serve(
    database: Database,
) -> None:
    desk = Desk(database)
    desk.policy = replace(desk.policy, book_ahead_ms=48 * HOUR, slot_ms=HOUR)
    week = {"timezone": "America/Los_Angeles", "week": {"mon-sun": "09:00-12:00"}}
    desk.hours = calendars.read("office", week, lambda *_: None)
    desk.agents = 2
    times = await desk.promises.times("support", NUMBER)
    assert len(times) == 6
    first = times[0].start
    assert desk.promises.zone("support", NUMBER) == "America/Los_Angeles"
    chosen = {"source": SLOT, "due_ms": first, "told_ms": first + HOUR}
    made = await asyncio.gather(
        *(desk.asks(f"+1415555{number:04d}", **chosen) for number in range(100, 108))
    )
    assert sorted(str(one.answer) for one in made) == ["full"] * 6 + ["promised"] * 2
    assert (await desk.promises.times("support", NUMBER))[0].start == first + HOUR
    assert await desk.promises.times("nowhere", NUMBER) == []
    assert await desk.promises.times("support", "911") == []
    assert desk.promises.opening("support") == first


async def test_once_a_day_for_a_customer_by_whichever_number(database: Database) -> None:
    await owns(database, NUMBER, OTHER)
    desk = Desk(database)
    asked = [(NUMBER, "a"), (OTHER, "b"), (NUMBER, "c"), (OTHER, "d")] * 3
    made = await asyncio.gather(
        *(desk.asks(number, queue, source="abandon", once=True) for number, queue in asked)
    )
    assert sum(one.answer is Answer.PROMISED for one in made) == 1
    assert len(await callbacks.waiting(database)) == 1
    desk.now += 24 * HOUR
    assert (await desk.asks(OTHER, "e", source="abandon", once=True)).answer is Answer.PROMISED


async def test_nothing_is_promised_while_the_database_is_away() -> None:
    desk = Desk(Database("postgresql://nobody@127.0.0.1:1/none"))
    with pytest.raises(DatabaseUnavailable):
        await desk.asks()
    assert desk.told == []


async def owns(database: Database, number: str, *others: str) -> None:
    owner = await customers.find_or_make(database, Identity("phone", number))
    async with database.connection() as connection:
        for other in others:
            await connection.execute(
                "INSERT INTO identities (customer_id, kind, value)"
                " VALUES ($1::text::uuid, 'phone', $2)",
                owner,
                other,
            )
