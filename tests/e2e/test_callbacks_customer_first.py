"""Customers who are called when an agent is expected, and are asked before they wait."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio
from callback_house import Customers
from house import House, of_kind, outcomes

from lab.hearing import hear_each_other


@pytest_asyncio.fixture(loop_scope="session")
async def customers(house: House) -> AsyncIterator[Customers]:
    made = Customers(house)
    await made.open()
    await made.policy(first="customer")
    yield made
    await house.world.hang_up_all()
    await made.close()


async def test_who_wants_to_talk_waits_at_the_place_that_was_kept(
    house: House, customers: Customers
) -> None:
    number, outside = await customers.promised()
    assert outside.rings() == 0
    (phone,) = await house.log_in("1001")
    customer = await customers.picks_up(outside)
    await customer.hears(house.prompt("callback-question"), at_least=0.7, within=15)
    assert phone.rings() == 0
    await customer.press("1")
    agent = await house.meets(phone)
    assert agent.shown_number == number
    await hear_each_other(agent, customer)
    await customer.hang_up()
    await agent.ended()
    row = await customers.becomes(number, "connected")
    assert row["tries"] == ["connected"]
    found = await customers.written(number)
    assert outcomes(found, "callback") == ["connected"]
    assert [(one["agent"], one["outcome"]) for one in of_kind(found, "ringing")] == [
        ("1001", "accepted")
    ]


async def test_no_more_are_called_than_agents_can_take(house: House, customers: Customers) -> None:
    first, outside = await customers.promised()
    second, other = await customers.promised()
    (phone,) = await house.log_in("1001")
    rung = await outside.ringing()
    await outside.reject(rung, 486)
    # The agent is free: now it is the other's turn.
    customer = await customers.picks_up(other)
    await customers.tried(first, "busy")
    await customer.hears(house.prompt("callback-question"), at_least=0.7, within=15)
    await customer.press("3")
    await customer.hears(house.prompt("callback-cancelled"), at_least=0.7, within=15)
    await customer.ended()
    row = await customers.becomes(second, "cancelled")
    assert row["reason"] == "customer"
    assert phone.rings() == outside.rings() == 0
    await customers.becomes(first, "waiting")


async def test_who_holds_is_shown_to_the_agent_also_after_a_restart(
    house: House, customers: Customers
) -> None:
    number, outside = await customers.promised()
    (phone,) = await house.log_in("1001")
    customer = await customers.picks_up(outside)
    await customer.hears(house.prompt("callback-question"), at_least=0.7, within=15)
    await house.stack.agent("1001", "paused")
    await customer.press("1")
    await house.waiting(1)
    await customer.hears_music()
    await house.stack.kill_service()
    await house.stack.start_service()
    await house.waiting(1)
    await house.stack.agent("1001", "available")
    agent = await house.meets(phone)
    # Of the customer's own channel the PBX knows the number that they were shown.
    assert agent.shown_number == number
    await hear_each_other(agent, customer)
    await customer.hang_up()
    await agent.ended()
    assert (await customers.becomes(number, "connected"))["tries"] == ["connected"]
