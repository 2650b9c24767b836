"""`sala config`: the settings, where each comes from, and what each means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from sala.invocation import console, of, print_json

if TYPE_CHECKING:
    from sala.sources import Loaded

PIPE_WIDTH = 160
"""Columns of the table where there is no terminal to ask."""

app = typer.Typer(name="config", help="Show the settings.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Show the settings."""


@app.command("show")
def show(
    context: typer.Context,
    toml: Annotated[
        bool, typer.Option("--toml", help="Print a commented sala.toml to start from.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Print every key: its value, where that comes from, its default and its meaning."""
    from sala import settings_text

    if toml:
        typer.echo(settings_text.template(), nl=False)
        return
    loaded = of(context).loaded()
    rows = settings_text.rows(loaded)
    if as_json:
        print_json({"file": loaded.file, "settings": [row.as_dict() for row in rows]})
        return
    _table(loaded, rows)


def _table(loaded: Loaded, rows: list[Any]) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    out = console()
    if not out.is_terminal:
        out.width = PIPE_WIDTH
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("key", no_wrap=True)
    table.add_column("value", overflow="fold")
    table.add_column("from", no_wrap=True)
    table.add_column("default", overflow="fold")
    table.add_column("meaning")
    for row in rows:
        own = row.origin != "default"
        table.add_row(
            row.key,
            Text(row.shown, style="bold" if own else ""),
            Text(row.origin, style="cyan" if own else "dim"),
            Text(row.default, style="dim"),
            row.description,
        )
    out.print(table, soft_wrap=False)
    out.print(f"file: {loaded.file or 'none (sala.toml in the working directory, or --config)'}")
