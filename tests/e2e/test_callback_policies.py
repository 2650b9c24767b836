"""What a queue's callback policy says, as customers' phones have it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from callback_house import LONG, Customers
from house import House, of_kind
from house_shared import TRUNK_NUMBER

PREMIUM = "+19005550177"
OWN = "+14155550188"
RING_S = 5.0


@pytest_asyncio.fixture(loop_scope="session")
async def customers(house: House) -> AsyncIterator[Customers]:
    made = Customers(house)
    await made.open()
    yield made
    await house.world.hang_up_all()
    await made.close()


@pytest.mark.parametrize("shown", ["", OWN], ids=["the trunk's", "the queue's"])
async def test_the_number_that_is_shown_and_how_long_it_rings(
    house: House, customers: Customers, shown: str
) -> None:
    await customers.policy(ring=f"{RING_S:g}s", attempts=1, caller_id=shown)
    number, outside = await customers.promised()
    await customers.reserved(await customers.agent("1001"))
    rung = await outside.ringing()
    assert rung.shown_number == (shown or TRUNK_NUMBER)
    # Far from the 25 s that it would ring without a word of the policy.
    await rung.ended(RING_S + 5)
    assert (await customers.becomes(number, "failed"))["reason"] == "no_answer"
    (attempt,) = of_kind(await customers.written(number), "callback")
    assert attempt["ended_ms"] - attempt["started_ms"] >= RING_S * 1000


async def test_an_agent_hears_and_sees_what_the_queue_says_of_its_callbacks(
    house: House, customers: Customers
) -> None:
    # Any prompt there is does for the test.
    await customers.policy(whisper=LONG, screen="Call back: sales")
    number, outside = await customers.promised()
    phone = await customers.agent("1001")
    leg = await phone.answer(await phone.ringing())
    assert (leg.shown_number, leg.shown_name) == (number, "Call back: sales")
    await leg.hears(house.prompt(LONG), at_least=0.7)
    await customers.picks_up(outside)
    await customers.becomes(number, "connected")
    await leg.hang_up()


async def test_who_comes_onto_the_do_not_call_list_after_the_promise_is_not_called(
    house: House, customers: Customers
) -> None:
    number, outside = await customers.promised()
    # Not by the command, which cancels what is open: what is tried is the last moment.
    await customers.db.execute("INSERT INTO do_not_call (number) VALUES ($1)", number)
    try:
        agent = await customers.reserved(await customers.agent("1001"))
        row = await customers.becomes(number, "cancelled")
        assert (row["reason"], row["tries"]) == ("do_not_call", None)
        await agent.ended()
        assert outside.rings() == 0
        await house.stack.becomes("1001", "available")
    finally:
        await customers.db.execute("DELETE FROM do_not_call WHERE number = $1", number)


async def test_a_number_that_may_not_be_called_any_more_is_not_called(
    house: House, customers: Customers
) -> None:
    number, outside = await customers.promised()
    # As if the settings had allowed it at the time of the promise.
    await customers.db.execute(
        "UPDATE callbacks SET number = $2 WHERE number = $1", number, PREMIUM
    )
    agent = await customers.reserved(await customers.agent("1001"))
    row = await customers.becomes(PREMIUM, "failed")
    assert (row["reason"], row["tries"], row["attempts"]) == ("barred", ["barred"], 0)
    await agent.ended()
    assert outside.rings() == 0
    await house.stack.becomes("1001", "available")
    since = row["requested_at"].isoformat()
    report = json.loads(await house.stack.run("callback", "report", "--from", since, "--json"))
    (found,) = (one for one in report if one["queue"] == "sales")
    assert (found["accepted"], found["failed"], found["attempted"]) == (1, 1, 0)
