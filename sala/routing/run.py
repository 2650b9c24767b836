"""How a command changes the routing configuration: writes, tells what it did, makes accounts."""

from __future__ import annotations

import asyncio

from crm import floor
from crm.records import Floor
from sala import secrets
from sala.database import opened
from sala.invocation import console
from sala.parts import reload_pbx
from sala.routing import changing
from sala.routing.changing import Change, Edit
from sala.settings import Settings


def load(settings: Settings) -> Floor:
    """Read the configuration for one command."""

    async def read() -> Floor:
        async with opened(settings) as database:
            return await floor.load(database)

    return asyncio.run(read())


def run(settings: Settings, edit: Edit) -> Change:
    """Check, write and print one command's change. Raises UserError, with nothing changed."""
    made, _ = asyncio.run(change(settings, edit))
    say(made)
    return made


def say(made: Change) -> None:
    """Print what was changed, and what nobody could serve because of it."""
    out = console()
    for line in made.lines or ["nothing to change"]:
        out.print(line, markup=False)
    warn(made.new_warnings)


def warn(warnings: list[str]) -> None:
    """Print warnings to stderr."""
    for line in warnings:
        console(stderr=True).print(f"warning: {line}", markup=False)


async def change(settings: Settings, edit: Edit) -> tuple[Change, bool]:
    """Check and write a change, and make the accounts it needs.

    Returns it, with what `accounts` says. Raises UserError and CrmError.
    """
    async with opened(settings) as database:
        made = await changing.change(database, edit)
    return made, await accounts(settings, made)


async def accounts(settings: Settings, made: Change) -> bool:
    """Make the SIP accounts that new agents need, and drop those of agents who have gone.

    Returns whether the PBX knows of all accounts; it does not if it does not run.
    """
    if not made.new_accounts and not made.old_accounts:
        return True
    secrets.ensure(settings.paths.secrets, made.new_accounts)
    for account in made.old_accounts:
        secrets.forget(settings.paths.secrets, account)
    return await reload_pbx(settings)
