from __future__ import annotations

import asyncio
import logging
import secrets
import subprocess
import sys
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from crm import customers, embedded, floor, interactions, journal
from crm.database import Database
from crm.encoding import encode
from crm.errors import DatabaseUnavailable
from crm.migrations import migrate
from crm.recorder import Recorder
from crm.records import Identity, Interaction, JournalEntry, Segment

PHONE = Identity("phone", "+12025550143")


def an_interaction(identity: Identity | None = PHONE) -> Interaction:
    return Interaction(str(uuid.uuid4()), 1_700_000_000_123, identity=identity, dialled="600")


def entries(count: int, epoch: str = "one") -> list[JournalEntry]:
    return [JournalEntry(epoch, seq, 1000 + seq, 1, "arrived", {"n": seq}) for seq in range(count)]


async def written(database: Database, epoch: str = "one") -> list[JournalEntry]:
    return [entry async for entry in journal.read(database, epoch)]


@pytest.fixture
async def recorder(database: Database) -> AsyncIterator[Recorder]:
    made = Recorder(database, every_s=0.01)
    made.start()
    yield made
    await made.drain(5)


async def test_a_call_from_open_to_closed(database: Database, recorder: Recorder) -> None:
    await floor.add_agent(database, "1001", name="Ann", address="1001")
    opened = an_interaction()
    ivr = Segment(opened.id, 1, "ivr", opened.arrived_ms)
    recorder.interaction(opened)
    recorder.segment(ivr)
    recorder.agent_presence("1001", "paused", "no answer", 1_700_000_000_500)
    await recorder.flush()
    found = await interactions.get(database, opened.id)
    assert found.interaction.customer is not None
    assert replace(found.interaction, customer=None) == opened
    assert found.segments == (ivr,)

    closed = replace(opened, ended_ms=1_700_000_009_999, outcome="ended_in_flow", ended_by="system")
    done = replace(ivr, ended_ms=1_700_000_009_999, outcome="hung_up")
    recorder.interaction(closed)
    recorder.segment(done)
    await recorder.flush()
    later = await interactions.get(database, opened.id)
    assert later.interaction == replace(closed, customer=found.interaction.customer)
    assert later.segments == (done,)
    customer = await customers.get(database, found.interaction.customer)
    assert customer.identities == (PHONE,)
    (agent,) = await floor.agents(database)
    assert (agent.wanted, agent.reason, agent.since_ms) == (
        "paused",
        "no answer",
        1_700_000_000_500,
    )


async def test_withheld_number_has_no_customer(database: Database, recorder: Recorder) -> None:
    withheld = an_interaction(None)
    recorder.interaction(withheld)
    await recorder.flush()
    assert (await interactions.get(database, withheld.id)).interaction == withheld
    assert await database.rows("floor_agents") == []


async def test_same_new_number_twice_in_a_batch(database: Database, recorder: Recorder) -> None:
    both = [an_interaction(), an_interaction()]
    for one in both:
        recorder.interaction(one)
    await recorder.flush()
    owners = {(await interactions.get(database, one.id)).interaction.customer for one in both}
    assert len(owners) == 1


async def test_rows_of_one_key_coalesce(database: Database) -> None:
    recorder = Recorder(database)
    opened = an_interaction()
    for _ in range(5):
        recorder.interaction(opened)
        recorder.segment(Segment(opened.id, 1, "ivr", 1))
        recorder.segment(Segment(opened.id, 1, "ivr", 1, ended_ms=2, outcome="done"))
        recorder.agent_presence("1001", "offline", "", 1)
    assert recorder.pending == 3
    assert recorder.lag_ms >= 0
    recorder.start()
    assert await recorder.drain() == 0
    assert recorder.lag_ms == 0
    assert (await interactions.get(database, opened.id)).segments[0].ended_ms == 2


async def test_journal_keeps_its_order(database: Database, recorder: Recorder) -> None:
    given = entries(2500)
    for entry in given:
        recorder.journal(entry)
    await recorder.flush()
    assert await written(database) == given
    ids = [row["id"] for row in await database_ids(database)]
    assert ids == sorted(ids)
    assert await journal.epochs(database) == ["one"]
    some = [entry async for entry in journal.read(database, "one", first=5, before=8)]
    assert [entry.seq for entry in some] == [5, 6, 7]


async def database_ids(database: Database) -> list[Any]:
    async with database.connection() as connection:
        return list(await connection.fetch("SELECT id FROM journal ORDER BY epoch, seq"))


async def test_batch_sent_again_changes_nothing(database: Database, recorder: Recorder) -> None:
    opened = an_interaction()
    for _ in range(2):
        recorder.interaction(opened)
        recorder.segment(Segment(opened.id, 1, "ivr", 1))
        for entry in entries(3):
            recorder.journal(entry)
        await recorder.flush()
    assert len(await written(database)) == 3
    assert len(await interactions.recent(database)) == 1


