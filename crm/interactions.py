"""Interactions with their segments: what happened, and what is open after a restart."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import orjson

from crm.database import Database
from crm.errors import DataRefused, NotFound
from crm.records import Identity, Interaction, InteractionDetail, QueueTotals, Segment


async def get(database: Database, interaction: str) -> InteractionDetail:
    """Return an interaction by id. Raises `NotFound`; `DataRefused` for what is no id."""
    detail = await database.value("interactions_get", interaction)
    if detail is None:
        raise NotFound(f"There is no interaction {interaction}.")
    return _detail(detail)


async def some(database: Database, ids: Collection[str]) -> dict[str, InteractionDetail]:
    """Return interactions by id; those that there are not are left out."""
    rows = await database.rows("interactions_some", list(ids))
    return {one.interaction.id: one for one in (_detail(row["detail"]) for row in rows)}


async def recent(database: Database, limit: int = 20) -> list[InteractionDetail]:
    """Return those that arrived last, latest first."""
    return [_detail(row["detail"]) for row in await database.rows("interactions_recent", limit)]


async def by_customer(
    database: Database, customer: str, limit: int = 20
) -> list[InteractionDetail]:
    """Return a customer's interactions, latest first."""
    rows = await database.rows("interactions_by_customer", customer, limit)
    return [_detail(row["detail"]) for row in rows]


async def open_now(database: Database) -> list[InteractionDetail]:
    """Return those that have not ended, or have a segment that has not, with all their segments.

    Oldest first. For a service that starts: what the last one left open.
    """
    return [_detail(row["detail"]) for row in await database.rows("interactions_open")]


async def last_talks(database: Database, since_ms: int) -> dict[str, int]:
    """Return when each agent's last talk or wrap-up ended (ms), of what arrived since then."""
    rows = await database.rows("interactions_last_talks", since_ms)
    return {row["agent"]: row["ended_ms"] for row in rows}


async def today(database: Database, midnight_ms: int, now_ms: int) -> dict[str, tuple[int, int]]:
    """Return, by agent, the contacts begun since midnight and the time occupied (ms) until now."""
    rows = await database.rows("interactions_today", midnight_ms, now_ms)
    return {row["agent"]: (row["contacts"], row["busy_ms"]) for row in rows}


@dataclass(frozen=True, slots=True)
class Spoken:
    """Somebody an agent spoke to: their number in E.164, None if withheld."""

    interaction: str
    number: str | None
    queue: str | None
    language: str | None


async def last_of(database: Database, agent: str, since_ms: int) -> Spoken | None:
    """Return whom an agent talks with; or talked with last, if that was over since then."""
    row = await database.row("interactions_last_of", agent, since_ms)
    return None if row is None else Spoken(**row)


async def customer_of(database: Database, interaction: str) -> str | None:
    """Return the customer of an interaction of any channel; None if none is known.

    Raises `DataRefused` for what is no id.
    """
    found = await database.value("interactions_customer", interaction)
    return None if found is None else str(found)


async def queue_totals(database: Database) -> list[QueueTotals]:
    """Return, by queue, what became of all that ever entered it."""
    return [QueueTotals(**row) for row in await database.rows("interactions_queue_totals")]


def _detail(encoded: str) -> InteractionDetail:
    detail = orjson.loads(encoded)
    segments = tuple(Segment(**segment) for segment in detail.pop("segments"))
    kind, value = detail.pop("identity_kind"), detail.pop("identity_value")
    identity = None if kind is None else Identity(kind, value)
    return InteractionDetail(Interaction(**detail, identity=identity), segments)


async def span(database: Database, start: str) -> tuple[str, int, int | None]:
    """Return the id of the one interaction whose id starts so, when it came, and when it was over.

    Raises `NotFound` for none, `DataRefused` for several.
    """
    rows = await database.rows("interaction_spans", start.lower().replace("%", "").replace("_", ""))
    if not rows:
        raise NotFound(f"There is no interaction {start}.")
    if len(rows) > 1:
        raise DataRefused(f"Several interactions begin with {start}: give more of the id.")
    return rows[0]["id"], rows[0]["arrived_ms"], rows[0]["ended_ms"]
