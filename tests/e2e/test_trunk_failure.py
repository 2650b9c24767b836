"""The trunk fails while people wait and talk: who was cut off is called back at their place."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from callback_house import Customers
from house import BRIEF, TRUNK_SILENT_S, House, until

from lab import reach
from lab.errors import Deadline
from lab.hearing import hear_each_other
from lab.softphone import SoftPhone

FAILED = 38
"""Network out of order (Q.850)."""


@pytest_asyncio.fixture(loop_scope="session")
async def customers(house: House) -> AsyncIterator[Customers]:
    made = Customers(house)
    await made.open()
    yield made
    await house.world.hang_up_all()
    await made.close()


async def test_who_is_cut_off_by_the_trunk_is_called_when_it_is_back(
    house: House, customers: Customers
) -> None:
    (phone,) = await house.log_in("1001")
    talking, first = await house.call(BRIEF)
    agent = await house.meets(phone)
    await hear_each_other(agent, talking)
    _, second = await house.call(BRIEF)
    await house.waits(second)
    entered = [
        one["started_ms"]
        for number in (first, second)
        for one in (await house.interaction(number))["segments"]
        if one["kind"] == "queue"
    ]
    await house.world.crash()
    await house.stack.agent("1001", "offline")
    rows = [
        await customers.becomes(number, "waiting", TRUNK_SILENT_S + 12)
        for number in (first, second)
    ]
    assert [row["source"] for row in rows] == ["rescue", "rescue"]
    assert [json.loads(row["place"])["entered"] for row in rows] == entered
    await until(
        house.stack.console.channels, lambda left: not left, "Sala's PBX has no channel", 10
    )
    await house.world.start()
    for one in house.world.phones.values():
        await one.registered(15)
    await reach.answer(house.stack.console, "1001")
    # They come in the order in which they had come.
    await customers.agent("1001")
    talked = []
    for number in (first, second):
        leg = await customers.reserved(phone, 12)
        assert leg.shown_number == number
        customer = await customers.picks_up(house.world.outside(number))
        await hear_each_other(leg, customer)
        await leg.hang_up()
        talked.append((number, customer))
    # The agent's phone rings for the second meanwhile, so this is not waited for in between.
    for number, customer in talked:
        await customer.ended()
        assert (await customers.becomes(number, "connected"))["tries"] == ["connected"]


async def test_no_attempt_is_spent_on_a_trunk_that_does_not_answer(
    house: House, customers: Customers
) -> None:
    _, number = await house.call(BRIEF)
    await house.waits(number)
    await house.world.crash()
    await customers.becomes(number, "waiting", TRUNK_SILENT_S + 12)
    await reach.silent(house.stack.console)
    # Their phone is not the world's.
    secret = house.stack.accounts().phones["1001"]
    async with SoftPhone(house.stack.sip, "1001", secret) as phone:
        await house.stack.agent("1001", "available")
        line = await (await phone.ringing(10)).answer()
        row = await customers.tried(number, "undialled", within=15)
        assert (row["state"], row["attempts"]) == ("waiting", 0)
        await line.ended(10)
        await house.stack.agent("1001", "offline")
    await house.world.start()
    for one in house.world.phones.values():
        await one.registered(15)
    await reach.answer(house.stack.console, "1001")
    leg = await customers.reserved(await customers.agent("1001"), 60)
    customer = await customers.picks_up(house.world.outside(number), 15)
    await hear_each_other(leg, customer)
    await leg.hang_up()
    await customer.ended()
    await customers.becomes(number, "connected")


@pytest.mark.parametrize("talks", [False, True], ids=["in line", "in talk"])
async def test_a_call_that_the_carrier_loses_is_cut_and_one_that_is_hung_up_is_not(
    house: House, customers: Customers, talks: bool
) -> None:
    numbers = []
    for cause in (16, FAILED):
        call, number = await house.call(BRIEF)
        await house.waits(number)
        if talks:
            phone = await customers.agent("1001")
            leg = await house.meets(phone)
            await house.stack.agent("1001", "offline")
        await call.hang_up(cause)
        await call.ended()
        if talks:
            await leg.ended()
            await house.stack.becomes("1001", "offline")
        numbers.append(number)
    row = await customers.becomes(numbers[1], "waiting")
    assert row["source"] == "rescue"
    assert await customers.row(numbers[0]) == {}


async def test_a_talk_without_a_word_is_no_cut(house: House) -> None:
    """Who says nothing sends sound still; and those who talk past the PBX are heard by it."""
    (phone,) = await house.log_in("1001")
    call, _ = await house.call(BRIEF)
    leg = await house.meets(phone)
    with pytest.raises(Deadline):
        await call.ended(2 * TRUNK_SILENT_S)
    await hear_each_other(call, leg)
    await call.hang_up()
    await leg.ended()