async def test_bad_row_costs_only_itself(
    database: Database, recorder: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    good, bad = an_interaction(), replace(an_interaction(), direction="sideways")
    recorder.interaction(bad)
    recorder.interaction(good)
    recorder.segment(Segment(good.id, 1, "queue", 1, "sales", ended_ms=2, outcome="vanished"))
    recorder.segment(Segment(good.id, 2, "ivr", 1))
    recorder.journal(entries(1)[0])
    await recorder.flush()
    found = await interactions.recent(database)
    assert [one.interaction.id for one in found] == [good.id]
    assert [segment.seq for segment in found[0].segments] == [2]
    assert len(await written(database)) == 1
    assert recorder.refused == 2
    assert recorder.healthy
    assert caplog.text.count("a row is lost") == 2
    assert PHONE.value not in caplog.text


async def test_hostile_text_is_stored(database: Database, recorder: Recorder) -> None:
    body = {"name": "a\0b\ud800'\"\n\\", "deep": [{"set": {1}}], "inf": float("inf"), "big": 2**70}
    recorder.journal(JournalEntry("one", 0, 1, 1, "arrived", body))
    recorder.interaction(replace(an_interaction(None), dialled="\0\ud83d\udca9"))
    await recorder.flush()
    (entry,) = await written(database)
    assert entry.body["name"] == "a\ufffdb\ufffd'\"\n\\"
    assert (await interactions.recent(database))[0].interaction.dialled == "\ufffd\U0001f4a9"


@given(st.recursive(st.none() | st.integers() | st.floats() | st.text(), st.lists))
def test_encode_never_raises_and_holds_no_nul(value: object) -> None:
    assert b"\\u0000" not in encode({"value": value}).replace(b"\\\\", b"")


def test_encode_bounds_depth() -> None:
    deep: list[object] = []
    for _ in range(5000):
        deep = [deep]
    assert encode(deep).startswith(b"[[")


async def test_memory_is_bounded(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    away = Database(f"postgresql://sala@/sala?host={tmp_path}")
    recorder = Recorder(away, most_rows=10)
    recorder.start()
    with caplog.at_level(logging.ERROR):
        for entry in entries(15):
            recorder.journal(entry)
    assert recorder.pending == 10
    assert recorder.refused == 5
    assert "memory for rows is full" in caplog.text
    with pytest.raises(DatabaseUnavailable, match="10 rows"):
        await recorder.flush(0.05)
    assert not recorder.healthy
    assert await recorder.drain(0.05) == 10
    assert "did not take them before the stop" in caplog.text


@pytest.fixture
def own_server() -> Iterator[tuple[Path, str]]:
    """A server of the test's own, to be stopped and started."""
    with tempfile.TemporaryDirectory(prefix="sala-crm-") as folder:
        state, password = Path(folder), secrets.token_urlsafe(24)
        embedded.start(state, password)
        yield state, password
        embedded.stop(state)


async def test_database_away_and_back(own_server: tuple[Path, str]) -> None:
    state, password = own_server
    url = embedded.start(state, password)
    await migrate(url)
    database = Database(url)
    await database.open()
    recorder = Recorder(database, every_s=0.01, batch_rows=50)
    recorder.start()
    given = entries(900)
    opened = an_interaction()

    for entry in given[:300]:
        recorder.journal(entry)
    recorder.interaction(opened)
    # Stopped in the middle of writing: an answer may be lost after the commit.
    embedded.stop(state)
    for entry in given[300:600]:
        recorder.journal(entry)
    recorder.segment(Segment(opened.id, 1, "ivr", 1))
    with pytest.raises(DatabaseUnavailable):
        await recorder.flush(0.5)
    assert not recorder.healthy
    assert recorder.lag_ms > 0
    for entry in given[600:]:
        recorder.journal(entry)
    recorder.segment(Segment(opened.id, 1, "ivr", 1, ended_ms=5, outcome="done"))
    embedded.start(state, password)
    await recorder.flush(20)

    assert recorder.healthy
    assert recorder.refused == 0
    assert await written(database) == given
    ids = [row["id"] for row in await database_ids(database)]
    assert ids == sorted(ids)
    found = await interactions.get(database, opened.id)
    assert found.interaction.customer is not None
    assert [segment.ended_ms for segment in found.segments] == [5]
    await recorder.drain()
    await database.close()


WRITER = """
import asyncio, sys, uuid
from crm.database import Database
from crm.recorder import Recorder
from crm.records import Identity, Interaction, JournalEntry, Segment

async def main():
    database = Database(sys.argv[1])
    await database.open()
    recorder = Recorder(database, every_s=0.002, batch_rows=20)
    recorder.start()
    seq = 0
    while True:
        call = str(uuid.uuid4())
        number = f"+1202555{seq % 10000:04d}"
        recorder.interaction(Interaction(call, 1, identity=Identity("phone", number)))
        recorder.segment(Segment(call, 1, "queue", 1, "sales"))
        recorder.journal(JournalEntry("killed", seq, 1, 1, "arrived", {"interaction": call}))
        recorder.segment(Segment(call, 1, "queue", 1, "sales", ended_ms=2, outcome="answered"))
        seq += 1
        print(seq, flush=True)
        await asyncio.sleep(0)

asyncio.run(main())
"""


async def test_writer_killed_leaves_consistent_rows(database: Database) -> None:
    writer = subprocess.Popen(  # noqa: ASYNC220
        [sys.executable, "-c", WRITER, database.url], stdout=subprocess.PIPE, text=True
    )
    assert writer.stdout is not None
    try:
        # What it has given to its recorder says nothing of what is written: the rows do.
        async with asyncio.timeout(30):
            while len(await written(database, "killed")) < 100:
                writer.stdout.readline()
    finally:
        writer.kill()
        writer.communicate()

    first = await written(database, "killed")
    assert [entry.seq for entry in first] == list(range(len(first)))
    for entry in first:
        found = await interactions.get(database, entry.body["interaction"])
        assert found.interaction.customer is not None
        assert len(found.segments) == 1
