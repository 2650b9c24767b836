"""What became of callbacks, counted by a real Postgres."""

from __future__ import annotations

import pytest
from kept_callbacks import DONE, NOW, again, call, claimed, promised

from crm import attempts, callbacks
from crm.attempts import Result
from crm.database import Database


async def test_what_is_reported_adds_up(database: Database) -> None:
    ids = [await promised(database, f"+1415555{n:04d}") for n in range(100, 107)]
    for state, one in zip(("failed", "expired", "cancelled", "merged"), ids, strict=False):
        await callbacks.end(database, one, state, "why", NOW + 10)
    await attempts.finish(database, await claimed(database, ids[4]), DONE)
    live = await claimed(database, ids[5])
    for _ in range(2):
        await callbacks.declined(database, ids[0], "sales", NOW)
    (found,) = await callbacks.report(database, 0, 2 * NOW)
    ends = (found.connected, found.failed, found.expired, found.cancelled, found.merged)
    assert ends == (1, 1, 1, 1, 1)
    assert found.accepted == found.waiting + sum(ends) == 7
    assert found.offered == found.accepted + found.declined == 8
    assert (found.attempted, found.mean_ms) == (2, 5000)
    (counts,) = await callbacks.counts(database, NOW)
    assert (counts.waiting, counts.scheduled, counts.dialling) == (2, 0, 1)
    await attempts.finish(database, live, again())
    (counts,) = await callbacks.counts(database, NOW)
    assert (counts.waiting, counts.scheduled, counts.dialling) == (1, 1, 0)


async def test_promises_kept_against_the_time_told(database: Database) -> None:
    for n, told in enumerate((None, NOW + 4000, NOW + 6000)):
        wish = callbacks.Wish(f"+1415555{n + 100:04d}", "sales", NOW, call(), told_ms=told)
        _, one = await callbacks.ask(database, wish)
        await attempts.finish(database, await claimed(database, one), DONE)
    (found,) = await callbacks.report(database, 0, 2 * NOW)
    assert (found.connected, found.told, found.kept) == (3, 2, 1)


@pytest.mark.parametrize("outcome", ["withdrawn", "capped", "undialled"])
async def test_who_was_not_dialled_is_not_reported_as_attempted(
    database: Database, outcome: str
) -> None:
    one = await promised(database)
    live = await claimed(database, one)
    await attempts.finish(database, live, Result(outcome, False, "waiting", None, NOW + 1))
    (total,) = await callbacks.report(database, 0, 2 * NOW)
    (report,) = await callbacks.report(database, NOW - 1, NOW + 1)
    assert (total.attempted, report.attempted) == (0, 0)
    await attempts.finish(database, await claimed(database, one), again("given_up"))
    (total,) = await callbacks.report(database, 0, 2 * NOW)
    assert total.attempted == 1


async def test_who_the_gate_barred_is_reported_as_failed_and_not_as_attempted(
    database: Database,
) -> None:
    one = await promised(database)
    barred = Result("barred", False, "failed", "barred", NOW + 1)
    await attempts.finish(database, await claimed(database, one), barred)
    (found,) = await callbacks.report(database, 0, 2 * NOW)
    assert (found.offered, found.accepted, found.failed, found.attempted) == (1, 1, 1, 0)
