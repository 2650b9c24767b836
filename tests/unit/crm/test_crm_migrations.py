from __future__ import annotations

import asyncio
import shutil
from itertools import chain
from pathlib import Path

import asyncpg
import pytest

from crm import migrations
from crm.errors import DatabaseUnavailable, MigrationError
from crm.migrations import load, migrate

NAMES = [migration.name for migration in load()]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the real migrations, to be spoilt."""
    copy = tmp_path / "migrations"
    shutil.copytree(Path(migrations.__file__).parent / "sql" / "migrations", copy)
    return copy


async def test_twice_is_once(empty: str) -> None:
    assert await migrate(empty) == NAMES
    assert await migrate(empty) == []


async def test_at_once_is_once(empty: str) -> None:
    applied = await asyncio.gather(*(migrate(empty) for _ in range(6)))
    assert sorted(chain.from_iterable(applied)) == NAMES


async def test_edited_is_refused(empty: str, folder: Path) -> None:
    await migrate(empty, folder=folder)
    edited = folder / NAMES[1]
    edited.write_text(edited.read_text() + "-- once more\n")
    with pytest.raises(MigrationError, match=f"{NAMES[1]} is not what was applied.*new migration"):
        await migrate(empty, folder=folder)


async def test_renamed_is_refused(empty: str, folder: Path) -> None:
    await migrate(empty, folder=folder)
    (folder / NAMES[0]).rename(folder / "0001_other.sql")
    with pytest.raises(
        MigrationError, match=f"0001_other.sql is not what was applied as {NAMES[0]}"
    ):
        await migrate(empty, folder=folder)


async def test_unknown_is_refused(empty: str, folder: Path) -> None:
    (folder / f"{len(NAMES) + 1:04d}_newer.sql").write_text("CREATE TABLE newer ();")
    await migrate(empty, folder=folder)
    with pytest.raises(MigrationError, match=r"newer\.sql, which this version .* does not know"):
        await migrate(empty)


async def test_skipped_is_refused(empty: str) -> None:
    await migrate(empty)
    connection = await asyncpg.connect(empty)
    await connection.execute("DELETE FROM migrations WHERE number = 2")
    await connection.close()
    with pytest.raises(MigrationError, match="0002 was never applied"):
        await migrate(empty)


async def test_failed_leaves_nothing_behind(empty: str, folder: Path) -> None:
    bad = folder / f"{len(NAMES) + 1:04d}_bad.sql"
    bad.write_text("CREATE TABLE half (); SELECT nothing FROM nowhere;")
    with pytest.raises(MigrationError, match=r"bad\.sql failed and left nothing behind.*nowhere"):
        await migrate(empty, folder=folder)
    connection = await asyncpg.connect(empty)
    assert await connection.fetchval("SELECT to_regclass('half')") is None
    await connection.close()
    bad.write_text("CREATE TABLE half ();")
    assert await migrate(empty, folder=folder) == [bad.name]


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        ("0001_again.sql", "its number is taken"),
        ("0099_later.sql", f"{len(NAMES) + 1:04d} is missing before 0099_later.sql"),
        ("4_four.sql", "is named NNNN_what.sql"),
    ],
)
def test_misnumbered_files(folder: Path, spoil: str, told: str) -> None:
    (folder / spoil).write_text("SELECT 1;")
    with pytest.raises(MigrationError, match=told):
        load(folder)


async def test_old_server_is_refused(empty: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrations, "OLDEST_SERVER", 99)
    with pytest.raises(MigrationError, match="Sala needs 99 or newer: upgrade"):
        await migrate(empty)


async def test_no_server_is_told(tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnavailable):
        await migrate(f"postgresql://sala@/sala?host={tmp_path}")
