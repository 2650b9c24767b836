from __future__ import annotations

import asyncio
from typing import Any

from house import AGENTS, PATIENCE_S, RING_MS, House, of_kind, outcomes, until

from lab.phone import Phone


async def test_caller_and_agent_hear_each_other(house: House) -> None:
    (phone,) = await house.log_in("1001")
    call, number = await house.call()
    ringing = await phone.ringing()
    assert ringing.shown_number == number
    await phone.answer(ringing)
    await house.stack.becomes("1001", "on_contact")
    await house.talk(call, ringing)
    await ringing.hang_up()
    await call.ended()
    await house.stack.becomes("1001", "available")
    found = await house.closed(number)
    assert found["outcome"] == "answered"
    kinds = [one["kind"] for one in found["segments"]]
    assert kinds == ["ivr", "queue", "ringing", "talk", "wrap_up"]
    assert found["customer"] is not None


async def test_the_agent_s_feature_codes_log_in_pause_resume_and_log_out(house: House) -> None:
    phone = house.world.phones["1001"]
    for code, presence, prompt in (
        ("*22", "available", "agent-logged-in"),
        ("*24", "paused", "agent-paused"),
        ("*25", "available", "agent-resumed"),
        ("*23", "offline", "agent-logged-out"),
    ):
        leg = await phone.dial(code)
        await leg.hears(house.prompt(prompt))
        await house.stack.becomes("1001", presence)
        await leg.ended()


async def test_hanging_up_in_the_queue_is_an_abandoned_call(house: House) -> None:
    call, number = await house.call()
    await house.queued(number)
    await call.hears_music()
    await call.hang_up()
    found = await house.closed(number)
    assert (found["outcome"], found["ended_by"]) == ("abandoned", "customer")
    assert outcomes(found, "queue") == ["abandoned"]


async def test_hanging_up_while_the_agent_s_phone_rings_frees_the_agent(house: House) -> None:
    (phone,) = await house.log_in("1001")
    call, number = await house.call()
    ringing = await phone.ringing()
    await call.hang_up()
    await ringing.ended()
    await house.stack.becomes("1001", "available")
    found = await house.closed(number)
    assert outcomes(found, "queue") == ["abandoned"]
    assert outcomes(found, "ringing") == ["cancelled"]


async def test_the_caller_hanging_up_in_talk_begins_wrap_up(house: House) -> None:
    (phone,) = await house.log_in("1001")
    call, number = await house.call()
    talking = await house.meets(phone)
    await house.stack.becomes("1001", "on_contact")
    await call.hang_up()
    await talking.ended()
    await house.stack.becomes("1001", "available")
    found = await house.closed(number)
    assert (found["outcome"], found["ended_by"]) == ("answered", "customer")


async def test_the_agent_hanging_up_ends_the_call(house: House) -> None:
    (phone,) = await house.log_in("1001")
    call, number = await house.call()
    talking = await house.meets(phone)
    await house.stack.becomes("1001", "on_contact")
    await talking.hang_up()
    await call.ended()
    found = await house.closed(number)
    assert (found["outcome"], found["ended_by"]) == ("answered", "agent")


async def test_no_answer_goes_to_the_next_agent_and_pauses_the_first(house: House) -> None:
    first, second = await house.log_in("1001", "1002")
    call, number = await house.call()
    unanswered = await first.ringing()
    await unanswered.ended(RING_MS / 1000 + PATIENCE_S)
    await house.meets(second)
    assert await house.stack.presence("1001") == "paused"
    await call.hang_up()
    found = await house.closed(number)
    assert outcomes(found, "ringing") == ["no_answer", "accepted"]
    assert [one["agent"] for one in of_kind(found, "ringing")] == ["1001", "1002"]


async def test_a_busy_phone_sends_the_call_to_the_next_agent(house: House) -> None:
    first, second = await house.log_in("1001", "1002")
    await first.behave("busy")
    call, number = await house.call()
    await house.meets(second)
    await call.hang_up()
    assert outcomes(await house.closed(number), "ringing") == ["busy", "accepted"]


