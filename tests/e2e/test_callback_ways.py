"""How callbacks come to be, by real calls: numbers typed, times chosen, abandons, faults."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import pytest_asyncio
from callback_house import Customers
from house import BRIEF, House, until

from lab.hearing import hear_each_other
from lab.leg import Leg

ASKS_FIRST, AT_A_TIME = "671", "672"
FLOWS = {ASKS_FIRST: "asks-first", AT_A_TIME: "at-a-time"}
OFFER, PROMISED = "Press 1 to be called by us.", "That is promised."
CLEAR = 0.7


class Ways:
    """Callers who ask for callbacks in all ways."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.customers = Customers(house)
        self.db = house.stack.db

    async def open(self) -> None:
        await self.customers.open()
        await self.db.executemany(
            "INSERT INTO entry_points VALUES ($1, $2) ON CONFLICT DO NOTHING", FLOWS.items()
        )
        await self.house.stack.reload()

    async def close(self) -> None:
        await self.db.execute("DELETE FROM entry_points WHERE number = ANY ($1)", list(FLOWS))
        await self.customers.close()

    def number_by_day(self) -> str:
        """A number nobody has used, where no day ends during a test: it has its own time zone."""
        number = self.house.number()
        late = datetime.now(ZoneInfo("America/Los_Angeles")).hour == 23
        return number.replace("+1415", "+1646") if late else number  # New York is ahead by 3 h

    async def offered(self, number: str, **who: Any) -> Leg:
        """Call, hear the offer, and accept it."""
        call, _ = await self.house.call(ASKS_FIRST, number=number, **who)
        await call.hears(self.house.spoken(OFFER), at_least=CLEAR)
        await call.press("1")
        return call

    async def confirmed(self, call: Leg) -> None:
        """Hear the number said back, and say that it is right."""
        await call.hears(self.house.prompt("callback-confirm"), at_least=CLEAR, within=15)
        await call.press("1")

    async def rows(self, number: str) -> list[dict[str, Any]]:
        """All callbacks of a number, oldest first."""
        found = await self.db.fetch(
            "SELECT *, id::text AS name FROM callbacks WHERE number = $1 ORDER BY created_at",
            number,
        )
        return [dict(row) for row in found]

    async def offers(self) -> tuple[int, int]:
        """How many callbacks of the queue were offered, and accepted, as the report has it."""
        report = json.loads(await self.house.stack.run("callback", "report", "--json"))
        of_queue = [one for one in report if one["queue"] == "sales"]
        return sum(one["offered"] for one in of_queue), sum(one["accepted"] for one in of_queue)


@pytest_asyncio.fixture(loop_scope="session")
async def ways(house: House) -> AsyncIterator[Ways]:
    made = Ways(house)
    await made.open()
    yield made
    await house.world.hang_up_all()
    await made.close()


async def test_before_the_queue_the_number_is_said_back_and_then_promised(
    house: House, ways: Ways
) -> None:
    number = house.number()
    outside = house.world.outside(number)
    call = await ways.offered(number)
    await ways.confirmed(call)
    await call.hears(house.spoken(PROMISED), at_least=CLEAR)
    # It was on disk before the caller heard so.
    (row,) = await ways.rows(number)
    assert (row["state"], row["source"], row["queue"]) == ("waiting", "flow", "sales")
    await call.ended()
    assert (await house.closed(number))["outcome"] == "called_back"
    agent = await ways.customers.reserved(await ways.customers.agent("1001"))
    customer = await ways.customers.picks_up(outside)
    await hear_each_other(agent, customer)
    await agent.hang_up()
    await ways.customers.becomes(number, "connected")


@pytest.mark.parametrize("accepts", [False, True])
async def test_who_hangs_up_before_it_is_promised_was_offered_one(
    house: House, ways: Ways, accepts: bool
) -> None:
    number = house.number()
    before = await ways.offers()
    if accepts:
        call = await ways.offered(number)
        await call.hears(house.prompt("callback-confirm"), at_least=CLEAR, within=15)
    else:
        call, _ = await house.call(ASKS_FIRST, number=number)
        await call.hears(house.spoken(OFFER), at_least=CLEAR)
    await call.hang_up()
    assert (await house.closed(number))["outcome"] == "ended_in_flow"
    offered, accepted = await until(ways.offers, lambda now: now != before, "it is counted")
    assert (offered - before[0], accepted - before[1]) == (1, 0)
    assert await ways.rows(number) == []


