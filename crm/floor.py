"""The floor's configuration: queues, agents with the queues they serve, entry points.

What changes here reaches the running service by `watch`: every change makes a new version, told by
Postgres on a channel.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any

from crm import queries
from crm.database import Database
from crm.errors import CrmError, DataRefused, NotFound
from crm.records import Agent, EntryPoint, Floor, Queue

_CHANNEL = "sala_config"


async def load(database: Database) -> Floor:
    """Read the whole configuration, with agents' presence, as of one instant."""
    named = queries.load()
    async with (
        database.connection() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        return Floor(
            version=await connection.fetchval(named["floor_version"]),
            queues=tuple(Queue(**row) for row in await connection.fetch(named["floor_queues"])),
            agents=tuple(map(_agent, await connection.fetch(named["floor_agents"]))),
            entry_points=tuple(
                EntryPoint(**row) for row in await connection.fetch(named["floor_entry_points"])
            ),
        )


async def version(database: Database) -> int:
    """Return the version of the configuration."""
    return int(await database.value("floor_version"))


async def watch(database: Database, *, every_s: float = 30.0) -> AsyncIterator[int]:
    """Yield the version now, and again each time it has changed; never ends, never raises.

    A change comes at once by notification; every `every_s`, and after the database was away, the
    version is also read, so that none is missed.
    """
    known: int | None = None
    while True:
        with contextlib.suppress(CrmError):
            async with database.connection() as connection:
                changed = asyncio.Event()

                def heard(*_: object, changed: asyncio.Event = changed) -> None:
                    changed.set()

                await connection.add_listener(_CHANNEL, heard)
                connection.add_termination_listener(heard)
                try:
                    while not connection.is_closed():
                        changed.clear()
                        now = int(await connection.fetchval(queries.load()["floor_version"]))
                        if now != known:
                            known = now
                            yield now
                        with contextlib.suppress(TimeoutError):
                            async with asyncio.timeout(every_s):
                                await changed.wait()
                finally:
                    connection.remove_termination_listener(heard)
                    if not connection.is_closed():
                        with contextlib.suppress(Exception):
                            await connection.remove_listener(_CHANNEL, heard)
        await asyncio.sleep(min(every_s, 1.0))


async def seed(
    database: Database,
    *,
    queues: Iterable[Queue] = (),
    agents: Iterable[Agent] = (),
    entry_points: Iterable[EntryPoint] = (),
) -> bool:
    """Fill an untouched floor at the first start; return whether it was.

    Once anything was ever configured, also if it was all removed since, this does nothing.
    """
    async with database.transaction() as connection:
        if not await _value(connection, "floor_is_empty"):
            return False
        for queue in queues:
            await _value(connection, "floor_put_queue", *_policy(queue))
        for agent in agents:
            await _value(connection, "floor_add_agent", agent.id, agent.name, agent.address)
            await _serve(connection, agent.id, agent.queues)
        for entry in entry_points:
            await _value(connection, "floor_put_entry_point", entry.number, entry.flow)
        return True


async def agents(database: Database) -> list[Agent]:
    """List all agents by id."""
    return [_agent(row) for row in await database.rows("floor_agents")]


async def add_agent(
    database: Database, agent: str, *, name: str, address: str, queues: Sequence[str] = ()
) -> None:
    """Add an agent who serves these queues, preferred first.

    Raises `DataRefused` for an id or address that is taken or malformed, `NotFound` for a queue
    that is not there; each says which.
    """
    async with _explained(agent, address), database.transaction() as connection:
        if await _value(connection, "floor_add_agent", agent, name, address) is None:
            raise DataRefused(f"There is an agent {agent} already.")
        await _serve(connection, agent, queues)


async def remove_agent(database: Database, agent: str) -> None:
    """Remove an agent; history keeps the id. Raises `NotFound`."""
    if await database.value("floor_remove_agent", agent) is None:
        raise NotFound(f"There is no agent {agent}.")


async def set_agent_queues(database: Database, agent: str, queues: Sequence[str]) -> None:
    """Say which queues an agent serves, preferred first. Raises `NotFound` for either."""
    async with database.transaction() as connection:
        if await _value(connection, "floor_lock_agent", agent) is None:
            raise NotFound(f"There is no agent {agent}.")
        await _value(connection, "floor_clear_agent_queues", agent)
        await _serve(connection, agent, queues)


async def set_presence(
    database: Database, agent: str, wanted: str, reason: str, at_ms: int
) -> None:
    """Store what an agent wants to be, while no service runs to be told. Raises `NotFound`."""
    if await database.value("floor_presence", agent, wanted, reason, at_ms) is None:
        raise NotFound(f"There is no agent {agent}.")


async def put_queue(database: Database, queue: Queue) -> None:
    """Add a queue or change its policy. Raises `DataRefused` for values out of bounds."""
    await database.value("floor_put_queue", *_policy(queue))


async def remove_queue(database: Database, name: str) -> None:
    """Remove a queue; its agents no longer serve it, history keeps its name. Raises `NotFound`."""
    if await database.value("floor_remove_queue", name) is None:
        raise NotFound(f"There is no queue {name}.")


async def put_entry_point(database: Database, entry: EntryPoint) -> None:
    """Lead a dialled number to a flow. Raises `DataRefused` for a malformed number or flow."""
    await database.value("floor_put_entry_point", entry.number, entry.flow)


async def remove_entry_point(database: Database, number: str) -> None:
    """Lead a dialled number nowhere. Raises `NotFound`."""
    if await database.value("floor_remove_entry_point", number) is None:
        raise NotFound(f"There is no entry point {number}.")


def _agent(row: Any) -> Agent:
    return Agent(**{**row, "queues": tuple(row["queues"])})


def _policy(queue: Queue) -> tuple[str, int, int, str]:
    return queue.name, queue.ring_ms, queue.wrap_up_ms, queue.strategy


async def _value(connection: Any, query: str, *values: object) -> Any:
    return await connection.fetchval(queries.load()[query], *values)


async def _serve(connection: Any, agent: str, wanted: Sequence[str]) -> None:
    wanted = list(dict.fromkeys(wanted))
    there = set(await _value(connection, "floor_queues_there", wanted))
    for name in wanted:
        if name not in there:
            raise NotFound(f"There is no queue {name}.")
    await _value(connection, "floor_add_agent_queues", agent, wanted)


_SAID = {
    "agents_id_check": "{agent!r} is no agent's id: use letters, digits, and . _ - inside.",
    "agents_name_check": "An agent's name has 1 to 200 characters.",
    "agents_address_check": "{address!r} is no address: give the agent's SIP account.",
    "agents_address_key": "Another agent has the address {address}.",
}


@contextlib.asynccontextmanager
async def _explained(agent: str, address: str) -> AsyncIterator[None]:
    try:
        yield
    except DataRefused as error:
        if error.constraint not in _SAID:
            raise
        raise DataRefused(_SAID[error.constraint].format(agent=agent, address=address)) from error
