"""`sala status`: queues with who waits, agents, calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from sala.invocation import console, of, print_json

if TYPE_CHECKING:
    from sala.callbacks import Counting
    from sala.control import ControlClient
    from sala.settings import Settings

EVERY_S = 1.0


def status(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    watch: Annotated[
        bool, typer.Option("--watch", "-w", help="Stay, and show changes every second.")
    ] = False,
) -> None:
    """Show the floor as it is now: queues, agents, calls, callbacks."""
    import asyncio

    settings = of(context).settings()
    if watch:
        asyncio.run(_watch(settings, as_json=as_json))
        return
    content = asyncio.run(_ask(settings))
    if as_json:
        print_json(content)
        return
    from sala.view import floor_tables

    console().print(floor_tables(content), soft_wrap=False)


async def _ask(settings: Settings) -> dict[str, Any]:
    from sala.callbacks import counting
    from sala.control import ControlClient

    async with (
        ControlClient(settings.paths.control_socket) as client,
        counting(settings) as count,
    ):
        return await _content(client, count)


async def _content(client: ControlClient, count: Counting) -> dict[str, Any]:
    import time

    content = await client.status()
    return {**content, "callbacks": await count(time.time_ns() // 1_000_000)}


async def _watch(settings: Settings, *, as_json: bool) -> None:
    import asyncio

    from rich.live import Live

    from sala.callbacks import counting
    from sala.control import ControlClient
    from sala.view import floor_tables

    async with (
        ControlClient(settings.paths.control_socket) as client,
        counting(settings) as count,
    ):
        if as_json:
            while True:
                print_json(await _content(client, count))
                await asyncio.sleep(EVERY_S)
        with Live(console=console(), auto_refresh=False) as live:
            while True:
                live.update(floor_tables(await _content(client, count)), refresh=True)
                await asyncio.sleep(EVERY_S)
