"""Customers who are called back, on the real PBX: from the key they press to the talk."""

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
    yield made
    await house.world.hang_up_all()
    await made.close()


async def test_who_hangs_up_is_called_when_it_is_their_turn(
    house: House, customers: Customers
) -> None:
    number, outside = await customers.promised()
    assert outside.rings() == 0
    agent = await customers.reserved(await customers.agent("1001"))
    assert agent.shown_number == number
    customer = await customers.picks_up(outside)
    await house.stack.becomes("1001", "on_contact")
    await hear_each_other(agent, customer)
    await agent.hang_up()
    await customer.ended()
    row = await customers.becomes(number, "connected")
    assert row["tries"] == ["connected"]
    found = await house.closed(number)
    assert str(row["interaction"]) == found["id"]
    assert found["outcome"] == "called_back"
    assert outcomes(found, "queue") == ["called_back"]
    assert outcomes(found, "ringing") == ["accepted"]
    assert outcomes(found, "callback") == ["connected"]
    assert [one["agent"] for one in of_kind(found, "talk")] == ["1001"]
