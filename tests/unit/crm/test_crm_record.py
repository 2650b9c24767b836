from __future__ import annotations

import asyncio
import uuid
from dataclasses import replace
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from crm import callbacks, customers, interactions, queries
from crm.database import Database
from crm.errors import DatabaseUnavailable, DataRefused, NotFound, QueryFailed
from crm.recorder import Recorder
from crm.records import Identity, Interaction, Segment

PHONE = Identity("phone", "+12025550143")


async def run(database: Database, sql: str) -> Any:
    async with database.connection() as connection:
        return await connection.fetchval(sql)


async def test_fifty_at_once_from_one_new_number(database: Database) -> None:
    found = await asyncio.gather(*(customers.find_or_make(database, PHONE) for _ in range(50)))
    assert len(set(found)) == 1
    assert await run(database, "SELECT count(*) FROM customers") == 1
    customer = await customers.by_identity(database, PHONE)
    assert customer is not None
    assert customer.id == found[0]
    assert customer.identities == (PHONE,)


async def test_many_recorders_at_once_from_one_new_number(database: Database) -> None:
    async def call() -> None:
        recorder = Recorder(database)
        recorder.start()
        recorder.interaction(Interaction(str(uuid.uuid4()), 1, identity=PHONE))
        assert await recorder.drain() == 0

    await asyncio.gather(*(call() for _ in range(20)))
    assert await run(database, "SELECT count(*) FROM customers") == 1
    owners = "SELECT count(DISTINCT customer_id) FROM interactions"
    assert await run(database, owners) == 1


async def test_unknown_customer(database: Database) -> None:
    assert await customers.by_identity(database, PHONE) is None
    with pytest.raises(NotFound):
        await customers.get(database, str(uuid.uuid4()))
    with pytest.raises(NotFound):
        await interactions.get(database, str(uuid.uuid4()))
    with pytest.raises(DataRefused):
        await interactions.get(database, "no id")


@pytest.mark.parametrize("value", ["12025550143", "+0123", "+1 202", "+1202555014x", ""])
async def test_phone_identity_is_e164(database: Database, value: str) -> None:
    with pytest.raises(DataRefused):
        await customers.find_or_make(database, Identity("phone", value))


@pytest.mark.parametrize(
    "change",
    ["UPDATE journal SET kind = 'x'", "DELETE FROM journal", "TRUNCATE journal"],
)
async def test_journal_refuses_change(database: Database, change: str) -> None:
    added = "INSERT INTO journal (epoch, seq, at_ms, config_version, kind, body) "
    await run(database, added + "VALUES ('one', 1, 1, 1, 'arrived', '{}')")
    with pytest.raises(QueryFailed, match="append-only"):
        await run(database, change)
    assert await run(database, "SELECT count(*) FROM journal") == 1


STAYS = st.lists(
    st.tuples(
        st.sampled_from(["sales", "support"]),
        st.sampled_from(["answered", "abandoned", "called_back", "overflowed", "failed", None]),
    ),
    max_size=30,
)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STAYS)
async def test_segments_add_up(database: Database, stays: list[tuple[str, str | None]]) -> None:
    await run(database, "TRUNCATE interactions CASCADE")
    recorder = Recorder(database)
    for queue, outcome in stays:
        call = str(uuid.uuid4())
        recorder.interaction(Interaction(call, 1))
        stay = Segment(call, 1, "queue", 1, queue)
        short = outcome == "abandoned" and queue == "sales"
        recorder.segment(
            stay if outcome is None else replace(stay, ended_ms=2, outcome=outcome, short=short)
        )
    recorder.start()
    assert await recorder.drain() == 0
    totals = await interactions.queue_totals(database)
    for total in totals:
        parts = (total.answered, total.abandoned, total.called_back, total.overflowed, total.failed)
        assert total.offered == sum(parts)
        assert total.short_abandoned == (total.abandoned if total.queue == "sales" else 0)
    assert sum(total.offered + total.waiting for total in totals) == len(stays)


