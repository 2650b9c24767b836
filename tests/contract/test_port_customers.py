"""Calls to customers on a real Asterisk: rung, picked up by people and machines, given up."""

from __future__ import annotations

import asyncio

import pytest
import pytest_asyncio
from port_house import House

from lab import audio
from lab.hearing import hear_each_other
from lab.openings import Opening, openings
from pbx.errors import LocalProtocolError
from pbx.port import CallEnded, Caller, CallState, Cause, LegConnected

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(60)]

CARRY = {"interaction": "i1", "callback": "c1", "fence": "1"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def told() -> dict[str, Opening]:
    """What people and machines say, by name."""
    return {one.name: one for one in await openings()}


def dial(place: House, call: str, number: str, *, ring_ms: int = 9000, detect: bool = True) -> None:
    place.switch.dial(call, number, ring_ms=ring_ms, shown="", carry=CARRY, detect=detect)


async def ended(place: House, call: str) -> CallEnded:
    """The one end of a call; gives it once the PBX lists nothing of it any more."""
    told = await place.handler.saw(lambda e: isinstance(e, CallEnded) and e.call == call)
    async with asyncio.timeout(5):
        while call in {one.call for one in (await place.switch.snapshot()).calls}:
            await asyncio.sleep(0.02)
    ends = [e for e in place.handler.events if isinstance(e, CallEnded) and e.call == call]
    assert ends == [told]
    assert isinstance(told, CallEnded)
    return told


@pytest.mark.parametrize(
    ("behaviour", "cause"),
    [("busy", Cause.BUSY), ("reject", Cause.REJECTED), ("ring", Cause.NO_ANSWER)],
)
async def test_a_call_that_nobody_takes_ends_once(
    place: House, behaviour: str, cause: Cause
) -> None:
    number = f"+1415555270{len(behaviour)}"
    outside = place.world.outside(number)
    await outside.behave(behaviour)  # type: ignore[arg-type]
    ring_ms = 2000 if cause is Cause.NO_ANSWER else 9000
    dial(place, f"c-{behaviour}", number, ring_ms=ring_ms)
    assert (await ended(place, f"c-{behaviour}")).cause is cause
    async with asyncio.timeout(5):
        while place.switch._outgoing._live or place.switch._outgoing._over:
            await asyncio.sleep(0.02)


async def test_the_customer_waits_until_the_agent_who_is_held_is_connected(place: House) -> None:
    outside, phone = place.world.outside("+14155552711"), place.world.phones["1001"]
    place.switch.reserve(
        "r1",
        "1001",
        ring_ms=9000,
        caller=Caller("+14155552711", "Callback"),
        carry={"reserved": "yes"},
    )
    agent = await phone.ringing()
    assert (agent.shown_number, agent.shown_name) == ("+14155552711", "Callback")
    await phone.answer(agent)
    assert await asyncio.wait_for(place.handler.held.get(), 5) == "r1"
    await agent.hears_music()
    dial(place, "c-held", "+14155552711")
    rung = await outside.ringing()
    (listed,) = (await place.switch.snapshot()).calls
    assert (listed.call, listed.state) == ("c-held", CallState.DIALLED)
    assert dict(listed.carried) == CARRY
    await outside.answer(rung)
    await rung.say(audio.voice(21, 0.8))
    assert await asyncio.wait_for(place.handler.picked_up.get(), 8) == ("c-held", False)
    place.switch.connect("r1", "c-held", CARRY)
    await place.handler.saw(lambda e: isinstance(e, LegConnected) and e.offer == "r1")
    await hear_each_other(agent, rung)
    await rung.hang_up()
    assert (await ended(place, "c-held")).by_caller
    await agent.ended()


@pytest.mark.parametrize(
    "name",
    ["hello", "office", "half a second, and more", "silence", "hello in noise at -30",
     "voicemail", "indonesian voicemail"],
)  # fmt: skip
async def test_a_machine_is_told_from_a_person(
    place: House, name: str, told: dict[str, Opening]
) -> None:
    opening = told[name]
    call, number = f"c-{name.replace(' ', '-').replace(',', '')}", "+14155552712"
    outside = place.world.outside(number)
    await outside.behave("answer", say=opening.sound)
    dial(place, call, number)
    rung = await outside.ringing()
    assert await asyncio.wait_for(place.handler.picked_up.get(), 15) == (call, opening.machine)
    place.switch.give_up(call)
    await rung.ended()
    await ended(place, call)
    await outside.behave("ring")


async def test_a_call_can_be_given_up_at_once_and_while_it_rings(place: House) -> None:
    outside = place.world.outside("+14155552713")
    dial(place, "c-once", "+14155552713")
    place.switch.give_up("c-once")
    # Long before it would have rung for as long as it may.
    assert (await ended(place, "c-once")).cause is not Cause.NO_ANSWER
    outside.forget()
    dial(place, "c-ring", "+14155552713")
    rung = await outside.ringing()
    place.switch.give_up("c-ring")
    await rung.ended()
    await ended(place, "c-ring")


async def test_what_is_no_call_is_not_made(place: House) -> None:
    for call, number in (("sala-x", "+14155552714"), ("a b", "+14155552714"), ("c-x", "x&y")):
        with pytest.raises(LocalProtocolError):
            dial(place, call, number)
    assert (await place.switch.snapshot()).calls == ()
