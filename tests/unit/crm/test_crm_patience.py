"""Who gives up a database that does not answer does not wait for it."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator

import pytest

from crm.database import Database
from crm.migrations import migrate

PATIENCE_S = 0.2
AT_ONCE_S = 15.0
"""Far less than the driver's own patience, far more than any pause of a busy machine."""
DRIVER_S = 60.0
WRITE = "INSERT INTO do_not_call (number) VALUES ('+14155550123')"


@pytest.fixture
async def database(empty: str) -> AsyncIterator[Database]:
    await migrate(empty)
    opened = Database(empty, timeout_s=DRIVER_S)
    await opened.open()
    yield opened
    await opened.close()


class Stalled:
    """A transaction whose server process is stopped before its last statement, or its commit."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.process: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        """Of the server; once it is stopped."""

    async def run(self, last: str) -> None:
        async with self._database.transaction() as connection:
            await connection.execute(WRITE)
            process = await connection.fetchval("SELECT pg_backend_pid()")
            os.kill(process, signal.SIGSTOP)
            self.process.set_result(process)
            if last:
                await connection.execute(last)


async def written(database: Database) -> int:
    return int(await database.value("callbacks_forbidden", "+14155550123"))


@pytest.mark.parametrize("last", ["SELECT 1", ""], ids=["a statement", "the commit"])
async def test_a_transaction_is_given_up_at_once(database: Database, last: str) -> None:
    stalled = Stalled(database)
    running = asyncio.create_task(stalled.run(last))
    process = await stalled.process
    try:
        begun = time.monotonic()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(running, PATIENCE_S)
        assert time.monotonic() - begun < AT_ONCE_S
    finally:
        os.kill(process, signal.SIGCONT)


async def forbid_and_sleep(database: Database, forbidden: asyncio.Event) -> None:
    async with database.transaction() as connection:
        await connection.execute(WRITE)
        forbidden.set()
        await connection.execute("SELECT pg_sleep(60)")


async def test_what_was_given_up_is_rolled_back_and_keeps_no_lock(database: Database) -> None:
    forbidden = asyncio.Event()
    running = asyncio.create_task(forbid_and_sleep(database, forbidden))
    await forbidden.wait()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(running, PATIENCE_S)
    async with asyncio.timeout(AT_ONCE_S), database.transaction() as connection:
        await connection.execute("LOCK TABLE do_not_call IN ACCESS EXCLUSIVE MODE")
    assert not await written(database)


async def fails(database: Database) -> None:
    async with database.transaction() as connection:
        await connection.execute(WRITE)
        raise LookupError


async def test_what_fails_is_rolled_back(database: Database) -> None:
    with pytest.raises(LookupError):
        await fails(database)
    assert not await written(database)
