"""The wire between a service and its database, on which a commit or its answer can get lost.

A Unix socket like Postgres' own, that passes on every byte. Once `lose` is set, the next
transaction in which a callback is inserted ends badly: the wire watches for the text of that
statement, then for the `COMMIT` (simple query) of the same connection. Postgres and the driver are
the real ones; of the protocol (PostgreSQL 18, chapter 54) no more is read than that.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from urllib.parse import parse_qs, quote, urlsplit

_SOCKET = ".s.PGSQL.5432"
_INSERT, _COMMIT = b"INSERT INTO callbacks", b"COMMIT;"
_CHUNK = 65_536


class Loss(StrEnum):
    """What gets lost."""

    COMMIT = "the commit"
    """It never reaches the database."""
    ANSWER = "the answer to the commit"
    """The database commits, and nobody hears of it."""
    TIME = "time"
    """The commit reaches the database only when the service has given it up."""


class Wire:
    """An async context manager: entering opens the socket. `url` leads over the wire."""

    def __init__(self, database_url: str) -> None:
        self._to = str(Path(parse_qs(urlsplit(database_url).query)["host"][0]) / _SOCKET)
        self._folder = Path(tempfile.mkdtemp(prefix="sala-wire-"))
        self._plain = database_url.partition("?")[0]
        self._server: asyncio.Server | None = None
        self._lines: set[asyncio.Task[None]] = set()
        self.lose: Loss | None = None
        self.lost = asyncio.Event()
        """Set when it has happened."""

    @property
    def url(self) -> str:
        """The database's address, over the wire."""
        return f"{self._plain}?host={quote(str(self._folder))}"

    async def __aenter__(self) -> Wire:
        self._server = await asyncio.start_unix_server(self._accept, self._folder / _SOCKET)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._server is not None:
            self._server.close()
        for line in self._lines:
            line.cancel()
        await asyncio.gather(*self._lines, return_exceptions=True)
        await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = asyncio.create_task(self._carry(reader, writer))
        self._lines.add(line)
        line.add_done_callback(self._lines.discard)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection, until either side has closed it."""
        there: asyncio.StreamWriter | None = None
        try:
            answers, there = await asyncio.open_unix_connection(self._to)
            line = _Line(self, answers, writer)
            back = asyncio.create_task(line.answers())
            try:
                await line.orders(reader, there)
            finally:
                back.cancel()
                await asyncio.gather(back, return_exceptions=True)
        except OSError:
            pass  # the database is away: so is the wire
        finally:
            for end in (writer, there):
                if end is not None:
                    end.close()


class _Line:
    """One connection over the wire."""

    def __init__(
        self, wire: Wire, answers: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._wire = wire
        self._answers = answers
        self._writer = writer
        self._promises = False
        """Whether a callback has been inserted in the transaction that is open."""
        self._deaf = False
        """Whether answers get lost."""

    async def orders(self, reader: asyncio.StreamReader, there: asyncio.StreamWriter) -> None:
        """Pass on what the service says."""
        while data := await reader.read(_CHUNK):
            wire = self._wire
            self._promises |= _INSERT in data
            if self._promises and _COMMIT in data and wire.lose is not None:
                loss, wire.lose = wire.lose, None
                if loss is Loss.ANSWER:
                    self._deaf = True
                else:
                    wire.lost.set()
                    await reader.read(1)  # until the service gives it up
                    if loss is Loss.TIME:
                        there.write(data)
                        await there.drain()
                    return
            there.write(data)
            await there.drain()

    async def answers(self) -> None:
        """Pass on what the database says, until it has no more to say."""
        with contextlib.suppress(OSError):
            while data := await self._answers.read(_CHUNK):
                if self._deaf:
                    self._wire.lost.set()
                    continue
                self._writer.write(data)
                await self._writer.drain()
        self._writer.close()
