"""Keys that callers press while nothing asks for them, on a real Asterisk."""

from __future__ import annotations

import asyncio

import pytest
from port_house import House
from port_place import opening, sound

from lab import audio
from lab.errors import NotHeard
from pbx.port import Call, Digits, DigitsEnd

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(60)]


def complete(digits: str) -> Digits:
    return Digits(digits, DigitsEnd.COMPLETE)


async def test_what_is_typed_while_the_flow_is_busy_is_given_to_what_asks_next(
    place: House,
) -> None:
    got: list[Digits] = []
    listens, busy = asyncio.Event(), asyncio.Event()
    typed, third = asyncio.Event(), asyncio.Event()

    async def script(call: Call) -> None:
        await opening(call, listens)
        await call.play([sound(place, "one")])
        busy.set()
        await typed.wait()
        got.append(
            await call.collect([sound(place, "two")], max_digits=1, first_ms=3000, next_ms=3000)
        )
        got.append(await call.collect([], max_digits=9, first_ms=3000, next_ms=3000))
        third.set()
        got.append(
            await call.collect([sound(place, "two")], max_digits=3, first_ms=3000, next_ms=3000)
        )
        await call.hang_up()

    place.handler.script = script
    leg = await place.world.caller.dial("600")
    await leg.answered()
    listens.set()
    await busy.wait()
    await leg.press("247#13")
    typed.set()
    await third.wait()
    await leg.press("5")
    await place.handler.finished()
    assert got == [complete("2"), complete("47"), complete("135")]
    await leg.hears(audio.voice(1, 1.0))
    with pytest.raises(NotHeard):
        await leg.hears(audio.voice(2, 1.0), within=0.1)


@pytest.mark.parametrize(("tone_ms", "gap_ms"), [(100, 80), (100, 40), (40, 5)])
async def test_no_key_is_lost_or_doubled_between_two_orders(
    place: House, tone_ms: int, gap_ms: int
) -> None:
    keys = "1234567890*1122334455"
    got: list[str] = []
    asked = asyncio.Event()

    async def script(call: Call) -> None:
        await call.answer()
        asked.set()
        while len(got) < len(keys):
            taken = await call.collect(
                [sound(place, "one")], max_digits=1, first_ms=4000, next_ms=4000, terminators=""
            )
            assert taken.digits, got
            got.append(taken.digits)
            await call.carry({"at": f"n{len(got)}"})
            await asyncio.sleep(0.1 * (len(got) % 4))  # a busy service
        await call.hang_up()

    place.handler.script = script
    leg = await place.world.caller.dial("600")
    await asked.wait()
    await leg.answered()
    await leg.press(keys, tone_ms=tone_ms, gap_ms=gap_ms)
    await place.handler.finished(40)
    assert "".join(got) == keys


@pytest.mark.parametrize("keep", [True, False])
async def test_keys_during_a_prompt_that_none_may_cut_are_kept_if_wanted(
    place: House, keep: bool
) -> None:
    got: list[Digits] = []
    listens = asyncio.Event()

    async def script(call: Call) -> None:
        await opening(call, listens)
        # Long enough for the key to have ended before.
        await call.play([sound(place, "one")] + [sound(place, "two")] * 5, keep=keep)
        got.append(await call.collect([], max_digits=1, first_ms=1000, next_ms=1000))
        await call.hang_up()

    place.handler.script = script
    leg = await place.world.caller.dial("600")
    await leg.answered()
    listens.set()
    await leg.hears(audio.voice(1, 1.0))
    await leg.press("6")
    await leg.hears(audio.voice(2, 1.0))
    await place.handler.finished()
    assert got == [complete("6") if keep else Digits("", DigitsEnd.TIMEOUT)]


async def test_keys_during_a_recording_end_with_it(place: House) -> None:
    got: list[Digits] = []
    asked = asyncio.Event()

    async def script(call: Call) -> None:
        await call.answer()
        asked.set()
        await call.record("voicemail/keys", max_ms=10_000, beep=False)
        got.append(await call.collect([], max_digits=1, first_ms=1000, next_ms=1000))
        await call.hang_up()

    place.handler.script = script
    leg = await place.world.caller.dial("600")
    await asked.wait()
    await leg.answered()
    await leg.press("12#")
    await place.handler.finished()
    assert got == [Digits("", DigitsEnd.TIMEOUT)]


async def test_a_key_told_too_late_is_pressed_again(place: House) -> None:
    """As if it had ended just before the order, and been told just after."""
    got: list[Digits] = []
    calls: asyncio.Queue[Call] = asyncio.Queue()

    async def script(call: Call) -> None:
        await call.answer()
        calls.put_nowait(call)
        prompts = [sound(place, "one")] * 20
        got.append(await call.collect(prompts, max_digits=1, first_ms=9000, next_ms=9000))
        got.append(await call.collect([], max_digits=1, first_ms=1000, next_ms=1000))
        await call.hang_up()

    place.handler.script = script
    leg = await place.world.caller.dial("600")
    call = await calls.get()
    await leg.hears(audio.voice(1, 1.0))
    keys = place.switch._requests._keys[call.id]
    keys.begun("8")
    keys.ended("8")
    await place.handler.finished(within=6)
    assert got == [complete("8"), Digits("", DigitsEnd.TIMEOUT)]
