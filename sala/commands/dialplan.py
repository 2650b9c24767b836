"""`sala dialplan`: look a dialplan over before the PBX sees it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sala.errors import UserError
from sala.invocation import console, of, print_json

if TYPE_CHECKING:
    from sala.settings import Settings

app = typer.Typer(name="dialplan", help="Check dialplans.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Keep `check` a command of its own."""


@app.command("check")
def check(
    context: typer.Context,
    files: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[FILE]...", help="Files; none: Sala's, with all it includes."),
    ] = None,
    static: Annotated[
        bool, typer.Option("--static", help="Do not have the PBX itself read it, too.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Find what callers could misuse, what is not there, and what is never reached.

    Exit status 2 if there is an error; warnings alone are well.
    """
    from dataclasses import asdict

    from sala.dialplans import found

    settings = of(context).settings()
    for file in files or ():
        if not file.is_file():
            raise UserError(f"there is no file {file}")
    faults = found(settings, files or None)
    if as_json:
        print_json([asdict(fault) for fault in faults])
    else:
        for fault in faults:
            console().print(str(fault), markup=False)
    if any(not fault.warning for fault in faults):
        raise typer.Exit(2)
    if not files and not static:
        _by_the_pbx(settings)
    if not faults and not as_json:
        console().print("no faults")


def _by_the_pbx(settings: Settings) -> None:
    import asyncio

    from pbx.appliance.fetch import ensure
    from sala.database import opened
    from sala.parts import check_pbx, silent

    async def look() -> None:
        async with opened(settings) as database:
            pbx = await asyncio.to_thread(ensure, silent, asterisk=settings.asterisk)
            await check_pbx(settings, pbx, database.url)

    asyncio.run(look())
