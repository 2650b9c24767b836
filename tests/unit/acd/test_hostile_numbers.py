"""Ten thousand hostile numbers through every way in: none accepted, no row, on a real database."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from pathlib import Path

import pytest
from hostile import GOOD, numbers
from promise_desk import Desk, new

from acd.dialling import Dialling
from acd.gate import Gate, Refusal, Rules
from acd.promises import Promises
from acd.roster import Roster
from acd.spool import Spool
from crm import callbacks, dialled
from crm.database import Database
from crm.records import Agent, Floor, Queue
from ivr.flow.actions import AskCallback
from sala.asking import FlowCallbacks
from sala.ordering import CallbackRefused, Orders, StoredLines

COUNT = 10_000
HOSTILE = numbers(COUNT)
STORED = Floor(1, queues=(Queue("support"),), agents=(Agent("1001", "A", "1001", ("support",)),))


@pytest.fixture
def desk(database: Database) -> Desk:
    return Desk(database)


async def nothing_there(database: Database, rows: int = 0) -> None:
    async with database.connection() as connection:
        assert await connection.fetchval("SELECT count(*) FROM callbacks") == rows
        assert await connection.fetchval("SELECT count(*) FROM dialled") == 0


def test_they_are_of_every_kind_and_many() -> None:
    assert len(HOSTILE) == COUNT
    assert len(set(HOSTILE)) > COUNT / 2
    gate = Gate(Rules("US", allowed=("US",)))
    kinds = Counter(gate.number(one) for one in HOSTILE)
    assert all(isinstance(kind, Refusal) for kind in kinds), [k for k in kinds if k in HOSTILE]
    assert {
        Refusal.NOT_A_NUMBER, Refusal.INVALID, Refusal.EMERGENCY, Refusal.COSTLY,
        Refusal.NOT_ALLOWED, Refusal.NO_COUNTRY,
    } <= kinds.keys()  # fmt: skip


async def test_by_a_call(database: Database, desk: Desk) -> None:
    flow = FlowCallbacks(desk.promises, desk, database, lambda: desk.now)  # type: ignore[arg-type]
    for number in HOSTILE:
        assert await flow.check(number) is None
        assert not await flow.promise(new(), AskCallback(queue="support", number=number))
    await nothing_there(database)
    assert desk.told == []


async def test_by_an_order_of_a_command_or_the_control_socket(
    database: Database, desk: Desk
) -> None:
    roster = Roster.of(STORED)
    promises = Promises(desk.gate, database, lambda: desk.now, StoredLines(roster))
    orders = Orders(promises, database, lambda: roster, lambda: desk.now)
    for number in HOSTILE:
        with pytest.raises(CallbackRefused):
            await orders.add({"number": number, "queue": "support", "due_ms": desk.now + 60_000})
    await nothing_there(database)


async def test_by_a_change_of_number(database: Database, desk: Desk) -> None:
    one = (await desk.asks()).callback
    flow = FlowCallbacks(desk.promises, desk, database, lambda: desk.now)  # type: ignore[arg-type]
    for number in HOSTILE:
        assert isinstance(await desk.promises.change(one, number), Refusal)
        assert not number or not await flow.change(one, number)
    assert (await callbacks.get(database, one)).number == GOOD
    await nothing_there(database, rows=1)


async def test_by_the_survival_spool(database: Database, desk: Desk, tmp_path: Path) -> None:
    for index, number in enumerate(HOSTILE):
        request = {"version": 1, "number": number, "requested_ms": 1, "carry": "queue=support"}
        (tmp_path / f"{index:05}.json").write_text(json.dumps(request))
    assert await Spool(tmp_path, database, desk.gate, desk.told.append).take_in() == 0
    await nothing_there(database)
    assert (list(tmp_path.glob("*.json")), desk.told) == ([], [])
    assert len(list((tmp_path / "rejected").iterdir())) == COUNT


async def test_by_the_dialling_itself(database: Database, desk: Desk) -> None:
    for number in HOSTILE:
        assert isinstance(await desk.dialling.claim(number, "callback", new()), Refusal)
    await nothing_there(database)


# --- caps, of two services at once ----------------------------------------------------------------


async def test_caps_hold_exactly_under_requests_at_once(empty: str, database: Database) -> None:
    other = Database(empty, size=20)
    await other.open()
    try:
        await _number_cap(database, other)
        await _day_cap(database, other)
        await _at_once_cap(database, other)
    finally:
        await other.close()


async def _claims(database: Database, other: Database, numbers_: list[str], **rules: int) -> int:
    gate = Gate(Rules("US", allowed=("US",), **rules))
    lines = [Dialling(gate, one, lambda: 1_000_000_000_000, agent=str) for one in (database, other)]
    asked = [
        lines[index % 2].claim(number, "callback", new()) for index, number in enumerate(numbers_)
    ]
    return sum(not isinstance(one, Refusal) for one in await asyncio.gather(*asked))


async def _number_cap(database: Database, other: Database) -> None:
    assert await _claims(database, other, [GOOD] * 60, per_number=5) == 5
    # Promises of many queues at once to one number: no more are open than may be dialled.
    desks = [Desk(one, per_number=3) for one in (database, other)]
    made = await asyncio.gather(*(desks[n % 2].asks(queue=f"q{n}") for n in range(40)))
    assert sum(one.kept for one in made) == 3
    assert len(await callbacks.waiting(database)) == 3


async def _day_cap(database: Database, other: Database) -> None:
    before = (await dialled.counts(database, GOOD, 1_000_000_000_000)).day
    many = [f"+1415555{n:04d}" for n in range(200, 260)]
    assert await _claims(database, other, many, per_day=before + 7, at_once=1_000) == 7


async def _at_once_cap(database: Database, other: Database) -> None:
    before = (await dialled.counts(database, GOOD, 1_000_000_000_000)).at_once
    many = [f"+1415555{n:04d}" for n in range(300, 360)]
    assert await _claims(database, other, many, at_once=before + 4) == 4
