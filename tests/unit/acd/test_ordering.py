"""Callbacks that people order, for a time or in a language."""

from __future__ import annotations

import pytest
from promise_desk import HOUR, NOW, NUMBER, Desk, new

from acd.promises import Promises
from acd.roster import Roster
from crm import callbacks
from crm.database import Database
from crm.records import Agent, CalendarSource, Floor, Queue
from sala.ordering import CallbackRefused, Orders, StoredLines

WEEK = {"timezone": "America/Los_Angeles", "week": {"mon-sun": "10:00-12:00"}}
STORED = Floor(
    1,
    queues=(Queue("support", calendar="office"),),
    agents=(Agent("1001", "A", "1001", ("support",)),),
    calendars=(CalendarSource("office", WEEK),),
)
TEN, MINUTE = NOW + 10 * HOUR, 60_000
"""Ten o'clock where the customers are."""


def orders(database: Database) -> Orders:
    desk, roster = Desk(database), Roster.of(STORED)
    promises = Promises(desk.gate, database, lambda: NOW, StoredLines(roster))
    return Orders(promises, database, lambda: roster, lambda: NOW)


async def test_no_time_is_promised_at_which_the_queue_is_closed(database: Database) -> None:
    here = orders(database)
    wish = {"number": NUMBER, "queue": "support", "due_ms": TEN - MINUTE}
    with pytest.raises(CallbackRefused, match="closed"):
        await here.add(wish)
    assert await callbacks.waiting(database) == []
    assert (await here.add(wish, force=True)).kept
    # One of an agent's own is the agent's matter.
    other = {**wish, "number": "+14155550124", "agent": "1001"}
    assert (await here.add(other)).kept


async def test_times_within_one_slot_share_its_room(database: Database) -> None:
    here = orders(database)
    for minute, number in ((29, "+14155550124"), (30, "+14155550125")):
        await here.add({"number": number, "queue": "support", "due_ms": TEN + minute * MINUTE})
    with pytest.raises(CallbackRefused, match="no more"):
        await here.add({"number": NUMBER, "queue": "support", "due_ms": TEN + 31 * MINUTE})
    roster = Roster.of(STORED)
    desk = Desk(database)
    promises = Promises(desk.gate, database, lambda: NOW, StoredLines(roster))
    assert (await promises.times("support", NUMBER))[0].start == TEN + 60 * MINUTE


async def test_a_language_is_one(database: Database) -> None:
    here = orders(database)
    wish = {"number": NUMBER, "queue": "support", "language": "x" * 40}
    with pytest.raises(CallbackRefused, match="no language"):
        await here.add(wish)
    assert (await here.add({**wish, "language": "th"})).kept


async def test_who_declines_at_first_and_then_accepts_was_offered_once(database: Database) -> None:
    desk, caller = Desk(database), new()
    await callbacks.declined(database, caller, "support", NOW)
    await callbacks.ask(database, callbacks.Wish(NUMBER, "support", desk.now, caller))
    (found,) = await callbacks.report(database, 0, 2 * NOW)
    assert (found.offered, found.accepted, found.declined) == (1, 1, 0)
