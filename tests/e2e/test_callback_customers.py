"""Customers who are called back: by which numbers they may call, who sees it, and how it ends."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
import uuid6
from callback_house import KEY, SOON, Customers
from house import BRIEF, House, until

from lab.hearing import hear_each_other
from lab.leg import Leg
from lab.phone import Phone
from sala.control import ControlClient

SURVEYED = "605"
ASKED = "How content are you with this call? Press 1 for not at all, up to 5 for very."
SOLVED = "Is your question answered? Press 1 for yes, 2 for no."
CLEAR = 0.7


@pytest_asyncio.fixture(loop_scope="session")
async def customers(house: House) -> AsyncIterator[Customers]:
    made = Customers(house)
    await made.open()
    yield made
    await house.world.hang_up_all()
    await made.close()


async def becomes_theirs(house: House, number: str, kind: str, value: str) -> str:
    """Note on a customer's record that an identity is theirs, too; gives the customer's id."""
    found = await house.stack.db.fetchval(
        "INSERT INTO identities (kind, value, customer_id) SELECT $2, $3, customer_id"
        " FROM identities WHERE kind = 'phone' AND value = $1 RETURNING customer_id::text",
        number,
        kind,
        value,
    )
    return str(found)


async def told(house: House, callback: str, event: str) -> dict[str, Any]:
    """What others were told of a callback's end, signed (see `Web`)."""

    async def heard() -> list[dict[str, Any]]:
        return [
            one
            for one in house.web.events
            if one["event"] == event and one["data"]["callback"] == callback
        ]

    (one,) = await until(heard, bool, f"others are told of {event}", 15)
    found: dict[str, Any] = one["data"]
    return found


async def test_by_another_number_of_theirs_the_customer_takes_the_place(
    house: House, customers: Customers
) -> None:
    number, outside = await customers.promised()
    other = house.number()
    await becomes_theirs(house, number, "phone", other)
    row = await customers.takes_the_place(number, other)
    assert outside.rings() == 0
    assert (await told(house, row["name"], "callback.merged"))["reason"] == "called_again"


async def test_a_number_that_is_theirs_no_more_takes_no_place(
    house: House, customers: Customers
) -> None:
    number, _ = await customers.promised()
    other = house.number()
    customer = await becomes_theirs(house, number, "phone", other)
    await house.stack.db.execute(
        "DELETE FROM identities WHERE customer_id = $1::text::uuid AND value = $2", customer, other
    )
    # By the time somebody else waits, the service has been told, too.
    before, anybody = await house.call(BRIEF)
    await house.waits(anybody)
    again, _ = await house.call(BRIEF, number=other)
    await house.waits(other)
    assert (await customers.row(number))["state"] == "waiting"
    for call, who in ((before, anybody), (again, other)):
        await call.hang_up()
        await house.closed(who)


async def talks(house: House, customers: Customers, outside: Phone, how: str) -> tuple[Leg, Leg]:
    """A customer is called back and talks with 1001; gives the agent's leg and the customer's."""
    phone = await customers.agent("1001")
    if how == "customer":
        customer = await customers.picks_up(outside)
        await customer.hears(house.prompt("callback-question"), at_least=CLEAR, within=15)
        await customer.press("1")
        agent = await phone.answer(await phone.ringing())
    else:
        agent = await customers.reserved(phone)
        customer = await customers.picks_up(outside)
    await hear_each_other(agent, customer)
    return agent, customer


@pytest.mark.parametrize("how", ["agent", "customer", "restarted"])
async def test_what_follows_the_queue_follows_for_who_is_called_back(
    house: House, customers: Customers, how: str
) -> None:
    await customers.policy(key=KEY, first="customer" if how == "customer" else "agent")
    number, outside = await customers.promised_by_key(SURVEYED)
    agent, customer = await talks(house, customers, outside, how)
    if how == "restarted":
        await house.stack.kill_service()
        await house.stack.start_service()
    await agent.hang_up()
    await customer.flush()
    await customer.hears(house.spoken(ASKED), at_least=CLEAR, within=15)
    await house.stack.becomes("1001", "available")
    await customer.press("5")
    await customer.hears(house.spoken(SOLVED), at_least=CLEAR, within=15)
    await customer.press("1")
    await customer.ended(15)
    await customers.becomes(number, "connected")
    found = await customers.written(number)
    assert found["outcome"] == "called_back"
    assert await house.answers(number) == {"satisfied": "5", "solved": "1"}


