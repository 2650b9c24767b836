"""Callers of a service that died are called back when the PBX died with it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest_asyncio
from callback_house import Customers
from house import BRIEF, House


@pytest_asyncio.fixture(loop_scope="session")
async def customers(house: House) -> AsyncIterator[Customers]:
    made = Customers(house)
    await made.open()
    yield made
    await made.close()


async def test_who_waited_when_service_and_pbx_died_is_called_back_at_their_place(
    house: House, customers: Customers
) -> None:
    call, number = await house.call(BRIEF)
    await house.waits(number)
    before = await house.queued(number)
    await house.stack.kill_service()
    await house.stack.kill_pbx()
    await house.stack.start_service(60)
    row = await customers.becomes(number, "waiting", 20)
    assert row["source"] == "rescue"
    assert json.loads(row["place"])["entered"] == before["segments"][-1]["started_ms"]
    assert (await house.closed(number, within=10))["id"] == before["id"]
    await call.hang_up()
    for phone in house.world.phones.values():
        await phone.unregister(within=15)
        await phone.register(within=15)
