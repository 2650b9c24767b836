"""Transfers to numbers outside, places kept, and what runs when the last agent has gone."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from handing_house import HEARD, Desk, cleared, desk_of, way
from house import House

from lab import audio
from lab.errors import StackError
from lab.leg import Leg
from lab.softphone import Line, SoftPhone

A, B, C = "2001", "2002", "2003"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def opened(house: House) -> AsyncIterator[Desk]:
    async with desk_of(house) as desk:
        yield desk


@pytest_asyncio.fixture(loop_scope="session")
async def desk(opened: Desk, clean: None) -> AsyncIterator[Desk]:
    yield opened
    await cleared(opened)


async def heard(caller: Line, leg: Leg, seed: int) -> None:
    """The caller hears who is outside."""
    said = await leg.say(audio.voice(seed, 2.0))
    await caller.hears(said, at_least=HEARD)


@pytest.mark.parametrize(("how", "number"), [("phone", "+14155552601"), ("command", "4155552602")])
async def test_a_transfer_to_a_number(desk: Desk, how: str, number: str) -> None:
    outside = desk.house.world.outside("+1" + number.removeprefix("+1"))
    caller, line = await desk.talk(A)
    if how == "phone":
        await line.refer(number)
    else:
        await desk.order("transfer", number)
    rung = await outside.ringing()
    assert rung.shown_number == "+14155550100"
    await outside.answer(rung)
    await line.ended()
    await desk.stack.becomes(A, "available")
    await heard(caller, rung, 70_001)
    await rung.hang_up()
    await caller.ended()
    found = await desk.closed()
    assert way(found, "talk", "transfer") == [
        ("talk", A, "transferred"),
        ("transfer", None, "answered"),
        ("talk", None, "ended"),
    ]


async def test_an_attended_transfer_to_a_number(desk: Desk) -> None:
    number = "+14155552603"
    outside = desk.house.world.outside(number)
    caller, line = await desk.talk(A)
    await desk.order("consult", number)
    rung = await outside.answer(await outside.ringing())
    await heard(line, rung, 70_002)
    await desk.order("complete")
    await line.ended()
    await heard(caller, rung, 70_003)
    await caller.hang_up()
    await rung.ended()
    found = await desk.closed()
    assert way(found, "talk", "consult") == [
        ("talk", A, "held"),
        ("consult", None, "transferred"),
        ("talk", None, "ended"),
    ]


async def test_a_number_that_is_busy_gives_the_caller_back(desk: Desk) -> None:
    number = "+14155552604"
    await desk.house.world.outside(number).behave("busy")
    caller, line = await desk.talk(A)
    await line.refer(number)
    again = await desk.answer(A)
    await desk.state("talking", A)
    await desk.hear(caller, again)
    await again.hang_up()
    found = await desk.closed()
    assert way(found, "transfer") == [("transfer", None, "busy"), ("transfer", A, "answered")]


@pytest.mark.parametrize("number", ["+442079460000", "911", "+19005550100"])
async def test_what_the_gate_does_not_let_pass_is_not_dialled(desk: Desk, number: str) -> None:
    caller, line = await desk.talk(A)
    await line.refer(number)
    await line.told(503)
    with pytest.raises(StackError, match="may not be dialled"):
        await desk.order("transfer", number)
    await desk.hear(caller, line)


async def test_a_command_that_cannot_be_done_ends_with_status_2(desk: Desk) -> None:
    _caller, _line = await desk.talk(A)
    row = await desk.state("talking", A)
    end = row["interaction"][-12:]
    with pytest.raises(StackError, match="status 2\nsala: there is no agent and no queue nobody"):
        await desk.stack.run("call", "transfer", end, "nobody")
    with pytest.raises(StackError, match="status 2\nsala: xyz: there is no such call"):
        await desk.stack.run("call", "hold", "xyz")
    assert end in await desk.stack.run("call", "list")
    await desk.stack.run("call", "hold", end)
    await desk.state("held", A)
    await desk.stack.run("call", "resume", end)
    await desk.state("talking", A)


async def test_a_place_is_kept_where_that_is_asked_for(desk: Desk) -> None:
    _caller, _line = await desk.talk(A)
    await desk.stack.agent(A, "offline")
    before = (await desk.house.interaction(desk.number))["segments"]
    await desk.order("transfer", "support", keep_place=True)
    await desk.state("waiting")
    queues = {row["queue"]: row["waiting"] for row in (await desk.stack.status())["queues"]}
    entered = next(one["started_ms"] for one in before if one["kind"] == "queue")
    answered = next(one["started_ms"] for one in before if one["kind"] == "talk")
    assert queues["support"][0]["waited_ms"] >= answered - entered


async def test_a_phone_that_is_dead_gives_the_caller_back(desk: Desk) -> None:
    caller, line = await desk.talk(A)
    secret = desk.stack.accounts().phones[C]
    async with SoftPhone(desk.stack.sip, C, secret) as dead:
        await desk.log_in(C)
        dead.die()
    try:
        await line.refer(C)
        again = await (await desk.phones[A].ringing(10)).answer()
        await desk.hear(caller, again)
        await again.hang_up()
    finally:
        await desk.phones[C].register()
    found = await desk.closed()
    assert [one[:2] for one in way(found, "transfer", "talk")] == [
        ("talk", A),
        ("transfer", C),
        ("transfer", A),
        ("talk", A),
    ]


async def test_a_phone_that_dies_in_its_talk_leaves_nobody_behind(desk: Desk) -> None:
    caller, line = await desk.talk(A)
    secret = desk.stack.accounts().phones[C]
    async with SoftPhone(desk.stack.sip, C, secret) as dying:
        await desk.log_in(C)
        await line.refer(C)
        other = await (await dying.ringing()).answer()
        await desk.state("talking", C)
        await desk.hear(caller, other)
        dying.die()
    await caller.hang_up()
    await desk.phones[C].register()
    found = await desk.closed()
    assert (found["outcome"], found["ended_by"]) == ("answered", "customer")
    assert [one[:2] for one in way(found, "talk")] == [("talk", A), ("talk", C)]
