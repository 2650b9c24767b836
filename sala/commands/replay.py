"""`sala replay`: the journal through the router again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sala import moments
from sala.errors import UserError
from sala.invocation import console, fail, of, print_json

if TYPE_CHECKING:
    from acd.replay import Difference
    from acd.replay.runs import Checked
    from acd.replay.whatif import Changed, Comparison, Service
    from sala.settings import Settings

FOREVER_MS = 2**53


def replay(
    context: typer.Context,
    first: Annotated[
        str, typer.Option("--from", metavar="TIME", help=f"Such as {moments.FORMS}.")
    ] = "",
    last: Annotated[str, typer.Option("--to", metavar="TIME", help="Now if absent.")] = "",
    routing: Annotated[
        Path | None,
        typer.Option(
            "--with",
            metavar="FILE",
            help="Show what this routing file (see sala apply) would have changed.",
        ),
    ] = None,
    keep: Annotated[
        bool,
        typer.Option("--keep", help="Keep checkpoints, from which later looks may begin."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Re-run the journal through the router: the same decisions must come out.

    Exit status 1, and the first difference, if one does not; 2 if the journal has a hole or was
    written by another version. With --with nothing is compared: the same callers and agents meet
    another configuration, and waits, service levels, who gained and who lost are told.
    """
    import asyncio

    first_ms = moments.parse(first) if first else 0
    last_ms = moments.parse_end(last) if last else FOREVER_MS
    if first_ms > last_ms:
        raise UserError("--from is later than --to")
    if routing is not None:
        if keep:
            raise UserError("--keep goes with a check, not with --with")
        runs = asyncio.run(_compare(of(context).settings(), routing, first_ms, last_ms))
        _show(runs, as_json=as_json)
        return
    checked = asyncio.run(_check(of(context).settings(), first_ms, last_ms, keep=keep))
    if as_json:
        print_json(_as_json(checked))
    if checked.difference is not None:
        fail(_told(checked.difference), 1)
    if not as_json:
        console().print(
            f"{checked.entries} entries of {checked.runs} runs gave the same "
            f"{checked.decisions} decisions."
            + (f" {checked.kept} checkpoints were kept." if keep else "")
        )


async def _check(settings: Settings, first_ms: int, last_ms: int, *, keep: bool) -> Checked:
    from acd.replay import ReplayError
    from acd.replay.runs import check
    from sala.database import opened

    async with opened(settings) as database:
        try:
            return await check(database, first_ms, last_ms, keep=keep)
        except ReplayError as error:
            raise UserError(str(error)) from error


async def _compare(
    settings: Settings, routing: Path, first_ms: int, last_ms: int
) -> dict[str, Comparison]:
    from acd.replay import ReplayError
    from acd.replay.past import Past
    from acd.replay.runs import turns
    from acd.replay.whatif import compare
    from crm import floor
    from sala.database import opened
    from sala.simulating import configured

    pasts: dict[str, Past] = {}
    async with opened(settings) as database:
        new = configured(routing, await floor.load(database))
        try:
            async for turn in turns(database, first_ms, last_ms):
                pasts.setdefault(turn.entry.epoch, Past()).add(turn)
        except ReplayError as error:
            raise UserError(str(error)) from error
    if not pasts:
        raise UserError("the journal holds nothing of that time")
    return {epoch: compare(past, new) for epoch, past in pasts.items()}


def _show(runs: dict[str, Comparison], *, as_json: bool) -> None:
    if as_json:
        print_json({epoch: _as_json(found) for epoch, found in runs.items()})
        return
    for epoch, found in runs.items():
        _show_one(epoch, found)


def _show_one(epoch: str, found: Comparison) -> None:
    from rich import box
    from rich.table import Table

    table = Table(title=f"run {epoch}", box=box.SIMPLE_HEAD, title_justify="left", pad_edge=False)
    table.add_column("queue")
    for column in ("", "offered", "answered", "hung up", "waiting", "ASA s", "in target"):
        table.add_column(column, justify="right")
    for queue in found.new:
        rows = (("was", found.was), ("played again", found.played), ("with the file", found.new))
        for name, services in rows:
            one = services.get(queue)
            if one is not None:
                table.add_row(queue, name, *_cells(one))
    out = console()
    out.print(table, soft_wrap=False)
    for title, changed in (("gained", found.gained), ("lost", found.lost)):
        out.print(f"{len(changed)} {title}")
        for call in changed[:5]:
            out.print(f"  {_changed(call)}", markup=False)


def _cells(one: Service) -> tuple[str, ...]:
    return (
        str(one.offered),
        str(one.answered),
        str(one.abandoned),
        str(one.waiting),
        f"{one.asa_ms / 1000:.1f}",
        f"{one.service_level:.1%}",
    )


def _changed(one: Changed) -> str:
    return (
        f"{one.interaction} ({one.queue}): {one.before} after {one.waited_before / 1000:.0f} s, "
        f"then {one.after} after {one.waited_after / 1000:.0f} s"
    )


def _as_json(checked: Checked | Comparison) -> dict[str, Any]:
    from dataclasses import asdict

    return asdict(checked)


def _told(found: Difference) -> str:
    from acd.router.journal import named

    def written(row: list[object] | None) -> str:
        if row is None:
            return "nothing more"
        fields = named(row)
        kind = fields.pop("kind")
        return f"{kind} " + ", ".join(f"{name} {value}" for name, value in fields.items())

    return (
        f"the replay differs first at {moments.full(found.at_ms)}, entry {found.seq} of run "
        f"{found.epoch} ({found.kind}), decision {found.number}:\n"
        f"  decided then: {written(found.recorded)}\n"
        f"  decided now:  {written(found.replayed)}"
    )
