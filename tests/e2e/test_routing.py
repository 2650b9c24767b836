"""Routing on the real PBX: who rings for whom, and what becomes of who waits."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator

import pytest_asyncio
from desk import DESK, EARLY, FAMILIAR, LATE, URGENT, Desk, waited
from house import CLEAR, PATIENCE_S, House, of_kind, outcomes, until

from lab.hearing import heard_by

FOREVER = {"week": {"mon-sun": "00:00-24:00"}, "timezone": "UTC"}
NEVER = {"week": {}, "timezone": "UTC"}


@pytest_asyncio.fixture(loop_scope="session")
async def desk(house: House) -> AsyncIterator[Desk]:
    made = Desk(house)
    await made.open()
    yield made
    await house.world.hang_up_all()
    await made.close()


async def test_a_skill_is_asked_for_until_its_step_relaxes(house: House, desk: Desk) -> None:
    await desk.skill("1002", "tax", 4)
    await desk.policy(steps=[{"criteria": "skill tax >= 3", "for": "1500ms"}, "any"])
    plain, skilled = await house.log_in("1001", "1002")
    call, number = await house.call(DESK)
    await house.meets(skilled)
    again, other = await house.call(DESK)
    # The skilled agent is busy; the other, idle all the time, may take it only later.
    await house.meets(plain)
    for leg in (call, again):
        await leg.hang_up()
    first, second = await house.closed(number), await house.closed(other)
    assert [one["agent"] for one in of_kind(first, "ringing")] == ["1002"]
    assert waited(first) < 1500, "the step had not relaxed"
    assert [one["agent"] for one in of_kind(second, "ringing")] == ["1001"]
    assert 1500 <= waited(second) < PATIENCE_S * 1000


async def test_the_agent_spoken_to_last_is_asked_first_for_a_while(
    house: House, desk: Desk
) -> None:
    (known,) = await house.log_in("1002")
    call, number = await house.call(FAMILIAR)
    talking = await house.meets(known)
    await talking.hang_up()
    await house.closed(number)
    await house.stack.becomes("1002", "available")
    other = house.world.phones["1001"]
    await house.stack.agent("1001", "available")
    for agent in ("1002", "1001"):  # 1001 is idle longest
        await house.stack.agent(agent, "paused")
        await house.stack.becomes(agent, "paused")
    await house.log_in("1001", "1002")
    call, _ = await house.call(FAMILIAR, number=number)
    talking = await house.meets(known)
    assert other.rings() == 0
    # They talk: the same caller, calling on another line, is asked to wait for them a while.
    late, _ = await house.call(FAMILIAR, number=number)
    await house.meets(other)
    await late.hang_up()
    found = await house.closed(number)
    assert 2000 <= waited(found) < PATIENCE_S * 1000
    await talking.hang_up()
    await call.ended()
    # The other is now who was spoken to last; paused, they are not waited for.
    await house.stack.becomes("1001", "available")
    await house.stack.agent("1001", "paused")
    await house.stack.becomes("1001", "paused")
    await house.stack.becomes("1002", "available")
    call, _ = await house.call(FAMILIAR, number=number)
    await house.meets(known)
    assert other.rings() == 0
    await call.hang_up()
    last = await until(
        lambda: house.interaction(number),
        lambda one: one["id"] != found["id"] and bool(one["ended_ms"]),
        "the last call is written",
    )
    assert waited(last) < 2000


async def test_priority_overtakes(house: House, desk: Desk) -> None:
    plain, first = await house.call(DESK)
    await desk.waits(first)
    urgent, second = await house.call(URGENT)
    await desk.waits(second)
    phone = house.world.phones["1001"]
    await house.stack.agent("1001", "available")
    ringing = await phone.ringing()
    assert ringing.shown_number == second
    await phone.answer(ringing)
    await house.connected(phone)
    await ringing.hang_up()
    await urgent.ended()
    ringing = await phone.ringing()
    assert ringing.shown_number == first
    await plain.hang_up()


async def test_several_ring_and_one_wins_though_two_answer_at_once(
    house: House, desk: Desk
) -> None:
    await desk.policy(ring_at_once=2)
    phones = await house.log_in("1001", "1002")
    for _ in range(4):
        call, number = await house.call(DESK)
        legs = [await phone.ringing() for phone in phones]
        await asyncio.gather(
            *(phone.answer(leg) for phone, leg in zip(phones, legs, strict=True)),
            return_exceptions=True,
        )

        async def presences() -> list[str]:
            return sorted([await house.stack.presence(phone.account) for phone in phones])

        await until(presences, lambda now: now == ["available", "on_contact"], "one has won")
        at = [await house.stack.presence(phone.account) for phone in phones].index("on_contact")
        winner, loser = legs[at], legs[1 - at]
        await loser.ended()
        await house.connected(phones[at])
        await heard_by(call, [winner], at_least=CLEAR)
        await call.hang_up()
        await winner.ended()
        found = await house.closed(number)
        assert sorted(outcomes(found, "ringing")) == ["accepted", "cancelled"]
        assert [one["agent"] for one in of_kind(found, "talk")] == [phones[at].account]
        for phone in phones:
            await house.stack.becomes(phone.account, "available")


async def test_several_ring_and_the_others_stop_when_one_answers(house: House, desk: Desk) -> None:
    await desk.policy(ring_at_once=3)
    phones = await house.log_in("1001", "1002", "1003")
    call, number = await house.call(DESK)
    legs = [await phone.ringing() for phone in phones]
    await phones[1].answer(legs[1])
    for at in (0, 2):
        await legs[at].ended()
    await house.talk(call, legs[1])
    await legs[1].hang_up()
    await call.ended()
    found = await house.closed(number)
    assert sorted(outcomes(found, "ringing")) == ["accepted", "cancelled", "cancelled"]


async def test_an_overflow_goes_on_in_the_other_queue(house: House, desk: Desk) -> None:
    await desk.policy(recipes=[{"when": "waited 1s", "then": "overflow support"}])
    call, number = await house.call(DESK)
    await house.waiting(1, "support")
    await house.waiting(0, "sales")
    await call.hears_music()
    await house.stack.agent("1001", "available")
    talking = await house.meets(house.world.phones["1001"])
    await house.talk(call, talking)
    await call.hang_up()
    found = await house.closed(number)
    assert outcomes(found, "queue") == ["overflowed", "answered"]
    assert [one["queue"] for one in of_kind(found, "queue")] == ["sales", "support"]
    assert (found["queue"], found["outcome"]) == ("support", "answered")


async def test_outside_opening_hours_the_flow_says_so(house: House, desk: Desk) -> None:
    await desk.calendar("never", NEVER)
    await desk.calendar("forever", FOREVER)
    await desk.policy(calendar="never")
    call, number = await house.call(DESK)
    await call.hears(house.prompt("survival-try-later"))
    await call.ended()
    assert outcomes(await house.closed(number), "queue") == ["overflowed"]
    await desk.policy(calendar="forever")
    call, number = await house.call(DESK)
    await house.waiting(1)
    # It closes while they wait, and nobody is to stay.
    await desk.policy(calendar="never", closing_clears=True)
    await call.hears(house.prompt("survival-try-later"))
    await call.ended()


@contextlib.asynccontextmanager
async def ticks(house: House, seconds: int) -> AsyncIterator[None]:
    """Have those who wait ask by themselves what there is every so many seconds."""
    console = house.stack.console
    before = re.search(
        r"^\s*SALA_TICK=(\d+)$", await console("dialplan show globals"), re.MULTILINE
    )
    assert before
    await console(f"dialplan set global SALA_TICK {seconds}")
    try:
        yield
    finally:
        await console(f"dialplan set global SALA_TICK {before[1]}")


async def test_who_has_waited_too_long_goes_on_in_the_flow(house: House, desk: Desk) -> None:
    await desk.policy(max_wait_ms=6000)
    # They are told when it is time, and not when they happen to ask.
    async with ticks(house, 60):
        call, number = await house.call(DESK)
        await call.hears_music()
        await call.hears(house.prompt("wait-thank-you"), within=6 + PATIENCE_S)
    await call.ended()
    found = await house.closed(number)
    assert (found["outcome"], outcomes(found, "queue")) == ("overflowed", ["overflowed"])
    queued = of_kind(found, "queue")[0]
    assert 6000 <= queued["ended_ms"] - queued["started_ms"] < 6000 + PATIENCE_S * 1000
    await desk.policy(max_wait_ms=1500, when_late="voicemail")
    call, _ = await house.call(DESK)
    await call.hears(house.prompt("survival-thank-you"), within=PATIENCE_S)


async def test_a_full_queue_takes_nobody(house: House, desk: Desk) -> None:
    await desk.policy(max_length=1)
    first, _ = await house.call(DESK)
    await house.waiting(1)
    second, _ = await house.call(DESK)
    await second.hears(house.prompt("not-an-option"))
    await second.ended()
    await first.hears_music()
    await house.waiting(1)


async def test_an_empty_queue_takes_nobody(house: House, desk: Desk) -> None:
    await desk.policy(join_needs="active")
    call, _ = await house.call(DESK)
    await call.hears(house.prompt("nothing-heard"))
    await call.ended()
    (phone,) = await house.log_in("1001")
    call, _ = await house.call(DESK)
    await house.meets(phone)
    await call.hang_up()


async def test_an_announcement_is_heard_and_the_music_goes_on(house: House, desk: Desk) -> None:
    await desk.policy(recipes=[{"when": "waited 1s", "then": "say wait-thank-you"}])
    call, number = await house.call(DESK)
    await call.hears_music()
    await call.hears(house.prompt("wait-thank-you"))
    await call.hears_music()
    assert len(await desk.line()) == 1
    assert await desk.decided("announce", (await house.interaction(number))["id"]) == 1
    await call.hang_up()


async def test_an_agent_who_answers_cuts_an_announcement_short(house: House, desk: Desk) -> None:
    await desk.policy(recipes=[{"when": "waited 1s", "then": "say survival-sorry"}])
    phone = house.world.phones["1001"]
    await phone.registered()
    call, number = await house.call(DESK)
    interaction = await desk.waits(number)
    await until(
        lambda: desk.decided("announce", interaction), lambda count: count == 1, "it is said"
    )
    await house.stack.agent("1001", "available")
    talking = await house.meets(phone)
    await house.talk(call, talking)
    await call.hang_up()


async def test_a_skill_given_while_a_call_waits_is_offered_the_call_at_once(
    house: House, desk: Desk
) -> None:
    await desk.skill("1002", "tax", 1)
    await desk.policy(steps=["skill tax >= 3"])
    (phone,) = await house.log_in("1001")
    call, number = await house.call(DESK)
    await desk.waits(number)
    assert await desk.stranded() == ["no_skill"]
    (waiting,) = await desk.line()
    assert (waiting["step"], waiting["needs"]) == (1, "queue sales and skill tax >= 3")
    assert phone.rings() == 0
    await desk.skill("1001", "tax", 3)
    await house.meets(phone)
    assert await desk.stranded() == []
    await call.hang_up()


async def test_a_short_abandon_is_told_apart(house: House, desk: Desk) -> None:
    await desk.policy(short_abandon_ms=60_000)
    call, number = await house.call(DESK)
    interaction = await desk.waits(number)
    await call.hang_up()
    found = await house.closed(number)
    assert [(one["outcome"], one["short"]) for one in of_kind(found, "queue")] == [
        ("abandoned", True)
    ]
    assert await desk.decided("short_abandon", interaction) == 1


async def test_callers_at_different_steps_are_where_they_were_after_a_kill(
    house: House, desk: Desk
) -> None:
    await desk.policy(recipes=[{"when": "waited 1s", "then": "say wait-thank-you"}])
    early, first = await house.call(EARLY)
    one = await desk.waits(first)
    late, second = await house.call(LATE)
    other = await desk.waits(second)

    async def shown() -> list[tuple[str, int, int]]:
        line = await desk.line()
        return [(waits["interaction"], waits["step"], waits["priority_ms"]) for waits in line]

    # The second has a head start, and insists on its first step for long.
    wanted = [(other, 1, 60_000), (one, 2, 0)]
    await until(shown, lambda now: now == wanted, "each is at its step")
    for interaction in (one, other):
        await until(lambda i=interaction: desk.decided("announce", i), bool, "it was told")
    await house.stack.kill_service()
    await early.hears_music()
    await house.stack.start_service()
    await until(shown, lambda now: now == wanted, "both are back where they were", within=10)
    phone = house.world.phones["1001"]
    await house.stack.agent("1001", "available")
    ringing = await phone.ringing(8)
    assert ringing.shown_number == first, "the other waits for 1002"
    await phone.answer(ringing)
    await house.talk(early, ringing)
    for interaction in (one, other):
        assert await desk.decided("announce", interaction) == 1, "nothing is said twice"
    for leg in (early, late):
        await leg.hang_up()
    assert outcomes(await house.closed(first), "queue") == ["answered"]


async def test_wrap_up_lasts_as_long_though_the_service_is_killed(house: House, desk: Desk) -> None:
    await desk.policy(wrap_up_ms=15_000)
    (phone,) = await house.log_in("1001")
    before = await house.stack.db.fetchval("SELECT max(id) FROM journal")
    call, number = await house.call(DESK)
    talking = await house.meets(phone)
    await talking.hang_up()
    await call.ended()
    await house.stack.becomes("1001", "wrap_up")
    await house.closed(number)
    await house.stack.kill_service()
    await house.stack.start_service()
    assert await house.stack.presence("1001") == "wrap_up"
    await house.stack.becomes("1001", "available", within=15 + PATIENCE_S)
    ended = await until(
        lambda: house.interaction(number),
        lambda found: outcomes(found, "wrap_up") == ["done"],
        "the wrap-up is written",
    )
    (segment,) = of_kind(ended, "wrap_up")
    over = segment["started_ms"] + 15_000
    # One that had begun anew would end later than was decided at first, by as long as the service
    # was away; it ends once the machine has time for it.
    assert await desk.wraps("1001", since=before) == [over, over]
    assert over <= segment["ended_ms"] < over + PATIENCE_S * 1000
