"""The service is killed at once in a transfer, before anything of it is written."""

from __future__ import annotations

import itertools

from handing_house import A, B, Office, way


async def test_a_colleague_answers_and_the_service_dies(office: Office) -> None:
    caller, line = await office.talk(A)
    await office.log_in(B)
    await office.order("transfer", B)
    other = await office.answer(B)
    await office.stack.kill_service()
    await line.ended()
    await office.hear(caller, other)
    await office.stack.start_service()
    await office.state("talking", B)
    await office.stack.becomes(B, "on_contact")
    await other.hang_up()
    await caller.ended()
    found = await office.closed()
    first, second = (one for one in found["segments"] if one["kind"] == "talk")
    assert (first["agent"], second["agent"], second["outcome"]) == (A, B, "ended")
    assert first["ended_ms"] <= second["started_ms"] < second["ended_ms"]
    assert {one[2] for one in way(found, "transfer")} <= {"answered"}


async def test_the_caller_is_sent_to_a_queue_and_the_service_dies(office: Office) -> None:
    caller, line = await office.talk(A)
    await office.stack.agent(A, "offline")
    await office.order("transfer", "support")
    await office.stack.kill_service()
    await line.ended()
    await caller.hears_music()
    await office.stack.start_service()
    await office.state("waiting")
    await office.stack.agent(B, "available")
    other = await office.answer(B)
    await office.hear(caller, other)
    await caller.hang_up()
    found = await office.closed()
    assert [one[:2] for one in way(found, "queue", "talk")] == [
        ("queue", None),
        ("talk", A),
        ("queue", None),
        ("talk", B),
    ]
    assert [one["queue"] for one in found["segments"] if one["kind"] == "queue"] == [
        "sales",
        "support",
    ]
    times = [(one["started_ms"], one["ended_ms"]) for one in found["segments"]
             if one["kind"] in ("queue", "talk")]  # fmt: skip
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(times))
