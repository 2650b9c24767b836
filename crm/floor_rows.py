"""Writing the floor's configuration: the rows that differ, and no others."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from crm import queries
from crm.database import told
from crm.errors import DataRefused
from crm.records import Agent, Floor

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """One table: its queries are `floor_put_<name>` and `floor_drop_<name>`."""

    name: str
    what: str
    """One row of it, in words."""
    keys: int
    """How many of the first columns are its key."""
    columns: tuple[str, ...]
    rows: Callable[[Floor], Iterable[Row]]


def _queues(floor: Floor) -> Iterator[Row]:
    for one in floor.queues:
        yield tuple(
            json.dumps(getattr(one, column), ensure_ascii=False)
            if column in ("tiers", "steps", "recipes")
            else getattr(one, column)
            for column in _QUEUE
        )


def _agents(floor: Floor) -> Iterator[Row]:
    for one in floor.agents:
        site = one.site or None
        yield (
            one.id, one.name, one.address, site, one.voice, one.chat, one.email, one.weight,
        )  # fmt: skip


def _served(floor: Floor) -> Iterator[Row]:
    for one in floor.agents:
        for position, (queue, rank) in enumerate(_ranked(one), 1):
            yield one.id, queue, position, rank


def _ranked(agent: Agent) -> Iterable[tuple[str, int]]:
    return zip(agent.queues, agent.ranks or (1,) * len(agent.queues), strict=True)


_QUEUE = (
    "name", "ring_ms", "wrap_up_ms", "strategy", "ring_at_once", "target_ms", "short_abandon_ms",
    "max_wait_ms", "when_late", "max_length", "when_full", "join_needs", "stay_needs", "when_empty",
    "calendar", "when_closed", "closing_clears", "tiers", "steps", "recipes",
)  # fmt: skip
_TABLES = (
    Table("skills", "skill", 1, ("name",), lambda floor: ((n,) for n in floor.skills)),
    Table("languages", "language", 1, ("name",), lambda floor: ((n,) for n in floor.languages)),
    Table("sites", "site", 1, ("name",), lambda floor: ((n,) for n in floor.sites)),
    Table(
        "calendars", "calendar", 1, ("name", "source"),
        lambda floor: (
            (one.name, json.dumps(one.source, ensure_ascii=False)) for one in floor.calendars
        ),
    ),
    Table("queues", "queue", 1, _QUEUE, _queues),
    Table(
        "callback_policies", "callback policy of queue", 1, ("queue", "policy"),
        lambda floor: (
            (one.name, json.dumps(one.callback, ensure_ascii=False))
            for one in floor.queues if one.callback
        ),
    ),
    Table(
        "agents", "agent", 1,
        ("id", "name", "address", "site", "voice", "chat", "email", "weight"), _agents,
    ),
    Table("agent_queues", "agent", 2, ("agent", "queue", "position", "rank"), _served),
    Table(
        "agent_skills", "agent", 2, ("agent", "skill", "level"),
        lambda floor: ((one.id, *skill) for one in floor.agents for skill in one.skills),
    ),
    Table(
        "agent_languages", "agent", 2, ("agent", "language"),
        lambda floor: ((one.id, tag) for one in floor.agents for tag in one.languages),
    ),
    Table(
        "selections", "selection", 1, ("name", "policy"),
        lambda floor: ((one.name, one.policy) for one in floor.selections),
    ),
    Table(
        "selection_queues", "selection of queue", 1, ("queue", "selection", "weight"),
        lambda floor: (
            (queue, one.name, weight) for one in floor.selections for queue, weight in one.queues
        ),
    ),
    Table(
        "floor_policy", "floor", 0, ("busy_backoff_ms", "voice", "chat", "email", "blocks"),
        lambda floor: (
            (
                floor.policy.busy_backoff_ms, floor.policy.voice, floor.policy.chat,
                floor.policy.email, json.dumps(floor.policy.blocks, ensure_ascii=False),
            ),
        ),
    ),
    Table(
        "entry_points", "number", 1, ("number", "flow"),
        lambda floor: ((one.number, one.flow) for one in floor.entry_points),
    ),
)  # fmt: skip
"""Each after those that it refers to."""

CHUNK = 1_000
"""Rows for one statement, so that none takes as long as its time-out."""

_REFERRED = ("queues", "calendars", "sites", "languages", "skills")
"""Tables whose rows go last, when nothing refers to them any more."""


async def write(connection: Any, was: Floor, wanted: Floor) -> None:
    """Write what differs, within the caller's transaction.

    Raises `DataRefused` for the first row that a table does not take, and says why.
    """
    changes = [_changes(table, was, wanted) for table in _TABLES]
    last = []
    for table, gone, _ in reversed(changes):
        if table.name in _REFERRED:
            last.append((table, gone))
        else:
            await _drop(connection, table, gone)
    for table, _, new in changes:
        if new:
            await _put(connection, table, new)
    for table, gone in last:
        await _drop(connection, table, gone)


def _changes(table: Table, was: Floor, wanted: Floor) -> tuple[Table, list[Row], list[Row]]:
    before = {row[: table.keys]: row for row in table.rows(was)}
    after = {row[: table.keys]: row for row in table.rows(wanted)}
    gone = [key for key in before if key not in after]
    return table, gone, [row for key, row in after.items() if before.get(key) != row]


async def _drop(connection: Any, table: Table, keys: list[Row]) -> None:
    if keys:
        columns = [list(column) for column in zip(*keys, strict=True)]
        with told():
            await connection.execute(queries.load()[f"floor_drop_{table.name}"], *columns)


async def _put(connection: Any, table: Table, rows: list[Row]) -> None:
    put = queries.load()[f"floor_put_{table.name}"]
    try:
        with told():
            async with connection.transaction():
                for first in range(0, len(rows), CHUNK):
                    await connection.executemany(put, rows[first : first + CHUNK])
    except DataRefused:
        # Which row it was is not told for many at once.
        for row in rows:
            try:
                with told():
                    await connection.execute(put, *row)
            except DataRefused as error:
                raise DataRefused(
                    _why(table, row, error), sqlstate=error.sqlstate, constraint=error.constraint
                ) from error
        raise


_SAID = {
    "agents_id_check": "{id!r} is no agent's id: use letters, digits, and . _ - inside.",
    "agents_name_check": "An agent's name has 1 to 200 characters.",
    "agents_address_check": "{address!r} is no address: give the agent's SIP account.",
    "agents_address_key": "Another agent has the address {address}.",
    "queues_name_check": "{name!r} is no queue's name: use a-z, 0-9, _ and -, a letter first.",
    "selections_name_check": (
        "{name!r} is no selection's name: use a-z, 0-9, _ and -, a letter first."
    ),
    "languages_name_check": "{name!r} is no language: write a tag such as th or en-GB.",
    "queues_ring_ms_check": "queue {name}: a ring lasts 1s to 5m.",
    "queues_wrap_up_ms_check": "queue {name}: wrap-up lasts up to 1h.",
}


def _why(table: Table, row: Row, error: DataRefused) -> str:
    fields = dict(zip(table.columns, row, strict=True))
    if error.constraint in _SAID:
        return _SAID[error.constraint].format(**fields)
    named = " ".join(map(str, (table.what, *row[: table.keys])))
    column = error.constraint.removeprefix(f"{table.name}_").rpartition("_")[0]
    if column in fields:
        return f"{named}: {column} cannot be {fields[column]!r}."
    return f"{named}: {error}"
