"""Agents' legs on a real Asterisk: rung, held, joined, cancelled, gone."""

from __future__ import annotations

import asyncio

import pytest
from port_house import House
from port_place import in_state, sound, wait_in_line

from lab import audio
from lab.hearing import hear_each_other, heard_by
from pbx.port import (
    Call,
    CallEnded,
    Caller,
    CallState,
    Cause,
    DeviceChanged,
    LegAnswered,
    LegConnected,
    LegEnded,
    SwitchBack,
)

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(60)]


async def test_an_agent_who_answers_cuts_short_what_the_caller_hears(place: House) -> None:
    call = await wait_in_line(place)
    await in_state(place, CallState.WAITING)
    caller = place.world.live_legs()[0]
    playing = asyncio.Event()

    async def tell(lent: Call, key: str | None) -> None:
        playing.set()
        # For longer than they are given to hear each other.
        await lent.play([sound(place, "one"), sound(place, "two")] * 20)

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
    await heard_by(caller, [rung], at_least=0.9)
    await heard_by(rung, [caller], at_least=0.9)
    await rung.hang_up()


async def test_a_caller_who_is_gone_is_not_taken_for_one_whose_call_is_named_alike(
    place: House,
) -> None:
    call = await wait_in_line(place)
    await in_state(place, CallState.WAITING)
    phone = place.world.phones["1001"]
    gone = call[:-1]
    place.switch.ring("o15", "1001", gone, ring_ms=9000, caller=Caller(None), carry={})
    rung = await phone.answer(await phone.ringing())
    await rung.ended()
    await in_state(place, CallState.WAITING)
    assert not any(isinstance(event, LegConnected) for event in place.handler.events)


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
    await heard_by(caller, [rung[1]], at_least=0.9)
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
    await rung.ended(20)
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
    await heard_by(caller, [rung], at_least=0.9)
    await heard_by(rung, [caller], at_least=0.9)
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
    ring_ms = 1500 if cause is Cause.NO_ANSWER else 9000
    place.switch.ring(offer, "1001", call, ring_ms=ring_ms, caller=Caller(None), carry={})
    ended = await place.handler.saw(lambda e: isinstance(e, LegEnded), within=20)
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
    await hear_each_other(two, rung)
    await rung.hang_up()


async def test_a_caller_can_be_transferred(place: House) -> None:
    call = await wait_in_line(place)
    await in_state(place, CallState.WAITING)
    caller = place.world.live_legs()[0]
    phone = place.world.phones["1002"]
    await place.switch.transfer(call, "1002")
    rung = await phone.ringing()
    await phone.answer(rung)
    await in_state(place, CallState.TALKING)
    await heard_by(caller, [rung], at_least=0.9)
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
