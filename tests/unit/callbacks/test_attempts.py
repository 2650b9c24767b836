"""Attempts on a real Postgres: one live attempt, fences, leases."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import asyncpg
import pytest
from kept_callbacks import DONE, LEASE, NOW, again, claimed, overdue, promised

from crm import attempts, callbacks
from crm.attempts import Claim, Refusal
from crm.database import Database

ROOT = Path(__file__).resolve().parents[3]


async def test_of_many_workers_one_gets_the_attempt(database: Database) -> None:
    one = await promised(database)
    found = await asyncio.gather(
        *(attempts.claim(database, one, f"w{n}", LEASE) for n in range(20))
    )
    assert sum(isinstance(x, Claim) for x in found) == 1
    assert [x for x in found if isinstance(x, Refusal)] == [Refusal.HELD] * 19
    assert len(await callbacks.attempts(database, one)) == 1


async def test_two_services_with_a_database_link_each_dial_once(
    database: Database, empty: str
) -> None:
    other = Database(empty, size=4)
    await other.open()
    ids = [await promised(database, f"+1415555{n:04d}") for n in range(100, 140)]
    tries = [attempts.claim(who, one, "x", LEASE) for one in ids for who in (database, other)]
    found = await asyncio.gather(*tries)
    await other.close()
    won = [x.callback for x in found if isinstance(x, Claim)]
    assert sorted(won) == sorted(ids)


async def test_a_result_is_taken_once_and_may_be_told_twice(database: Database) -> None:
    one = await promised(database)
    first = await claimed(database, one)
    assert await attempts.finish(database, first, again())
    assert await attempts.finish(database, first, again())
    kept = await callbacks.get(database, one)
    assert (kept.state, kept.attempts, kept.due_ms, kept.holder) == (
        "waiting", 1, NOW + 1000, None,
    )  # fmt: skip
    second = await claimed(database, one)
    assert (second.fence, second.before) == (first.fence + 1, 1)
    assert await attempts.finish(database, second, DONE)
    assert (await callbacks.get(database, one)).state == "connected"
    assert await attempts.claim(database, one, "a", LEASE) is Refusal.ENDED


async def test_a_late_result_is_refused(database: Database) -> None:
    one = await promised(database)
    dead = await claimed(database, one, "dead")
    await overdue(database, one)
    heir = await claimed(database, one, "heir")
    assert heir.before == 1  # the lost attempt counts: the phone may have rung
    assert not await attempts.finish(database, dead, DONE)
    assert not await attempts.renew(database, dead, LEASE)
    assert await attempts.renew(database, heir, LEASE)
    assert await attempts.finish(database, heir, again("no_answer"))
    told = [x.outcome for x in await callbacks.attempts(database, one)]
    assert told == ["lost", "no_answer"]


async def test_a_late_result_and_a_new_claim_at_once_agree(database: Database) -> None:
    for n in range(20):
        one = await promised(database, f"+1415555{n + 100:04d}")
        dead = await claimed(database, one, "dead")
        await overdue(database, one)
        late, heir = await asyncio.gather(
            attempts.finish(database, dead, DONE), attempts.claim(database, one, "heir", LEASE)
        )
        # Either the call did connect and nobody dials again, or the result came too late.
        assert late is not isinstance(heir, Claim)
        outcomes = [x.outcome for x in await callbacks.attempts(database, one)]
        assert outcomes == (["connected"] if late else ["lost", None])


WORKER = """
import asyncio, sys
from crm import attempts
from crm.database import Database

async def main():
    database = Database(sys.argv[1], size=1)
    await database.open()
    print(await attempts.claim(database, sys.argv[2], "killed", 60_000), flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


async def test_a_worker_killed_between_claim_and_result(database: Database, empty: str) -> None:
    one = await promised(database)
    worker = await asyncio.create_subprocess_exec(
        sys.executable, "-c", WORKER, empty, one,
        stdout=subprocess.PIPE, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert worker.stdout is not None
    async with asyncio.timeout(60):
        assert (await worker.stdout.readline()).startswith(b"Claim(")
        worker.send_signal(signal.SIGKILL)
        await worker.wait()
        assert await attempts.claim(database, one, "heir", LEASE) is Refusal.HELD
        await overdue(database, one)
        tries = [attempts.claim(database, one, f"heir{n}", LEASE) for n in range(8)]
        heirs = [x for x in await asyncio.gather(*tries) if isinstance(x, Claim)]
    assert len(heirs) == 1
    assert not await attempts.finish(database, Claim(one, heirs[0].fence - 1, 0), DONE)
    assert await attempts.finish(database, heirs[0], DONE)
    assert [x.outcome for x in await callbacks.attempts(database, one)] == ["lost", "connected"]


async def test_an_end_stays_and_voids_the_live_attempt(database: Database) -> None:
    one = await promised(database)
    live = await claimed(database, one)
    assert await callbacks.end(database, one, "cancelled", "customer", NOW + 3)
    assert not await callbacks.end(database, one, "expired", "expired", NOW + 4)
    assert not await attempts.finish(database, live, DONE)
    kept = await callbacks.get(database, one)
    assert (kept.state, kept.reason, kept.ended_ms) == ("cancelled", "customer", NOW + 3)
    async with database.connection() as connection:
        with pytest.raises(asyncpg.CheckViolationError):
            await connection.execute("UPDATE callbacks SET state = 'waiting', ended_at = NULL")


async def test_one_put_off_while_its_result_is_brought_stays_put_off(database: Database) -> None:
    one = await promised(database)
    live = await claimed(database, one)
    await callbacks.reschedule(database, one, NOW + 9000)
    assert await attempts.finish(database, live, again())
    assert (await callbacks.get(database, one)).due_ms == NOW + 9000


async def test_an_attempt_that_is_cut_by_the_end_of_its_callback_was_given_up(
    database: Database,
) -> None:
    one = await promised(database)
    await claimed(database, one)
    await callbacks.end(database, one, "cancelled", "admin", NOW)
    assert [x.outcome for x in await callbacks.attempts(database, one)] == ["given_up"]
