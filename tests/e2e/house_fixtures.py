"""The fixture of the end-to-end and fault tests that looks whether anything is left of a test."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio
from house import AGENTS, House, until

SPARE_TASKS = 1
"""The database's pool keeps one that mends it, once the database was away."""
SPARE_DESCRIPTORS = 4
"""A pooled database connection may be open now that was not before."""


@pytest_asyncio.fixture(autouse=True, loop_scope="session")
async def clean(house: House) -> AsyncIterator[None]:
    """Nothing is left of a test: channels, interactions, held agents, tasks, descriptors.

    What a test that failed has killed is brought back, so that the next finds the house whole.
    """
    stack, world = house.stack, house.world
    before = await stack.status()
    yield
    await house.made_whole()
    await world.hang_up_all()
    for agent, phone in world.phones.items():
        await phone.behave("ring")
        await stack.agent(agent, "offline")
    # Nobody is called back in a later test.
    await stack.db.execute(
        "UPDATE callbacks SET state = 'cancelled', reason = 'test', ended_at = now(),"
        " holder = NULL, leased_until = NULL WHERE state = 'waiting'"
    )
    await until(stack.console.channels, lambda left: not left, "Sala's PBX has no channel")
    await until(world.channels, lambda left: not left, "the world's PBX has no channel")
    for agent in AGENTS:
        await stack.becomes(agent, "offline")
    await until(
        lambda: stack.db.fetchval("SELECT count(*) FROM interactions WHERE ended_at IS NULL"),
        lambda count: count == 0,
        "all interactions are closed",
    )
    await until(
        lambda: stack.db.fetchval("SELECT count(*) FROM segments WHERE ended_at IS NULL"),
        lambda count: count == 0,
        "all segments are closed",
    )

    def settled(now: dict[str, Any]) -> bool:
        if now["calls"] or now["legs"] or now["database"]["pending"]:
            return False
        if now["pid"] != before["pid"]:
            return True
        return bool(
            now["tasks"] <= before["tasks"] + SPARE_TASKS
            and now["descriptors"] <= before["descriptors"] + SPARE_DESCRIPTORS
        )

    await until(stack.status, settled, f"the service is as before ({before})", 8)
    for phone in world.phones.values():
        phone.forget()
    with contextlib.suppress(KeyError):
        assert (await stack.status())["database"]["refused"] == 0