async def test_open_interactions(database: Database) -> None:
    recorder = Recorder(database)
    calls = [Interaction(str(uuid.uuid4()), at, identity=PHONE) for at in (3000, 1000, 2000)]
    for call in calls:
        recorder.interaction(call)
        recorder.segment(Segment(call.id, 1, "ivr", call.arrived_ms, ended_ms=5000, outcome="done"))
        recorder.segment(Segment(call.id, 2, "queue", 5000, "sales"))
    recorder.interaction(replace(calls[0], ended_ms=6000, outcome="abandoned"))
    recorder.segment(Segment(calls[0].id, 2, "queue", 5000, "sales", None, None, 6000, "abandoned"))
    wrapping = replace(calls[0], id=str(uuid.uuid4()), arrived_ms=4000)
    recorder.interaction(replace(wrapping, ended_ms=6000, outcome="answered"))
    recorder.segment(Segment(wrapping.id, 1, "wrap_up", 6000, "sales", "1001"))
    recorder.start()
    await recorder.drain()

    assert [one.interaction.id for one in await interactions.open_now(database)] == [
        calls[1].id,
        calls[2].id,
        wrapping.id,
    ]
    (total,) = await interactions.queue_totals(database)
    assert (total.offered, total.abandoned, total.failed, total.waiting) == (1, 1, 0, 2)

    recent = await interactions.recent(database, 2)
    assert [one.interaction.arrived_ms for one in recent] == [4000, 3000]
    assert recent[0].interaction.customer is not None
    mine = await interactions.by_customer(database, recent[0].interaction.customer)
    assert [one.interaction.arrived_ms for one in mine] == [4000, 3000, 2000, 1000]


async def test_spool_file_is_taken_in_once(database: Database) -> None:
    news = await asyncio.gather(
        *(callbacks.ingest(database, "a.json", PHONE.value, 5000 + n) for n in range(10))
    )
    assert news.count(True) == 1
    call = str(uuid.uuid4())
    assert await callbacks.ingest(database, "b.json", PHONE.value, 1000, call, queue="sales")
    first, second = await callbacks.waiting(database)
    assert (first.spool_file, first.interaction, first.queue) == ("b.json", call, "sales")
    assert (second.spool_file, second.source, second.state) == ("a.json", "survival", "waiting")
    with pytest.raises(DataRefused):
        await callbacks.ingest(database, "c.json", "1001", 1000)


async def test_broken_connections_are_replaced(database: Database) -> None:
    mine = await run(database, "SELECT pg_backend_pid()")
    with pytest.raises(DatabaseUnavailable):
        await run(database, "SELECT pg_terminate_backend(pg_backend_pid())")
    assert await run(database, "SELECT pg_backend_pid()") != mine


async def test_slow_statement_ends_in_time(empty: str) -> None:
    database = Database(empty, timeout_s=5)  # of connecting as well
    await database.open()
    with pytest.raises(DatabaseUnavailable, match="in time"):
        await run(database, "SELECT pg_sleep(60)")
    assert await run(database, "SELECT 1") == 1
    await database.close()
    await database.close()
    with pytest.raises(DatabaseUnavailable, match="not open"):
        await run(database, "SELECT 1")


async def test_wrong_password_and_url_are_told(empty: str) -> None:
    host = empty.partition("?host=")[2]
    with pytest.raises(QueryFailed, match="log in"):
        await Database(f"postgresql://sala:wrong@/sala?host={host}").open()
    with pytest.raises(QueryFailed, match="URL is wrong"):
        await Database("mysql://here/sala").open()
    with pytest.raises(DatabaseUnavailable):
        await Database("postgresql://sala@127.0.0.1:1/sala").open()


async def test_cause_is_kept(database: Database) -> None:
    with pytest.raises(QueryFailed) as refused:
        await run(database, "SELECT nothing FROM nowhere")
    assert isinstance(refused.value.__cause__, asyncpg.UndefinedTableError)
    assert refused.value.sqlstate == "42P01"


def test_error_without_words_says_its_docstring() -> None:
    assert str(NotFound()) == "There is no such row."


async def test_every_query_is_valid(database: Database) -> None:
    async with database.connection() as connection:
        for statement in queries.load().values():
            await connection.prepare(statement)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 1;\n-- name: a\nSELECT 1;",
        "-- name: a\n",
        "-- name: a\nSELECT 1;\n-- name: a\nSELECT",
    ],
)
def test_malformed_query_files(text: str) -> None:
    with pytest.raises(ValueError, match=r"before|empty|twice"):
        queries.parse(text)
