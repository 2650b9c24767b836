"""`sala replay`: the journal through the router again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from sala import moments
from sala.errors import UserError
from sala.invocation import console, fail, of, print_json

if TYPE_CHECKING:
    from acd.replay import Difference
    from acd.replay.runs import Checked
    from sala.settings import Settings

FOREVER_MS = 2**53


def replay(
    context: typer.Context,
    first: Annotated[
        str, typer.Option("--from", metavar="TIME", help=f"Such as {moments.FORMS}.")
    ] = "",
    last: Annotated[str, typer.Option("--to", metavar="TIME", help="Now if absent.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Re-run the journal through the router: the same decisions must come out.

    Exit status 1, and the first difference, if one does not; 2 if the journal has a hole or was
    written by another version.
    """
    import asyncio

    first_ms = moments.parse(first) if first else 0
    last_ms = moments.parse_end(last) if last else FOREVER_MS
    if first_ms > last_ms:
        raise UserError("--from is later than --to")
    checked = asyncio.run(_check(of(context).settings(), first_ms, last_ms))
    if as_json:
        print_json(_as_json(checked))
    if checked.difference is not None:
        fail(_told(checked.difference), 1)
    if not as_json:
        console().print(
            f"{checked.entries} entries of {checked.runs} runs gave the same "
            f"{checked.decisions} decisions."
        )


async def _check(settings: Settings, first_ms: int, last_ms: int) -> Checked:
    from acd.replay import ReplayError
    from acd.replay.runs import check
    from sala.database import opened

    async with opened(settings) as database:
        try:
            return await check(database, first_ms, last_ms)
        except ReplayError as error:
            raise UserError(str(error)) from error


def _as_json(checked: Checked) -> dict[str, Any]:
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
