"""Consults, attended transfers and conferences on the real PBX, by phone and by command."""

from __future__ import annotations

import asyncio
import time

import pytest
from handing_house import A, B, Office, seconds, way
from house import PATIENCE_S, RING_MS


@pytest.mark.parametrize("how", ["phone", "command"])
async def test_an_attended_transfer(office: Office, how: str) -> None:
    caller, line = await office.talk(A)
    await office.log_in(B)
    second = await office.consulted(line, how, B)
    other = await office.answer(B)
    await office.state("consult", A)
    await office.stack.becomes(B, "on_contact")
    await office.hear(second, other)
    if how == "phone":
        await line.refer(B, replaces=second)
    else:
        await office.order("complete")
    await office.state("talking", B)
    await line.ended()
    await second.ended()
    await office.hear(caller, other)
    await office.stack.becomes(A, "available")
    assert await office.stack.presence(B) == "on_contact"
    await other.hang_up()
    await caller.ended()
    await office.stack.becomes(B, "available")
    found = await office.closed()
    assert way(found, "talk", "hold", "consult") == [
        ("talk", A, "held"),
        ("hold", A, "transferred"),
        ("consult", B, "transferred"),
        ("talk", B, "ended"),
    ]
    assert sorted(way(found, "wrap_up")) == [("wrap_up", A, "done"), ("wrap_up", B, "done")]


async def test_an_attended_transfer_before_the_other_answers(office: Office) -> None:
    caller, line = await office.talk(A)
    await office.log_in(B)
    second = await office.consulted(line, "phone", B)
    ringing = await office.phones[B].ringing()
    await second.answered()
    await line.refer(B, replaces=second)
    await office.state("transfer")
    await caller.hears_music()
    other = await ringing.answer()
    await office.state("talking", B)
    await office.hear(caller, other)
    await other.hang_up()
    await caller.ended()
    found = await office.closed()
    assert way(found, "talk", "consult", "transfer") == [
        ("talk", A, "held"),
        ("consult", B, "transferred"),
        ("transfer", B, "answered"),
        ("talk", B, "ended"),
    ]


async def test_an_attended_transfer_to_a_queue_by_phone(office: Office) -> None:
    caller, line = await office.talk(A)
    second = await office.consulted(line, "phone", "support")
    await second.answered()
    await second.hears_music()
    await office.stack.agent(A, "offline")
    await line.refer("support", replaces=second)
    await office.state("waiting")
    await office.stack.agent(B, "available")
    other = await office.answer(B)
    await office.hear(caller, other)
    await caller.hang_up()
    found = await office.closed()
    assert way(found, "talk", "transfer") == [
        ("talk", A, "held"),
        ("transfer", None, "queued"),
        ("talk", B, "ended"),
    ]


@pytest.mark.parametrize("how", ["phone", "command"])
@pytest.mark.parametrize("when", ["ringing", "talking"])
async def test_an_attended_transfer_called_off(office: Office, how: str, when: str) -> None:
    caller, line = await office.talk(A)
    await office.log_in(B)
    second = await office.consulted(line, how, B)
    other = await office.phones[B].ringing()
    if when == "talking":
        await other.answer()
        await office.hear(second, other)
    if how == "phone":
        await second.hang_up()
        await line.resume()
    else:
        await office.order("cancel")
    await other.ended()
    await office.state("talking", A)
    await office.stack.becomes(B, "available")
    await office.hear(caller, line)
    await line.hang_up()
    found = await office.closed()
    assert way(found, "talk", "hold", "consult") == [
        ("talk", A, "held"),
        ("hold", A, "resumed"),
        ("consult", B, "ended" if (when, how) == ("talking", "phone") else "cancelled"),
        ("talk", A, "ended"),
    ]


@pytest.mark.parametrize(("does", "outcome"), [("reject", "declined"), ("ring", "no_answer")])
async def test_who_is_consulted_does_not_answer(office: Office, does: str, outcome: str) -> None:
    caller, line = await office.talk(A)
    await office.log_in(B)
    await office.order("consult", B)
    ringing = await office.phones[B].ringing()
    if does == "reject":
        ringing.reject()
    await ringing.ended(RING_MS / 1000 + PATIENCE_S)
    await office.state("talking", A)
    await office.hear(caller, line)
    presence = await office.stack.presence(B)
    assert presence == ("paused" if does == "ring" else "available")
    await caller.hang_up()
    found = await office.closed()
    assert ("consult", B, outcome) in way(found)


async def test_who_is_consulted_hangs_up_and_the_agent_has_the_caller_again(office: Office) -> None:
    caller, line = await office.talk(A)
    await office.log_in(B)
    await office.order("consult", B)
    other = await office.answer(B)
    await office.hear(line, other)
    await other.hang_up()
    await office.state("talking", A)
    await office.hear(caller, line)


@pytest.mark.parametrize("how", ["phone", "command"])
@pytest.mark.parametrize("who", ["caller", "agent"])
async def test_hanging_up_in_a_consult(office: Office, how: str, who: str) -> None:
    caller, line = await office.talk(A)
    await office.log_in(B)
    second = await office.consulted(line, how, B)
    other = await office.answer(B)
    await office.hear(second, other)
    await (caller if who == "caller" else line).hang_up()
    for one in (caller, line, second, other):
        await one.ended()
    await office.stack.becomes(A, "available")
    await office.stack.becomes(B, "available")
    found = await office.closed()
    assert found["outcome"] == "answered"
    assert [one[:2] for one in way(found, "talk", "hold", "consult")] == [
        ("talk", A),
        ("hold", A),
        ("consult", B),
    ]


async def test_three_talk_and_the_first_agent_leaves(office: Office) -> None:
    called = time.monotonic()
    caller, line, other = await office.in_conference()
    await line.hang_up()
    await office.state("talking", B)
    begun = time.monotonic()
    await office.stack.becomes(A, "available")
    await office.hear(caller, other)
    heard = time.monotonic()
    await other.hang_up()
    await caller.ended()
    await office.stack.becomes(B, "available")
    found = await office.closed()
    assert way(found, "talk", "hold", "consult") == [
        ("talk", A, "held"),
        ("hold", A, "resumed"),
        ("consult", B, "conference"),
        ("talk", A, "ended"),
        ("talk", B, "ended"),
    ]
    assert sorted(way(found, "wrap_up")) == [("wrap_up", A, "done"), ("wrap_up", B, "done")]
    assert heard - begun < seconds(found, "talk", B) < time.monotonic() - called


async def test_three_talk_and_the_second_agent_leaves(office: Office) -> None:
    caller, line, other = await office.in_conference()
    await other.hang_up()
    await office.state("talking", A)
    await office.stack.becomes(B, "available")
    await office.hear(caller, line)
    await line.hang_up()
    await caller.ended()
    found = await office.closed()
    assert [one[:2] for one in way(found, "wrap_up")] == [("wrap_up", B), ("wrap_up", A)]


async def test_three_talk_and_the_caller_leaves(office: Office) -> None:
    caller, line, other = await office.in_conference()
    await caller.hang_up()
    await line.ended()
    await other.ended()
    found = await office.closed()
    assert found["ended_by"] == "customer"
    await asyncio.gather(*(office.stack.becomes(agent, "available") for agent in (A, B)))
    found = await office.closed()
    assert sorted(one[:2] for one in way(found, "wrap_up")) == [("wrap_up", A), ("wrap_up", B)]
