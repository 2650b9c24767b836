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


Queues = Annotated[
    list[str] | None,
    typer.Option(
        "--queue", "-q", help="Queue to serve, QUEUE or QUEUE=RANK (1 goes first); repeatable."
    ),
]
Skills = Annotated[
    list[str] | None,
    typer.Option("--skill", "-s", help="SKILL=LEVEL, 1 to 5; SKILL= takes it away; repeatable."),
]
Languages = Annotated[
    list[str] | None,
    typer.Option("--language", "-l", help="Language spoken, such as th; repeatable."),
]
Site = Annotated[str | None, typer.Option("--site", help="Where they work.")]
Capacity = Annotated[
    list[str] | None,
    typer.Option(
        "--capacity",
        help="How many at once: voice=1, chat=4 or email=6; chat= for the floor's; repeatable.",
    ),
]
Weight = Annotated[
    int | None, typer.Option("--weight", help="Share where agents are drawn by weight.")
]


@app.command("add")
def add(
    context: typer.Context,
    agent: Id,
    name: Annotated[str, typer.Option("--name", help="Name to show (else the id).")] = "",
    queue: Queues = None,
    skill: Skills = None,
    language: Languages = None,
    site: Site = None,
    capacity: Capacity = None,
    weight: Weight = None,
    as_json: AsJson = False,
) -> None:
    """Add an agent with a SIP account of the same name, and print the account.

    Without --queue, they serve all queues.
    """
    import asyncio
    from dataclasses import replace

    from crm.records import Agent, Floor
    from sala.routing.agents import Wishes, declared, edited
    from sala.routing.run import change, warn

    settings = of(context).settings()
    wishes = Wishes(name, queue, skill or (), language, site, capacity or (), weight)

    def edit(was: Floor) -> Floor:
        if any(known.id == agent for known in was.agents):
            raise UserError(f"There is an agent {agent} already.")
        queues = tuple(one.name for one in was.queues)
        new = edited(Agent(agent, agent, agent, queues), wishes)
        return replace(declared(was, new), agents=(*was.agents, new))

    made, running = asyncio.run(change(settings, edit))
    account = _account(settings, agent)
    if as_json:
        print_json({**account, "active": running})
        return
    _print_account(account)
    warn(made.new_warnings)
    if not running:
        console().print("The PBX does not run now; the account is there when it starts.")


@app.command("set")
def set_(
    context: typer.Context,
    agent: Id,
    name: Annotated[str | None, typer.Option("--name", help="Name to show.")] = None,
    queue: Queues = None,
    skill: Skills = None,
    language: Languages = None,
    site: Site = None,
    capacity: Capacity = None,
    weight: Weight = None,
) -> None:
    """Change what an agent serves and can do; calls that wait are routed anew at once.

    --queue and --language replace what is there; --skill and --capacity change what they name.
    """
    from dataclasses import replace

    from crm.records import Floor
    from sala.routing.agents import Wishes, declared, edited
    from sala.routing.run import run

    wishes = Wishes(name, queue, skill or (), language, site, capacity or (), weight)
    if wishes == Wishes():
        raise UserError("say what to change: sala agent set 1001 --skill billing=3")

    def edit(was: Floor) -> Floor:
        found = next((known for known in was.agents if known.id == agent), None)
        if found is None:
            raise UserError(f"there is no agent {agent}; sala agent list shows all")
        new = edited(found, wishes)
        agents = tuple(new if known.id == agent else known for known in was.agents)
        return replace(declared(was, new), agents=agents)

    run(of(context).settings(), edit)


@app.command("remove")
def remove(context: typer.Context, agent: Id) -> None:
    """Remove an agent and their SIP account; history keeps the id."""
    import asyncio
    from dataclasses import replace

    from crm.records import Floor
    from sala.routing.run import change, warn

    def edit(was: Floor) -> Floor:
        kept = tuple(known for known in was.agents if known.id != agent)
        if kept == was.agents:
            raise UserError(f"There is no agent {agent}.")
        return replace(was, agents=kept)

    made, _ = asyncio.run(change(of(context).settings(), edit))
    console().print(f"Agent {agent} is removed.")
    warn(made.new_warnings)


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
    _print_fields(row)
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


async def _agents(settings: Settings) -> list[Agent]:
    from crm import floor
    from sala.database import opened

    async with opened(settings) as database:
        return await floor.agents(database)


async def _rows(settings: Settings) -> list[dict[str, Any]]:
    from sala.control import ControlClient
    from sala.routing.document import entity

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
            **{
                key: value
                for key, value in entity(agent, full=True).items()
                if key not in ("name", "account", "queues")
            },
            "ranks": list(agent.ranks),
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


def _print_fields(row: dict[str, Any]) -> None:
    from sala.routing.document import text

    ranks = dict(zip(row["queues"], row["ranks"] or [1] * len(row["queues"]), strict=True))
    told = {"ranks": ranks, **{key: row[key] for key in ("skills", "languages", "site")}}
    told |= {"capacity": row["capacity"], "weight": row["weight"]}
    for key, value in told.items():
        if value not in (None, {}, []):
            console().print(f"{key:<12} {text(value, inline=True)}", markup=False)


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
