"""`sala status`: queues with who waits, agents, calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from sala.invocation import console, of, print_json

if TYPE_CHECKING:
    from pathlib import Path

EVERY_S = 1.0


def status(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    watch: Annotated[
        bool, typer.Option("--watch", "-w", help="Stay, and show changes every second.")
    ] = False,
) -> None:
    """Show the floor as it is now: queues, agents, calls."""
    import asyncio

    socket = of(context).settings().paths.control_socket
    if watch:
        asyncio.run(_watch(socket, as_json=as_json))
        return
    content = asyncio.run(_ask(socket))
    if as_json:
        print_json(content)
        return
    from sala.view import floor_tables

    console().print(floor_tables(content), soft_wrap=False)


async def _ask(socket: Path) -> dict[str, Any]:
    from sala.control import ControlClient

    async with ControlClient(socket) as client:
        return await client.status()


async def _watch(socket: Path, *, as_json: bool) -> None:
    import asyncio

    from rich.live import Live

    from sala.control import ControlClient
    from sala.view import floor_tables

    async with ControlClient(socket) as client:
        if as_json:
            while True:
                print_json(await client.status())
                await asyncio.sleep(EVERY_S)
        with Live(console=console(), auto_refresh=False) as live:
            while True:
                live.update(floor_tables(await client.status()), refresh=True)
                await asyncio.sleep(EVERY_S)
