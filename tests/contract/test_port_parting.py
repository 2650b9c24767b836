"""Holds, consults, transfers and conferences on a real Asterisk, by the port and by the phone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from port_house import SECRET, SOFT, House, house
from port_talk import NOBODY, Place, connected, meets, talk

from lab.hearing import hear_each_other
from lab.softphone import SoftPhone
from pbx.errors import LocalProtocolError
from pbx.port import (
    Call,
    CallEnded,
    CallState,
    Cause,
    LegEnded,
    LegHandsOver,
    LegHolds,
    LegRefers,
    LegResumes,
)

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(60)]

NUMBER = "+14155550199"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def home(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    base = tmp_path_factory.mktemp("parting")
    (base / "media").mkdir()
    async with house(base, base / "media") as made:
        yield made


@pytest_asyncio.fixture(loop_scope="module")
async def place(home: House) -> AsyncIterator[Place]:
    home.handler.events.clear()
    home.handler.script = None
    async with SoftPhone(home.sip, "caller", SECRET, number="+14155550123") as outside:
        yield Place(home, outside)
    await home.world.hang_up_all()
    async with asyncio.timeout(10):
        while (left := await home.switch.snapshot()).calls or left.legs:
            await asyncio.sleep(0.05)


@pytest_asyncio.fixture(loop_scope="module")
async def soft(place: Place) -> AsyncIterator[SoftPhone]:
    async with SoftPhone(place.sip, SOFT[0], SECRET) as phone:
        yield phone


@pytest_asyncio.fixture(loop_scope="module")
async def desk(place: Place) -> AsyncIterator[SoftPhone]:
    async with SoftPhone(place.sip, SOFT[1], SECRET) as phone:
        yield phone


async def test_a_caller_on_hold_hears_music_and_is_taken_back(
    place: Place, soft: SoftPhone
) -> None:
    one = await talk(place)
    agent = await meets(one, "h1", soft)
    place.switch.hold("h1", one.call)
    await one.state(CallState.HELD)
    await one.leg.hears_music()
    place.switch.connect("h1", one.call, {"interaction": "i1"})
    await connected(place, "h1", 2)
    await hear_each_other(one.leg, agent)
    await agent.hang_up()
    await one.leg.ended()


async def test_whose_agent_goes_while_on_hold_goes_on_by_itself(
    place: Place, soft: SoftPhone
) -> None:
    one = await talk(place)
    agent = await meets(one, "h2", soft)
    place.switch.hold("h2", one.call)
    await one.state(CallState.HELD)
    await agent.hang_up()
    await one.leg.ended(20)


async def test_whose_caller_goes_while_on_hold_is_let_go_by_itself(
    place: Place, soft: SoftPhone
) -> None:
    one = await talk(place)
    agent = await meets(one, "h3", soft)
    place.switch.hold("h3", one.call)
    await one.state(CallState.HELD)
    await one.leg.hang_up()
    await agent.ended(20)


async def test_a_phone_s_own_hold_is_told_and_listed(place: Place, soft: SoftPhone) -> None:
    one = await talk(place)
    line = await meets(one, "p1", soft)
    assert [leg.holds for leg in (await place.switch.snapshot()).legs] == [False]
    await line.hold()
    await place.handler.saw(lambda e: e == LegHolds("p1"))
    assert [leg.holds for leg in (await place.switch.snapshot()).legs] == [True]
    await one.leg.hears_music()
    await line.resume()
    await place.handler.saw(lambda e: e == LegResumes("p1"))
    assert [leg.holds for leg in (await place.switch.snapshot()).legs] == [False]
    await hear_each_other(one.leg, line)


async def test_a_consult_ends_in_the_other_agent_s_talk(
    place: Place, soft: SoftPhone, desk: SoftPhone
) -> None:
    one = await talk(place)
    first = await meets(one, "c1", soft)
    place.switch.hold("c1", one.call)
    place.switch.consult(
        "c2", desk.account, "c1", ring_ms=9000, caller=NOBODY, carry={"interaction": "i1"}
    )
    second = await (await desk.ringing()).answer()
    await connected(place, "c2")
    await hear_each_other(first, second)
    found = await one.state(CallState.HELD)
    talks = {leg.offer: leg.talk for leg in found.legs}
    assert talks["c1"] == talks["c2"] != ""
    place.switch.connect("c2", one.call, {"interaction": "i1"})
    await connected(place, "c2", 2)
    place.switch.cancel("c1")
    await first.ended()
    await hear_each_other(one.leg, second)
    await second.hang_up()
    await one.leg.ended()


async def test_an_agent_who_is_gone_is_not_taken_for_one_whose_leg_is_called_alike(
    place: Place, soft: SoftPhone, desk: SoftPhone
) -> None:
    one = await talk(place)
    other = await meets(one, "c12", soft)
    # Asterisk's Bridge() would take c12 for c1, as for whatever begins so.
    place.switch.consult("c5", desk.account, "c1", ring_ms=9000, caller=NOBODY, carry={})
    line = await (await desk.ringing()).answer()
    await line.ended()
    await hear_each_other(one.leg, other)
    await other.hang_up()
    await one.leg.ended()


async def test_who_is_consulted_hangs_up_and_the_agent_takes_the_caller_back(
    place: Place, soft: SoftPhone, desk: SoftPhone
) -> None:
    one = await talk(place)
    first = await meets(one, "c3", soft)
    place.switch.hold("c3", one.call)
    place.switch.consult("c4", desk.account, "c3", ring_ms=9000, caller=NOBODY, carry={})
    second = await (await desk.ringing()).answer()
    await connected(place, "c4")
    await second.hang_up()
    await place.handler.saw(lambda e: isinstance(e, LegEnded) and e.offer == "c4")
    place.switch.connect("c3", one.call, {})
    await connected(place, "c3", 2)
    await hear_each_other(one.leg, first)


async def test_three_hear_each_other_and_each_may_leave(
    place: Place, soft: SoftPhone, desk: SoftPhone
) -> None:
    one = await talk(place)
    first = await meets(one, "k1", soft)
    place.switch.hold("k1", one.call)
    place.switch.consult("k2", desk.account, "k1", ring_ms=9000, caller=NOBODY, carry={})
    second = await (await desk.ringing()).answer()
    await connected(place, "k2")
    place.switch.conference("a1", one.call, ("k1", "k2"))
    await one.state(CallState.CONFERENCE)
    await hear_each_other(one.leg, first, second)
    await first.hang_up()
    await place.handler.saw(lambda e: isinstance(e, LegEnded) and e.offer == "k1")
    await hear_each_other(one.leg, second)
    await second.hang_up()
    await one.leg.ended()


@pytest.mark.parametrize("who", ["the one consulted", "both"])
async def test_who_goes_in_the_moment_of_a_conference_leaves_no_caller_alone(
    place: Place, soft: SoftPhone, desk: SoftPhone, who: str
) -> None:
    one = await talk(place)
    first = await meets(one, "k3", soft)
    place.switch.hold("k3", one.call)
    place.switch.consult("k4", desk.account, "k3", ring_ms=9000, caller=NOBODY, carry={})
    second = await (await desk.ringing()).answer()
    await connected(place, "k4")
    await second.hang_up()
    if who == "both":
        await first.hang_up()
    # Ordered before it is told that they have gone.
    place.switch.conference("a3", one.call, ("k3", "k4"))
    if who == "both":
        await one.leg.ended(15)
    else:
        await one.state(CallState.CONFERENCE)
        await hear_each_other(one.leg, first)
        await first.hang_up()
        await one.leg.ended(15)


async def test_a_conference_has_a_name_of_hexadecimal_digits(place: Place) -> None:
    for name in ("", "a,b", "x"):
        with pytest.raises(LocalProtocolError):
            place.switch.conference(name, "c", ())


async def test_a_phone_sends_its_caller_on(place: Place, soft: SoftPhone) -> None:
    asked: asyncio.Queue[tuple[str, str]] = asyncio.Queue()

    async def decide(call: Call, to: str) -> None:
        asked.put_nowait((call.id, to))
        await call.take()
        await call.wait()

    one = await talk(place)
    line = await meets(one, "r1", soft)
    place.handler.on_refer = decide  # type: ignore[method-assign]
    assert await line.refer("support") == 202
    await place.handler.saw(lambda e: e == LegRefers("r1"))
    assert await asyncio.wait_for(asked.get(), 5) == (one.call, "support")
    await line.told(200)
    await line.ended()
    await one.state(CallState.WAITING)
    await one.leg.hears_music()


@pytest.mark.parametrize("to", ["nobody", "h"])
async def test_a_refused_transfer_is_told_the_phone_and_the_talk_goes_on(
    place: Place, soft: SoftPhone, to: str
) -> None:
    """`h` is where Asterisk goes with calls that are hung up: asked for, it is one name more."""
    asked: list[str] = []

    async def decide(call: Call, to: str) -> None:
        asked.append(to)
        await call.give_back()

    one = await talk(place)
    line = await meets(one, "r2", soft)
    place.handler.on_refer = decide  # type: ignore[method-assign]
    await line.refer(to)
    await line.told(503)
    assert asked == [to]
    place.switch.connect("r2", one.call, {})
    await connected(place, "r2", 2)
    await hear_each_other(one.leg, line)


async def test_without_a_verdict_the_talk_goes_on_by_itself(place: Place, soft: SoftPhone) -> None:
    async def decide(call: Call, to: str) -> None:
        """Say nothing."""

    one = await talk(place)
    line = await meets(one, "r3", soft)
    place.handler.on_refer = decide  # type: ignore[method-assign]
    await line.refer("nobody")
    await connected(place, "r3", 2)
    await hear_each_other(one.leg, line)


@pytest.mark.parametrize("to", ["%26PJSIP%2F1002", "a%0d%0aEvent:%20x", "a" * 21, "a.b", "s@h,1"])
async def test_what_no_agent_queue_or_number_is_called_is_refused_unseen(
    place: Place, soft: SoftPhone, to: str
) -> None:
    one = await talk(place)
    line = await meets(one, f"r4-{len(to)}-{ord(to[1])}", soft)
    before = len(place.handler.events)
    status = await line.refer(to)
    if status == 202:
        await line.told(404)
    assert not [e for e in place.handler.events[before:] if isinstance(e, LegRefers)]
    await one.state(CallState.TALKING)


async def test_callers_transfer_nobody(place: Place, soft: SoftPhone) -> None:
    one = await talk(place)
    await meets(one, "r5", soft)
    assert await one.leg.refer("1002") >= 400
    await one.state(CallState.TALKING)


async def test_a_phone_joins_its_two_calls(place: Place, soft: SoftPhone, desk: SoftPhone) -> None:
    one = await talk(place)
    line = await meets(one, "a1", soft)
    await line.hold()
    seconds: asyncio.Queue[tuple[str, str, str | None]] = asyncio.Queue()

    async def script(call: Call) -> None:
        seconds.put_nowait((call.id, call.dialled, call.address))
        await call.wait()

    place.handler.script = script
    other = await soft.dial("1002")
    second, dialled, address = await asyncio.wait_for(seconds.get(), 5)
    assert (dialled, address) == ("1002", soft.account)
    place.switch.ring("a2", desk.account, second, ring_ms=9000, caller=NOBODY, carry={})
    third = await (await desk.ringing()).answer()
    await connected(place, "a2")
    await hear_each_other(other, third)
    await line.refer("1002", replaces=other)
    told = await place.handler.saw(lambda e: isinstance(e, LegHandsOver))
    assert told == LegHandsOver("a1", second)
    await place.handler.saw(lambda e: isinstance(e, LegEnded) and e.offer == "a1")
    await place.handler.saw(lambda e: isinstance(e, CallEnded) and e.call == second)
    await hear_each_other(one.leg, third)
    found = await one.state(CallState.TALKING)
    assert {leg.talk for leg in found.legs} == {call.talk for call in found.calls}
    await third.hang_up()
    await one.leg.ended()


async def test_a_phone_joins_its_calls_before_the_second_is_answered(
    place: Place, soft: SoftPhone
) -> None:
    one = await talk(place)
    line = await meets(one, "b1", soft)
    await line.hold()
    seconds: asyncio.Queue[str] = asyncio.Queue()

    async def script(call: Call) -> None:
        await call.carry({"interaction": "i1", "second": "b1"})
        seconds.put_nowait(call.id)
        await call.wait()

    place.handler.script = script
    other = await soft.dial("support")
    await asyncio.wait_for(seconds.get(), 5)
    await other.answered()
    await line.refer("support", replaces=other)
    await place.handler.saw(lambda e: isinstance(e, LegHandsOver))
    found = await one.state(CallState.WAITING, carrying="second")
    # What the second call carried goes before what the caller's own did.
    assert [(c.call, c.carried["second"]) for c in found.calls] == [(one.call, "b1")]
    await one.leg.hears_music()


async def test_a_number_outside_is_dialled_over_the_trunk(place: Place) -> None:
    one = await talk(place)
    outside = place.world.outside(NUMBER)
    place.switch.ring("n1", NUMBER, one.call, ring_ms=9000, caller=NOBODY, carry={})
    rung = await outside.ringing()
    assert rung.shown_number == "+14155550100"
    await outside.answer(rung)
    await connected(place, "n1")
    await hear_each_other(one.leg, rung)
    await rung.hang_up()
    await one.leg.ended()


async def test_a_number_outside_may_be_busy(place: Place) -> None:
    one = await talk(place)
    outside = place.world.outside(NUMBER)
    await outside.behave("busy")
    place.switch.ring("n2", NUMBER, one.call, ring_ms=9000, caller=NOBODY, carry={})
    told = await place.handler.saw(lambda e: isinstance(e, LegEnded))
    assert told == LegEnded("n2", Cause.BUSY, answered=False)
    await outside.behave("ring")
