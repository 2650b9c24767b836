"""Migrations: numbered SQL files, each applied once, in order, in a transaction of its own.

`crm/sql/migrations/NNNN_what.sql`. A file that has been applied is never edited: its checksum is
kept in the table `migrations`, and a difference is refused. Each transaction takes the same
advisory lock first and then looks at what is applied, so that any number of migrators at once are
safe, also behind a pooler that shares sessions between transactions.
"""

from __future__ import annotations

import hashlib
import logging
import re
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

import asyncpg

from crm import queries
from crm.database import told
from crm.errors import MigrationError, QueryFailed

logger = logging.getLogger(__name__)

OLDEST_SERVER = 15
"""The oldest Postgres that serves."""

_LOCK = int.from_bytes(b"sala-crm", "big")
_FILE = re.compile(r"(\d{4})_[a-z0-9_]+\.sql", re.ASCII)
_LOCK_WAIT = "60s"


@dataclass(frozen=True, slots=True)
class Migration:
    """One file: its number, its name, its SQL, and the SHA-256 of it in hex."""

    number: int
    name: str
    sql: str
    checksum: str


def load(folder: Traversable | None = None) -> list[Migration]:
    """Read a folder's migrations (ours by default), by number.

    Raises `MigrationError` for a file that is not named `NNNN_what.sql`, and for a number that is
    there twice or is missed out (they count from 1).
    """
    found: list[Migration] = []
    for file in (folder or files("crm") / "sql" / "migrations").iterdir():
        if not file.name.endswith(".sql"):
            continue
        named = _FILE.fullmatch(file.name)
        if named is None:
            raise MigrationError(f"{file.name}: a migration is named NNNN_what.sql.")
        sql = file.read_text(encoding="utf-8")
        checksum = hashlib.sha256(sql.encode()).hexdigest()
        found.append(Migration(int(named[1]), file.name, sql, checksum))
    found.sort(key=lambda migration: (migration.number, migration.name))
    for expected, migration in enumerate(found, 1):
        if migration.number < expected:
            raise MigrationError(f"{migration.name}: its number is taken; give it the next one.")
        if migration.number > expected:
            raise MigrationError(f"Migration {expected:04d} is missing before {migration.name}.")
    return found


async def migrate(
    url: str, *, folder: Traversable | None = None, timeout_s: float = 120.0
) -> list[str]:
    """Bring the schema up to date; return the names applied now.

    Raises `MigrationError` with what to do for an edited, unknown or skipped migration, for one
    that fails (it leaves nothing behind), and for a server that is too old; `DatabaseUnavailable`
    when there is no server.
    """
    migrations = load(folder)
    with told():
        connection = await asyncpg.connect(
            url, timeout=timeout_s, command_timeout=timeout_s, statement_cache_size=0
        )
        try:
            _check_server(connection.get_server_version().major)
            applied: list[str] = []
            while (name := await _step(connection, migrations)) is not None:
                logger.info("migrated", extra={"action": "migrate", "migration": name})
                applied.append(name)
            return applied
        finally:
            await connection.close(timeout=5.0)


async def _step(connection: Any, migrations: list[Migration]) -> str | None:
    """Apply the next migration, if there is one left; return its name."""
    async with connection.transaction():
        await connection.execute(f"SET LOCAL lock_timeout = '{_LOCK_WAIT}'")
        await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
        await connection.execute(queries.load()["migrations_table"])
        applied = await connection.fetch(queries.load()["migrations_applied"])
        due = _due(migrations, [(row["number"], row["name"], row["checksum"]) for row in applied])
        if due is None:
            return None
        try:
            with told():
                await connection.execute(due.sql)
        except QueryFailed as error:
            raise MigrationError(f"{due.name} failed and left nothing behind. {error}") from error
        await connection.execute(
            queries.load()["migrations_add"], due.number, due.name, due.checksum
        )
        return due.name


def _due(migrations: list[Migration], applied: list[tuple[int, str, str]]) -> Migration | None:
    """Check what was applied against the files; return the first that was not."""
    ours = {migration.number: migration for migration in migrations}
    for expected, (number, name, checksum) in enumerate(applied, 1):
        if number != expected:
            raise MigrationError(
                f"The database has {name}, but number {expected:04d} was never applied to it: "
                f"restore the database from a backup, or the row in its table migrations."
            )
        mine = ours.get(number)
        if mine is None:
            raise MigrationError(
                f"The database has {name}, which this version of Sala does not know: run the newer "
                f"version that made it, or restore a backup from before."
            )
        if (mine.name, mine.checksum) != (name, checksum):
            raise MigrationError(
                f"{mine.name} is not what was applied as {name}: restore the file as it was, and "
                f"put the change into a new migration numbered {len(migrations) + 1:04d}."
            )
    return ours.get(len(applied) + 1)


def _check_server(major: int) -> None:
    if major < OLDEST_SERVER:
        raise MigrationError(
            f"The database is Postgres {major}; Sala needs {OLDEST_SERVER} or newer: upgrade it, "
            f"or leave database_url empty to use the embedded one."
        )
