"""`sala flow publish`, `rollback`, `list`, `show`, `diff`, `replay`: versions and aliases."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sala.errors import UserError
from sala.invocation import console, of, print_json

if TYPE_CHECKING:
    from crm.database import Database
    from ivr.flow.check import Context
    from ivr.flow.load import Flow
    from sala.settings import Settings

DAY_MS = 86_400_000

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Note = Annotated[str, typer.Option("--note", "-m", help="Why, in a line.")]


def file_of(folder: Path, flow: str) -> Path:
    """Return a flow's file by its name in the folder, or by its path."""
    named = folder / f"{flow}.yaml"
    path = named if named.is_file() else Path(flow)
    if not path.is_file():
        raise UserError(f"there is no flow {flow} in {folder}, and no such file")
    return path


def known(settings: Settings) -> Context:
    """Return what checks may know: with the floor, if a database runs or is of the admin's own."""
    from crm import embedded
    from crm.errors import CrmError
    from sala import flows
    from sala.database import opened

    if settings.embedded_database and embedded.running(settings.state) is None:
        return flows.context(settings, None)

    async def load() -> Context:
        async with opened(settings) as database:
            return await flows.known(settings, database)

    try:
        return asyncio.run(load())
    except CrmError:
        return flows.context(settings, None)


def publish(
    context: typer.Context,
    flow: Annotated[str, typer.Argument(help="The flow's name, or its file.")],
    note: Note = "",
    alias: Annotated[
        str | None, typer.Option("--alias", "-a", help="The name to move (else the flow's).")
    ] = None,
) -> None:
    """Check and test a flow, store it as a version, and let its alias point at it.

    New calls take it at once; calls that are in the flow stay on the version they have.
    """
    from sala import flows
    from sala.database import opened

    settings = of(context).settings()
    path = file_of(Path(settings.flows), flow)
    desk = flows.desk(settings, path.parent)
    wanted = desk.flow(path)

    async def store() -> list[tuple[Flow, bool]]:
        async with opened(settings) as database:
            seen = await flows.known(settings, database)
            return await flows.publish(database, desk, [wanted], seen, note=note, alias=alias)

    for done, changed in asyncio.run(store()):
        what = "is published" if changed else "was in use already"
        at = alias if alias and done is wanted else done.alias
        console().print(f"{done.alias} {done.version} {what}; alias {at}", markup=False)


def rollback(
    context: typer.Context,
    alias: Annotated[str, typer.Argument(help="The alias to move.")],
    to: Annotated[str | None, typer.Option("--to", help="A version (else the one before).")] = None,
    note: Note = "",
) -> None:
    """Let an alias point at an earlier version again."""
    from crm import flows as published
    from sala.database import opened
    from sala.flows import author

    settings = of(context).settings()

    async def move() -> tuple[str, bool]:
        async with opened(settings) as database:
            version = to or await published.previous(database, alias)
            found = (await published.get(database, version)).version
            return found, await published.point(
                database, alias, found, author=author(), note=note or "rollback"
            )

    version, moved = asyncio.run(move())
    console().print(f"{alias} points at {version}{'' if moved else ' already'}", markup=False)


def list_(context: typer.Context, as_json: AsJson = False) -> None:
    """List aliases, and the versions they point at."""
    from dataclasses import asdict

    from crm import flows as published
    from sala.database import opened

    settings = of(context).settings()

    async def read() -> list[Any]:
        async with opened(settings) as database:
            return await published.aliases(database)

    found = asyncio.run(read())
    if as_json:
        print_json([asdict(one) for one in found])
        return
    for one in found:
        console().print(
            f"{one.alias:<20} {one.flow:<20} {one.version}  {_when(one.moved_ms)}  "
            f"{one.author}  {one.note}",
            markup=False,
        )


