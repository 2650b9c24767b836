from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import replace

import pytest

from crm import floor
from crm.database import Database
from crm.errors import DataRefused, NotFound
from crm.records import (
    Agent,
    CalendarSource,
    EntryPoint,
    Floor,
    FloorPolicy,
    Queue,
    Selection,
)

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
    await floor.change(database, lambda was: replace(was, queues=(), agents=()))
    await floor.remove_entry_point(database, "600")
    assert not await seeded(database)


async def test_agents(database: Database) -> None:
    await seeded(database)
    await floor.add_agent(database, "1003", name="Cy", address="1003", queues=["support", "sales"])
    await floor.change(
        database,
        lambda was: replace(
            was,
            agents=(*was.agents[:2], replace(was.agents[2], queues=("sales", "support"))),
        ),
    )
    await floor.set_presence(database, "1003", "paused", "lunch", 1_700_000_000_001)
    assert (await floor.agents(database))[2] == Agent(
        "1003", "Cy", "1003", ("sales", "support"), "paused", "lunch", 1_700_000_000_001
    )
    await floor.change(database, lambda was: replace(was, agents=was.agents[:2]))
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
        floor.set_presence(database, "1009", "offline", "", 1),
        floor.change(database, lambda was: floor.without_queue(was, "nowhere")),
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


async def test_a_queue_goes_with_all_that_refers_to_it(database: Database) -> None:
    await seeded(database)
    await floor.change(
        database,
        lambda was: replace(
            was, selections=(Selection("all", "priority", (("billing", 1), ("sales", 2))),)
        ),
    )
    await floor.change(database, lambda was: floor.without_queue(was, "sales"))
    loaded = await floor.load(database)
    assert [agent.queues for agent in loaded.agents] == [("support", "billing"), ("billing",)]
    assert loaded.selections == (Selection("all", "priority", (("billing", 1),)),)


async def test_every_table_of_the_configuration_makes_a_version(database: Database) -> None:
    whole = Floor(
        0,
        (Queue("sales", calendar="office", steps=("any",)),),
        (Agent("1", "A", "1", ("sales",), skills=(("tax", 2),), languages=("th",), site="bkk"),),
        (ENTRY,),
        ("tax",),
        ("th",),
        ("bkk",),
        (CalendarSource("office", {"timezone": "UTC"}),),
        (Selection("all", "priority", (("sales", 2),)),),
        FloorPolicy(busy_backoff_ms=1),
    )
    await floor.change(database, lambda was: whole)
    loaded = await floor.load(database)
    assert _timeless(loaded) == _timeless(whole)
    before = loaded.version
    changed = (
        replace(loaded, skills=("law", "tax")),
        replace(loaded, languages=("en", "th")),
        replace(loaded, sites=("bkk", "jkt")),
        replace(loaded, calendars=(CalendarSource("office", {"timezone": "Asia/Bangkok"}),)),
        replace(loaded, queues=(Queue("sales", steps=("any", "any")),)),
        replace(loaded, agents=(replace(loaded.agents[0], skills=(("tax", 3),)),)),
        replace(loaded, agents=(replace(loaded.agents[0], languages=()),)),
        replace(loaded, agents=(replace(loaded.agents[0], site=""),)),
        replace(loaded, agents=(replace(loaded.agents[0], ranks=(2,)),)),
        replace(loaded, agents=(replace(loaded.agents[0], weight=2),)),
        replace(loaded, selections=(Selection("all", "fixed_ratio", (("sales", 2),)),)),
        replace(loaded, selections=(Selection("all", "priority", (("sales", 3),)),)),
        replace(loaded, policy=FloorPolicy(busy_backoff_ms=2)),
    )
    for number, one in enumerate(changed):
        await floor.change(database, lambda was, one=one: one)  # type: ignore[misc]
        assert await floor.version(database) == before + 2 * number + 1
        await floor.change(database, lambda was: loaded)
        assert await floor.version(database) == before + 2 * number + 2
    assert _timeless(await floor.load(database)) == _timeless(whole)


def _timeless(one: Floor) -> Floor:
    return replace(one, version=0, agents=tuple(replace(agent, since_ms=0) for agent in one.agents))


async def test_a_change_keeps_agents_presence(database: Database) -> None:
    await seeded(database)
    await floor.set_presence(database, "1001", "paused", "lunch", 5)
    await floor.change(
        database, lambda was: replace(was, agents=(replace(was.agents[0], wanted="offline"),))
    )
    assert (await floor.agents(database))[0].wanted == "paused"
