"""The database: a pool of connections, named queries, and our own errors for the driver's."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from typing import Any

import asyncpg

from crm import queries
from crm.errors import DatabaseUnavailable, DataRefused, QueryFailed

# SQLSTATE classes (PostgreSQL, appendix A) after which the same statement may succeed later.
_PASSING = ("08", "53", "57", "58", "40", "55", "25", "F0")
# ... and those that blame the data.
_DATA = ("21", "22", "23", "44", "54")


@contextlib.contextmanager
def told() -> Iterator[None]:
    """Turn the driver's errors into ours, with the cause kept.

    Messages hold the server's primary text only: a DETAIL may quote a phone number.
    """
    try:
        yield
    except asyncpg.PostgresError as error:
        state = str(getattr(error, "sqlstate", "") or "")
        text = f"{error.args[0] if error.args else type(error).__name__} [{state}]"
        if state[:2] in _PASSING:
            raise DatabaseUnavailable(f"The database cannot serve now: {text}") from error
        if state[:2] in _DATA:
            raise DataRefused(
                f"The database refused the data: {text}",
                sqlstate=state,
                constraint=str(getattr(error, "constraint_name", None) or ""),
            ) from error
        if state[:2] in ("28", "3D"):
            raise QueryFailed(f"Cannot log in to the database: {text}", sqlstate=state) from error
        raise QueryFailed(f"The database refused: {text}", sqlstate=state) from error
    except TimeoutError as error:
        raise DatabaseUnavailable("The database did not answer in time.") from error
    except asyncpg.InterfaceError as error:
        if isinstance(error, asyncpg.ClientConfigurationError):
            raise QueryFailed(f"The database URL is wrong: {error}") from error
        if isinstance(error, ValueError):
            raise DataRefused(
                "The driver refused a value: it is not of the column's type."
            ) from error
        raise DatabaseUnavailable(f"The database cannot be reached: {error}") from error
    except (OSError, asyncpg.InternalClientError) as error:
        raise DatabaseUnavailable(f"The database cannot be reached: {error}") from error


class Database:
    """A pool on one Postgres.

    A connection that breaks is thrown away and the next use makes a new one; nothing here retries.
    Every method raises `DatabaseUnavailable`, `DataRefused` or `QueryFailed`.
    """

    def __init__(self, url: str, *, size: int = 6, timeout_s: float = 10.0) -> None:
        self.url = url
        self._size = size
        self._timeout_s = timeout_s
        self._pool: Any = None
        self._given_up: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Open the pool; one connection is made at once, so a wrong URL is told here."""
        try:
            await self._open()
        except BaseException:
            await self.close()
            raise

    async def _open(self) -> None:
        with told():
            self._pool = await asyncpg.create_pool(
                self.url,
                # None is kept up for its own sake: that would be tried, and logged, all the while
                # the database is away.
                min_size=0,
                max_size=self._size,
                max_inactive_connection_lifetime=300.0,
                command_timeout=self._timeout_s,
                timeout=self._timeout_s,
                # We leave no session state behind, so no statement is spent on clearing it.
                reset=_nothing,
                server_settings={
                    "application_name": "sala",
                    # Ours are short statements by key, whose best plan does not hang on values:
                    # planning each anew would cost more than running it.
                    "plan_cache_mode": "force_generic_plan",
                },
            )
        async with self.connection():
            pass

    async def close(self, timeout_s: float = 5.0) -> None:
        """Close every connection, by force after the time-out. Safe to call twice."""
        pool, self._pool = self._pool, None
        if pool is None:
            return
        try:
            async with asyncio.timeout(timeout_s):
                await pool.close()
        except (TimeoutError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            pool.terminate()

    @contextlib.asynccontextmanager
    async def connection(self) -> AsyncIterator[Any]:
        """Lend a driver's connection; errors inside are told as ours."""
        if self._pool is None:
            raise DatabaseUnavailable("The database is not open.")
        with told():
            pool = self._pool
            connection = await pool.acquire(timeout=self._timeout_s)
            try:
                yield connection
            except asyncio.CancelledError:
                # The driver waits for the server's last word. Who gives up waits for none, as when
                # a caller is to be told that nothing could be promised.
                task = asyncio.create_task(self._part(pool, connection), name="database given up")
                self._given_up.add(task)
                task.add_done_callback(self._given_up.discard)
                raise
            except BaseException:
                await pool.release(connection)
                raise
            else:
                await pool.release(connection)

    async def _part(self, pool: Any, connection: Any) -> None:
        """Throw a connection away, once the server has stopped what it did."""
        with contextlib.suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            try:
                await connection.close(timeout=self._timeout_s)
            finally:
                await pool.release(connection)

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[Any]:
        """Lend a connection with a transaction open; committed on leaving, else rolled back."""
        async with self.connection() as connection:
            transaction = connection.transaction()
            await transaction.start()
            try:
                yield connection
            except asyncio.CancelledError:
                raise  # the connection is thrown away, and the server rolls back by itself
            except BaseException:
                await transaction.rollback()
                raise
            else:
                await transaction.commit()

    async def rows(self, query: str, *values: Any) -> list[Any]:
        """Run a named query; return its rows."""
        async with self.connection() as connection:
            return list(await connection.fetch(queries.load()[query], *values))

    async def row(self, query: str, *values: Any) -> Any | None:
        """Run a named query; return its first row, or None."""
        async with self.connection() as connection:
            return await connection.fetchrow(queries.load()[query], *values)

    async def value(self, query: str, *values: Any) -> Any:
        """Run a named query; return the first column of its first row, or None."""
        async with self.connection() as connection:
            return await connection.fetchval(queries.load()[query], *values)


async def _nothing(connection: Any) -> None:
    """Take the place of the driver's reset between two uses of a connection."""
