"""The port's whole vocabulary on a real Asterisk, with real callers and phones."""

from __future__ import annotations

import asyncio
import wave
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pytest_asyncio
from port_house import House, house

from lab import audio
from pbx.errors import CallGone
from pbx.port import (
    Audio,
    Call,
    CallEnded,
    Caller,
    CallState,
    Cause,
    DeviceChanged,
    Digits,
    DigitsEnd,
    LegAnswered,
    LegConnected,
    LegEnded,
    Prompt,
    SayDate,
    SayDigits,
    SayNumber,
    SwitchBack,
)

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(60)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def home(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    base = tmp_path_factory.mktemp("port")
    media = base / "media"
    media.mkdir()
    for name, seed in (("one", 1), ("two", 2)):
        audio.write_ulaw(media / f"{name}.ulaw", audio.voice(seed, 1.0))
    async with house(base, media) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="module")
async def place(home: House) -> AsyncIterator[House]:
    home.handler.events.clear()
    home.handler.script = home.handler.on_wait = None
    for phone in home.world.phones.values():
        phone.forget()
    home.handler.keys = asyncio.Queue()
    home.handler.done = asyncio.Queue()
    yield home
    await home.world.hang_up_all()
    async with asyncio.timeout(10):
        while (await home.switch.snapshot()).calls:
            await asyncio.sleep(0.05)
    assert not (await home.switch.snapshot()).legs
    assert not home.switch._legs
    assert not home.switch._agi._tasks


def sound(home: House, name: str) -> Audio:
    return Audio(str(home.home / "media" / name))


