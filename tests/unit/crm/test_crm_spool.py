"""Rows that the database cannot take wait on disk, in order, and are written once."""

from __future__ import annotations

import asyncio
import secrets
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from crm import embedded, journal
from crm.database import Database
from crm.errors import DatabaseUnavailable, SpoolError
from crm.migrations import migrate
from crm.recorder import Recorder
from crm.records import JournalEntry
from crm.spool import Spool


@pytest.fixture
def server() -> Iterator[tuple[Path, str]]:
    """A server of the test's own, to be stopped and started."""
    with tempfile.TemporaryDirectory(prefix="sala-crm-") as folder:
        state, password = Path(folder), secrets.token_urlsafe(24)
        embedded.start(state, password)
        yield state, password
        embedded.stop(state)


def entries(first: int, last: int) -> list[JournalEntry]:
    return [JournalEntry("one", n, 1000 + n, 1, "arrived", {"n": n}) for n in range(first, last)]


async def written(database: Database) -> list[JournalEntry]:
    return [entry async for entry in journal.read(database, "one")]


async def test_what_it_takes_comes_back_in_order_also_to_the_next(tmp_path: Path) -> None:
    path = tmp_path / "rows.sqlite"
    first = Spool(path)
    await first.append([(2, ("[1,2]", "[]")), (1, ("[]", "[3]"))])
    await first.append([(1, ("[4]", "[]"))])
    assert path.stat().st_mode & 0o777 == 0o600
    # As if killed here: nothing was closed.
    second = Spool(path)
    await second.open()
    assert second.rows == 4
    found = []
    while (head := await second.head()) is not None:
        found.append(head[1])
        await second.remove(head[0])
    assert found == [("[1,2]", "[]"), ("[]", "[3]"), ("[4]", "[]")]
    await second.close()
    await first.close()


async def test_an_empty_one_leaves_no_file(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "rows.sqlite")
    await spool.open()
    await spool.append([(1, ("[1]",))])
    head = await spool.head()
    assert head is not None
    await spool.remove(head[0])
    await spool.close()
    assert list(tmp_path.iterdir()) == []


async def test_a_damaged_file_is_put_aside(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "rows.sqlite"
    path.write_bytes(b"this is no database, whatever its name says" * 100)
    spool = Spool(path)
    await spool.open()
    assert spool.rows == 0
    await spool.append([(1, ("[1]",))])
    assert "put aside" in caplog.text
    assert len(list(tmp_path.glob("rows.sqlite.damaged-*"))) == 1
    await spool.close()


async def test_a_full_disk_takes_nothing_by_halves(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "rows.sqlite", most_bytes=64 * 1024)
    with pytest.raises(SpoolError, match="full"):
        await spool.append([(1, ("x" * 10_000,)) for _ in range(20)])
    assert spool.rows == 0
    assert await spool.head() is None
    await spool.close()


async def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(SpoolError, match=r"rows\.sqlite"):
        await Spool(tmp_path / "none" / "rows.sqlite").append([(1, ("[1]",))])


WRITER = """
import asyncio, sys
from pathlib import Path
from crm.database import Database
from crm.recorder import Recorder
from crm.records import JournalEntry
from crm.spool import Spool

async def main():
    database = Database(sys.argv[1])
    await database.open()
    recorder = Recorder(database, Spool(Path(sys.argv[2])), every_s=0.01, batch_rows=50)
    recorder.start()
    seq = 0
    while True:
        order = sys.stdin.readline()
        for seq in range(seq, seq + 300):
            recorder.journal(JournalEntry("one", seq, 1000 + seq, 1, "arrived", {"n": seq}))
        seq += 1
        while recorder.pending > (recorder.spooled if order == "away\\n" else 0):
            await asyncio.sleep(0.01)
        print(seq, recorder.spooled, flush=True)

asyncio.run(main())
"""


async def test_killed_while_the_database_is_away_loses_nothing(
    server: tuple[Path, str], tmp_path: Path
) -> None:
    state, password = server
    url, path = embedded.start(state, password), tmp_path / "rows.sqlite"
    await migrate(url)
    writer = subprocess.Popen(  # noqa: ASYNC220
        [sys.executable, "-c", WRITER, url, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert writer.stdin is not None
    assert writer.stdout is not None
    try:
        writer.stdin.write("there\n")
        writer.stdin.flush()
        assert writer.stdout.readline() == "300 0\n"
        embedded.stop(state)
        writer.stdin.write("away\n")
        writer.stdin.flush()
        assert writer.stdout.readline() == "600 300\n"
    finally:
        writer.send_signal(signal.SIGKILL)
        writer.communicate()
    embedded.start(state, password)

    database = Database(url)
    await database.open()
    recorder = Recorder(database, Spool(path))
    await recorder.resume(30)
    assert recorder.spooled == recorder.pending == 0
    for entry in entries(600, 650):
        recorder.journal(entry)
    await recorder.drain()
    assert await written(database) == entries(0, 650)
    await database.close()
    assert not path.exists()


async def test_stopped_while_the_database_is_away_hands_over(
    server: tuple[Path, str], tmp_path: Path
) -> None:
    state, password = server
    url, path = embedded.start(state, password), tmp_path / "rows.sqlite"
    await migrate(url)
    database = Database(url)
    await database.open()
    embedded.stop(state)
    recorder = Recorder(database, Spool(path), every_s=0.01)
    recorder.start()
    for entry in entries(0, 700):
        recorder.journal(entry)
    with pytest.raises(DatabaseUnavailable):
        await recorder.flush(0.1)
    assert await recorder.drain(0.1) == 0
    embedded.start(state, password)

    later = Recorder(database, Spool(path))
    await later.resume(30)
    await later.drain()
    assert await written(database) == entries(0, 700)
    await database.close()


async def test_a_batch_written_before_the_kill_is_not_written_twice(
    server: tuple[Path, str], tmp_path: Path
) -> None:
    state, password = server
    url, path = embedded.start(state, password), tmp_path / "rows.sqlite"
    await migrate(url)
    database = Database(url)
    await database.open()
    embedded.stop(state)
    recorder = Recorder(database, Spool(path))
    for entry in entries(0, 20):
        recorder.journal(entry)
    await recorder.drain(0)
    embedded.start(state, password)
    kept = sqlite3.connect(path)
    rows = kept.execute("SELECT rows, body FROM batches").fetchall()
    later = Recorder(database, Spool(path))
    await later.resume(30)
    await later.drain()
    # The database had it, and the process died before it could remove it from the spool.
    again = Spool(path)
    await again.append([(count, tuple(body.split("\0"))) for count, body in rows])
    kept.close()
    last = Recorder(database, again)
    await last.resume(30)
    await last.drain()
    assert await written(database) == entries(0, 20)
    await database.close()


async def test_a_full_spool_leaves_rows_in_memory(
    server: tuple[Path, str], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    state, password = server
    url = embedded.start(state, password)
    await migrate(url)
    database = Database(url)
    await database.open()
    embedded.stop(state)
    spool = Spool(tmp_path / "rows.sqlite", most_bytes=48 * 1024)
    recorder = Recorder(database, spool, every_s=0.01, batch_rows=500)
    recorder.start()
    for entry in entries(0, 3000):
        recorder.journal(entry)
    with pytest.raises(DatabaseUnavailable):
        await recorder.flush(0.5)
    async with asyncio.timeout(20):
        while "rows stay in memory" not in caplog.text:
            await asyncio.sleep(0.02)
    embedded.start(state, password)
    await recorder.flush(30)
    assert await written(database) == entries(0, 3000)
    assert await recorder.drain() == 0
    await database.close()
