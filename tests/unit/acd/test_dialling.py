"""Transfers and other dialling: through the gate, on disk, within the caps, also all at once."""

from __future__ import annotations

import asyncio

import uuid6

from acd.dialling import Dialling
from acd.gate import Gate, Refusal, Rules
from crm import attempts, callbacks
from crm.database import Database
from crm.recorder import Recorder
from crm.records import Interaction, Segment, SegmentKind

NUMBER = "+14155550123"
NOW = 1_800_000_000_000
DAY = 24 * 3_600_000


class Desk:
    def __init__(self, database: Database, **rules: int) -> None:
        self.now = NOW
        self.dialling = Dialling(
            Gate(Rules("US", allowed=("US",), sip_hosts=("pbx.lan",), **rules)),
            database,
            lambda: self.now,
            agent={"anna": "1001"}.get,  # type: ignore[arg-type]
        )


def new() -> str:
    return str(uuid6.uuid7())


async def test_caps_hold_also_for_those_at_once(database: Database) -> None:
    desk = Desk(database, per_number=3)
    asked = [desk.dialling.address(new(), "number", NUMBER) for _ in range(9)]
    done = await asyncio.gather(*asked)
    assert sorted(map(str, done)) == [NUMBER] * 3 + ["None"] * 6
    desk.now += DAY
    assert await desk.dialling.address(new(), "number", NUMBER) == NUMBER


async def test_caps_of_a_day_and_at_once(database: Database) -> None:
    numbers = [f"+1415555{n:04d}" for n in range(100, 110)]
    for desk, some in (
        (Desk(database, at_once=2), numbers[:4]),
        (Desk(database, per_day=4), numbers[4:8]),
    ):
        asked = [desk.dialling.address(new(), "number", one) for one in some]
        done = await asyncio.gather(*asked)
        assert len([one for one in done if one is not None]) == 2


async def test_callbacks_in_progress_count_though_their_interactions_are_over(
    database: Database,
) -> None:
    recorder = Recorder(database, every_s=0.01)
    recorder.start()
    desk = Desk(database, at_once=2)
    calls = [new() for _ in range(4)]
    numbers = [f"+1415555{n:04d}" for n in range(120, 124)]
    claims = []
    for call, number in zip(calls, numbers, strict=True):
        recorder.interaction(Interaction(call, NOW, ended_ms=NOW + 1, outcome="called_back"))
        wish = callbacks.Wish(number, "sales", NOW, call)
        _, callback = await callbacks.ask(database, wish)
        claim = await attempts.claim(database, callback, "worker", 60_000)
        assert isinstance(claim, attempts.Claim)
        claims.append(claim)
    await recorder.drain(5)
    asked = list(zip(numbers, calls, strict=True))
    assert [str(await desk.dialling.claim(n, "callback", c)) for n, c in asked[:3]] == [
        numbers[0],
        numbers[1],
        Refusal.AT_ONCE_CAP,
    ]
    # A second attempt of one that is counted is no call more, and one that is over is one less.
    assert await desk.dialling.claim(numbers[1], "callback", calls[1]) == numbers[1]
    over = attempts.Result("busy", True, "waiting", None, NOW)
    assert await attempts.finish(database, claims[0], over)
    assert await desk.dialling.claim(numbers[3], "callback", calls[3]) == numbers[3]


async def test_ways_to_agents_and_sip_addresses(database: Database) -> None:
    dialling = Desk(database).dialling
    assert await dialling.address(new(), "agent", "anna") == "1001"
    desk = Desk(database)
    desk.dialling._agent = lambda agent: ""
    assert await desk.dialling.address(new(), "agent", "bob") is None
    assert await dialling.address(new(), "sip", "sip:a@pbx.lan") == "sip:a@pbx.lan"
    assert await dialling.address(new(), "sip", "sip:a@evil.example") is None


async def test_what_was_dialled_counts_for_a_whole_day(database: Database) -> None:
    other = "+14155550124"
    for rules, later in (({"per_number": 1}, NUMBER), ({"per_day": 1}, other)):
        async with database.connection() as connection:
            await connection.execute("DELETE FROM dialled")
        desk = Desk(database, **rules)
        assert await desk.dialling.address(new(), "number", NUMBER) == NUMBER
        desk.now = NOW + DAY - 1
        assert await desk.dialling.address(new(), "number", later) is None
        desk.now = NOW + DAY
        assert await desk.dialling.address(new(), "number", later) == later


async def test_what_one_number_has_dialled_is_not_anothers(database: Database) -> None:
    desk = Desk(database, per_number=1)
    for number in (NUMBER, "+14155550124"):
        assert await desk.dialling.address(new(), "number", number) == number


async def test_a_call_that_belongs_to_nothing_is_in_progress_for_six_hours(
    database: Database,
) -> None:
    desk = Desk(database, at_once=1)
    assert await desk.dialling.claim(NUMBER, "click") == NUMBER
    desk.now = NOW + DAY // 4 - 1
    assert await desk.dialling.claim(NUMBER, "click") is Refusal.AT_ONCE_CAP
    desk.now = NOW + DAY // 4
    assert await desk.dialling.claim(NUMBER, "click") == NUMBER


async def test_who_was_called_back_is_in_progress_while_they_talk(database: Database) -> None:
    recorder = Recorder(database, every_s=0.01)
    recorder.start()
    desk, call = Desk(database, at_once=1), new()
    recorder.interaction(Interaction(call, NOW, ended_ms=NOW + 1, outcome="called_back"))
    recorder.segment(Segment(call, 1, SegmentKind.TALK, NOW + 2, queue="sales", agent="anna"))
    await recorder.drain(5)
    assert await desk.dialling.claim(NUMBER, "callback", call) == NUMBER
    assert await desk.dialling.claim(NUMBER, "callback", new()) is Refusal.AT_ONCE_CAP
    async with database.connection() as connection:
        await connection.execute("UPDATE segments SET ended_at = now(), outcome = 'ended'")
    assert await desk.dialling.claim(NUMBER, "callback", new()) == NUMBER


async def test_many_numbers_are_asked_about_at_once(database: Database) -> None:
    desk, other = Desk(database, per_number=2), "+14155550124"
    assert await desk.dialling.allowed([]) == set()
    for _ in range(2):
        assert await desk.dialling.address(new(), "number", NUMBER)
    assert await desk.dialling.allowed([NUMBER, other]) == {other}
    assert await Desk(database, per_number=9, per_day=2).dialling.allowed([other]) == set()
    assert await Desk(database, per_number=9, at_once=2).dialling.allowed([other]) == set()
    assert await Desk(database, per_number=9, at_once=3).dialling.allowed([other]) == {other}
    desk.now += DAY
    assert await desk.dialling.allowed([NUMBER, other]) == {NUMBER, other}
