"""Blind transfers on the real PBX, by phone and by command."""

from __future__ import annotations

import time

import pytest
from handing_house import A, B, C, Office, seconds, way
from house import PATIENCE_S, RING_MS

from lab.errors import StackError
from lab.softphone import Line


async def send(office: Office, line: Line, how: str, to: str) -> None:
    if how == "phone":
        assert await line.refer(to) == 202
    else:
        await office.order("transfer", to)


@pytest.mark.parametrize("how", ["phone", "command"])
async def test_a_blind_transfer_to_an_agent(office: Office, how: str) -> None:
    caller, line = await office.talk(A)
    await office.log_in(B)
    sent = time.monotonic()
    await send(office, line, how, B)
    other = await office.answer(B)
    await line.ended()
    await office.state("talking", B)
    begun = time.monotonic()
    await office.stack.becomes(B, "on_contact")
    await office.stack.becomes(A, "available")
    await office.hear(caller, other)
    heard = time.monotonic()
    await other.hang_up()
    await caller.ended()
    found = await office.closed()
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
    assert heard - begun < seconds(found, "talk", B) < time.monotonic() - sent


@pytest.mark.parametrize("how", ["phone", "command"])
async def test_a_blind_transfer_to_a_queue(office: Office, how: str) -> None:
    caller, line = await office.talk(A)
    await office.stack.agent(A, "offline")  # or they would be offered the call themselves
    await send(office, line, how, "support")
    await line.ended()
    await office.state("waiting")
    await caller.hears_music()
    await office.stack.agent(B, "available")
    other = await office.answer(B)
    await office.state("talking", B)
    await office.hear(caller, other)
    await caller.hang_up()
    found = await office.closed()
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
async def test_a_transfer_to_nobody_is_refused_and_the_talk_lasts(office: Office, to: str) -> None:
    caller, line = await office.talk(A)
    await line.refer(to)
    await line.told(503)
    await office.state("talking", A)
    await office.hear(caller, line)
    with pytest.raises(StackError, match=r"no agent|no such agent|may not be dialled"):
        await office.order("transfer", to)
    await office.hear(caller, line)
    await line.hang_up()
    found = await office.closed()
    assert {one[1:] for one in way(found, "talk")} == {(A, "ended")}


@pytest.mark.parametrize("how", ["phone", "command"])
async def test_nobody_answers_and_the_agent_has_the_caller_back(office: Office, how: str) -> None:
    caller, line = await office.talk(A)
    (other,) = await office.log_in(B)
    await send(office, line, how, B)
    await (await other.ringing()).ended(RING_MS / 1000 + PATIENCE_S)
    again = await (await office.phones[A].ringing()).answer()
    await office.state("talking", A)
    await office.hear(caller, again)
    assert await office.stack.presence(B) == "paused"
    await again.hang_up()
    found = await office.closed()
    assert way(found, "talk", "transfer") == [
        ("talk", A, "transferred"),
        ("transfer", B, "no_answer"),
        ("transfer", A, "answered"),
        ("talk", A, "ended"),
    ]


async def test_nobody_answers_at_all_and_the_caller_waits_at_their_place(
    office: Office,
) -> None:
    caller, _line = await office.talk(A)
    (other,) = await office.log_in(B)
    await office.order("transfer", B)
    (await other.ringing()).reject()
    await (await office.phones[A].ringing()).ended(RING_MS / 1000 + PATIENCE_S)
    await office.stack.becomes(A, "paused")
    await office.state("waiting")
    await office.stack.agent(C, "available")
    third = await office.answer(C)
    await office.hear(caller, third)
    await caller.hang_up()
    found = await office.closed()
    assert way(found, "talk", "transfer", "queue") == [
        ("queue", None, "answered"),
        ("talk", A, "transferred"),
        ("transfer", B, "declined"),
        ("transfer", A, "no_answer"),
        ("queue", None, "answered"),
        ("talk", C, "ended"),
    ]


async def test_the_caller_hangs_up_while_the_next_agent_is_rung(office: Office) -> None:
    caller, _line = await office.talk(A)
    (other,) = await office.log_in(B)
    await office.order("transfer", B)
    ringing = await other.ringing()
    await caller.hang_up()
    await ringing.ended()
    await office.stack.becomes(B, "available")
    found = await office.closed()
    assert way(found, "talk", "transfer") == [
        ("talk", A, "transferred"),
        ("transfer", B, "abandoned"),
    ]


async def test_a_busy_agent_is_not_rung(office: Office) -> None:
    caller, line = await office.talk(A)
    with pytest.raises(StackError, match="offline"):
        await office.order("transfer", B)
    with pytest.raises(StackError, match="has this call"):
        await office.order("transfer", A)
    await line.refer(B)
    await line.told(503)
    await office.hear(caller, line)
