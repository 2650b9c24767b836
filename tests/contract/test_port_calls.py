"""Callers on a real Asterisk: what they hear, press and say, and how they wait."""

from __future__ import annotations

import asyncio
import wave
from datetime import UTC, datetime
from pathlib import Path

import pytest
from port_house import House
from port_place import in_state, opening, sound, ticking, wait_in_line

from lab import audio
from lab.hearing import heard_by
from pbx.errors import CallGone
from pbx.port import (
    Call,
    CallEnded,
    Caller,
    CallState,
    Cause,
    Digits,
    DigitsEnd,
    LegConnected,
    Prompt,
    SayDate,
    SayDigits,
    SayNumber,
)

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(60)]


async def test_prompts_are_heard_in_order(place: House) -> None:
    listens = asyncio.Event()

    async def script(call: Call) -> None:
        await opening(call, listens)
        await call.play([sound(place, "one"), sound(place, "two")])
        await call.hang_up()

    place.handler.script = script
    leg = await place.world.caller.dial("600")
    await leg.answered()
    listens.set()
    await place.handler.finished()
    first = await leg.hears(audio.voice(1, 1.0))
    second = await leg.hears(audio.voice(2, 1.0))
    assert first.lag < second.lag


@pytest.mark.parametrize(
    "prompt", [SayNumber(42), SayDigits("12"), SayDate(datetime(2024, 5, 1, tzinfo=UTC))]
)
async def test_things_are_said(place: House, prompt: Prompt) -> None:
    async def script(call: Call) -> None:
        await call.answer()
        await call.play([prompt])
        await call.hang_up()

    place.handler.script = script
    leg = await place.world.caller.dial("600")
    await place.handler.finished()
    await leg.ended()
    assert not audio.silent(leg.heard())


@pytest.mark.parametrize(
    ("keys", "most", "terminators", "expected"),
    [
        ("123", 3, "#", Digits("123", DigitsEnd.COMPLETE)),
        ("12#", 5, "#", Digits("12", DigitsEnd.COMPLETE)),
        ("12", 5, "#", Digits("12", DigitsEnd.TIMEOUT)),
        ("", 5, "#", Digits("", DigitsEnd.TIMEOUT)),
        ("#", 1, "", Digits("#", DigitsEnd.COMPLETE)),
        ("*", 1, "", Digits("*", DigitsEnd.COMPLETE)),
        ("1#2*", 9, "*", Digits("1#2", DigitsEnd.COMPLETE)),
        ("1#2", 3, "", Digits("1#2", DigitsEnd.COMPLETE)),
    ],
)
async def test_keys_are_collected(
    place: House, keys: str, most: int, terminators: str, expected: Digits
) -> None:
    got: list[Digits] = []
    asked = asyncio.Event()
    # Two times that differ, and no shorter than what comes to its end by them needs.
    first_ms, next_ms = (9000, 5000) if keys else (2500, 1500)

    async def script(call: Call) -> None:
        await call.answer()
        asked.set()
        got.append(
            await call.collect(
                [sound(place, "one")],
                max_digits=most,
                first_ms=first_ms,
                next_ms=next_ms,
                terminators=terminators,
            )
        )
        await call.hang_up()

    place.handler.script = script
    leg = await place.world.caller.dial("600")
    await leg.answered()
    await asked.wait()
    await leg.press(keys)
    await place.handler.finished()
    assert got == [expected]


async def test_no_key_is_lost_while_prompts_play_one_after_the_other(place: House) -> None:
    got: list[Digits] = []

    async def script(call: Call) -> None:
        await call.answer()
        prompts = [sound(place, "one"), sound(place, "two")] * 4
        got.append(await call.collect(prompts, max_digits=8, first_ms=3000, next_ms=3000))
        await call.hang_up()

    place.handler.script = script
    leg = await place.world.caller.dial("600")
    await leg.hears(audio.voice(1, 1.0))
    await leg.press("12345678", gap_ms=50)
    await place.handler.finished()
    assert got == [Digits("12345678", DigitsEnd.COMPLETE)]


async def test_a_key_stops_the_prompt_and_is_the_answer(place: House) -> None:
    got: list[Digits] = []

    async def script(call: Call) -> None:
        await call.answer()
        got.append(await call.play([sound(place, "one")] * 20, interruptible=True))
        await call.hang_up()

    place.handler.script = script
    leg = await place.world.caller.dial("600")
    await leg.hears(audio.voice(1, 1.0))
    await leg.press("7")
    await place.handler.finished(within=5)
    assert got == [Digits("7", DigitsEnd.COMPLETE)]


async def test_the_caller_is_recorded(place: House) -> None:
    said = audio.voice(3, 2.0)
    paths: list[tuple[str, int]] = []

    async def script(call: Call) -> None:
        await call.answer()
        recording = await call.record("voicemail/one", max_ms=40_000, beep=False)
        paths.append((recording.path, recording.length_ms))
        await call.hang_up()

    place.handler.script = script
    leg = await place.world.caller.dial("600")
    await leg.answered()
    await leg.say(said)
    await leg.said()
    await leg.press("#")
    await place.handler.finished()
    path, length_ms = paths[0]
    assert 1500 < length_ms < 30_000
    with wave.open(path) as recorded:
        assert recorded.getframerate() == 8000
    assert Path(path).parent == place.home / "recordings" / "voicemail"


async def test_a_refusal_before_the_answer_reaches_the_caller(place: House) -> None:
    async def script(call: Call) -> None:
        await call.hang_up(Cause.UNALLOCATED)

    place.handler.script = script
    leg = await place.world.caller.dial("600")
    ended = await leg.ended()
    assert (ended.sip, leg.up) == (404, None)


