"""Real processes killed at bad moments: what survives, and what is put right afterwards."""

from __future__ import annotations

import asyncio

from house import MAIN, House, outcomes, until

from lab import audio


async def test_a_caller_in_the_menu_rejoins_it_when_the_service_is_killed(house: House) -> None:
    (phone,) = await house.log_in("1001")
    number = house.number()
    call = await house.world.caller.dial(MAIN, number=number)
    await call.hears(house.prompt("main-menu"), within=12)
    before = (await until(lambda: house.interaction(number), bool, "it is written"))["id"]
    heard = len(call.heard())
    await house.stack.kill_service()
    await house.stack.start_service()
    # The prompt that was cut is heard again, and the key leads where it did before.
    menu = house.prompt("main-menu")
    await until(
        lambda: asyncio.to_thread(lambda: audio.correlation(call.heard()[heard:], menu).value),
        lambda match: match > 0.9,
        "the menu is heard again",
        15,
    )
    await call.press("1")
    talking = await house.meets(phone, within=12)
    await house.talk(call, talking)
    await talking.hang_up()
    found = await house.closed(number)
    assert (found["id"], found["outcome"], found["queue"]) == (before, "answered", "sales")


async def test_an_agent_answers_while_the_service_is_dead(house: House) -> None:
    (phone,) = await house.log_in("1001")
    call, number = await house.call()
    ringing = await phone.ringing()
    await house.stack.kill_service()
    await phone.answer(ringing)
    await house.connected(phone)
    await house.talk(call, ringing)
    await house.stack.start_service()
    await house.stack.becomes("1001", "on_contact")
    await ringing.hang_up()
    await call.ended()
    await house.stack.becomes("1001", "available")
    found = await house.closed(number)
    assert found["outcome"] == "answered"
    assert outcomes(found, "ringing") == ["accepted"]
    assert phone.rings() == 0, "no second offer was made"


async def test_a_caller_who_leaves_while_the_service_is_dead_is_closed_on_its_return(
    house: House,
) -> None:
    call, number = await house.call()
    await house.queued(number)
    await house.stack.kill_service()
    await call.hang_up()
    await call.ended()
    await house.stack.start_service()
    found = await house.closed(number, within=10)
    assert (found["outcome"], found["ended_by"]) == ("failed", "system")
    assert outcomes(found, "queue") == ["failed"]


async def test_calls_go_on_while_the_database_is_dead_and_are_written_afterwards(
    house: House,
) -> None:
    (phone,) = await house.log_in("1001")
    await house.stack.kill_database()
    try:
        call, number = await house.call()
        talking = await phone.answer(await phone.ringing())
        await house.talk(call, talking)
        await talking.hang_up()
        await call.ended()
        status = await house.stack.status()
        assert not status["database"]["healthy"]
        assert status["database"]["pending"]
    finally:
        await house.stack.start_database()
    found = await house.closed(number, within=10)
    assert found["outcome"] == "answered"
    kinds = [one["kind"] for one in found["segments"]]
    assert kinds == ["ivr", "queue", "ringing", "talk", "wrap_up"]
    assert (await house.stack.status())["database"]["refused"] == 0


async def test_calls_cut_by_the_death_of_the_pbx_are_closed_and_the_next_one_works(
    house: House,
) -> None:
    call, number = await house.call()
    await house.queued(number)
    await house.stack.kill_pbx()
    found = await house.closed(number, within=20)
    assert (found["outcome"], found["ended_by"]) == ("failed", "system")
    await call.hang_up()
    await house.stack.service_ready()
    for phone in house.world.phones.values():
        # The new PBX keeps registrations; a phone that registers anew is told in any case.
        await phone.unregister(within=15)
        await phone.register(within=15)
    (phone,) = await house.log_in("1001")
    again, number = await house.call()
    talking = await house.meets(phone, within=10)
    await house.talk(again, talking)
    await talking.hang_up()
    assert (await house.closed(number))["outcome"] == "answered"
