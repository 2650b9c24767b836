"""`sala number`: which dialled number leads to which flow."""

from __future__ import annotations

from typing import Annotated

import typer

from sala.errors import UserError
from sala.invocation import console, of, print_json

app = typer.Typer(
    name="number", help="Say which dialled number leads to which flow.", no_args_is_help=True
)

Number = Annotated[str, typer.Argument(help="The number as it is dialled: digits, *, #, +.")]


@app.command("add")
def add(
    context: typer.Context,
    number: Number,
    flow: Annotated[str, typer.Argument(help="The flow's alias.")] = "main",
) -> None:
    """Lead a number to a flow; a number already there is led anew."""
    import asyncio

    from crm import floor, flows
    from crm.records import EntryPoint
    from sala.database import opened
    from sala.flows import aliases

    settings = of(context).settings()

    async def put() -> None:
        async with opened(settings) as database:
            # What lies in the folder is published when the service first starts.
            known = {one.alias for one in await flows.aliases(database)} | {*aliases(settings)}
            if flow not in known:
                there = ", ".join(sorted(known))
                raise UserError(f"there is no flow {flow}; there is {there}")
            await floor.put_entry_point(database, EntryPoint(number, flow))

    asyncio.run(put())
    console().print(f"{number} leads to {flow}.", markup=False)


@app.command("list")
def list_(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the numbers and their flows."""
    import asyncio
    from dataclasses import asdict

    from crm import floor
    from crm.records import EntryPoint
    from sala.database import opened

    settings = of(context).settings()

    async def entries() -> tuple[EntryPoint, ...]:
        async with opened(settings) as database:
            return (await floor.load(database)).entry_points

    found = asyncio.run(entries())
    if as_json:
        print_json([asdict(entry) for entry in found])
        return
    for entry in found:
        console().print(f"{entry.number:<20} {entry.flow}", markup=False)


@app.command("remove")
def remove(context: typer.Context, number: Number) -> None:
    """Lead a number nowhere."""
    import asyncio

    from crm import floor
    from sala.database import opened

    settings = of(context).settings()

    async def forget() -> None:
        async with opened(settings) as database:
            await floor.remove_entry_point(database, number)

    asyncio.run(forget())
    console().print(f"{number} leads nowhere now.", markup=False)
