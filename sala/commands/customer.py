"""`sala customer`: what a customer is worth to us, and what proves them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sala import moments
from sala.errors import UserError
from sala.invocation import console, of, print_json

if TYPE_CHECKING:
    from crm.database import Database
    from sala.settings import Settings

app = typer.Typer(
    name="customer",
    help="Say what customers are worth, and what proves them.",
    no_args_is_help=True,
)


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


@app.command("show")
def show(
    context: typer.Context,
    who: Annotated[
        str,
        typer.Argument(
            help="A telephone number of theirs, or KIND:VALUE, such as email:name@example.com."
        ),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show a customer, with the callbacks that they wait for: whichever way they reach us now."""
    import asyncio

    found = asyncio.run(_show(of(context).settings(), who))
    if as_json:
        print_json(found)
        return
    out = console()
    for name in ("customer", "name", "language", "tier"):
        out.print(f"{name:<12} {found[name] or 'not known'}", markup=False)
    for one in found["identities"]:
        out.print(f"{one['kind']:<12} {one['value']}", markup=False)
    for one in found["callbacks"]:
        due = moments.full(one["due_ms"])[:-4]
        owner = f", of agent {one['owner']}" if one["owner"] else ""
        out.print(f"callback     {one['id']} in {one['queue']}, due {due}{owner}", markup=False)


async def _show(settings: Settings, who: str) -> dict[str, Any]:
    from dataclasses import asdict

    from crm import callbacks, customers
    from crm.identities import phone
    from crm.records import Identity
    from sala.database import opened

    kind, _, value = who.partition(":")
    if not value:
        kind, value = "phone", phone(who, settings.default_region) or ""
    if not value:
        raise UserError(f"{who} is no telephone number; for another identity write KIND:VALUE")
    async with opened(settings) as database:
        found = await customers.by_identity(database, Identity(kind, value))
        if found is None:
            raise UserError(f"no customer has this {'number' if kind == 'phone' else kind} yet")
        waiting = await callbacks.open_of_customer(database, found.id)
    return {
        "customer": found.id,
        "name": found.name,
        "language": found.language,
        "tier": found.tier,
        "identities": [asdict(one) for one in found.identities],
        "callbacks": [asdict(one) for one in waiting],
    }


@app.command("pin")
def pin(
    context: typer.Context,
    subject: Annotated[
        str,
        typer.Argument(
            help="A telephone number, a customer's id, or another subject that flows prove."
        ),
    ],
    clear: Annotated[bool, typer.Option("--clear", help="Take the PIN away.")] = False,
    unlock: Annotated[bool, typer.Option("--unlock", help="Forget wrong tries.")] = False,
) -> None:
    """Set the PIN that proves a customer to `identify`; it is asked for, or read from a pipe.

    It is never given as an argument: those stand in the shell's history and in lists of processes.
    """
    import asyncio

    from crm import credentials
    from sala.database import opened

    settings = of(context).settings()
    code = "" if clear or unlock else _asked()

    async def put() -> str:
        async with opened(settings) as database:
            who = await _subject(settings, database, subject)
            if unlock:
                for method in ("pin", "otp"):
                    await credentials.forgive(database, who, method)
                return "wrong tries are forgotten"
            if clear:
                gone = await credentials.drop(database, who, "pin")
                return "the PIN is gone" if gone else "there was no PIN"
            await credentials.put(database, who, "pin", code)
            return "the PIN is set"

    console().print(asyncio.run(put()))


def _asked() -> str:
    if sys.stdin.isatty():
        code = str(typer.prompt("PIN", hide_input=True, confirmation_prompt=True))
    else:
        code = sys.stdin.readline()
    code = code.strip()
    if not (code.isascii() and code.isdigit() and 3 <= len(code) <= 12):
        raise UserError("a PIN is 3 to 12 digits")
    return code


async def _subject(settings: Settings, database: Database, text: str) -> str:
    from crm import customers
    from crm.identities import phone
    from crm.records import Identity

    number = phone(text, settings.default_region)
    if number is None:
        return text
    found = await customers.by_identity(database, Identity("phone", number))
    if found is None:
        raise UserError("no customer has this number yet")
    return found.id
