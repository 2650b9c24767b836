"""Published flows and credentials: what is immutable, what moves, what is counted."""

from __future__ import annotations

import asyncio

import pytest

from crm import credentials, floor, flows
from crm.credentials import MOST_TRIES, WINDOW_MS, Verdict
from crm.database import Database
from crm.errors import CrmError, DataRefused, NotFound
from crm.recorder import Recorder
from crm.records import JournalEntry

ONE, TWO = "a" * 12, "ab" * 6


async def publish(database: Database, version: str, **more: object) -> bool:
    fields = {"flow": "main", "content": f"sala: {version}", "uses": {}, "author": "ann"}
    return await flows.publish(database, version=version, **{**fields, **more})  # type: ignore[arg-type]


async def test_publish_points_the_alias_and_tells_the_service(database: Database) -> None:
    before = await floor.version(database)
    assert await publish(database, ONE, note="first")
    assert await floor.version(database) == before + 1
    assert not await publish(database, ONE)
    assert await floor.version(database) == before + 1
    (alias,) = await flows.aliases(database)
    assert (alias.alias, alias.version, alias.author, alias.note) == ("main", ONE, "ann", "first")


async def test_rolls_back_and_keeps_the_history(database: Database) -> None:
    await publish(database, ONE)
    await publish(database, TWO)
    assert await flows.previous(database, "main") == ONE
    assert await flows.point(database, "main", ONE, author="bob", note="back")
    assert [(m.version, m.previous, m.author) for m in await flows.history(database, "main")] == [
        (ONE, TWO, "bob"),
        (TWO, ONE, "ann"),
        (ONE, None, "ann"),
    ]
    assert [v.version for v in await flows.versions(database, "main")] == [TWO, ONE]
    with pytest.raises(NotFound):
        await flows.previous(database, "other")
    with pytest.raises(NotFound):
        await flows.point(database, "main", "c" * 12, author="bob", note="")


async def test_versions_cannot_be_changed(database: Database) -> None:
    await publish(database, ONE)
    async with database.connection() as connection:
        for statement in (
            "UPDATE flow_versions SET note = 'x'",
            "DELETE FROM flow_versions",
            "TRUNCATE flow_versions CASCADE",
            "UPDATE flow_moves SET note = 'x'",
        ):
            with pytest.raises(Exception, match="append-only"):
                await connection.execute(statement)
    assert (await flows.get(database, ONE)).note == ""


async def test_a_beginning_names_a_version(database: Database) -> None:
    await publish(database, ONE)
    await publish(database, TWO)
    assert (await flows.get(database, "ab")).version == TWO
    for wrong in ("a", "f", "%", "a_"):
        with pytest.raises(NotFound):
            await flows.get(database, wrong)


async def test_subflows_in_use_come_along(database: Database) -> None:
    await publish(database, ONE, flow="pay", alias="pay")
    await publish(database, TWO, uses={"pay": ONE})
    await publish(database, "c" * 12, flow="pay", alias="pay")
    assert set(await flows.in_use(database)) == {ONE, TWO, "c" * 12}


async def test_wrong_names_are_refused(database: Database) -> None:
    with pytest.raises(DataRefused):
        await publish(database, "xyz")
    with pytest.raises(CrmError):
        await publish(database, ONE, alias="a b")


async def test_publishing_at_once_leaves_one_history(database: Database) -> None:
    await asyncio.gather(*(publish(database, f"{n:012x}") for n in range(8)))
    moves = await flows.history(database, "main")
    assert [m.previous for m in moves[:-1]] == [m.version for m in moves[1:]]


async def test_ways_and_paths_are_read_back(database: Database) -> None:
    recorder = Recorder(database)
    recorder.start()
    seq = 0
    for interaction, nodes in (("i-1", "abc"), ("i-2", "ab"), ("i-3", "ac")):
        for node in nodes:
            body = {"interaction": interaction, "version": ONE, "node": node}
            recorder.journal(JournalEntry("ivr.run", seq, 1_000 + seq, 1, "ivr.node", body))
            seq += 1
    await recorder.drain()
    assert await flows.ways(database, ONE, 0) == {("a", "b"): 2, ("b", "c"): 1, ("a", "c"): 1}
    assert await flows.ways(database, ONE, 5_000) == {}
    assert [step.body["node"] for step in await flows.path(database, "i-1")] == ["a", "b", "c"]


async def test_pin_locks_across_calls_and_in_time_opens_again(database: Database) -> None:
    await credentials.put(database, "c-1", "pin", "1234")

    async def tried(code: str, now: int = 0) -> Verdict:
        return await credentials.verify(database, "c-1", "pin", code, now)

    assert await tried("0000") is Verdict.WRONG
    assert await tried("1234") is Verdict.PROVED
    for _ in range(MOST_TRIES - 1):
        assert await tried("0000") is Verdict.WRONG
    assert await tried("0000") is Verdict.LOCKED
    assert await tried("1234") is Verdict.LOCKED
    assert await tried("1234", WINDOW_MS + 1) is Verdict.PROVED
    assert await credentials.verify(database, "c-2", "pin", "1234", 0) is Verdict.UNKNOWN


async def test_tries_at_once_are_all_counted(database: Database) -> None:
    await credentials.put(database, "c-1", "pin", "1234")
    found = await asyncio.gather(
        *(credentials.verify(database, "c-1", "pin", f"{n:04}", 0) for n in range(8))
    )
    assert found.count(Verdict.WRONG) == MOST_TRIES - 1


async def test_code_serves_once_and_not_for_ever(database: Database) -> None:
    await credentials.put(database, "c-1", "otp", "555555", expires_ms=1_000)
    assert await credentials.verify(database, "c-1", "otp", "555555", 2_000) is Verdict.UNKNOWN
    assert await credentials.verify(database, "c-1", "otp", "555555", 500) is Verdict.PROVED
    assert await credentials.verify(database, "c-1", "otp", "555555", 500) is Verdict.UNKNOWN
