"""The house: a plugin, so that the end-to-end tests and those of faults are in the same one.

A fixture that two conftests import would be made once for each of them.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

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
)
from replay import adds_up, replayed
from web import SECRET, Web

from lab import ports, reach
from lab.programs import pbx
from lab.stack import Stack
from lab.world import World

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TRUNK_NUMBER = "+14155550100"
KILLS = 8
"""More than any run kills the service."""


def share(config: pytest.Config) -> None:
    """Have the fixtures of this module known to all tests, once."""
    module = sys.modules[__name__]
    if not config.pluginmanager.is_registered(module):
        config.pluginmanager.register(module)


def at_noon() -> str:
    """A time zone in which it is about noon now: no day ends while the tests run."""
    ahead = 12 - datetime.now(UTC).hour
    return f"Etc/GMT{-ahead:+d}"  # the sign is POSIX's: behind Greenwich


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
        # On a machine that has much else to do, what is known of a caller is still known.
        "record_wait_ms": "5000",
        # Tests kill it again and again.
        "restart_max_s": "1",
        "timezone": at_noon(),
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
            await reach.answer(stack.console)
            house = House(stack, world, web)
            await house.calls_nobody_back()
            yield house
            await adds_up(stack.db)
            rung = await stack.db.fetchval("SELECT count(*) FROM segments WHERE kind = 'ringing'")
            agreed = await replayed(stack.db)
            # What a killed service had decided in its last moment may not be in the journal.
            assert agreed >= rung - KILLS, (agreed, rung)