async def test_who_withholds_their_number_types_one_in(house: House, ways: Ways) -> None:
    number = house.number()
    call = await ways.offered(house.number(), withheld=True)
    await call.hears(house.prompt("callback-enter"), at_least=CLEAR)
    await call.press("19005550123#")
    await call.hears(house.prompt("callback-cannot"), at_least=CLEAR)
    await call.press(f"{number.removeprefix('+1')}#")
    await ways.confirmed(call)
    await call.hears(house.spoken(PROMISED), at_least=CLEAR)
    (row,) = await ways.rows(number)
    assert row["state"] == "waiting"
    assert await ways.rows("+19005550123") == []
    await call.ended()


async def test_a_second_request_finds_the_first_and_the_number_is_changed(
    house: House, ways: Ways
) -> None:
    number, other = house.number(), house.number()
    call = await ways.offered(number)
    await ways.confirmed(call)
    await call.ended(15)
    (row,) = await ways.rows(number)
    again = await ways.offered(number)
    await again.hears(house.prompt("callback-waits-choose"), at_least=CLEAR, within=15)
    await again.press("2")
    await again.hears(house.prompt("callback-enter"), at_least=CLEAR)
    await again.press(f"{other.removeprefix('+1')}#")
    await ways.confirmed(again)
    await again.hears(house.prompt("callback-changed"), at_least=CLEAR)
    await again.ended(15)
    (changed,) = await ways.rows(other)
    assert (changed["name"], changed["state"]) == (row["name"], "waiting")
    assert await ways.rows(number) == []
    # It is the other phone that rings.
    first, second = house.world.outside(number), house.world.outside(other)
    agent = await ways.customers.reserved(await ways.customers.agent("1001"))
    customer = await ways.customers.picks_up(second)
    assert first.rings() == 0
    await hear_each_other(agent, customer)
    await agent.hang_up()
    await ways.customers.becomes(other, "connected")


async def test_a_second_request_may_cancel_the_first_and_others_are_told(
    house: House, ways: Ways
) -> None:
    number = house.number()
    call = await ways.offered(number)
    await ways.confirmed(call)
    await call.ended(15)
    again = await ways.offered(number)
    await again.hears(house.prompt("callback-waits-choose"), at_least=CLEAR, within=15)
    await again.press("3")
    await again.hears(house.prompt("callback-dropped"), at_least=CLEAR)
    await again.ended(15)
    (row,) = await ways.rows(number)
    assert (row["state"], row["reason"]) == ("cancelled", "customer")

    async def told() -> list[str]:
        return [
            event["event"]
            for event in house.web.events
            if event.get("data", {}).get("callback") == row["name"]
        ]

    await until(
        told,
        lambda them: them == ["callback.promised", "callback.cancelled"],
        "others are told",
        15,
    )
    (last,) = [
        event
        for event in house.web.events
        if event["event"] == "callback.cancelled" and event["data"]["callback"] == row["name"]
    ]
    assert last["data"]["number"] == number


async def test_by_a_key_while_waiting_the_place_is_kept(house: House, ways: Ways) -> None:
    await ways.customers.policy(key="5")
    call, number = await house.call(BRIEF)
    await house.waits(number)
    entered = (await house.queued(number))["segments"][-1]["started_ms"]
    await call.press("5")
    await ways.confirmed(call)
    await call.hears(house.prompt("wait-callback-promised"), at_least=CLEAR)
    await call.ended(15)
    row = await ways.customers.row(number)
    assert row["state"] == "waiting"
    assert f'"entered":{entered}' in row["place"].replace(" ", "")


