from __future__ import annotations

import pytest
from house import HASTY, MAIN, House, of_kind, outcomes, until

from lab.errors import NotHeard


async def test_the_menu_is_heard(house: House) -> None:
    call, number = await house.call(MAIN)
    await call.hears(house.prompt("welcome"))
    await call.hears(house.prompt("main-menu"))
    await call.hang_up()
    found = await house.closed(number)
    assert found["outcome"] == "ended_in_flow"
    assert (found["entry_point"], found["flow"], found["queue"]) == (MAIN, "main", None)


@pytest.mark.parametrize(("key", "queue"), [("1", "sales"), ("2", "support"), ("3", "billing")])
async def test_a_key_pressed_in_the_menu_leads_to_its_queue(
    house: House, key: str, queue: str
) -> None:
    call, number = await house.call(MAIN)
    await call.hears(house.prompt("main-menu"), at_least=0.5)
    await call.press(key)
    found = await house.queued(number)
    assert [one["queue"] for one in of_kind(found, "queue")] == [queue]
    await call.hears_music()


async def test_a_key_pressed_during_the_welcome_counts(house: House) -> None:
    call, number = await house.call(MAIN)
    await call.press("3")
    found = await house.queued(number)
    assert found["queue"] == "billing"
    with pytest.raises(NotHeard):
        await call.hears(house.prompt("main-menu"), within=0.5)


async def test_an_invalid_key_is_told_and_then_led_to_a_person(house: House) -> None:
    call, number = await house.call(HASTY)
    await call.press("9")
    await call.hears(house.prompt("not-an-option"))
    await call.press("8")
    assert (await house.queued(number))["queue"] == "support"


async def test_silence_is_told_and_then_led_to_a_person(house: House) -> None:
    call, number = await house.call(HASTY)
    await call.hears(house.prompt("nothing-heard"))
    assert (await house.queued(number, within=12))["queue"] == "support"


async def test_hanging_up_in_the_menu_ends_the_flow(house: House) -> None:
    call, number = await house.call(HASTY)
    await call.hang_up()
    found = await house.closed(number)
    assert found["outcome"] == "ended_in_flow"
    assert [one["kind"] for one in found["segments"]] == ["ivr"]


async def test_an_unknown_number_is_refused_as_unallocated(house: House) -> None:
    number = house.number()
    call = await house.world.caller.dial("699", number=number)
    ending = await call.ended()
    assert (ending.cause, ending.sip) == (1, 404)


async def test_hanging_up_before_anything_is_heard_leaves_nothing(house: House) -> None:
    number = house.number()
    call = await house.world.caller.dial(MAIN, number=number)
    await call.hang_up()
    await call.ended()

    async def open_calls() -> int:
        return len((await house.stack.status())["calls"])

    await until(open_calls, lambda count: count == 0, "no call is left")


async def test_the_flow_is_closed_with_its_way_out(house: House) -> None:
    call, number = await house.call(HASTY)
    await call.press("1")
    found = await house.queued(number)
    assert outcomes(found, "ivr") == ["queued"]
