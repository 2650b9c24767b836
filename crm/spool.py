"""The spool: batches that the database could not take, on disk until it is back.

One SQLite file, written from threads so that the live path never waits for the disk. A batch is
appended whole, and removed once the database has it: whoever dies in between sends the very same
batch again, which changes nothing there. Batches leave in the order in which they came.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path

from crm.batch import Tables
from crm.errors import SpoolError

log = logging.getLogger(__name__)

MOST_BYTES = 1024 * 1024 * 1024
"""Beyond this the file does not grow: days of a busy floor."""
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_SCHEMA = """
CREATE TABLE IF NOT EXISTS batches (
    id    INTEGER PRIMARY KEY AUTOINCREMENT,
    rows  INTEGER NOT NULL,
    body  TEXT NOT NULL
);
"""


class Spool:
    """A file of batches, first in first out. One user at a time; made when it is first needed.

    `most_bytes` is how large it may grow.
    """

    def __init__(self, path: Path, *, most_bytes: int = MOST_BYTES) -> None:
        self._path = path
        self._most_bytes = most_bytes
        self._file: sqlite3.Connection | None = None
        self._rows = 0

    @property
    def rows(self) -> int:
        """Rows that lie here."""
        return self._rows

    async def open(self) -> None:
        """Find what an earlier process left. Raises SpoolError if the file cannot be opened.

        A damaged file is put aside under another name, and told in the log: calls go before it.
        """
        if self._path.exists():
            await asyncio.to_thread(self._open)

    async def append(self, batches: Sequence[tuple[int, Tables]]) -> None:
        """Add batches, each with its count of rows, all or none. On disk when this returns.

        Raises SpoolError, such as when the disk is full.
        """
        await asyncio.to_thread(self._append, batches)

    async def head(self) -> tuple[int, Tables] | None:
        """Give the oldest batch with its id, or None. Raises SpoolError."""
        if self._file is None or not self._rows:
            return None
        return await asyncio.to_thread(self._head)

    async def remove(self, batch: int) -> None:
        """The database has this batch. Raises SpoolError."""
        await asyncio.to_thread(self._remove, batch)

    async def close(self) -> None:
        """Let go of the file; an empty one is removed."""
        await asyncio.to_thread(self._close)

    # --- in threads -----------------------------------------------------------------------------

    def _open(self) -> sqlite3.Connection:
        if self._file is None:
            try:
                try:
                    self._file = self._connect()
                except sqlite3.DatabaseError as error:
                    if error.sqlite_errorcode not in _DAMAGED:
                        raise
                    self._put_aside(error)
                    self._file = self._connect()
            except (sqlite3.Error, OSError) as error:
                raise SpoolError(f"{self._path}: {error}") from error
        return self._file

    def _connect(self) -> sqlite3.Connection:
        with contextlib.ExitStack() as unless_done:
            file = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
            unless_done.callback(file.close)
            self._path.chmod(0o600)
            file.execute("PRAGMA journal_mode = WAL")
            file.execute("PRAGMA synchronous = FULL")
            (page,) = file.execute("PRAGMA page_size").fetchone()
            file.execute(f"PRAGMA max_page_count = {max(1, self._most_bytes // page)}")
            file.execute(_SCHEMA)
            (self._rows,) = file.execute("SELECT coalesce(sum(rows), 0) FROM batches").fetchone()
            unless_done.pop_all()
        return file

    def _put_aside(self, why: Exception) -> None:
        aside = self._path.with_name(f"{self._path.name}.damaged-{time.time_ns()}")
        self._path.rename(aside)
        self._remove_files()
        log.error(
            "the spool of rows is damaged (%s) and was put aside as %s",
            why,
            aside.name,
            extra={"action": "spool_damaged"},
        )

    def _remove_files(self) -> None:
        for suffix in ("", "-wal", "-shm"):
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)

    def _append(self, batches: Sequence[tuple[int, Tables]]) -> None:
        file = self._open()
        try:
            file.execute("BEGIN IMMEDIATE")
            file.executemany(
                "INSERT INTO batches (rows, body) VALUES (?, ?)",
                [(rows, "\0".join(tables)) for rows, tables in batches],
            )
            file.execute("COMMIT")
        except sqlite3.Error as error:
            if file.in_transaction:
                file.execute("ROLLBACK")
            raise SpoolError(f"{self._path}: {error}") from error
        self._rows += sum(rows for rows, _ in batches)

    def _head(self) -> tuple[int, Tables] | None:
        try:
            found = (
                self._open().execute("SELECT id, body FROM batches ORDER BY id LIMIT 1").fetchone()
            )
        except sqlite3.Error as error:
            raise SpoolError(f"{self._path}: {error}") from error
        return None if found is None else (found[0], tuple(found[1].split("\0")))

    def _remove(self, batch: int) -> None:
        try:
            found = self._open().execute(
                "DELETE FROM batches WHERE id = ? RETURNING rows", (batch,)
            )
            self._rows -= sum(rows for (rows,) in found.fetchall())
        except sqlite3.Error as error:
            raise SpoolError(f"{self._path}: {error}") from error

    def _close(self) -> None:
        if self._file is None:
            return
        self._file.close()
        self._file = None
        if not self._rows:
            self._remove_files()