async def test_a_time_is_chosen(house: House, ways: Ways) -> None:
    number = house.number()
    begun = time.time()
    call, _ = await house.call(AT_A_TIME, number=number)
    await call.hears(house.spoken("Press 1 to choose a time."), at_least=CLEAR)
    await call.press("1")
    await ways.confirmed(call)
    await call.hears(house.prompt("callback-time-choose"), at_least=CLEAR, within=15)
    await call.press("2")
    await call.hears(
        house.prompt("callback-time-choose"), at_least=CLEAR, within=15, since=len(call.heard())
    )
    await call.press("1")
    await call.hears(house.spoken("The time is yours."), at_least=CLEAR)
    row = await ways.customers.row(number)
    due = row["due_at"].timestamp()
    assert row["source"] == "slot"
    # The half hour may have struck since the times were offered.
    assert begun + 1800 <= due <= time.time() + 3600
    assert due % 1800 == 0
    assert row["told_until"].timestamp() == due + 1800
    assert "scheduled" in await house.stack.run("callback", "list", "--queue", "sales")
    await call.ended(15)


async def test_who_hangs_up_in_line_is_called_back_once_a_day(house: House, ways: Ways) -> None:
    await ways.customers.policy(after_abandon="1s")
    number = ways.number_by_day()

    async def abandons() -> None:
        call, _ = await house.call(BRIEF, number=number)
        await house.waiting(1)
        await call.hears_music(1.5)
        await call.hang_up()
        await house.closed(number)

    await abandons()
    row = await ways.customers.becomes(number, "waiting")
    await house.waiting(1)  # the callback, in the line that the caller has left
    entered = (await house.closed(number))["segments"][-1]["started_ms"]
    assert row["source"] == "abandon"
    assert f'"entered":{entered}' in row["place"].replace(" ", "")
    await house.stack.run("callback", "cancel", row["name"])
    await house.waiting(0)
    await abandons()
    quick, _ = await house.call(BRIEF)  # somebody else, after whom all before is done
    await quick.hang_up()
    assert [one["state"] for one in await ways.rows(number)] == ["cancelled"]


async def test_while_the_database_is_away_nobody_is_promised_anything(
    house: House, ways: Ways
) -> None:
    await ways.customers.policy(key="5")
    waiting, first = await house.call(BRIEF)
    await house.waits(first)
    number = house.number()
    await house.stack.kill_database()
    try:
        await waiting.press("5")
        await waiting.hears(house.prompt("callback-confirm"), at_least=CLEAR, within=25)
        await waiting.press("1")
        await waiting.hears(house.prompt("wait-callback-failed"), at_least=CLEAR, within=25)
        call = await house.world.caller.dial(ASKS_FIRST, number=number)
        await call.hears(house.spoken(OFFER), at_least=CLEAR, within=20)
        await call.press("1")
        await call.hears(house.prompt("callback-confirm"), at_least=CLEAR, within=25)
        await call.press("1")
        await call.hears_music(1.5, within=25)
        await house.waiting(2)
    finally:
        await house.stack.start_database()
    assert await ways.rows(first) == await ways.rows(number) == []
    await waiting.hang_up()
    await call.hang_up()


async def test_who_is_cut_off_by_the_pbx_gets_a_callback_at_their_place(
    house: House, ways: Ways
) -> None:
    call, number = await house.call(BRIEF)
    await house.waits(number)
    entered = (await house.queued(number))["segments"][-1]["started_ms"]
    await house.stack.kill_pbx()
    row = await ways.customers.becomes(number, "waiting", 40)
    assert row["source"] == "rescue"
    assert f'"entered":{entered}' in row["place"].replace(" ", "")
    await call.hang_up()
    for phone in house.world.phones.values():
        await phone.register()
        await phone.registered()


async def test_an_agent_promises_to_call_back_in_person(house: House, ways: Ways) -> None:
    (phone,) = await house.log_in("1001")
    call, number = await house.call(BRIEF)
    leg = await house.meets(phone)
    interaction = (await house.queued(number))["id"]
    told = await house.stack.run("call", "callback", interaction)
    assert told.startswith("promised ")
    row = await ways.customers.row(number)
    assert (row["owner"], row["source"], row["queue"]) == ("1001", "agent", "sales")
    shown = await house.stack.run("customer", "show", number)
    assert row["name"] in shown
    await house.stack.run("callback", "cancel", row["name"])
    await leg.hang_up()
    await call.ended(15)
