from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from crm import floor
from crm.database import Database
from crm.errors import DataRefused, NotFound
from crm.records import Agent, EntryPoint, Queue

QUEUES = [Queue("billing"), Queue("sales", ring_ms=15_000), Queue("support")]
AGENTS = [
    Agent("1001", "Agent 1001", "1001", ("sales", "support", "billing")),
    Agent("1002", "Agent 1002", "1002", ("billing",)),
]
ENTRY = EntryPoint("600", "main")


async def seeded(database: Database) -> bool:
    return await floor.seed(database, queues=QUEUES, agents=AGENTS, entry_points=[ENTRY])


async def test_seed_fills_once(database: Database) -> None:
    assert sorted(await asyncio.gather(*(seeded(database) for _ in range(4)))) == [
        False,
        False,
        False,
        True,
    ]
    loaded = await floor.load(database)
    assert list(loaded.queues) == QUEUES
    assert [(agent.id, agent.queues, agent.wanted) for agent in loaded.agents] == [
        ("1001", ("sales", "support", "billing"), "offline"),
        ("1002", ("billing",), "offline"),
    ]
    assert loaded.entry_points == (ENTRY,)
    for agent in AGENTS:
        await floor.remove_agent(database, agent.id)
    for queue in QUEUES:
        await floor.remove_queue(database, queue.name)
    await floor.remove_entry_point(database, "600")
    assert not await seeded(database)


async def test_agents(database: Database) -> None:
    await seeded(database)
    await floor.add_agent(database, "1003", name="Cy", address="1003", queues=["support", "sales"])
    await floor.set_agent_queues(database, "1003", ["sales", "support", "sales"])
    await floor.set_presence(database, "1003", "paused", "lunch", 1_700_000_000_001)
    assert (await floor.agents(database))[2] == Agent(
        "1003", "Cy", "1003", ("sales", "support"), "paused", "lunch", 1_700_000_000_001
    )
    await floor.remove_agent(database, "1003")
    assert len(await floor.agents(database)) == 2


async def test_wrong_agents_are_told(database: Database) -> None:
    await seeded(database)
    with pytest.raises(DataRefused, match="an agent 1001 already"):
        await floor.add_agent(database, "1001", name="x", address="1009")
    with pytest.raises(DataRefused, match="Another agent has the address 1001"):
        await floor.add_agent(database, "1009", name="x", address="1001")
    with pytest.raises(DataRefused, match="no agent's id"):
        await floor.add_agent(database, "a b", name="x", address="1009")
    with pytest.raises(DataRefused, match="no address"):
        await floor.add_agent(database, "1009", name="x", address="a\nb")
    with pytest.raises(DataRefused, match="1 to 200"):
        await floor.add_agent(database, "1009", name="", address="1009")
    with pytest.raises(NotFound, match="no queue nowhere"):
        await floor.add_agent(database, "1009", name="x", address="1009", queues=["nowhere"])
    assert len(await floor.agents(database)) == 2
    for missing in (
        floor.remove_agent(database, "1009"),
        floor.set_agent_queues(database, "1009", []),
        floor.set_presence(database, "1009", "offline", "", 1),
        floor.remove_queue(database, "nowhere"),
        floor.remove_entry_point(database, "601"),
    ):
        with pytest.raises(NotFound):
            await missing
    with pytest.raises(DataRefused):
        await floor.put_queue(database, Queue("sales", ring_ms=1))
    with pytest.raises(DataRefused):
        await floor.put_entry_point(database, EntryPoint("500&PJSIP/x", "main"))


async def test_only_configuration_makes_a_version(database: Database) -> None:
    await seeded(database)
    before = await floor.version(database)
    await floor.set_presence(database, "1001", "available", "", 1)
    assert await floor.version(database) == before
    await floor.put_queue(database, Queue("sales", ring_ms=16_000))
    await floor.put_entry_point(database, EntryPoint("601", "main"))
    assert (await floor.load(database)).version == before + 2


async def test_watch_tells_each_version(database: Database) -> None:
    async with aclosing(floor.watch(database)) as versions, asyncio.timeout(20):
        assert await anext(versions) == 1
        await floor.put_queue(database, Queue("sales"))
        assert await anext(versions) == 2
        # Its connection is cut: nothing is missed.
        async with database.connection() as connection:
            await connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE pid <> pg_backend_pid() AND usename = current_user"
            )
        await floor.put_queue(database, Queue("support"))
        assert await anext(versions) == 3
