"""Numbers that were dialled: counted before each further one, so that caps hold across restarts."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TypeVar

from crm import queries
from crm.database import Database

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Dialled:
    """What was dialled before.

    `number` and `day`: to that number, and to all, in the last 24 hours. `at_once`: dialled in the
    last six hours for interactions that are not over, or that are being called back; the one that
    is to be dialled for now is left out.
    """

    number: int
    day: int
    at_once: int


async def claim(
    database: Database,
    number: str,
    purpose: str,
    now_ms: int,
    judge: Callable[[Dialled], _T | None],
    *,
    interaction: str | None = None,
) -> _T | None:
    """Count one more dialling of `number` (E.164), unless `judge` objects; return its objection.

    `purpose` is `transfer`, `callback` or `click`. Claims wait for each other, so that two at once
    cannot both be the last that is allowed. When None is returned, the claim is committed.
    """
    named = queries.load()
    async with database.transaction() as connection:
        await connection.execute(named["dialled_lock"])
        row = await connection.fetchrow(named["dialled_counts"], number, now_ms, interaction)
        objection = judge(Dialled(row["number"], row["day"], row["at_once"]))
        if objection is None:
            await connection.execute(named["dialled_put"], number, purpose, interaction, now_ms)
        return objection


async def counts(
    database: Database, number: str, now_ms: int, *, interaction: str | None = None
) -> Dialled:
    """Return what was dialled before, without counting anything."""
    row = await database.row("dialled_counts", number, now_ms, interaction)
    assert row is not None
    return Dialled(row["number"], row["day"], row["at_once"])


async def counts_of(
    database: Database, numbers: Collection[str], now_ms: int
) -> dict[str, Dialled]:
    """Return, by number, what was dialled before; `at_once` leaves no interaction out."""
    if not numbers:
        return {}
    every = await counts(database, "", now_ms)
    rows = await database.rows("dialled_numbers", list(numbers), now_ms)
    each = {row["number"]: row["count"] for row in rows}
    return {one: Dialled(each.get(one, 0), every.day, every.at_once) for one in numbers}
