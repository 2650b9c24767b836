"""Transfers to numbers outside, places kept, and what runs when the last agent has gone."""

from __future__ import annotations

import pytest
from handing_house import A, C, Office, way

from lab.errors import StackError
from lab.softphone import SoftPhone


@pytest.mark.parametrize(("how", "number"), [("phone", "+14155552601"), ("command", "4155552602")])
async def test_a_transfer_to_a_number(office: Office, how: str, number: str) -> None:
    outside = office.house.world.outside("+1" + number.removeprefix("+1"))
    caller, line = await office.talk(A)
    if how == "phone":
        await line.refer(number)
    else:
        await office.order("transfer", number)
    rung = await outside.ringing()
    assert rung.shown_number == "+14155550100"
    await outside.answer(rung)
    await line.ended()
    await office.stack.becomes(A, "available")
    await office.hear(caller, rung)
    await rung.hang_up()
    await caller.ended()
    found = await office.closed()
    assert way(found, "talk", "transfer") == [
        ("talk", A, "transferred"),
        ("transfer", None, "answered"),
        ("talk", None, "ended"),
    ]


async def test_an_attended_transfer_to_a_number(office: Office) -> None:
    number = "+14155552603"
    outside = office.house.world.outside(number)
    caller, line = await office.talk(A)
    await office.order("consult", number)
    rung = await outside.answer(await outside.ringing())
    await office.hear(line, rung)
    await office.order("complete")
    await line.ended()
    await office.hear(caller, rung)
    await caller.hang_up()
    await rung.ended()
    found = await office.closed()
    assert way(found, "talk", "consult") == [
        ("talk", A, "held"),
        ("consult", None, "transferred"),
        ("talk", None, "ended"),
    ]


async def test_a_number_that_is_busy_gives_the_caller_back(office: Office) -> None:
    number = "+14155552604"
    await office.house.world.outside(number).behave("busy")
    caller, line = await office.talk(A)
    await line.refer(number)
    again = await office.answer(A)
    await office.state("talking", A)
    await office.hear(caller, again)
    await again.hang_up()
    found = await office.closed()
    assert way(found, "transfer") == [("transfer", None, "busy"), ("transfer", A, "answered")]


@pytest.mark.parametrize("number", ["+442079460000", "911", "+19005550100"])
async def test_what_the_gate_does_not_let_pass_is_not_dialled(office: Office, number: str) -> None:
    caller, line = await office.talk(A)
    await line.refer(number)
    await line.told(503)
    with pytest.raises(StackError, match="may not be dialled"):
        await office.order("transfer", number)
    await office.hear(caller, line)


async def test_a_command_that_cannot_be_done_ends_with_status_2(office: Office) -> None:
    _caller, _line = await office.talk(A)
    row = await office.state("talking", A)
    end = row["interaction"][-12:]
    with pytest.raises(StackError, match="status 2\nsala: there is no agent and no queue nobody"):
        await office.stack.run("call", "transfer", end, "nobody")
    with pytest.raises(StackError, match="status 2\nsala: xyz: there is no such call"):
        await office.stack.run("call", "hold", "xyz")
    assert end in await office.stack.run("call", "list")
    await office.stack.run("call", "hold", end)
    await office.state("held", A)
    await office.stack.run("call", "resume", end)
    await office.state("talking", A)


async def test_a_place_is_kept_where_that_is_asked_for(office: Office) -> None:
    _caller, _line = await office.talk(A)
    await office.stack.agent(A, "offline")
    before = (await office.house.interaction(office.number))["segments"]
    await office.order("transfer", "support", keep_place=True)
    await office.state("waiting")
    queues = {row["queue"]: row["waiting"] for row in (await office.stack.status())["queues"]}
    entered = next(one["started_ms"] for one in before if one["kind"] == "queue")
    answered = next(one["started_ms"] for one in before if one["kind"] == "talk")
    assert queues["support"][0]["waited_ms"] >= answered - entered


async def test_a_phone_that_is_dead_gives_the_caller_back(office: Office) -> None:
    caller, line = await office.talk(A)
    secret = office.stack.accounts().phones[C]
    async with SoftPhone(office.stack.sip, C, secret) as dead:
        await office.log_in(C)
        dead.die()
    try:
        await line.refer(C)
        again = await (await office.phones[A].ringing(10)).answer()
        await office.hear(caller, again)
        await again.hang_up()
    finally:
        await office.phones[C].register()
    found = await office.closed()
    assert [one[:2] for one in way(found, "transfer", "talk")] == [
        ("talk", A),
        ("transfer", C),
        ("transfer", A),
        ("talk", A),
    ]


async def test_a_phone_that_dies_in_its_talk_leaves_nobody_behind(office: Office) -> None:
    caller, line = await office.talk(A)
    secret = office.stack.accounts().phones[C]
    async with SoftPhone(office.stack.sip, C, secret) as dying:
        await office.log_in(C)
        await line.refer(C)
        other = await (await dying.ringing()).answer()
        await office.state("talking", C)
        await office.hear(caller, other)
        dying.die()
    await caller.hang_up()
    await office.phones[C].register()
    found = await office.closed()
    assert (found["outcome"], found["ended_by"]) == ("answered", "customer")
    assert [one[:2] for one in way(found, "talk")] == [("talk", A), ("talk", C)]
