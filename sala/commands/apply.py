"""`sala apply` and `sala export`: the routing configuration as a file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sala.errors import UserError
from sala.invocation import console, of

if TYPE_CHECKING:
    from sala.routing.changing import Change
    from sala.settings import Settings


def apply(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A routing file; - for stdin.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", "-n", help="Show what would change, and change nothing.")
    ] = False,
    prune: Annotated[
        bool,
        typer.Option("--prune", help="Remove what the file's sections do not name."),
    ] = False,
) -> None:
    """Make the routing configuration as a file says, all of it or nothing, after showing how.

    Only sections that stand in the file are touched. What it names is as it says, with defaults
    for what it leaves out; what it does not name stays, unless --prune. Calls that wait are routed
    anew at once.
    """
    import asyncio

    asyncio.run(_apply(of(context).settings(), file, yes=yes, dry_run=dry_run, prune=prune))


async def _apply(settings: Settings, file: Path, *, yes: bool, dry_run: bool, prune: bool) -> None:
    from crm import floor
    from crm.records import Floor
    from sala.database import opened
    from sala.routing import changing
    from sala.routing.file import MAX_BYTES, parse, read
    from sala.routing.run import accounts, warn

    stdin = str(file) == "-"
    wanted = parse(sys.stdin.buffer.read(MAX_BYTES + 1), "stdin") if stdin else read(file)

    def edit(was: Floor) -> Floor:
        return wanted.onto(was, prune=prune)

    async with opened(settings) as database:
        shown = changing.plan(await floor.load(database), edit, wanted.wrong)
        await _check_flows(settings, shown)
        lines = shown.lines
        for line in lines:
            console().print(line, markup=False)
        warn(changing.warnings(shown.wanted))
        if not lines:
            console().print("nothing to change")
            return
        if dry_run:
            console().print("nothing was changed: this is what it would change")
            return
        _agreed(yes=yes, terminal=not stdin and sys.stdin.isatty())
        made = await changing.change(database, edit, wanted.wrong, shown=shown)
    await accounts(settings, made)
    console().print("applied")


def _agreed(*, yes: bool, terminal: bool) -> None:
    if yes:
        return
    if not terminal:
        raise UserError("nothing was changed: there is no terminal to ask at; add --yes to apply")
    if not typer.confirm("apply?"):
        raise UserError("nothing was changed")


async def _check_flows(settings: Settings, change: Change) -> None:
    """Raise UserError for a number that is led to a flow that is not there."""
    from crm import flows
    from sala.database import opened
    from sala.flows import aliases

    before = set(change.was.entry_points)
    new = [entry for entry in change.wanted.entry_points if entry not in before]
    if not new:
        return
    async with opened(settings) as database:
        known = {one.alias for one in await flows.aliases(database)} | {*aliases(settings)}
    faults = [
        f"number {entry.number}: there is no flow {entry.flow}; there is {', '.join(sorted(known))}"
        for entry in new
        if entry.flow not in known
    ]
    if faults:
        raise UserError("\n".join([*faults, "nothing was changed"]))


def export(context: typer.Context) -> None:
    """Print the routing configuration as a file that sala apply takes."""
    from sala.routing.document import dump
    from sala.routing.run import load

    typer.echo(dump(load(of(context).settings())), nl=False)