async def test_who_calls_is_told_as_presented(place: House) -> None:
    callers: list[Caller] = []

    async def script(call: Call) -> None:
        callers.append(call.caller)
        await call.hang_up(Cause.BUSY)

    place.handler.script = script
    for number, withheld in (("+14155550123", False), ("4155550123", False), ("", True)):
        leg = await place.world.caller.dial("600", number=number, withheld=withheld)
        await place.handler.finished()
        assert (await leg.ended()).sip == 486
    assert [caller.number for caller in callers] == ["+14155550123", "4155550123", None]


async def test_who_waits_is_listed_with_all_that_they_carry(place: House) -> None:
    call = await wait_in_line(place)
    await in_state(place, CallState.WAITING)
    listed = (await place.switch.snapshot()).calls[0]
    assert listed.call == call
    assert listed.caller.number == "+14155550123"
    assert listed.carried == {"interaction": "i1", "queue": "q", "entered": "123"}
    await place.switch.hang_up(call)
    ended = await place.handler.saw(lambda e: isinstance(e, CallEnded) and e.call == call)
    assert isinstance(ended, CallEnded)
    assert not ended.by_caller


async def test_waiting_has_music_and_ticks(place: House) -> None:
    await wait_in_line(place)
    leg = place.world.live_legs()[0]
    await leg.hears_music()
    assert await asyncio.wait_for(place.handler.keys.get(), 10) is None
    await leg.hears_music()
    await leg.hang_up()
    ended = await place.handler.saw(lambda e: isinstance(e, CallEnded))
    assert isinstance(ended, CallEnded)
    assert ended.by_caller


async def test_a_key_of_who_waits_is_told_once(place: House) -> None:
    # A key pressed while a tick is served is told to nobody: there is one tick, and then music.
    async with ticking(place, 60):
        call = await wait_in_line(place)
        await in_state(place, CallState.WAITING)
        place.switch.summon(call)
        assert await asyncio.wait_for(place.handler.keys.get(), 10) is None
        leg = place.world.live_legs()[0]
        await leg.hears_music()
        await leg.press("5")
        assert await asyncio.wait_for(place.handler.keys.get(), 10) == "5"
        await leg.hears_music()
    assert place.handler.keys.empty()
    await leg.hang_up()


async def test_who_waits_can_be_told_something(place: House) -> None:
    call = await wait_in_line(place)
    await in_state(place, CallState.WAITING)
    leg = place.world.live_legs()[0]
    await place.switch.announce(call, [sound(place, "two"), SayNumber(3)])
    await leg.hears(audio.voice(2, 1.0))
    await leg.hears_music()
    await leg.hang_up()


async def test_who_waits_can_be_summoned_at_once_and_carry_something_else(place: House) -> None:
    asked = asyncio.get_running_loop().create_future()

    async def heed(lent: Call, key: str | None) -> None:
        if not asked.done():
            asked.set_result((lent.id, dict(lent.carried), key))

    async with ticking(place, 60):
        call = await wait_in_line(place)
        await in_state(place, CallState.WAITING)
        place.switch.carry(call, {"interaction": "i9", "queue": "other"})
        place.handler.on_wait = heed
        place.switch.summon(call)
        carried = {"interaction": "i9", "queue": "other"}
        assert await asyncio.wait_for(asked, 10) == (call, carried, None)
    assert [one.carried for one in (await place.switch.snapshot()).calls] == [carried]
    leg = place.world.live_legs()[0]
    await leg.hears_music()
    await leg.hang_up()


async def test_a_talk_does_not_notice_that_its_caller_is_summoned(place: House) -> None:
    call = await wait_in_line(place)
    caller = place.world.live_legs()[0]
    phone = place.world.phones["1001"]
    place.switch.ring("o10", "1001", call, ring_ms=10_000, caller=Caller(None), carry={})
    rung = await phone.answer(await phone.ringing())
    await place.handler.saw(lambda e: isinstance(e, LegConnected))
    place.handler.keys = asyncio.Queue()
    place.switch.summon(call)
    # The agent may hear the keys, but not more. The order of the last is answered before the floor.
    async with asyncio.timeout(10):
        while place.switch._signals._again:
            await asyncio.sleep(0.05)
    await in_state(place, CallState.TALKING)
    await heard_by(caller, [rung], at_least=0.9)
    await heard_by(rung, [caller], at_least=0.9)
    assert place.handler.keys.empty()
    await rung.hang_up()


async def test_hang_up_in_the_middle_of_a_prompt(place: House) -> None:
    async def script(call: Call) -> None:
        await call.answer()
        await call.play([sound(place, "one")] * 30)

    place.handler.script = script
    leg = await place.world.caller.dial("600")
    await leg.hears(audio.voice(1, 1.0))
    await leg.hang_up()
    with pytest.raises(CallGone):
        await place.handler.finished()


async def test_an_agent_who_hangs_up_while_a_feature_code_is_served_dials_nothing_else(
    place: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    served, ended = asyncio.Event(), asyncio.Event()

    async def feature(call: Call, code: str) -> None:
        await call.answer()
        served.set()
        try:
            await call.play([sound(place, "one")] * 30)
        finally:
            ended.set()

    async def script(call: Call) -> None:
        pytest.fail("the end of the call was taken for something dialled")

    monkeypatch.setattr(place.handler, "feature", feature)
    place.handler.script = script
    leg = await place.world.phones["1001"].dial("*11")
    await served.wait()
    await leg.answered()
    await leg.hang_up()
    await ended.wait()
    async with asyncio.timeout(10):
        while await place.console.channels():
            await asyncio.sleep(0.05)
    assert place.handler.done.empty()
