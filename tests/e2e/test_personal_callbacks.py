"""Callbacks that agents promise in person, by a code of their phones, and who makes them then."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio
from callback_house import Customers
from handing_house import A, Office, way
from house import BRIEF, PATIENCE_S, House

from lab.hearing import hear_each_other
from lab.leg import Leg
from lab.phone import Phone
from sala.personal import RECENT_MS

CODE = "*26"
CLEAR = 0.7
OWNER_WAIT_S = 3


@pytest_asyncio.fixture(loop_scope="session")
async def customers(house: House) -> AsyncIterator[Customers]:
    made = Customers(house)
    await made.open()
    await made.policy(owner_wait=f"{OWNER_WAIT_S}s")
    yield made
    await house.world.hang_up_all()
    await made.close()


async def spoken_to(house: House, agent: str) -> str:
    """An agent talks with somebody, who hangs up; gives the number."""
    (phone,) = await house.log_in(agent)
    call, number = await house.call(BRIEF, record=False)
    leg = await house.meets(phone)
    await call.hang_up()
    await leg.ended()
    await house.closed(number)
    return number


async def promises(house: House, customers: Customers, agent: str, minutes: str = "") -> None:
    """An agent dials the code, and says when."""
    leg = await house.world.phones[agent].dial(CODE)
    await leg.hears(house.prompt("agent-callback-when"), at_least=CLEAR)
    await leg.press(f"{minutes}#")
    await leg.hears(house.prompt("agent-callback-made"), at_least=CLEAR, within=15)
    # It was on disk before the agent heard so.
    (row,) = await rows(customers)
    assert (row["owner"], row["state"], row["source"]) == (agent, "waiting", "agent")
    await leg.ended(15)


async def due_on_the_line(house: House, customers: Customers) -> tuple[str, Phone, Leg]:
    """It is time for 1001, who is paused, to call somebody, who waits on the line by then.

    Gives their number, its phone and the call.
    """
    number = await spoken_to(house, "1001")
    outside = house.world.outside(number)
    await promises(house, customers, "1001", "15")
    await pause(house, "1001")
    call, _ = await house.call(BRIEF, number=number)
    await house.waiting(1)
    await customers.db.execute("UPDATE callbacks SET due_at = now() WHERE number = $1", number)
    await house.waiting(2, within=15)
    return number, outside, call


async def pause(house: House, agent: str) -> None:
    """Pause an agent: a callback comes due soon after it was promised, and is not to ring yet."""
    await house.stack.agent(agent, "paused")
    await house.stack.becomes(agent, "paused")


async def rows(customers: Customers) -> list[dict[str, Any]]:
    found = await customers.db.fetch("SELECT * FROM callbacks WHERE state = 'waiting'")
    return [dict(one) for one in found]


async def test_whoever_promised_it_calls_though_others_are_idle_longer(
    house: House, customers: Customers
) -> None:
    await customers.policy(owner_wait="1m")
    number = await spoken_to(house, "1001")
    outside = house.world.outside(number)
    await pause(house, "1001")
    await promises(house, customers, "1001")
    (other,) = await house.log_in("1002")
    # The next process knows of it, too.
    await house.stack.kill_service()
    await house.stack.start_service()
    own = await customers.agent("1001")
    agent = await customers.reserved(own, 20)
    assert agent.shown_number == number
    customer = await customers.picks_up(outside)
    await hear_each_other(agent, customer)
    assert other.rings() == 0
    await agent.hang_up()
    row = await customers.becomes(number, "connected")
    assert row["tries"] == ["connected"]


async def test_who_is_paused_is_waited_for_a_while_and_then_another_calls(
    house: House, customers: Customers
) -> None:
    number = await spoken_to(house, "1001")
    outside = house.world.outside(number)
    await pause(house, "1001")
    await promises(house, customers, "1001")
    # It may be offered to the other at once, if it took long to get here.
    other = await customers.agent("1002")
    due = (await customers.row(number))["due_at"]
    there = await customers.db.fetchval("SELECT now()")
    agent = await customers.reserved(other, 20 + OWNER_WAIT_S)
    assert agent.shown_number == number
    customer = await customers.picks_up(outside)
    await hear_each_other(agent, customer)
    await agent.hang_up()
    row = await customers.becomes(number, "connected")
    rung = await customers.db.fetchval(
        "SELECT min(started_at) FROM segments WHERE interaction = $1 AND kind = 'ringing'",
        row["interaction"] or row["id"],
    )
    assert (rung - due).total_seconds() >= OWNER_WAIT_S
    assert (rung - max(due, there)).total_seconds() < OWNER_WAIT_S + PATIENCE_S
    assert house.world.phones["1001"].rings() == 0


async def test_who_has_gone_home_is_not_waited_for(house: House, customers: Customers) -> None:
    await customers.policy(owner_wait="10m")
    number = await spoken_to(house, "1001")
    outside = house.world.outside(number)
    await promises(house, customers, "1001")
    await house.stack.agent("1001", "offline")
    await house.stack.becomes("1001", "offline")
    other = await customers.agent("1002")
    agent = await customers.reserved(other, 20)
    customer = await customers.picks_up(outside)
    await hear_each_other(agent, customer)
    await agent.hang_up()
    await customers.becomes(number, "connected")


async def test_where_customers_are_called_first_the_agent_of_ones_own_is_held_all_the_same(
    house: House, customers: Customers
) -> None:
    await customers.policy(first="customer")
    number = await spoken_to(house, "1001")
    outside = house.world.outside(number)
    await promises(house, customers, "1001")
    await house.log_in("1002")
    agent = await customers.reserved(house.world.phones["1001"], 20)
    customer = await customers.picks_up(outside)
    await customer.hears(house.prompt("callback-question"), at_least=CLEAR, within=15)
    await customer.press("1")
    await hear_each_other(agent, customer)
    await agent.hang_up()
    await customers.becomes(number, "connected")
    assert house.world.phones["1002"].rings() == 0


async def test_who_waits_on_the_line_when_it_is_time_has_the_talk_there(
    house: House, customers: Customers
) -> None:
    number, outside, call = await due_on_the_line(house, customers)
    # To their agent, who is free now, no callback is offered: they are on the line.
    own = await customers.agent("1001")
    agent = await house.meets(own)
    assert agent.shown_number == number
    await hear_each_other(agent, call)
    assert (await customers.row(number))["state"] == "waiting"
    await agent.hang_up()
    await call.ended()
    row = await customers.becomes(number, "merged")
    assert (row["tries"], row["reason"]) == (None, "called_again")
    assert str(row["merged_into"]) == (await customers.written(number))["id"]
    assert outside.rings() == 0


async def test_who_gives_up_on_the_line_is_called_as_promised(
    house: House, customers: Customers
) -> None:
    number, outside, call = await due_on_the_line(house, customers)
    await call.hang_up()
    await house.waiting(1)
    agent = await customers.reserved(await customers.agent("1001"), 25)
    customer = await customers.picks_up(outside)
    await hear_each_other(agent, customer)
    await agent.hang_up()
    assert (await customers.becomes(number, "connected"))["tries"] == ["connected"]


async def test_it_is_promised_with_the_customer_on_hold_for_a_later_time(
    office: Office, customers: Customers
) -> None:
    house = office.house
    caller, line = await office.talk(A)
    await line.hold()
    await office.state("held", A)
    second = await office.phones[A].dial(CODE)
    await second.answered()
    await second.hears(house.prompt("agent-callback-when"), at_least=CLEAR)
    # No answer is one: as soon as they are free.
    await second.hears(house.prompt("agent-callback-made"), at_least=CLEAR, within=25)
    await second.ended(15)
    row = await customers.row(office.number)
    assert (row["owner"], row["state"], row["queue"]) == (A, "waiting", "sales")
    shown = await house.stack.run("customer", "show", office.number, "--json")
    assert [one["owner"] for one in json.loads(shown)["callbacks"]] == [A]
    # The customer never left: the two go on.
    await line.resume()
    await office.state("talking", A)
    await office.hear(caller, line)
    await house.stack.run("callback", "cancel", row["name"])
    await caller.hang_up()
    found = await office.closed()
    assert [one[1] for one in way(found, "talk")] == [A, A]


async def test_in_so_many_minutes(house: House, customers: Customers) -> None:
    number = await spoken_to(house, "1001")
    await promises(house, customers, "1001", "15")
    row = await customers.row(number)
    assert 890 < (row["due_at"] - row["requested_at"]).total_seconds() < 960
    # Asked for twice, it is the same one, at the time said last.
    await promises(house, customers, "1001", "30")
    (again,) = await rows(customers)
    assert again["id"] == row["id"]
    assert 1790 < (again["due_at"] - row["requested_at"]).total_seconds() < 1860


async def test_nobody_is_offered_to_who_is_saying_when(house: House, customers: Customers) -> None:
    number = await spoken_to(house, "1001")
    phone = house.world.phones["1001"]
    leg = await phone.dial(CODE)
    await house.stack.becomes("1001", "on_contact")
    call, later = await house.call(BRIEF)
    await house.waits(later)
    await leg.hears(house.prompt("agent-callback-when"), at_least=CLEAR)
    await leg.press("15#")
    await leg.hears(house.prompt("agent-callback-made"), at_least=CLEAR, within=15)
    assert phone.rings() == 0
    await leg.ended(15)
    talk = await house.meets(phone)
    assert talk.shown_number == later
    assert (await customers.row(number))["owner"] == "1001"
    await call.hang_up()
    await talk.ended()


async def test_an_agent_hears_why_there_is_none(house: House, customers: Customers) -> None:
    stranger = house.world.phones["1003"]
    # Whom they spoke to in other tests was long ago.
    await house.stack.db.execute(
        "UPDATE segments SET started_at = started_at - $2::bigint * interval '1 ms',"
        " ended_at = ended_at - $2::bigint * interval '1 ms'"
        " WHERE agent = $1 AND kind = 'talk' AND ended_at IS NOT NULL",
        "1003",
        RECENT_MS,
    )
    leg = await stranger.dial(CODE)
    await leg.hears(house.prompt("agent-callback-nobody"), at_least=CLEAR)
    await leg.ended(15)
    for who in ({"withheld": True}, {"number": "+19005550177"}):
        (phone,) = await house.log_in("1003")
        call, _ = await house.call(BRIEF, record=False, **who)
        talk = await house.meets(phone)
        await call.hang_up()
        await talk.ended()
        leg = await stranger.dial(CODE)
        if "number" in who:
            await leg.hears(house.prompt("agent-callback-when"), at_least=CLEAR)
            await leg.press("#")
        await leg.hears(house.prompt("agent-callback-cannot"), at_least=CLEAR, within=15)
        await leg.ended(15)
    assert await rows(customers) == []


async def test_nothing_is_promised_while_the_database_is_away(
    house: House, customers: Customers
) -> None:
    number = await spoken_to(house, "1001")
    await house.stack.kill_database()
    try:
        leg = await house.world.phones["1001"].dial(CODE)
        await leg.hears(house.prompt("agent-callback-away"), at_least=CLEAR, within=20)
        await leg.ended(15)
    finally:
        await house.stack.start_database()
    assert await customers.row(number) == {}
