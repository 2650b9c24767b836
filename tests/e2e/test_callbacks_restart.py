"""Customers who are called back, while the service dies and comes back."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio
from callback_house import SOON, Customers
from house import House, of_kind, outcomes

from lab.hearing import hear_each_other


@pytest_asyncio.fixture(loop_scope="session")
async def customers(house: House) -> AsyncIterator[Customers]:
    made = Customers(house)
    await made.open()
    yield made
    await house.world.hang_up_all()
    await made.close()


async def test_callbacks_and_callers_keep_their_order(house: House, customers: Customers) -> None:
    number, outside = await customers.promised()
    live, later = await house.call()
    await house.waits(later)
    await house.stack.kill_service()
    await house.stack.start_service()
    await house.waiting(2, within=10)
    agent = await customers.reserved(await customers.agent("1001"))
    assert agent.shown_number == number
    customer = await customers.picks_up(outside)
    await hear_each_other(agent, customer)
    await customer.hang_up()
    second = await house.meets(house.world.phones["1001"])
    assert second.shown_number == later
    await live.hang_up()
    await customers.becomes(number, "connected")


async def test_a_customer_who_is_being_called_is_not_called_twice(
    house: House, customers: Customers
) -> None:
    number, outside = await customers.promised()
    agent = await customers.reserved(await customers.agent("1001"))
    rung = await outside.ringing(8)
    await house.stack.kill_service()
    await house.stack.start_service()
    await outside.answer(rung)
    await customers.says_hello(rung)
    await hear_each_other(agent, rung)
    await rung.hang_up()
    await agent.ended()
    row = await customers.becomes(number, "connected")
    assert (row["tries"], outside.rings()) == (["connected"], 0)
    found = await customers.written(number)
    assert outcomes(found, "callback") == ["connected"]
    assert outcomes(found, "ringing") == ["accepted"]
    await house.stack.becomes("1001", "available")


async def test_a_customer_picks_up_while_the_service_is_away(
    house: House, customers: Customers
) -> None:
    number, outside = await customers.promised()
    agent = await customers.reserved(await customers.agent("1001"))
    rung = await outside.ringing(8)
    await house.stack.kill_service()
    await outside.answer(rung)
    await customers.says_hello(rung)
    await rung.hears_music()
    await house.stack.start_service()
    await hear_each_other(agent, rung)
    await agent.hang_up()
    await rung.ended()
    assert (await customers.becomes(number, "connected"))["tries"] == ["connected"]
    assert outside.rings() == 0


async def test_a_talk_with_a_customer_goes_on(house: House, customers: Customers) -> None:
    number, outside = await customers.promised()
    agent = await customers.reserved(await customers.agent("1001"))
    customer = await customers.picks_up(outside)
    await hear_each_other(agent, customer)
    await house.stack.kill_service()
    await hear_each_other(agent, customer)
    await house.stack.start_service()
    await house.stack.becomes("1001", "on_contact")
    await customer.hang_up()
    await agent.ended()
    row = await customers.becomes(number, "connected")
    assert row["tries"] == ["connected"]
    found = await customers.written(number)
    assert [one["agent"] for one in of_kind(found, "talk")] == ["1001"]
    assert found["outcome"] == "called_back"
    await house.stack.becomes("1001", "available")


async def test_an_agent_who_goes_while_the_service_is_away(
    house: House, customers: Customers
) -> None:
    await customers.policy(retry={"given_up": [SOON]})
    number, outside = await customers.promised()
    agent = await customers.reserved(await customers.agent("1001"))
    rung = await outside.ringing(8)
    await house.stack.kill_service()
    await agent.hang_up()
    await house.stack.start_service()
    # Nobody waits for the customer: they are called again when somebody does.
    await rung.ended()
    agent = await customers.reserved(house.world.phones["1001"], 12)
    customer = await customers.picks_up(outside)
    await hear_each_other(agent, customer)
    await customer.hang_up()
    row = await customers.becomes(number, "connected")
    assert (row["tries"], row["attempts"]) == (["given_up", "connected"], 1)
