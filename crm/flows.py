"""Published flows: immutable versions, the aliases that point at them, and how callers went."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from crm import queries
from crm.database import Database
from crm.errors import NotFound


@dataclass(frozen=True, slots=True)
class FlowVersion:
    """A flow file as it was published; `uses` holds the versions of its subflows by alias."""

    version: str
    flow: str
    hash: str
    content: str
    uses: Mapping[str, str]
    author: str
    note: str
    published_ms: int


@dataclass(frozen=True, slots=True)
class FlowAlias:
    """A name that points at a version of a flow; author and note are the version's."""

    alias: str
    version: str
    flow: str
    author: str
    note: str
    moved_ms: int


@dataclass(frozen=True, slots=True)
class FlowMove:
    """That an alias was let point at a version."""

    alias: str
    version: str
    previous: str | None
    author: str
    note: str
    moved_ms: int


@dataclass(frozen=True, slots=True)
class FlowStep:
    """One entry of a caller's way: kind `ivr.node` and others, and what it holds."""

    at_ms: int
    kind: str
    body: Mapping[str, Any]


async def publish(
    database: Database,
    *,
    flow: str,
    version: str,
    content: str,
    uses: Mapping[str, str],
    author: str,
    note: str = "",
    alias: str | None = None,
) -> bool:
    """Store a version and let an alias (by default the flow's name) point at it.

    Returns whether anything changed. A version that is there already is kept as it is. Raises
    `DataRefused` for names that are none.
    """
    digest = hashlib.sha256(content.encode()).hexdigest()
    async with database.transaction() as connection:
        named = queries.load()
        encoded = orjson.dumps(dict(uses)).decode()
        added = await connection.fetchval(
            named["flows_add"], version, flow, digest, content, encoded, author, note
        )
        moved = await _point(connection, alias or flow, version, author, note)
        return added is not None or moved


async def point(database: Database, alias: str, version: str, *, author: str, note: str) -> bool:
    """Let an alias point at a version that is there; return whether it did not before.

    Raises `NotFound`.
    """
    await get(database, version)
    async with database.transaction() as connection:
        return await _point(connection, alias, version, author, note)


async def _point(connection: Any, alias: str, version: str, author: str, note: str) -> bool:
    named = queries.load()
    await connection.execute(named["flows_lock_alias"], alias)
    previous = await connection.fetchval(named["flows_pointed"], alias)
    if previous == version:
        return False
    await connection.execute(named["flows_point"], alias, version)
    await connection.execute(named["flows_moved"], alias, version, previous, author, note)
    return True


async def previous(database: Database, alias: str) -> str:
    """Return the version an alias pointed at before the present one. Raises `NotFound`."""
    moves = await history(database, alias)
    if not moves or moves[0].previous is None:
        raise NotFound(f"There is no version before the present one of {alias}.")
    return moves[0].previous


async def get(database: Database, version: str) -> FlowVersion:
    """Return a version; the beginning of its name is enough if it is the only one such.

    Raises `NotFound`.
    """
    found = await database.rows("flows_like", version if version.isalnum() else "-")
    if len(found) != 1:
        many = "more than one" if found else "no"
        raise NotFound(f"There is {many} flow version {version}.")
    return _version(await database.row("flows_get", found[0]["version"]))


async def aliases(database: Database) -> list[FlowAlias]:
    """List all aliases."""
    return [FlowAlias(**row) for row in await database.rows("flows_aliases")]


async def in_use(database: Database) -> dict[str, FlowVersion]:
    """Return all versions that aliases point at, and those these use, by version."""
    found = map(_version, await database.rows("flows_in_use"))
    return {one.version: one for one in found}


async def versions(database: Database, flow: str, limit: int = 50) -> list[FlowVersion]:
    """List a flow's versions, latest first."""
    return [_version(row) for row in await database.rows("flows_versions", flow, limit)]


async def history(database: Database, alias: str, limit: int = 50) -> list[FlowMove]:
    """List what an alias pointed at, latest first."""
    return [FlowMove(**row) for row in await database.rows("flows_moves", alias, limit)]


async def ways(database: Database, version: str, since_ms: int) -> dict[tuple[str, str], int]:
    """Return how many interactions went from a node straight to another, since a time."""
    rows = await database.rows("flows_ways", version, since_ms)
    return {(row["node"], row["next"]): row["calls"] for row in rows}


async def path(database: Database, interaction: str) -> list[FlowStep]:
    """Return an interaction's way through flows, in order."""
    rows = await database.rows("flows_path", interaction)
    return [FlowStep(row["at_ms"], row["kind"], orjson.loads(row["body"])) for row in rows]


def _version(row: Any) -> FlowVersion:
    return FlowVersion(**{**row, "uses": orjson.loads(row["uses"])})
