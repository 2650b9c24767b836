"""`sala agent`: who takes calls, with which account, and in which presence."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sala.errors import ServiceUnreachable, UserError
from sala.invocation import console, of, print_json

if TYPE_CHECKING:
    from acd.router.events import Wanted
    from crm.records import Agent
    from sala.settings import Settings

app = typer.Typer(name="agent", help="Add, list and steer agents.", no_args_is_help=True)

Id = Annotated[str, typer.Argument(metavar="AGENT", help="The agent's id, such as 1001.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("add")
def add(
    context: typer.Context,
    agent: Id,
    name: Annotated[str, typer.Option("--name", help="Name to show (else the id).")] = "",
    queue: Annotated[
        list[str] | None,
        typer.Option("--queue", "-q", help="Queue to serve, preferred first; repeatable. All."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Add an agent with a SIP account of the same name, and print the account."""
    import asyncio

    from sala import secrets
    from sala.database import CALLER_ACCOUNT
    from sala.parts import TRUNK_ACCOUNT, reload_pbx

    if agent == CALLER_ACCOUNT or TRUNK_ACCOUNT.fullmatch(agent):
        raise UserError(f"{agent} is the name of an account of Sala's own; choose another")
    secrets.check_account(agent)
    settings = of(context).settings()
    asyncio.run(_add(settings, agent, name or agent, queue))
    secrets.ensure(settings.paths.secrets, [agent])
    running = asyncio.run(reload_pbx(settings))
    account = _account(settings, agent)
    if as_json:
        print_json({**account, "active": running})
        return
    _print_account(account)
    if not running:
        console().print("The PBX does not run now; the account is there when it starts.")


@app.command("remove")
def remove(context: typer.Context, agent: Id) -> None:
    """Remove an agent and their SIP account; history keeps the id."""
    import asyncio

    from sala import secrets
    from sala.parts import reload_pbx

    settings = of(context).settings()
    address = asyncio.run(_remove(settings, agent))
    secrets.forget(settings.paths.secrets, address)
    asyncio.run(reload_pbx(settings))
    console().print(f"Agent {agent} is removed.")


@app.command("list")
def list_(context: typer.Context, as_json: AsJson = False) -> None:
    """List all agents, with their presence."""
    import asyncio

    settings = of(context).settings()
    rows = asyncio.run(_rows(settings))
    if as_json:
        print_json(rows)
        return
    _print_rows(rows)


@app.command("show")
def show(
    context: typer.Context,
    agent: Id,
    no_secrets: Annotated[
        bool, typer.Option("--no-secrets", help="Leave the SIP secret out.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show one agent, and the account their phone registers with."""
    import asyncio

    settings = of(context).settings()
    row = next((row for row in asyncio.run(_rows(settings)) if row["agent"] == agent), None)
    if row is None:
        raise UserError(f"there is no agent {agent}; sala agent list shows all")
    account = _account(settings, row["address"])
    if no_secrets:
        del account["secret"]
    if as_json:
        print_json({**row, "account": account})
        return
    _print_rows([row])
    _print_account(account)


@app.command("login")
def login(context: typer.Context, agent: Id) -> None:
    """Log an agent in: available for calls."""
    _want(context, agent, "available", "")


@app.command("logout")
def logout(context: typer.Context, agent: Id) -> None:
    """Log an agent out, once their contact and its wrap-up are over."""
    _want(context, agent, "offline", "")


@app.command("pause")
def pause(
    context: typer.Context,
    agent: Id,
    reason: Annotated[str, typer.Option("--reason", "-r", help="Why, in a word or two.")] = "",
) -> None:
    """Pause an agent, once their contact and its wrap-up are over."""
    _want(context, agent, "paused", reason)


@app.command("resume")
def resume(context: typer.Context, agent: Id) -> None:
    """End an agent's pause: available for calls."""
    _want(context, agent, "available", "")


def _want(context: typer.Context, agent: str, wanted: str, reason: str) -> None:
    import asyncio

    from acd.router.events import Wanted

    settings = of(context).settings()
    live = asyncio.run(_tell(settings, agent, Wanted(wanted), reason))
    note = "" if live else " (the service does not run; it is so when it starts)"
    console().print(f"Agent {agent} is to be {wanted}{note}.")


async def _tell(settings: Settings, agent: str, wanted: Wanted, reason: str) -> bool:
    """Tell the service, or, when none runs, the database; return whether a service took it."""
    from crm import floor
    from sala.control import ControlClient
    from sala.database import opened

    try:
        async with ControlClient(settings.paths.control_socket) as client:
            await client.agent_wants(agent, wanted, reason)
            return True
    except ServiceUnreachable:
        async with opened(settings) as database:
            await floor.set_presence(database, agent, wanted, reason, time.time_ns() // 1_000_000)
            return False


async def _add(settings: Settings, agent: str, name: str, queues: list[str] | None) -> None:
    from crm import floor
    from sala.database import opened

    async with opened(settings) as database:
        if queues is None:
            queues = [queue.name for queue in (await floor.load(database)).queues]
        await floor.add_agent(database, agent, name=name, address=agent, queues=queues)


async def _remove(settings: Settings, agent: str) -> str:
    from crm import floor
    from sala.database import opened

    async with opened(settings) as database:
        addresses = {known.id: known.address for known in await floor.agents(database)}
        await floor.remove_agent(database, agent)
        return addresses.get(agent, agent)


async def _agents(settings: Settings) -> list[Agent]:
    from crm import floor
    from sala.database import opened

    async with opened(settings) as database:
        return await floor.agents(database)


async def _rows(settings: Settings) -> list[dict[str, Any]]:
    from sala.control import ControlClient

    live: dict[str, dict[str, Any]] = {}
    try:
        async with ControlClient(settings.paths.control_socket) as client:
            live = {row["agent"]: row for row in await client.agents()}
    except ServiceUnreachable:
        pass
    return [
        {
            "agent": agent.id,
            "name": agent.name,
            "address": agent.address,
            "queues": list(agent.queues),
            "presence": agent.wanted,
            "reason": agent.reason,
            "reachable": None,
            **live.get(agent.id, {}),
        }
        for agent in await _agents(settings)
    ]


def _account(settings: Settings, account: str) -> dict[str, Any]:
    from sala import secrets
    from sala.view import server_address

    return {
        "account": account,
        "secret": secrets.load(settings.paths.secrets).sip.get(account, ""),
        "server": server_address(settings),
        "transport": "UDP or TCP",
    }


def _print_account(account: dict[str, Any]) -> None:
    out = console()
    out.print("Register the phone with:")
    for key in ("server", "transport", "account", "secret"):
        if key in account:
            out.print(f"  {key:<10} {account[key]}", markup=False)


def _print_rows(rows: list[dict[str, Any]]) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from sala.view import presence_text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("agent", "name", "queues", "presence", "phone"):
        table.add_column(column)
    for row in rows:
        phone = {True: "registered", False: "not registered", None: "?"}[row["reachable"]]
        table.add_row(
            Text(row["agent"]),
            Text(row["name"]),
            Text(", ".join(row["queues"])),
            presence_text(row),
            phone,
        )
    console().print(table, soft_wrap=False)