def show(
    context: typer.Context,
    what: Annotated[str, typer.Argument(help="An alias, or a version (its beginning).")],
    content: Annotated[bool, typer.Option("--content", help="Print the file alone.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show an alias's history and its version, or a version."""
    from dataclasses import asdict

    from crm import flows as published
    from sala.database import opened

    settings = of(context).settings()

    async def read() -> tuple[Any, list[Any]]:
        async with opened(settings) as database:
            return await _version(database, what), await published.history(database, what)

    version, moves = asyncio.run(read())
    if as_json:
        print_json({**asdict(version), "history": [asdict(move) for move in moves]})
        return
    out = console()
    if content:
        out.print(version.content, markup=False, end="")
        return
    out.print(f"{version.flow} {version.version}, published {_when(version.published_ms)} by")
    out.print(f"  {version.author}: {version.note or 'no note'}", markup=False)
    out.print(f"  sha256 {version.hash}")
    for alias, used in version.uses.items():
        out.print(f"  uses {alias} {used}", markup=False)
    for move in moves:
        out.print(
            f"  {_when(move.moved_ms)}  {move.version}  {move.author}  {move.note}", markup=False
        )


def diff(
    context: typer.Context,
    old: Annotated[str, typer.Argument(help="An alias, a version or a file.")],
    new: Annotated[str | None, typer.Argument(help="The same (else the flow's file).")] = None,
    days: Annotated[int, typer.Option("--days", help="Count calls of the last days.")] = 7,
    as_json: AsJson = False,
) -> None:
    """Tell what a change means for callers, and how many went the ways that change."""
    from crm import flows as published
    from ivr.flow.diff import diff as compare
    from sala.database import opened

    settings = of(context).settings()

    async def read() -> list[str]:
        async with opened(settings) as database:
            one = await _flow(settings, database, old)
            other = await _flow(settings, database, new or str(_file(settings, old)))
            since = time.time_ns() // 1_000_000 - days * DAY_MS
            ways = await published.ways(database, one.version, since)
            return compare(one.document, other.document, ways)

    lines = asyncio.run(read())
    if as_json:
        print_json(lines)
        return
    for line in lines or ["nothing changes for callers"]:
        console().print(line, markup=False)


def replay(
    context: typer.Context,
    interaction: Annotated[str, typer.Argument(help="The interaction's id.")],
    as_json: AsJson = False,
) -> None:
    """Step through a caller's way, as it was journalled."""
    from dataclasses import asdict

    from crm import flows as published
    from sala.database import opened

    settings = of(context).settings()

    async def read() -> list[Any]:
        async with opened(settings) as database:
            return await published.path(database, interaction)

    steps = asyncio.run(read())
    if not steps:
        raise UserError(f"there is no way through flows of an interaction {interaction}")
    if as_json:
        print_json([asdict(step) for step in steps])
        return
    begun = steps[0].at_ms
    for step in steps:
        body = {k: v for k, v in step.body.items() if k not in {"interaction", "version"}}
        told = body.get("node") or ", ".join(f"{k} {v}" for k, v in body.items())
        kind = "" if step.kind == "ivr.node" else f"{step.kind.removeprefix('ivr.')}: "
        console().print(f"{(step.at_ms - begun) / 1000:8.1f} s  {kind}{told}", markup=False)


def _file(settings: Settings, what: str) -> Path:
    return file_of(Path(settings.flows), what.partition("@")[0])


async def _version(database: Database, what: str) -> Any:
    from crm import flows as published

    for one in await published.aliases(database):
        if one.alias == what:
            return await published.get(database, one.version)
    return await published.get(database, what)


async def _flow(settings: Settings, database: Database, what: str) -> Flow:
    from crm.errors import NotFound
    from ivr.flow import load
    from ivr.shelf import read
    from sala import flows

    if what.endswith(".yaml"):
        path = file_of(Path(settings.flows), what)
        return flows.desk(settings, path.parent).flow(path)
    try:
        version = await _version(database, what)
    except NotFound:
        stored = read(_file(settings, what))
        return load.parse(stored.content, alias=stored.alias, file=stored.file)
    return load.parse(
        version.content.encode(), alias=version.flow, file=version.version, uses=version.uses
    )


def _when(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M")
