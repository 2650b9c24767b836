"""A name with a dash is dialled as it is written."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from handing_house import A, B, Office, way
from house import WRAP_UP_MS

NIGHT = "night-shift"


@pytest_asyncio.fixture(loop_scope="session")
async def night(office: Office) -> AsyncIterator[Office]:
    """There is a night shift, and B serves it."""
    stack = office.stack
    await stack.run("queue", "add", NIGHT)
    await stack.db.execute("UPDATE queues SET wrap_up_ms = $1", WRAP_UP_MS)
    await stack.db.execute("INSERT INTO agent_queues VALUES ($1, $2, 9)", B, NIGHT)
    await stack.reload()
    yield office
    await stack.db.execute("DELETE FROM queues WHERE name = $1", NIGHT)
    await stack.reload()


@pytest.mark.parametrize("how", ["blind", "attended"])
async def test_a_queue_whose_name_has_a_dash(night: Office, how: str) -> None:
    caller, line = await night.talk(A)
    await night.stack.agent(A, "offline")
    if how == "blind":
        assert await line.refer(NIGHT) == 202
    else:
        second = await night.consulted(line, "phone", NIGHT)
        await second.hears_music()
        await line.refer(NIGHT, replaces=second)
    await line.ended()
    await night.state("waiting")
    await night.stack.agent(B, "available")
    other = await night.answer(B)
    await night.hear(caller, other)
    await caller.hang_up()
    found = await night.closed()
    assert [one["queue"] for one in found["segments"] if one["kind"] == "queue"] == ["sales", NIGHT]
    assert way(found, "talk")[-1] == ("talk", B, "ended")
