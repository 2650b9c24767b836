"""Transfers, consults, conferences and holds on the real PBX, by phone and by command."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from handing_house import Desk, cleared, desk_of, seconds, way
from house import RING_MS, House, until

from lab.errors import StackError
from lab.softphone import Line

A, B, C = "2001", "2002", "2003"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def opened(house: House) -> AsyncIterator[Desk]:
    async with desk_of(house) as desk:
        yield desk


@pytest_asyncio.fixture(loop_scope="session")
async def desk(opened: Desk, clean: None) -> AsyncIterator[Desk]:
    yield opened
    await cleared(opened)


# --- hold ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["phone", "command"])
async def test_hold_with_music_and_back_is_no_talk_time(desk: Desk, how: str) -> None:
    caller, line = await desk.talk(A)
    await desk.hear(caller, line)
    await (line.hold() if how == "phone" else desk.order("hold"))
    await desk.state("held", A)
    await caller.hears_music()
    await (line.resume() if how == "phone" else desk.order("resume"))
    await desk.state("talking", A)
    await desk.hear(caller, line)
    await line.hang_up()
    found = await desk.closed()
    assert way(found, "talk", "hold", "wrap_up") == [
        ("talk", A, "held"),
        ("hold", A, "resumed"),
        ("talk", A, "ended"),
        ("wrap_up", A, "done"),
    ]
    assert (found["outcome"], found["ended_by"]) == ("answered", "agent")
    assert seconds(found, "hold", A) >= 1.4


@pytest.mark.parametrize("how", ["phone", "command"])
@pytest.mark.parametrize("who", ["caller", "agent"])
async def test_hanging_up_while_on_hold(desk: Desk, how: str, who: str) -> None:
    caller, line = await desk.talk(A)
    await (line.hold() if how == "phone" else desk.order("hold"))
    await desk.state("held", A)
    await (caller if who == "caller" else line).hang_up()
    await caller.ended()
    await line.ended()
    found = await desk.closed()
    assert found["ended_by"] == ("customer" if who == "caller" else "agent")
    assert way(found, "talk", "hold", "wrap_up") == [
        ("talk", A, "held"),
        ("hold", A, "ended"),
        ("wrap_up", A, "done"),
    ]


# --- blind --------------------------------------------------------------------------------------


async def send(desk: Desk, line: Line, how: str, to: str) -> None:
    if how == "phone":
        assert await line.refer(to) == 202
    else:
        await desk.order("transfer", to)


@pytest.mark.parametrize("how", ["phone", "command"])
async def test_a_blind_transfer_to_an_agent(desk: Desk, how: str) -> None:
    caller, line = await desk.talk(A)
    await desk.log_in(B)
    await send(desk, line, how, B)
    other = await desk.answer(B)
    await line.ended()
    await desk.state("talking", B)
    await desk.stack.becomes(B, "on_contact")
    await desk.stack.becomes(A, "available")
    await desk.hear(caller, other)
    await other.hang_up()
    await caller.ended()
    found = await desk.closed()
    assert way(found, "talk", "transfer", "wrap_up") == [
        ("talk", A, "transferred"),
        ("wrap_up", A, "done"),
        ("transfer", B, "answered"),
        ("talk", B, "ended"),
        ("wrap_up", B, "done"),
    ] or way(found, "talk", "transfer") == [
        ("talk", A, "transferred"),
        ("transfer", B, "answered"),
        ("talk", B, "ended"),
    ]
    assert seconds(found, "talk", B) > 2 * seconds(found, "talk", A)


@pytest.mark.parametrize("how", ["phone", "command"])
async def test_a_blind_transfer_to_a_queue(desk: Desk, how: str) -> None:
    caller, line = await desk.talk(A)
    await desk.stack.agent(A, "offline")  # or they would be offered the call themselves
    await send(desk, line, how, "support")
    await line.ended()
    await desk.state("waiting")
    await caller.hears_music()
    await desk.stack.agent(B, "available")
    other = await desk.answer(B)
    await desk.state("talking", B)
    await desk.hear(caller, other)
    await caller.hang_up()
    found = await desk.closed()
    assert way(found, "queue", "talk", "transfer", "ringing") == [
        ("queue", None, "answered"),
        ("ringing", A, "accepted"),
        ("talk", A, "transferred"),
        ("transfer", None, "queued"),
        ("queue", None, "answered"),
        ("ringing", B, "accepted"),
        ("talk", B, "ended"),
    ]
    assert found["queue"] == "support"


@pytest.mark.parametrize("to", ["nobody", "4711", "600999"])
async def test_a_transfer_to_nobody_is_refused_and_the_talk_goes_on(desk: Desk, to: str) -> None:
    caller, line = await desk.talk(A)
    await line.refer(to)
    await line.told(503)
    await desk.state("talking", A)
    await desk.hear(caller, line)
    with pytest.raises(StackError, match=r"no agent|no such agent|may not be dialled"):
        await desk.order("transfer", to)
    await desk.hear(caller, line)
    await line.hang_up()
    found = await desk.closed()
    assert {one[1:] for one in way(found, "talk")} == {(A, "ended")}


@pytest.mark.parametrize("how", ["phone", "command"])
async def test_nobody_answers_and_the_agent_has_the_caller_back(desk: Desk, how: str) -> None:
    caller, line = await desk.talk(A)
    (other,) = await desk.log_in(B)
    await send(desk, line, how, B)
    await (await other.ringing()).ended(RING_MS / 1000 + 2)
    again = await (await desk.phones[A].ringing()).answer()
    await desk.state("talking", A)
    await desk.hear(caller, again)
    assert await desk.stack.presence(B) == "paused"
    await again.hang_up()
    found = await desk.closed()
    assert way(found, "talk", "transfer") == [
        ("talk", A, "transferred"),
        ("transfer", B, "no_answer"),
        ("transfer", A, "answered"),
        ("talk", A, "ended"),
    ]


async def test_nobody_answers_at_all_and_the_caller_waits_at_their_old_place(desk: Desk) -> None:
    caller, _line = await desk.talk(A)
    (other,) = await desk.log_in(B)
    await desk.order("transfer", B)
    (await other.ringing()).reject()
    await (await desk.phones[A].ringing()).ended(RING_MS / 1000 + 2)
    await desk.stack.becomes(A, "paused")
    await desk.state("waiting")
    await desk.stack.agent(C, "available")
    third = await desk.answer(C)
    await desk.hear(caller, third)
    await caller.hang_up()
    found = await desk.closed()
    assert way(found, "talk", "transfer", "queue") == [
        ("queue", None, "answered"),
        ("talk", A, "transferred"),
        ("transfer", B, "declined"),
        ("transfer", A, "no_answer"),
        ("queue", None, "answered"),
        ("talk", C, "ended"),
    ]


async def test_the_caller_hangs_up_while_the_next_agent_is_rung(desk: Desk) -> None:
    caller, _line = await desk.talk(A)
    (other,) = await desk.log_in(B)
    await desk.order("transfer", B)
    ringing = await other.ringing()
    await caller.hang_up()
    await ringing.ended()
    await desk.stack.becomes(B, "available")
    found = await desk.closed()
    assert way(found, "talk", "transfer") == [
        ("talk", A, "transferred"),
        ("transfer", B, "abandoned"),
    ]


async def test_a_busy_agent_is_not_rung(desk: Desk) -> None:
    caller, line = await desk.talk(A)
    with pytest.raises(StackError, match="offline"):
        await desk.order("transfer", B)
    with pytest.raises(StackError, match="has this call"):
        await desk.order("transfer", A)
    await line.refer(B)
    await line.told(503)
    await desk.hear(caller, line)


# --- attended -----------------------------------------------------------------------------------


async def consulted(desk: Desk, line: Line, how: str, to: str) -> Line:
    """The agent consults; gives the line on which they do."""
    if how == "command":
        await desk.order("consult", to)
        return line
    await line.hold()
    await desk.state("held", A)
    second = await desk.phones[A].dial(to)
    await second.answered()
    return second


@pytest.mark.parametrize("how", ["phone", "command"])
async def test_an_attended_transfer(desk: Desk, how: str) -> None:
    caller, line = await desk.talk(A)
    await desk.log_in(B)
    second = await consulted(desk, line, how, B)
    other = await desk.answer(B)
    await desk.state("consult", A)
    await desk.stack.becomes(B, "on_contact")
    await desk.hear(second, other)
    if how == "phone":
        await line.refer(B, replaces=second)
    else:
        await desk.order("complete")
    await desk.state("talking", B)
    await line.ended()
    await second.ended()
    await desk.hear(caller, other)
    await desk.stack.becomes(A, "available")
    assert await desk.stack.presence(B) == "on_contact"
    await other.hang_up()
    await caller.ended()
    await desk.stack.becomes(B, "available")
    found = await desk.closed()
    assert way(found, "talk", "hold", "consult") == [
        ("talk", A, "held"),
        ("hold", A, "transferred"),
        ("consult", B, "transferred"),
        ("talk", B, "ended"),
    ]
    assert sorted(way(found, "wrap_up")) == [("wrap_up", A, "done"), ("wrap_up", B, "done")]


async def test_an_attended_transfer_before_the_other_answers(desk: Desk) -> None:
    caller, line = await desk.talk(A)
    await desk.log_in(B)
    second = await consulted(desk, line, "phone", B)
    ringing = await desk.phones[B].ringing()
    await second.answered()
    await line.refer(B, replaces=second)
    await desk.state("transfer")
    await caller.hears_music()
    other = await ringing.answer()
    await desk.state("talking", B)
    await desk.hear(caller, other)
    await other.hang_up()
    await caller.ended()
    found = await desk.closed()
    assert way(found, "talk", "consult", "transfer") == [
        ("talk", A, "held"),
        ("consult", B, "transferred"),
        ("transfer", B, "answered"),
        ("talk", B, "ended"),
    ]


async def test_an_attended_transfer_to_a_queue_by_phone(desk: Desk) -> None:
    caller, line = await desk.talk(A)
    second = await consulted(desk, line, "phone", "support")
    await second.answered()
    await second.hears_music()
    await desk.stack.agent(A, "offline")
    await line.refer("support", replaces=second)
    await desk.state("waiting")
    await desk.stack.agent(B, "available")
    other = await desk.answer(B)
    await desk.hear(caller, other)
    await caller.hang_up()
    found = await desk.closed()
    assert way(found, "talk", "transfer") == [
        ("talk", A, "held"),
        ("transfer", None, "queued"),
        ("talk", B, "ended"),
    ]


@pytest.mark.parametrize("how", ["phone", "command"])
@pytest.mark.parametrize("when", ["ringing", "talking"])
async def test_an_attended_transfer_called_off(desk: Desk, how: str, when: str) -> None:
    caller, line = await desk.talk(A)
    await desk.log_in(B)
    second = await consulted(desk, line, how, B)
    other = await desk.phones[B].ringing()
    if when == "talking":
        await other.answer()
        await desk.hear(second, other)
    if how == "phone":
        await second.hang_up()
        await line.resume()
    else:
        await desk.order("cancel")
    await other.ended()
    await desk.state("talking", A)
    await desk.stack.becomes(B, "available")
    await desk.hear(caller, line)
    await line.hang_up()
    found = await desk.closed()
    assert way(found, "talk", "hold", "consult") == [
        ("talk", A, "held"),
        ("hold", A, "resumed"),
        ("consult", B, "ended" if (when, how) == ("talking", "phone") else "cancelled"),
        ("talk", A, "ended"),
    ]


@pytest.mark.parametrize(("does", "outcome"), [("reject", "declined"), ("ring", "no_answer")])
async def test_who_is_consulted_does_not_answer(desk: Desk, does: str, outcome: str) -> None:
    caller, line = await desk.talk(A)
    await desk.log_in(B)
    await desk.order("consult", B)
    ringing = await desk.phones[B].ringing()
    if does == "reject":
        ringing.reject()
    await ringing.ended(RING_MS / 1000 + 2)
    await desk.state("talking", A)
    await desk.hear(caller, line)
    presence = await desk.stack.presence(B)
    assert presence == ("paused" if does == "ring" else "available")
    await caller.hang_up()
    found = await desk.closed()
    assert ("consult", B, outcome) in way(found)


async def test_who_is_consulted_hangs_up_and_the_agent_has_the_caller_again(desk: Desk) -> None:
    caller, line = await desk.talk(A)
    await desk.log_in(B)
    await desk.order("consult", B)
    other = await desk.answer(B)
    await desk.hear(line, other)
    await other.hang_up()
    await desk.state("talking", A)
    await desk.hear(caller, line)


@pytest.mark.parametrize("how", ["phone", "command"])
@pytest.mark.parametrize("who", ["caller", "agent"])
async def test_hanging_up_in_a_consult(desk: Desk, how: str, who: str) -> None:
    caller, line = await desk.talk(A)
    await desk.log_in(B)
    second = await consulted(desk, line, how, B)
    other = await desk.answer(B)
    await desk.hear(second, other)
    await (caller if who == "caller" else line).hang_up()
    for one in (caller, line, second, other):
        await one.ended()
    await desk.stack.becomes(A, "available")
    await desk.stack.becomes(B, "available")
    found = await desk.closed()
    assert found["outcome"] == "answered"
    assert [one[:2] for one in way(found, "talk", "hold", "consult")] == [
        ("talk", A),
        ("hold", A),
        ("consult", B),
    ]


# --- conference ---------------------------------------------------------------------------------


async def in_conference(desk: Desk) -> tuple[Line, Line, Line]:
    caller, line = await desk.talk(A)
    await desk.log_in(B)
    await desk.order("consult", B)
    other = await desk.answer(B)
    await desk.hear(line, other)
    await desk.order("conference")
    await desk.state("conference", A)
    await desk.hear(caller, line, other)
    return caller, line, other


async def test_three_talk_and_the_first_agent_leaves(desk: Desk) -> None:
    caller, line, other = await in_conference(desk)
    await line.hang_up()
    await desk.state("talking", B)
    await desk.stack.becomes(A, "available")
    await desk.hear(caller, other)
    await other.hang_up()
    await caller.ended()
    await desk.stack.becomes(B, "available")
    found = await desk.closed()
    assert way(found, "talk", "hold", "consult") == [
        ("talk", A, "held"),
        ("hold", A, "resumed"),
        ("consult", B, "conference"),
        ("talk", A, "ended"),
        ("talk", B, "ended"),
    ]
    assert sorted(way(found, "wrap_up")) == [("wrap_up", A, "done"), ("wrap_up", B, "done")]
    assert seconds(found, "talk", B) > 3


async def test_three_talk_and_the_second_agent_leaves(desk: Desk) -> None:
    caller, line, other = await in_conference(desk)
    await other.hang_up()
    await desk.state("talking", A)
    await desk.stack.becomes(B, "available")
    await desk.hear(caller, line)
    await line.hang_up()
    await caller.ended()
    found = await desk.closed()
    assert [one[:2] for one in way(found, "wrap_up")] == [("wrap_up", B), ("wrap_up", A)]


async def test_three_talk_and_the_caller_leaves(desk: Desk) -> None:
    caller, line, other = await in_conference(desk)
    await caller.hang_up()
    await line.ended()
    await other.ended()
    found = await desk.closed()
    assert found["ended_by"] == "customer"
    await asyncio.gather(*(desk.stack.becomes(agent, "available") for agent in (A, B)))
    found = await desk.closed()
    assert sorted(one[:2] for one in way(found, "wrap_up")) == [("wrap_up", A), ("wrap_up", B)]


# --- the service dies meanwhile -----------------------------------------------------------------


async def restarted(desk: Desk) -> None:
    """What happened is written; then the service is killed, and starts again."""
    await until(
        desk.stack.status, lambda status: not status["database"]["pending"], "all is written"
    )
    await desk.stack.kill_service()
    await desk.stack.start_service()


@pytest.mark.parametrize("how", ["phone", "command"])
async def test_a_hold_outlives_the_service(desk: Desk, how: str) -> None:
    caller, line = await desk.talk(A)
    await (line.hold() if how == "phone" else desk.order("hold"))
    await desk.state("held", A)
    await restarted(desk)
    await desk.state("held", A)
    await desk.stack.becomes(A, "on_contact")
    await caller.hears_music()
    await (line.resume() if how == "phone" else desk.order("resume"))
    await desk.state("talking", A)
    await desk.hear(caller, line)
    await line.hang_up()
    await caller.ended()
    found = await desk.closed()
    assert way(found, "talk", "hold") == [
        ("talk", A, "held"),
        ("hold", A, "resumed"),
        ("talk", A, "ended"),
    ]


@pytest.mark.parametrize("how", ["phone", "command"])
async def test_a_consult_outlives_the_service(desk: Desk, how: str) -> None:
    caller, line = await desk.talk(A)
    await desk.log_in(B)
    second = await consulted(desk, line, how, B)
    other = await desk.answer(B)
    await desk.hear(second, other)
    await restarted(desk)
    await desk.state("consult", A)
    await desk.stack.becomes(B, "on_contact")
    await desk.hear(second, other)
    if how == "phone":
        await line.refer(B, replaces=second)
    else:
        await desk.order("complete")
    await desk.state("talking", B)
    await desk.hear(caller, other)
    await other.hang_up()
    await caller.ended()
    found = await desk.closed()
    assert way(found, "talk", "hold", "consult") == [
        ("talk", A, "held"),
        ("hold", A, "transferred"),
        ("consult", B, "transferred"),
        ("talk", B, "ended"),
    ]


async def test_a_conference_outlives_the_service(desk: Desk) -> None:
    caller, line, other = await in_conference(desk)
    await restarted(desk)
    await desk.state("conference", A)
    await desk.hear(caller, line, other)
    await line.hang_up()
    await desk.state("talking", B)
    await desk.hear(caller, other)
    await other.hang_up()
    await caller.ended()
    found = await desk.closed()
    assert [one[1] for one in way(found, "talk")] == [A, A, B]


async def test_a_transfer_that_rings_outlives_the_service(desk: Desk) -> None:
    caller, _line = await desk.talk(A)
    await desk.log_in(B)
    await desk.stack.db.execute("UPDATE queues SET ring_ms = $1", 20_000)
    await desk.stack.reload()
    try:
        await desk.order("transfer", B)
        ringing = await desk.phones[B].ringing()
        await restarted(desk)
    finally:
        await desk.stack.db.execute("UPDATE queues SET ring_ms = $1", RING_MS)
        await desk.stack.reload()
    other = await ringing.answer()
    await desk.state("talking", B)
    await desk.hear(caller, other)
    await other.hang_up()
    await caller.ended()
    found = await desk.closed()
    assert way(found, "talk", "transfer") == [
        ("talk", A, "transferred"),
        ("transfer", B, "answered"),
        ("talk", B, "ended"),
    ]


async def test_an_attended_transfer_is_made_while_the_service_is_dead(desk: Desk) -> None:
    caller, line = await desk.talk(A)
    await desk.log_in(B)
    second = await consulted(desk, line, "phone", B)
    other = await desk.answer(B)
    await desk.hear(second, other)
    await until(
        desk.stack.status, lambda status: not status["database"]["pending"], "all is written"
    )
    await desk.stack.kill_service()
    await line.refer(B, replaces=second)
    await line.ended()
    await desk.hear(caller, other)
    await desk.stack.start_service()
    await desk.state("talking", B)
    await desk.stack.becomes(B, "on_contact")
    await other.hang_up()
    await caller.ended()
    found = await desk.closed()
    assert [one[:2] for one in way(found, "talk")] == [("talk", A), ("talk", B)]
