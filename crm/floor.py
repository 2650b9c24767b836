"""The floor's configuration: queues, agents and what they can do, hours, entry points.

What changes here reaches the running service by `watch`: every change makes a new version, told by
Postgres on a channel. Every change goes through `change`, one at a time, whole or not at all.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Sequence
from dataclasses import replace
from typing import Any

from crm import floor_rows, queries
from crm.database import Database
from crm.errors import CrmError, DataRefused, NotFound
from crm.records import (
    Agent,
    CalendarSource,
    EntryPoint,
    Floor,
    FloorPolicy,
    Queue,
    Selection,
)

_CHANNEL = "sala_config"


async def load(database: Database) -> Floor:
    """Read the whole configuration, with agents' presence, as of one instant."""
    async with (
        database.connection() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        return await _load(connection)


async def _load(connection: Any) -> Floor:
    named = queries.load()

    async def rows(query: str) -> list[Any]:
        return list(await connection.fetch(named[query]))

    return Floor(
        version=await connection.fetchval(named["floor_version"]),
        queues=tuple(map(_queue, await rows("floor_queues"))),
        agents=tuple(map(_agent, await rows("floor_agents"))),
        entry_points=tuple(EntryPoint(**row) for row in await rows("floor_entry_points")),
        skills=tuple(row["name"] for row in await rows("floor_skills")),
        languages=tuple(row["name"] for row in await rows("floor_languages")),
        sites=tuple(row["name"] for row in await rows("floor_sites")),
        calendars=tuple(_calendar(row) for row in await rows("floor_calendars")),
        selections=tuple(
            Selection(
                row["name"], row["policy"], tuple(zip(row["queues"], row["weights"], strict=True))
            )
            for row in await rows("floor_selections")
        ),
        policy=_policy(await rows("floor_policy")),
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


async def change(database: Database, edit: Callable[[Floor], Floor]) -> Floor:
    """Change the configuration in one transaction, and return what it was before.

    `edit` is given what is stored and returns what is to be; if it raises, nothing is changed.
    Changes wait for each other, so it sees what came before it. Agents' presence stays as it is.
    Raises `DataRefused` for what the tables do not take; the message says which.
    """
    async with database.transaction() as connection:
        await connection.fetchval(queries.load()["floor_lock"])
        was = await _load(connection)
        await floor_rows.write(connection, was, edit(was))
        return was


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
    filled = False

    def edit(was: Floor) -> Floor:
        nonlocal filled
        filled = was.version == 1 and not (was.queues or was.agents or was.entry_points)
        if not filled:
            return was
        return replace(
            was, queues=tuple(queues), agents=tuple(agents), entry_points=tuple(entry_points)
        )

    await change(database, edit)
    return filled


async def agents(database: Database) -> list[Agent]:
    """List all agents by id."""
    return [_agent(row) for row in await database.rows("floor_agents")]


async def calendars(database: Database) -> list[CalendarSource]:
    """List all calendars by name, as the admin wrote them."""
    return [_calendar(row) for row in await database.rows("floor_calendars")]


async def add_agent(
    database: Database, agent: str, *, name: str, address: str, queues: Sequence[str] = ()
) -> None:
    """Add an agent who serves these queues.

    Raises `DataRefused` for an id or address that is taken or malformed, `NotFound` for a queue
    that is not there; each says which.
    """

    def edit(was: Floor) -> Floor:
        if any(known.id == agent for known in was.agents):
            raise DataRefused(f"There is an agent {agent} already.")
        wanted = tuple(dict.fromkeys(queues))
        _queues_there(was, wanted)
        return replace(was, agents=(*was.agents, Agent(agent, name, address, wanted)))

    await change(database, edit)


async def set_presence(
    database: Database, agent: str, wanted: str, reason: str, at_ms: int
) -> None:
    """Store what an agent wants to be, while no service runs to be told. Raises `NotFound`."""
    if await database.value("floor_presence", agent, wanted, reason, at_ms) is None:
        raise NotFound(f"There is no agent {agent}.")


async def put_queue(database: Database, queue: Queue) -> None:
    """Add a queue or change its policy. Raises `DataRefused` for values out of bounds."""

    def edit(was: Floor) -> Floor:
        others = tuple(known for known in was.queues if known.name != queue.name)
        return replace(was, queues=(*others, queue))

    await change(database, edit)


def without_queue(floor: Floor, name: str) -> Floor:
    """Return a floor without a queue, which nobody serves or selects any more.

    Raises `NotFound`.
    """
    kept = tuple(queue for queue in floor.queues if queue.name != name)
    if kept == floor.queues:
        raise NotFound(f"There is no queue {name}.")
    return replace(
        floor,
        queues=kept,
        agents=tuple(unserved(agent, {name}) for agent in floor.agents),
        selections=tuple(unselected(one, {name}) for one in floor.selections),
    )


def unserved(agent: Agent, queues: Collection[str]) -> Agent:
    """Return an agent who does not serve these queues any more."""
    if not set(agent.queues) & set(queues):
        return agent
    ranks = agent.ranks or (1,) * len(agent.queues)
    kept = [pair for pair in zip(agent.queues, ranks, strict=True) if pair[0] not in queues]
    ranks = tuple(rank for _, rank in kept)
    return replace(
        agent,
        queues=tuple(queue for queue, _ in kept),
        ranks=ranks if any(rank != 1 for rank in ranks) else (),
    )


def unselected(selection: Selection, queues: Collection[str]) -> Selection:
    """Return a selection without these queues."""
    kept = tuple(pair for pair in selection.queues if pair[0] not in queues)
    return selection if kept == selection.queues else replace(selection, queues=kept)


def _queues_there(floor: Floor, wanted: Iterable[str]) -> None:
    there = {queue.name for queue in floor.queues}
    for name in wanted:
        if name not in there:
            raise NotFound(f"There is no queue {name}.")


async def put_entry_point(database: Database, entry: EntryPoint) -> None:
    """Lead a dialled number to a flow. Raises `DataRefused` for a malformed number or flow."""

    def edit(was: Floor) -> Floor:
        others = tuple(known for known in was.entry_points if known.number != entry.number)
        return replace(was, entry_points=(*others, entry))

    await change(database, edit)


async def remove_entry_point(database: Database, number: str) -> None:
    """Lead a dialled number nowhere. Raises `NotFound`."""

    def edit(was: Floor) -> Floor:
        kept = tuple(entry for entry in was.entry_points if entry.number != number)
        if kept == was.entry_points:
            raise NotFound(f"There is no entry point {number}.")
        return replace(was, entry_points=kept)

    await change(database, edit)


def _calendar(row: Any) -> CalendarSource:
    return CalendarSource(row["name"], json.loads(row["source"]))


def _policy(rows: list[Any]) -> FloorPolicy:
    if not rows:
        return FloorPolicy()
    return FloorPolicy(**{**rows[0], "blocks": json.loads(rows[0]["blocks"])})


def _queue(row: Any) -> Queue:
    return Queue(
        **{
            **row,
            "tiers": json.loads(row["tiers"]),
            "steps": tuple(json.loads(row["steps"])),
            "recipes": tuple(json.loads(row["recipes"])),
            "callback": json.loads(row["callback"]),
        }
    )


def _agent(row: Any) -> Agent:
    fields = dict(row)
    skills = tuple(zip(fields.pop("skills"), fields.pop("levels"), strict=True))
    ranks = tuple(fields.pop("ranks"))
    return Agent(
        **{
            **fields,
            "queues": tuple(fields["queues"]),
            "ranks": ranks if any(rank != 1 for rank in ranks) else (),
            "skills": skills,
            "languages": tuple(fields["languages"]),
            "site": fields["site"] or "",
        }
    )
