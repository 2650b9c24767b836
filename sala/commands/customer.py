"""`sala customer`: what a customer is worth to us."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from sala.errors import UserError
from sala.invocation import console, of

if TYPE_CHECKING:
    from sala.settings import Settings

app = typer.Typer(name="customer", help="Say what customers are worth.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Keep `tier` a command of its own."""


@app.command("tier")
def tier(
    context: typer.Context,
    number: Annotated[str, typer.Argument(help="A telephone number of theirs.")],
    tier: Annotated[
        str | None, typer.Argument(help="Such as vip, or none; without it, theirs is shown.")
    ] = None,
) -> None:
    """Show or set a customer's tier; the tiers of queues turn it into a head start."""
    import asyncio

    console().print(asyncio.run(_tier(of(context).settings(), number, tier)), markup=False)


async def _tier(settings: Settings, number: str, tier: str | None) -> str:
    from crm import customers
    from crm.identities import phone
    from crm.records import Identity
    from sala.database import opened

    e164 = phone(number, settings.default_region)
    if e164 is None:
        raise UserError(f"{number} is no telephone number")
    identity = Identity("phone", e164)
    async with opened(settings) as database:
        if tier is None:
            found = await customers.by_identity(database, identity)
            return (found.tier if found else None) or "none"
        # A customer may be worth something to us before they first call.
        customer = await customers.find_or_make(database, identity)
        await customers.set_tier(database, customer, None if tier == "none" else tier)
    return f"the tier is {tier}"