async def test_who_hangs_up_first_is_asked_nothing(house: House, customers: Customers) -> None:
    await customers.policy(key=KEY)
    number, outside = await customers.promised_by_key(SURVEYED)
    agent = await customers.reserved(await customers.agent("1001"))
    customer = await customers.picks_up(outside)
    await hear_each_other(agent, customer)
    await customer.hang_up()
    await agent.ended()
    await customers.becomes(number, "connected")
    await customers.written(number)
    assert await house.answers(number) == {}


async def test_whoever_handles_the_customer_on_another_channel_sees_it(
    house: House, customers: Customers
) -> None:
    number, _ = await customers.promised()
    address = f"{number[1:]}@example.com"
    customer = await becomes_theirs(house, number, "email", address)
    # A letter of theirs, as the channel of letters will note it.
    letter = str(uuid6.uuid7())
    await house.stack.db.execute(
        "INSERT INTO interactions (id, channel, direction, customer_id, identity_kind,"
        " identity_value, arrived_at, ended_at, outcome)"
        " VALUES ($1::text::uuid, 'email', 'inbound', $2::text::uuid, 'email', $3, now(), now(),"
        " 'answered')",
        letter,
        customer,
        address,
    )
    row = await customers.row(number)
    async with ControlClient(house.stack.home / "state" / "control.sock") as control:
        for who in ({"interaction": letter}, {"customer": customer}):
            (seen,) = await control.callbacks(**who)
            assert (seen["id"], seen["number"], seen["queue"]) == (row["name"], number, "sales")
        assert await control.callbacks(interaction=str(uuid6.uuid7())) == []
    shown = json.loads(await house.stack.run("customer", "show", f"email:{address}", "--json"))
    assert [one["id"] for one in shown["callbacks"]] == [row["name"]]
    await house.stack.run("callback", "cancel", row["name"])
    async with ControlClient(house.stack.home / "state" / "control.sock") as control:
        assert await control.callbacks(interaction=letter) == []


async def test_one_that_expires_says_so_and_others_can_write_to_the_customer(
    house: House, customers: Customers
) -> None:
    number, outside = await customers.promised("th")
    await house.stack.db.execute(
        "UPDATE callbacks SET expires_at = now() + interval '2 seconds',"
        " due_at = due_at - interval '1 second' WHERE number = $1",
        number,
    )
    row = await customers.becomes(number, "expired")
    assert row["reason"] == "expired"
    data = await told(house, row["name"], "callback.expired")
    assert (data["number"], data["reason"], data["language"]) == (number, "expired", "th")
    assert data["customer"] == str(row["customer_id"])
    assert "expired" in await house.stack.run("callback", "show", row["name"])
    assert outside.rings() == 0
    await house.waiting(0)


async def test_one_that_is_exhausted_says_why_and_others_can_write_to_the_customer(
    house: House, customers: Customers
) -> None:
    await customers.policy(attempts=2, retry={"busy": [SOON]})
    number, outside = await customers.promised()
    await outside.behave("busy")
    phone = await customers.agent("1001")
    await customers.reserved(phone)
    await customers.tried(number, "busy")
    await customers.reserved(phone)
    row = await customers.becomes(number, "failed")
    assert (row["reason"], row["tries"]) == ("busy", ["busy", "busy"])
    data = await told(house, row["name"], "callback.failed")
    assert (data["number"], data["reason"], data["attempts"]) == (number, "busy", 2)
    shown = await house.stack.run("callback", "show", row["name"])
    assert "failed" in shown
    assert "busy" in shown
    listed = json.loads(await house.stack.run("callback", "list", "--all", "--json"))
    (one,) = [one for one in listed if one["id"] == row["name"]]
    assert (one["state"], one["reason"]) == ("failed", "busy")
