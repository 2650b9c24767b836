"""`sala ewt`: how good estimates of waits have been."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from sala import moments
from sala.invocation import console, of, print_json

if TYPE_CHECKING:
    from acd.estimates.scores import Score
    from sala.settings import Settings

app = typer.Typer(
    name="ewt", help="Tell how good estimates of waits have been.", no_args_is_help=True
)


@app.callback()
def _group() -> None:
    pass


@app.command()
def report(
    context: typer.Context,
    first: Annotated[
        str, typer.Option("--from", metavar="TIME", help=f"Such as {moments.FORMS}.")
    ] = "",
    last: Annotated[str, typer.Option("--to", metavar="TIME", help="Now if absent.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Hold each estimate that was given against the wait that came, by queue.

    Four of five should lie between P10 and P90. Who hung up before P90 does not count: how long
    they would have waited is not known.
    """
    import asyncio

    first_ms = moments.parse(first) if first else 0
    last_ms = moments.parse_end(last) if last else 2**53
    scores = asyncio.run(_scores(of(context).settings(), first_ms, last_ms))
    if as_json:
        print_json({"queues": [_data(one) for one in scores]})
    elif not scores:
        console().print("No estimate was given in that time: too few contacts are known yet.")
    else:
        _show(scores)


async def _scores(settings: Settings, first_ms: int, last_ms: int) -> list[Score]:
    from acd.estimates.scores import scored
    from sala.database import opened

    async with opened(settings) as database:
        return await scored(database, first_ms, last_ms)


def _data(one: Score) -> dict[str, Any]:
    return {
        "queue": one.queue,
        "given": one.given,
        "unknown": one.unknown,
        "held": one.held,
        "below": one.below,
        "above": one.above,
        "coverage": one.coverage,
        "bias": one.bias,
        "error_ms": one.error_ms,
    }


def _show(scores: list[Score]) -> None:
    from rich import box
    from rich.table import Table

    def share(value: float | None, sign: str = "") -> str:
        return "" if value is None else f"{value:{sign}.1%}"

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("queue")
    for head in ("given", "P10–P90 held", "below", "above", "hung up early", "mean off", "error s"):
        table.add_column(head, justify="right")
    for one in scores:
        error = "" if one.error_ms is None else f"{one.error_ms / 1000:.1f}"
        table.add_row(one.queue, str(one.given), share(one.coverage), str(one.below),
                      str(one.above), str(one.unknown), share(one.bias, "+"), error)  # fmt: skip
    console().print(table, soft_wrap=False)
