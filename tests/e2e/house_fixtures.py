"""Fixtures of the end-to-end and fault tests: the house, and that nothing is left of a test."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from house import (
    AGENTS,
    BRIEF,
    FLOWS,
    HASTY,
    RING_MS,
    SURVIVAL_AFTER_S,
    TRUNK_SILENT_S,
    WRAP_UP_MS,
    House,
    until,
)
from replay import adds_up, replayed
from web import SECRET, Web

from lab import ports, trunk as trunks
from lab.stack import Stack, pbx
from lab.world import World

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TRUNK_NUMBER = "+14155550100"
KILLS = 8
"""More than any run kills the service."""
SPARE_TASKS = 1
"""The database's pool keeps one that mends it, once the database was away."""
SPARE_DESCRIPTORS = 4
"""A pooled database connection may be open now that was not before."""


@pytest.fixture(scope="session")
def web_port() -> int:
    return ports.free(1)[0]


@pytest.fixture(scope="session")
def flows(tmp_path_factory: pytest.TempPathFactory, web_port: int) -> Path:
    folder = tmp_path_factory.mktemp("flows")
    for source in (ROOT / "ivr" / "flows", HERE / "flows"):
        shutil.copytree(source, folder, dirs_exist_ok=True)
    for path in folder.glob("*.yaml"):
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace("{WEB}", f"127.0.0.1:{web_port}"), encoding="utf-8")
    return folder


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def house(flows: Path, web_port: int) -> AsyncIterator[House]:
    trunk = ports.free(1)[0]
    sent_on = flows / "sent-on.yaml"
    text = sent_on.read_text(encoding="utf-8")
    sent_on.write_text(text.replace("{SIP}", f"127.0.0.1:{trunk}"), encoding="utf-8")
    settings = {
        "trunk_out": f"127.0.0.1:{trunk}",
        "trunk_number": TRUNK_NUMBER,
        "flow_hosts": f"127.0.0.1:{web_port}",
        "webhook_secret": SECRET,
        "event_url": f"http://127.0.0.1:{web_port}/events",
        "dial_allowed": "US",
        "dial_sip_hosts": f"127.0.0.1:{trunk}",
        "flows": str(flows),
        "survival_after_s": str(SURVIVAL_AFTER_S),
        "trunk_silent_s": str(TRUNK_SILENT_S),
        "wait_tick_s": "2",
    }
    async with Web(web_port) as web, Stack(settings) as stack:
        await stack.db.execute(
            "UPDATE queues SET ring_ms = $1, wrap_up_ms = $2", RING_MS, WRAP_UP_MS
        )
        await stack.run("number", "add", BRIEF, "brief")
        await stack.run("number", "add", HASTY, "hasty")
        await stack.db.executemany(
            "INSERT INTO entry_points (number, flow) VALUES ($1, $2)", FLOWS.items()
        )
        for agent in set(AGENTS) - set(stack.accounts().phones):
            await stack.run("agent", "add", agent)
        await stack.reload()
        accounts = stack.accounts()
        who = (pbx(), stack.sip, accounts.caller, accounts.phones)
        async with World(*who, sip_port=trunk) as world:
            for phone in world.phones.values():
                await phone.registered()
            await trunks.answers(stack.console)
            yield House(stack, world, web)
            await adds_up(stack.db)
            rung = await stack.db.fetchval("SELECT count(*) FROM segments WHERE kind = 'ringing'")
            agreed = await replayed(stack.db)
            # What a killed service had decided in its last moment may not be in the journal.
            assert agreed >= rung - KILLS, (agreed, rung)


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
    await until(stack.channels, lambda left: not left, "Sala's PBX has no channel")
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
