"""The database as commands and `sala up` meet it: the one in the settings, or the embedded one."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from crm import embedded, floor, migrations
from crm.database import Database
from crm.records import Agent, EntryPoint, Queue
from sala import secrets
from sala.errors import StartFailed
from sala.settings import Settings

FIRST_QUEUES = ("sales", "support", "billing")
FIRST_AGENTS = ("1001", "1002")
FIRST_ENTRY_POINTS = {"600": "main"}
"""What a first start puts on an empty floor: names, SIP accounts, number → flow alias."""

CALLER_ACCOUNT = "caller"
"""The SIP account of an outside caller, so that a softphone can play one."""


def first_accounts() -> tuple[str, ...]:
    """List the SIP accounts a first start makes."""
    return (*FIRST_AGENTS, CALLER_ACCOUNT)


def running_url(settings: Settings) -> str:
    """Return the address of a database that already runs. Raises `StartFailed` if none does."""
    if settings.database_url:
        return settings.database_url
    if embedded.running(settings.state) is None:
        raise StartFailed(
            "the embedded database does not run: start everything with sala up, "
            "or name a database with database_url"
        )
    return embedded.start(settings.state, secrets.load(settings.paths.secrets).database)


async def prepare(url: str) -> list[str]:
    """Bring the schema up to date and seed an empty floor; return the migrations applied."""
    applied = await migrations.migrate(url)
    database = Database(url, size=1)
    await database.open()
    try:
        await floor.seed(
            database,
            queues=[Queue(name) for name in FIRST_QUEUES],
            agents=[
                Agent(id=account, name=f"Agent {account}", address=account, queues=FIRST_QUEUES)
                for account in FIRST_AGENTS
            ],
            entry_points=[EntryPoint(*entry) for entry in FIRST_ENTRY_POINTS.items()],
        )
    finally:
        await database.close()
    return applied


@contextlib.asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Database]:
    """Lend the database to one command.

    The embedded one, when it does not run, is started for as long as the command takes; then the
    schema is brought up to date first, for nobody else did.
    """
    ours = False
    url = settings.database_url
    if not url:
        ours = embedded.running(settings.state) is None
        password = secrets.ensure(settings.paths.secrets, first_accounts()).database
        url = await asyncio.to_thread(embedded.start, settings.state, password)
    try:
        if ours:
            await prepare(url)
        database = Database(url, size=2)
        await database.open()
        try:
            yield database
        finally:
            await database.close()
    finally:
        if ours:
            await asyncio.to_thread(embedded.stop, settings.state)
