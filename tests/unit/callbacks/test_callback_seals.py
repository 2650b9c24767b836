"""That customer and agent talk is written before they do, on a real Postgres."""

from __future__ import annotations

from kept_callbacks import DONE, LEASE, NOW, again, claimed, overdue, promised

from crm import attempts, callbacks
from crm.attempts import Claim, Refusal
from crm.database import Database


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
