"""A real embedded Postgres for the whole run, with an empty schema for each test."""

from __future__ import annotations

import asyncio
import os
import secrets
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest
from hypothesis import settings

from crm import embedded
from crm.database import Database
from crm.migrations import migrate
from sala.database import prepare

# A machine that pauses says nothing of what is tested. Else as Hypothesis has it: on a machine of
# continuous integration the same examples each time, and how to run again what failed.
settings.register_profile("sala", settings.default, deadline=None)
settings.load_profile("sala")

LONGEST = (
    "test_callback_kills",
    "test_first_flow",
    "test_callback_ways",
    "test_flow_nodes",
    "test_callback_offers",
    "test_configuration",
    "test_personal_callbacks",
    "test_callbacks",
    "test_callback_customers",
    "test_flow_samples",
    "test_callbacks_restart",
    "test_bench_ground",
    "test_trunk_failure",
)
"""Modules that take more than a minute, the longest first."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest: at the end, one process would wait for another's."""
    order = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: order.get(item.path.stem, len(order)))


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="sala-crm-") as folder:
        state = Path(folder)
        url = embedded.start(state, secrets.token_urlsafe(24))
        try:
            yield url
        finally:
            embedded.stop(state)


@pytest.fixture
async def empty(server: str) -> str:
    """The URL of a database without a schema."""
    connection = await asyncpg.connect(server)
    await connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    await connection.close()
    return server


@pytest.fixture
async def database(empty: str) -> AsyncIterator[Database]:
    await migrate(empty)
    opened = Database(empty, size=50)
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
def url(server: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """The URL of a database as a first start leaves it, which commands find."""
    for name in list(os.environ):
        if name.startswith("SALA_") and name != "SALA_CACHE":
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SALA_DATABASE_URL", server)

    async def fresh() -> None:
        connection = await asyncpg.connect(server)
        await connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        await connection.close()
        await prepare(server)

    asyncio.run(fresh())
    return server
