"""The service dies while people call."""

from __future__ import annotations

import asyncio

from house import BRIEF, House, of_kind, outcomes, until

AWAY_S = 3


async def test_waiting_callers_keep_their_places_when_the_service_is_killed(house: House) -> None:
    calls = []
    for _ in range(3):
        call, number = await house.call()
        await house.queued(number)
        calls.append((call, number))
    await house.waiting(3)
    before = [(await house.interaction(number))["id"] for _, number in calls]
    await house.stack.kill_service()
    await calls[0][0].hears_music()
    await house.stack.start_service()
    await house.waiting(3, within=10)
    phone = house.world.phones["1001"]
    await house.stack.agent("1001", "available")
    for call, number in calls:
        ringing = await phone.ringing(8)
        assert ringing.shown_number == number
        await phone.answer(ringing)
        await house.stack.becomes("1001", "on_contact")
        await house.connected(phone)
        await ringing.hang_up()
        await call.ended()
    closed = [await house.closed(number) for _, number in calls]
    assert [found["id"] for found in closed] == before
    assert [outcomes(found, "queue") for found in closed] == [["answered"]] * 3


async def test_a_talk_does_not_notice_that_the_service_is_killed(house: House) -> None:
    (phone,) = await house.log_in("1001")
    call, number = await house.call()
    talking = await house.meets(phone)
    await house.stack.becomes("1001", "on_contact")
    await house.stack.kill_service()
    await house.talk(call, talking)
    await house.stack.start_service()
    await house.stack.becomes("1001", "on_contact")
    await talking.hang_up()
    await call.ended()
    await house.stack.becomes("1001", "available")
    found = await house.closed(number)
    assert found["outcome"] == "answered"
    assert len(of_kind(found, "talk")) == 1


async def test_the_survival_script_takes_a_request_that_is_taken_in_on_return(
    house: House,
) -> None:
    number = house.number()
    spool = house.stack.home / "state" / "spool" / "callbacks"
    async with house.survival_after(AWAY_S):
        await house.stack.kill_service()
        call = await house.world.caller.dial(BRIEF, number=number)
        try:
            await call.hears(house.prompt("survival-enter-number"), within=AWAY_S + 20)
            await call.press("#")
            await call.hears(house.prompt("survival-thank-you"))
            await call.ended(10)

            async def files() -> int:
                return await asyncio.to_thread(lambda: len(list(spool.glob("*.json"))))

            await until(files, lambda count: count == 1, "the request is in the spool")
        finally:
            await house.stack.start_service()
    await until(
        lambda: house.stack.db.fetchval("SELECT count(*) FROM callbacks WHERE number = $1", number),
        lambda count: count == 1,
        "the request is taken in",
        15,
    )
