"""Attempts on a real Postgres: one live attempt, fences, leases, ends that stay."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import asyncpg
import pytest
import uuid6

from crm import attempts, callbacks, customers
from crm.attempts import Claim, Refusal, Result
from crm.database import Database
from crm.errors import DataRefused, NotFound
from crm.records import Identity

NUMBER = "+14155550123"
NOW = 1_800_000_000_000
LEASE = 60_000
ROOT = Path(__file__).resolve().parents[3]


def call() -> str:
    return str(uuid6.uuid7())


async def promised(database: Database, number: str = NUMBER, queue: str = "sales") -> str:
    _, made = await callbacks.ask(database, callbacks.Wish(number, queue, NOW, call()))
    assert made
    return made


async def claimed(database: Database, callback: str, who: str = "a", ms: int = LEASE) -> Claim:
    found = await attempts.claim(database, callback, who, ms)
    assert isinstance(found, Claim)
    return found


def again(outcome: str = "busy", due: int = NOW + 1000) -> Result:
    return Result(outcome, True, "waiting", None, NOW + 1, due)


DONE = Result("connected", False, "connected", None, NOW + 5000)


async def overdue(database: Database, callback: str) -> None:
    """Let the lease of a callback be over."""
    async with database.connection() as connection:
        await connection.execute(
            "UPDATE callbacks SET leased_until = now() - interval '1 second'"
            " WHERE id = $1::text::uuid",
            callback,
        )


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
    print(await attempts.claim(database, sys.argv[2], "killed", 1500), flush=True)
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
    async with asyncio.timeout(30):
        assert (await worker.stdout.readline()).startswith(b"Claim(")
        worker.send_signal(signal.SIGKILL)
        await worker.wait()
        assert await attempts.claim(database, one, "heir", LEASE) is Refusal.HELD
        async with database.connection() as connection:
            # Wait, in the database, for its own clock to pass the lease.
            await connection.execute(
                "SELECT pg_sleep_until(leased_until + interval '10 ms') FROM callbacks"
            )
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


async def test_one_open_callback_whichever_way_it_is_asked_for(database: Database) -> None:
    made = await asyncio.gather(*(promised(database) for _ in range(12)))
    assert len(set(made)) == 1
    assert not await callbacks.ingest(database, "f.json", NUMBER, NOW, queue="sales")
    async with database.connection() as connection:
        with pytest.raises(asyncpg.UniqueViolationError):
            await connection.execute(
                "INSERT INTO callbacks (number, queue, requested_at, due_at, source)"
                " VALUES ($1, 'sales', now(), now(), 'api')",
                NUMBER,
            )
    await callbacks.end(database, made[0], "cancelled", "customer", NOW)
    assert await promised(database) != made[0]


async def test_a_number_that_became_the_customers_meanwhile(database: Database) -> None:
    first = await promised(database)
    await customers.find_or_make(database, Identity("phone", NUMBER))
    assert await promised(database) == first


async def test_the_do_not_call_list(database: Database) -> None:
    one, two = await promised(database), await promised(database, queue="support")
    live = await claimed(database, one)
    assert await callbacks.forbid(database, NUMBER, NOW) == 2
    assert {(await callbacks.get(database, x)).reason for x in (one, two)} == {"do_not_call"}
    assert not await attempts.finish(database, live, again())
    asked = callbacks.Wish(NUMBER, "sales", NOW, call())
    assert await callbacks.ask(database, asked) == (callbacks.Answer.FORBIDDEN, "")
    assert not await callbacks.ingest(database, "f.json", NUMBER, NOW)
    assert await callbacks.allow(database, NUMBER)
    assert not await callbacks.allow(database, NUMBER)
    assert await promised(database)


async def test_a_claim_respects_the_list_too(database: Database) -> None:
    one = await promised(database)
    async with database.connection() as connection:
        await connection.execute("INSERT INTO do_not_call (number) VALUES ($1)", NUMBER)
    assert await attempts.claim(database, one, "a", LEASE) is Refusal.DO_NOT_CALL
    assert await attempts.claim(database, call(), "a", LEASE) is Refusal.UNKNOWN


async def test_changes_by_an_admin(database: Database) -> None:
    one = await promised(database)
    other = await promised(database, queue="support")
    await callbacks.reschedule(database, one, NOW + 9000)
    await callbacks.reassign(database, one, owner="1001")
    await callbacks.change_number(database, one, "+14155550188")
    kept = await callbacks.get(database, one)
    assert (kept.due_ms, kept.owner, kept.queue, kept.number) == (
        NOW + 9000, "1001", "sales", "+14155550188",
    )  # fmt: skip
    await callbacks.change_number(database, one, NUMBER)
    with pytest.raises(DataRefused, match="another open callback"):
        await callbacks.reassign(database, one, queue="support")
    await callbacks.end(database, other, "cancelled", "admin", NOW)
    for change in (
        callbacks.reschedule(database, other, NOW),
        callbacks.reassign(database, other, queue="sales"),
        callbacks.change_number(database, other, NUMBER),
    ):
        with pytest.raises(NotFound):
            await change
    assert (await callbacks.named(database, one[-8:])).id == one
    for nothing in ("", "%", "zz"):
        with pytest.raises(NotFound):
            await callbacks.named(database, nothing)


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


async def test_watchers_are_told_of_changes(database: Database) -> None:
    changes = callbacks.watch(database, every_s=20)
    async with asyncio.timeout(20):
        assert await anext(changes) == frozenset()
        one = await promised(database)
        assert await anext(changes) == {one}
        live = await claimed(database, one)  # ours to know; told to nobody
        await callbacks.reschedule(database, one, NOW + 5)
        assert await anext(changes) == {one}
        await attempts.finish(database, live, DONE)
        assert await anext(changes) == {one}
    await changes.aclose()
    async with database.connection() as connection:
        await connection.execute("SELECT 1")


async def test_watchers_read_everything_again_however_much_is_told(database: Database) -> None:
    one = await promised(database)
    changes = callbacks.watch(database, every_s=0.5)
    told: list[frozenset[str]] = []

    async def busy() -> None:
        due = NOW
        while True:
            due += 1
            await callbacks.reschedule(database, one, due)

    async with asyncio.timeout(20):
        assert await anext(changes) == frozenset()
        others = asyncio.create_task(busy())
        try:
            while not told or told[-1]:
                told.append(await anext(changes))
        finally:
            others.cancel()
            await asyncio.wait({others})
    assert len(told) > 1
    await changes.aclose()


async def sealed(database: Database, ms: int = LEASE) -> tuple[str, Claim]:
    one = await promised(database)
    live = await claimed(database, one, ms=ms)
    assert await attempts.seal(database, live, NOW + 2)
    return one, live


async def events(database: Database) -> list[str]:
    async with database.connection() as connection:
        rows = await connection.fetch(
            "SELECT body ->> 'event' AS event FROM journal WHERE epoch LIKE 'callback.%'"
            " ORDER BY seq"
        )
    return [row["event"] for row in rows]


async def test_who_is_about_to_talk_is_not_claimed_and_is_connected_when_they_do(
    database: Database,
) -> None:
    one, live = await sealed(database)
    assert (await callbacks.get(database, one)).state == "connected"
    assert await attempts.claim(database, one, "other", LEASE) is Refusal.ENDED
    assert not await callbacks.end(database, one, "cancelled", "admin", NOW)
    assert await attempts.renew(database, live, LEASE)
    # It is told once they talk, and not before.
    assert await events(database) == ["callback.promised"]
    for _ in range(2):
        assert await attempts.finish(database, live, DONE)
    kept = await callbacks.get(database, one)
    assert (kept.state, kept.ended_ms, kept.holder) == ("connected", DONE.now_ms, None)
    assert await events(database) == ["callback.promised", "callback.connected"]
    assert not await attempts.finish(database, live, again())
    assert not await attempts.unseal(database, live)


async def test_who_did_not_come_to_talk_is_open_again(database: Database) -> None:
    one, live = await sealed(database)
    assert await attempts.unseal(database, live)
    kept = await callbacks.get(database, one)
    assert (kept.state, kept.ended_ms, kept.holder) == ("waiting", None, "a")
    assert [x.outcome for x in await callbacks.attempts(database, one)] == [None]
    assert await attempts.claim(database, one, "other", LEASE) is Refusal.HELD
    assert await attempts.seal(database, live, NOW + 3)
    # And without a word of that: the result says how it was.
    assert await attempts.finish(database, live, again("hung_up"))
    kept = await callbacks.get(database, one)
    assert (kept.state, kept.attempts, kept.due_ms) == ("waiting", 1, NOW + 1000)
    assert [x.outcome for x in await callbacks.attempts(database, one)] == ["hung_up"]
    assert await events(database) == ["callback.promised"]


async def test_a_result_of_another_claim_undoes_nothing(database: Database) -> None:
    one, live = await sealed(database)
    older = Claim(one, live.fence - 1, 0)
    assert not await attempts.unseal(database, older)
    assert not await attempts.finish(database, older, again())
    assert (await callbacks.get(database, one)).state == "connected"


async def test_of_a_worker_that_died_as_they_began_to_talk_they_talked(database: Database) -> None:
    one, live = await sealed(database)
    assert [x.id for x in await callbacks.sealed(database)] == [one]
    await attempts.confirm(database)
    assert await events(database) == ["callback.promised"]
    await overdue(database, one)
    await attempts.confirm(database)
    assert await callbacks.sealed(database) == []
    assert await events(database) == ["callback.promised", "callback.connected"]
    assert not await attempts.finish(database, live, again())
    kept = await callbacks.get(database, one)
    assert (kept.state, kept.holder) == ("connected", None)
    assert [x.outcome for x in await callbacks.attempts(database, one)] == ["connected"]


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
