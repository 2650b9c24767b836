"""The service dies while calls are held, consulted on, joined and handed on."""

from __future__ import annotations

import pytest
from handing_house import A, B, Office, way
from house import RING_MS, until


async def restarted(office: Office) -> None:
    """What happened is written; then the service is killed, and starts again."""
    await until(
        office.stack.status, lambda status: not status["database"]["pending"], "all is written"
    )
    await office.stack.kill_service()
    await office.stack.start_service()


@pytest.mark.parametrize("how", ["phone", "command"])
async def test_a_hold_outlives_the_service(office: Office, how: str) -> None:
    caller, line = await office.talk(A)
    await (line.hold() if how == "phone" else office.order("hold"))
    await office.state("held", A)
    await restarted(office)
    await office.state("held", A)
    await office.stack.becomes(A, "on_contact")
    await caller.hears_music()
    await (line.resume() if how == "phone" else office.order("resume"))
    await office.state("talking", A)
    await office.hear(caller, line)
    await line.hang_up()
    await caller.ended()
    found = await office.closed()
    assert way(found, "talk", "hold") == [
        ("talk", A, "held"),
        ("hold", A, "resumed"),
        ("talk", A, "ended"),
    ]


@pytest.mark.parametrize("how", ["phone", "command"])
async def test_a_consult_outlives_the_service(office: Office, how: str) -> None:
    caller, line = await office.talk(A)
    await office.log_in(B)
    second = await office.consulted(line, how, B)
    other = await office.answer(B)
    await office.hear(second, other)
    await restarted(office)
    await office.state("consult", A)
    await office.stack.becomes(B, "on_contact")
    await office.hear(second, other)
    if how == "phone":
        await line.refer(B, replaces=second)
    else:
        await office.order("complete")
    await office.state("talking", B)
    await office.hear(caller, other)
    await other.hang_up()
    await caller.ended()
    found = await office.closed()
    assert way(found, "talk", "hold", "consult") == [
        ("talk", A, "held"),
        ("hold", A, "transferred"),
        ("consult", B, "transferred"),
        ("talk", B, "ended"),
    ]


async def test_a_conference_outlives_the_service(office: Office) -> None:
    caller, line, other = await office.in_conference()
    await restarted(office)
    await office.state("conference", A)
    await office.hear(caller, line, other)
    await line.hang_up()
    await office.state("talking", B)
    await office.hear(caller, other)
    await other.hang_up()
    await caller.ended()
    found = await office.closed()
    assert [one[1] for one in way(found, "talk")] == [A, A, B]


async def test_a_transfer_that_rings_outlives_the_service(office: Office) -> None:
    caller, _line = await office.talk(A)
    await office.log_in(B)
    await office.stack.db.execute("UPDATE queues SET ring_ms = $1", 20_000)
    await office.stack.reload()
    try:
        await office.order("transfer", B)
        ringing = await office.phones[B].ringing()
        await restarted(office)
    finally:
        await office.stack.db.execute("UPDATE queues SET ring_ms = $1", RING_MS)
        await office.stack.reload()
    other = await ringing.answer()
    await office.state("talking", B)
    await office.hear(caller, other)
    await other.hang_up()
    await caller.ended()
    found = await office.closed()
    assert way(found, "talk", "transfer") == [
        ("talk", A, "transferred"),
        ("transfer", B, "answered"),
        ("talk", B, "ended"),
    ]


async def test_an_attended_transfer_is_made_while_the_service_is_dead(office: Office) -> None:
    caller, line = await office.talk(A)
    await office.log_in(B)
    second = await office.consulted(line, "phone", B)
    other = await office.answer(B)
    await office.hear(second, other)
    await until(
        office.stack.status, lambda status: not status["database"]["pending"], "all is written"
    )
    await office.stack.kill_service()
    await line.refer(B, replaces=second)
    await line.ended()
    await office.hear(caller, other)
    await office.stack.start_service()
    await office.state("talking", B)
    await office.stack.becomes(B, "on_contact")
    await other.hang_up()
    await caller.ended()
    found = await office.closed()
    assert [one[:2] for one in way(found, "talk")] == [("talk", A), ("talk", B)]
