"""Customers who are called back, on the real PBX: from the key they press to the talk."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio
from callback_house import LONG, SOON, Customers
from house import House, of_kind, outcomes

from lab.hearing import hear_each_other
from lab.openings import voicemail


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
    found = await customers.written(number)
    assert str(row["interaction"]) == found["id"]
    assert found["outcome"] == "called_back"
    assert outcomes(found, "queue") == ["called_back"]
    assert outcomes(found, "ringing") == ["accepted"]
    assert outcomes(found, "callback") == ["connected"]
    assert [one["agent"] for one in of_kind(found, "talk")] == ["1001"]


async def test_the_customer_is_busy_then_called_again(house: House, customers: Customers) -> None:
    await customers.policy(retry={"busy": [SOON]})
    number, outside = await customers.promised()
    await outside.behave("busy")
    agent = await customers.reserved(await customers.agent("1001"))
    await customers.tried(number, "busy")
    await agent.ended()
    # The agent was free at once; it is their turn again after the pause.
    await outside.behave("ring")
    outside.forget()
    agent = await customers.reserved(house.world.phones["1001"])
    customer = await customers.picks_up(outside)
    await hear_each_other(agent, customer)
    await customer.hang_up()
    await agent.ended()
    row = await customers.becomes(number, "connected")
    assert (row["tries"], row["attempts"]) == (["busy", "connected"], 1)
    found = await customers.written(number)
    assert outcomes(found, "callback") == ["busy", "connected"]
    assert outcomes(found, "ringing") == ["cancelled", "accepted"]


async def test_nobody_answers_until_the_attempts_are_used_up(
    house: House, customers: Customers
) -> None:
    await customers.policy(ring="5s", attempts=2, retry={"no_answer": [SOON]})
    number, outside = await customers.promised()
    phone = await customers.agent("1001")
    for _ in range(2):
        await customers.reserved(phone)
        rung = await outside.ringing()
        await rung.ended()
    row = await customers.becomes(number, "failed")
    assert (row["tries"], row["reason"]) == (["no_answer", "no_answer"], "no_answer")
    assert outcomes(await customers.written(number), "callback") == ["no_answer", "no_answer"]
    await house.stack.becomes("1001", "available")


async def test_an_agent_declines_and_the_place_is_kept(house: House, customers: Customers) -> None:
    await customers.policy(whisper=LONG)
    number, outside = await customers.promised()
    live, later = await house.call()
    await house.waits(later)
    phone = await customers.agent("1001")
    leg = await customers.whispered(phone)
    await house.stack.agent("1001", "offline")
    await leg.ended()
    # The next agent has the callback first, though somebody else waits on the line.
    agent = await customers.whispered(await customers.agent("1002"))
    assert agent.shown_number == number
    customer = await customers.picks_up(outside)
    await hear_each_other(agent, customer)
    await agent.hang_up()
    await customers.becomes(number, "connected")
    second = await house.meets(house.world.phones["1002"])
    assert second.shown_number == later
    await live.hang_up()
    found = await customers.written(number)
    assert [(one["agent"], one["outcome"]) for one in of_kind(found, "ringing")] == [
        ("1001", "cancelled"),
        ("1002", "accepted"),
    ]


async def test_an_agent_hangs_up_on_the_whisper(house: House, customers: Customers) -> None:
    await customers.policy(whisper=LONG, retry={"given_up": [SOON]})
    number, outside = await customers.promised()
    leg = await customers.whispered(await customers.agent("1001"))
    await leg.hang_up()
    # After a pause for thought it is offered again; the customer knows of nothing.
    agent = await customers.whispered(house.world.phones["1001"])
    assert outcomes(await house.interaction(number), "ringing")[0] == "declined"
    customer = await customers.picks_up(outside)
    await hear_each_other(agent, customer)
    await customer.hang_up()
    row = await customers.becomes(number, "connected")
    assert set(row["tries"]) <= {"connected", "withdrawn", "given_up"}


async def test_a_machine_answers(house: House, customers: Customers) -> None:
    await customers.policy(machine="retry", retry={"machine": []})
    number, outside = await customers.promised()
    await outside.behave("answer", say=await voicemail())
    agent = await customers.reserved(await customers.agent("1001"))
    machine = await outside.ringing()
    await agent.ended(15)
    await machine.ended()
    row = await customers.becomes(number, "failed")
    assert (row["tries"], row["reason"]) == (["machine"], "machine")


async def test_a_message_is_left_on_a_machine(house: House, customers: Customers) -> None:
    await customers.policy(machine="message", retry={"machine": []})
    number, outside = await customers.promised()
    await outside.behave("answer", say=await voicemail())
    agent = await customers.reserved(await customers.agent("1001"))
    machine = await outside.ringing()
    await agent.ended(15)
    await machine.hears(house.prompt("callback-message"), at_least=0.7, within=20)
    await machine.ended()
    assert (await customers.becomes(number, "failed"))["reason"] == "machine"


async def test_who_calls_again_takes_the_place_that_was_kept(
    house: House, customers: Customers
) -> None:
    number, outside = await customers.promised()
    await customers.takes_the_place(number, number)
    assert outside.rings() == 0


async def test_a_callback_is_cancelled_while_the_customer_is_called(
    house: House, customers: Customers
) -> None:
    number, outside = await customers.promised()
    agent = await customers.reserved(await customers.agent("1001"))
    rung = await outside.ringing()
    await house.stack.run("callback", "cancel", (await customers.row(number))["name"])
    await rung.ended()
    await agent.ended()
    await customers.becomes(number, "cancelled")
    await house.stack.becomes("1001", "available")


async def test_the_question_is_asked_in_the_callers_language(
    house: House, customers: Customers
) -> None:
    await customers.policy(ask=True, later="1m")
    number, outside = await customers.promised("th")
    agent = await customers.reserved(await customers.agent("1001"))
    customer = await customers.picks_up(outside)
    await customer.hears(house.prompt("callback-question", "th"), at_least=0.7, within=15)
    await customer.press("2")
    await customer.hears(house.prompt("callback-later", "th"), at_least=0.7, within=15)
    await customer.ended()
    await agent.ended()
    row = await customers.tried(number, "later")
    assert (row["state"], row["attempts"], row["language"]) == ("waiting", 0, "th")
    assert 50_000 < (row["due_at"] - row["requested_at"]).total_seconds() * 1000 < 120_000