async def test_prompts_are_heard_in_order(place: House) -> None:
    async def script(call: Call) -> None:
        await call.answer()
        await call.play([sound(place, "one"), sound(place, "two")])
        await call.hang_up()

    place.handler.script = script
    leg = await place.world.caller.dial("600")
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

    async def script(call: Call) -> None:
        await call.answer()
        asked.set()
        got.append(
            await call.collect(
                [sound(place, "one")],
                max_digits=most,
                first_ms=2500,
                next_ms=1500,
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
        recording = await call.record("voicemail/one", max_ms=10_000, beep=False)
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
    assert 1500 < length_ms < 8000
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


async def wait_in_line(place: House) -> str:
    """Script: put the caller in line; gives the call's id."""
    calls: list[str] = []

    async def script(call: Call) -> None:
        calls.append(call.id)
        await call.answer()
        await call.carry({"interaction": "i1", "queue": "q", "entered": "123"})
        await call.wait()

    place.handler.script = script
    await place.world.caller.dial("600", number="+14155550123")
    await place.handler.finished()
    return calls[0]


async def in_state(place: House, state: CallState) -> None:
    async with asyncio.timeout(10):
        while [c.state for c in (await place.switch.snapshot()).calls] != [state]:
            await asyncio.sleep(0.02)


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


async def test_waiting_has_music_ticks_and_keys(place: House) -> None:
    await wait_in_line(place)
    leg = place.world.live_legs()[0]
    await leg.hears_music()
    assert await asyncio.wait_for(place.handler.keys.get(), 5) is None
    await leg.press("5")
    async with asyncio.timeout(5):
        while await place.handler.keys.get() != "5":
            pass
    await leg.hears_music()
    await leg.hang_up()
    ended = await place.handler.saw(lambda e: isinstance(e, CallEnded))
    assert isinstance(ended, CallEnded)
    assert ended.by_caller


async def test_who_waits_can_be_told_something(place: House) -> None:
    call = await wait_in_line(place)
    await in_state(place, CallState.WAITING)
    leg = place.world.live_legs()[0]
    await place.switch.announce(call, [sound(place, "two"), SayNumber(3)])
    await leg.hears(audio.voice(2, 1.0))
    await leg.hears_music()
    await leg.hang_up()


async def test_who_waits_can_be_summoned_at_once_and_carry_something_else(place: House) -> None:
    call = await wait_in_line(place)
    await in_state(place, CallState.WAITING)
    asked = asyncio.get_running_loop().create_future()

    async def heed(lent: Call, key: str | None) -> None:
        if not asked.done():
            asked.set_result((lent.id, dict(lent.carried), key))

    place.switch.carry(call, {"interaction": "i9", "queue": "other"})
    place.handler.on_wait = heed
    place.switch.summon(call)
    carried = {"interaction": "i9", "queue": "other"}
    assert await asyncio.wait_for(asked, 1) == (call, carried, None)
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
    # The agent may hear the key, but not more.
    await rung.hears(await caller.say(audio.voice(8, 2.0)), at_least=0.3)
    await rung.hears(await caller.say(audio.voice(10, 2.0)))
    assert place.handler.keys.empty()
    await rung.hang_up()


async def test_an_agent_who_answers_cuts_short_what_the_caller_hears(place: House) -> None:
    call = await wait_in_line(place)
    await in_state(place, CallState.WAITING)
    caller = place.world.live_legs()[0]
    playing = asyncio.Event()

    async def tell(lent: Call, key: str | None) -> None:
        playing.set()
        await lent.play([sound(place, "one"), sound(place, "two"), sound(place, "one")])

    place.handler.on_wait = tell
    place.switch.summon(call)
    await playing.wait()
    await caller.hears(audio.voice(1, 1.0))
    phone = place.world.phones["1001"]
    place.switch.ring("o14", "1001", call, ring_ms=9000, caller=Caller(None), carry={})
    rung = await phone.answer(await phone.ringing())
    await place.handler.saw(lambda e: isinstance(e, LegConnected) and e.offer == "o14")
    # The caller speaks first: the world's recording of one who only listens can stop for good where
    # the source of what they hear changes (Asterisk's transcoders take a new SSRC for old packets).
    await rung.hears(await caller.say(audio.voice(12, 2.0)))
    await caller.hears(await rung.say(audio.voice(11, 2.0)))
    await rung.hang_up()


async def test_of_two_held_legs_that_answer_the_one_that_is_joined_meets_the_caller(
    place: House,
) -> None:
    call = await wait_in_line(place)
    await in_state(place, CallState.WAITING)
    caller = place.world.live_legs()[0]
    phones = [place.world.phones[name] for name in ("1001", "1002")]
    for offer, phone in zip(("o11", "o12"), phones, strict=True):
        place.switch.ring(
            offer, phone.account, call, ring_ms=9000, caller=Caller(None), carry={}, held=True
        )
    rung = [await phone.ringing() for phone in phones]
    await asyncio.gather(*(phone.answer(leg) for phone, leg in zip(phones, rung, strict=True)))
    for offer in ("o11", "o12"):
        await place.handler.saw(lambda e, o=offer: isinstance(e, LegAnswered) and e.offer == o)
    place.switch.join("o12")
    place.switch.cancel("o11")
    await place.handler.saw(lambda e: isinstance(e, LegConnected) and e.offer == "o12")
    await rung[1].hears(await caller.say(audio.voice(9, 2.0)))
    await rung[0].ended()
    assert not any(isinstance(e, LegConnected) and e.offer == "o11" for e in place.handler.events)
    await rung[1].hang_up()
    await caller.ended()


async def test_a_held_leg_that_nobody_joins_is_let_go_and_the_caller_waits_on(
    place: House,
) -> None:
    call = await wait_in_line(place)
    phone = place.world.phones["1001"]
    place.switch.ring("o13", "1001", call, ring_ms=9000, caller=Caller(None), carry={}, held=True)
    rung = await phone.answer(await phone.ringing())
    await rung.ended(8)
    await place.handler.saw(lambda e: isinstance(e, LegEnded) and e.offer == "o13")
    await in_state(place, CallState.WAITING)
    await place.switch.hang_up(call)


async def test_ring_connects_and_both_hear(place: House) -> None:
    call = await wait_in_line(place)
    await in_state(place, CallState.WAITING)
    caller = place.world.live_legs()[0]
    phone = place.world.phones["1001"]
    place.switch.ring(
        "o1",
        "1001",
        call,
        ring_ms=10_000,
        caller=Caller("+14155550123"),
        carry={"interaction": "i1"},
    )
    rung = await phone.ringing()
    assert rung.shown_number == "+14155550123"
    await phone.answer(rung)
    await place.handler.saw(lambda e: isinstance(e, LegConnected) and e.offer == "o1")
    await in_state(place, CallState.TALKING)
    snapshot = await place.switch.snapshot()
    assert [(leg.offer, leg.address, leg.answered) for leg in snapshot.legs] == [
        ("o1", "1001", True)
    ]
    await rung.hears(await caller.say(audio.voice(4, 2.0)))
    await caller.hears(await rung.say(audio.voice(5, 2.0)))
    await rung.hang_up()
    ended = await place.handler.saw(lambda e: isinstance(e, LegEnded))
    assert isinstance(ended, LegEnded)
    assert ended.answered
    await caller.ended()


@pytest.mark.parametrize(
    ("behaviour", "cause"),
    [
        ("busy", Cause.BUSY),
        ("reject", Cause.REJECTED),
        ("ring", Cause.NO_ANSWER),
        ("silent", Cause.NO_ANSWER),
    ],
)
async def test_a_ring_that_comes_to_nothing_says_why_once(
    place: House, behaviour: str, cause: Cause
) -> None:
    call = await wait_in_line(place)
    phone = place.world.phones["1001"]
    await phone.behave(behaviour)  # type: ignore[arg-type]
    offer = f"o2-{behaviour}"  # no two offers ever bear one id
    place.switch.ring(offer, "1001", call, ring_ms=1500, caller=Caller(None), carry={})
    ended = await place.handler.saw(lambda e: isinstance(e, LegEnded))
    assert ended == LegEnded(offer, cause, answered=False)
    await phone.behave("ring")
    await in_state(place, CallState.WAITING)
    await place.switch.hang_up(call)
    await place.handler.saw(lambda e: isinstance(e, CallEnded) and e.call == call)
    assert sum(isinstance(e, LegEnded) for e in place.handler.events) == 1


async def test_an_address_nobody_is_at(place: House) -> None:
    call = await wait_in_line(place)
    place.switch.ring("o3", "9999", call, ring_ms=1500, caller=Caller(None), carry={})
    ended = await place.handler.saw(lambda e: isinstance(e, LegEnded))
    assert ended == LegEnded("o3", Cause.UNREACHABLE, answered=False)
    await place.switch.hang_up(call)


async def test_a_ring_can_be_cancelled_at_once_and_later(place: House) -> None:
    call = await wait_in_line(place)
    phone = place.world.phones["1001"]
    place.switch.ring("o4", "1001", call, ring_ms=20_000, caller=Caller(None), carry={})
    place.switch.cancel("o4")
    first = await place.handler.saw(lambda e: isinstance(e, LegEnded) and e.offer == "o4")
    place.switch.ring("o5", "1001", call, ring_ms=20_000, caller=Caller(None), carry={})
    await phone.ringing()
    place.switch.cancel("o5")
    second = await place.handler.saw(lambda e: isinstance(e, LegEnded) and e.offer == "o5")
    for ended in (first, second):
        assert isinstance(ended, LegEnded)
        assert not ended.answered
    await place.switch.hang_up(call)


async def test_a_leg_can_be_connected_to_another_who_waits(place: House) -> None:
    first = await wait_in_line(place)
    phone = place.world.phones["1001"]
    one = place.world.live_legs()[0]
    place.switch.ring("o6", "1001", first, ring_ms=10_000, caller=Caller(None), carry={})
    rung = await phone.ringing()
    await phone.answer(rung)
    await place.handler.saw(lambda e: isinstance(e, LegConnected))
    second = await wait_in_line(place)
    place.handler.events.clear()
    place.switch.connect("o6", second, {})
    await place.handler.saw(lambda e: isinstance(e, LegConnected))
    two = next(leg for leg in place.world.live_legs() if leg not in (one, rung))
    await two.hears(await rung.say(audio.voice(6, 2.0)))
    await rung.hang_up()


async def test_a_caller_can_be_transferred(place: House) -> None:
    call = await wait_in_line(place)
    await in_state(place, CallState.WAITING)
    caller = place.world.live_legs()[0]
    phone = place.world.phones["1002"]
    await place.switch.transfer(call, "1002")
    rung = await phone.ringing()
    await phone.answer(rung)
    await rung.hears(await caller.say(audio.voice(7, 2.0)))
    await rung.hang_up()
    await caller.ended()


async def test_a_flow_can_transfer(place: House) -> None:
    async def script(call: Call) -> None:
        await call.answer()
        await call.transfer("1002")

    place.handler.script = script
    phone = place.world.phones["1002"]
    leg = await place.world.caller.dial("600")
    rung = await phone.ringing()
    await phone.answer(rung)
    await rung.hang_up()
    await leg.ended()


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


async def test_phones_come_and_go(place: House) -> None:
    phone = place.world.phones["1002"]
    await phone.unregister()
    await place.handler.saw(lambda e: e == DeviceChanged("1002", False))
    assert (await place.switch.snapshot()).reachable == {"1001"}
    await phone.register()
    await place.handler.saw(lambda e: e == DeviceChanged("1002", True))
    assert (await place.switch.snapshot()).reachable == {"1001", "1002"}


async def test_a_broken_link_comes_back_with_the_floor(place: House) -> None:
    call = await wait_in_line(place)
    await in_state(place, CallState.WAITING)
    wire = place.switch._link._wire
    assert wire is not None
    wire.fail("cut by the test")
    back = await place.handler.saw(lambda e: isinstance(e, SwitchBack))
    assert isinstance(back, SwitchBack)
    assert [c.call for c in back.floor.calls] == [call]
    assert back.floor.reachable == {"1001", "1002"}
    await place.switch.hang_up(call)