async def test_a_declined_call_goes_to_the_next_agent(house: House) -> None:
    first, second = await house.log_in("1001", "1002")
    call, number = await house.call()
    await first.reject(await first.ringing())
    await house.meets(second)
    await call.hang_up()
    assert outcomes(await house.closed(number), "ringing") == ["declined", "accepted"]


async def test_an_agent_without_a_registered_phone_is_offered_nothing(house: House) -> None:
    first, second = await house.log_in("1001", "1002")
    await first.unregister()

    async def agents() -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = (await house.stack.status())["agents"]
        return rows

    await until(
        agents,
        lambda rows: [one["agent"] for one in rows if not one["reachable"]].count("1001") == 1,
        "the service knows that the phone is gone",
    )
    call, number = await house.call()
    await house.meets(second)
    assert first.rings() == 0
    await call.hang_up()
    found = await house.closed(number)
    assert [one["agent"] for one in of_kind(found, "ringing")] == ["1002"]


async def test_two_callers_meet_one_agent_in_the_order_they_came(house: House) -> None:
    first, first_number = await house.call()
    await house.waits(first_number)
    second, second_number = await house.call()
    await house.waits(second_number)
    phone = house.world.phones["1001"]
    await phone.registered()
    await house.stack.agent("1001", "available")
    talking = await house.meets(phone)
    assert talking.shown_number == first_number
    await talking.hang_up()
    await first.ended()
    talking = await house.meets(phone)
    assert talking.shown_number == second_number
    await house.talk(second, talking)


async def test_ten_callers_meet_three_agents_in_the_order_they_came(house: House) -> None:
    phones = await house.log_in(*AGENTS)
    # All wait before the first is served, so that the order is that of the line alone.
    for agent in AGENTS:
        await house.stack.agent(agent, "paused")
        await house.stack.becomes(agent, "paused")
    calls = []
    for _ in range(10):
        call, number = await house.call(record=False)
        await house.queued(number)
        calls.append((call, number))
    await house.waiting(10)
    for agent in AGENTS:
        await house.stack.agent(agent, "available")

    async def serves(phone: Phone) -> None:
        while True:
            leg = await phone.answer(await phone.ringing(60))
            await house.connected(phone)
            await leg.hang_up()

    serving = [asyncio.create_task(serves(phone)) for phone in phones]
    try:
        await asyncio.gather(*(call.ended(60) for call, _ in calls))
    finally:
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)
    legs = sorted(
        (leg for phone in phones for leg in phone.legs),
        key=lambda leg: leg.invited.mono if leg.invited else 0,
    )
    assert len(legs) == 10
    offered = [leg.shown_number for leg in legs]
    # Legs rung within the same moment may reach their phones in either order.
    wanted = [number for _, number in calls]
    assert all(abs(offered.index(number) - at) < len(AGENTS) for at, number in enumerate(wanted))
    rung = [of_kind(await house.closed(number), "ringing")[0]["started_ms"] for number in wanted]
    assert rung == sorted(rung)


async def test_two_calls_at_once_from_a_new_number_make_one_customer(house: House) -> None:
    number = house.number()
    await asyncio.gather(house.call(number=number), house.call(number=number))
    await house.waiting(2)
    rows = await until(
        lambda: house.stack.db.fetch(
            "SELECT customer_id FROM interactions WHERE identity_value = $1", number
        ),
        lambda found: len(found) == 2,
        "both interactions are written",
    )
    assert len({row["customer_id"] for row in rows} - {None}) == 1


async def test_a_caller_who_hangs_up_as_the_agent_answers_leaves_no_ghost(house: House) -> None:
    # The PBX may be pulling the caller out of the wait just then: once in a dozen times it did.
    (phone,) = await house.log_in("1001")
    for _ in range(6):
        call, number = await house.call(record=False)
        ringing = await phone.ringing()
        await asyncio.gather(phone.answer(ringing), call.hang_up(), return_exceptions=True)
        await ringing.ended(PATIENCE_S)
        await house.closed(number)
        await house.stack.becomes("1001", "available")
