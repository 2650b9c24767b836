"""`sala callback`: customers who are called back."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sala import moments
from sala.errors import UserError
from sala.invocation import console, of, print_json

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from crm.database import Database
    from crm.records import Callback, Floor

app = typer.Typer(
    name="callback", help="Look after customers who are called back.", no_args_is_help=True
)

Id = Annotated[str, typer.Argument(metavar="CALLBACK", help="Its id, or the end of it.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Number = Annotated[str, typer.Argument(help="A telephone number.")]


@app.command("list")
def list_(
    context: typer.Context,
    queue: Annotated[str | None, typer.Option("--queue", help="Of this queue alone.")] = None,
    all_: Annotated[bool, typer.Option("--all", help="Those that have ended too.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, help="At most.")] = 100,
    as_json: AsJson = False,
) -> None:
    """List callbacks, the latest request first."""
    from dataclasses import asdict

    from crm import callbacks
    from sala.callbacks import masked, state_of

    found = _run(
        context,
        lambda database: callbacks.find(database, queue=queue, ended=all_, limit=limit),
    )
    if as_json:
        print_json([asdict(one) for one in found])
        return
    if not found:
        console().print("no callbacks" if all_ else "no open callbacks")
        return
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("callback", "queue", "number", "requested", "due", "tries", "state"):
        table.add_column(column)
    now = _now()
    for one in found:
        table.add_row(
            Text(one.id[-12:]),
            Text(one.queue or ""),
            masked(one.number),
            moments.full(one.requested_ms)[:-4],
            moments.full(one.due_ms)[:-4],
            str(one.attempts),
            Text(state_of(one, now)),
        )
    console().print(table, soft_wrap=False)


@app.command("show")
def show(context: typer.Context, callback: Id, as_json: AsJson = False) -> None:
    """Show a callback with its attempts."""
    from dataclasses import asdict

    from crm import callbacks
    from sala.callbacks import state_of

    async def read(database: Database) -> tuple[Callback, list[Any]]:
        one = await callbacks.named(database, callback)
        return one, await callbacks.attempts(database, one.id)

    one, tries = _run(context, read)
    if as_json:
        print_json({**asdict(one), "tries": [asdict(each) for each in tries]})
        return
    out = console()
    shown = {
        "callback": one.id,
        "state": state_of(one, _now()),
        "queue": one.queue or "none",
        "number": one.number,
        "requested": f"{moments.full(one.requested_ms)} ({one.source})",
        "due": moments.full(one.due_ms),
        "expires": moments.full(one.expires_ms) if one.expires_ms else "as the queue's policy",
        "told": f"by {moments.full(one.told_ms)}" if one.told_ms else "no time",
        "owner": one.owner or "the queue",
        "language": one.language or "not known",
        "interaction": one.interaction or "none",
        "attempts": str(one.attempts),
        "ended": "" if one.ended_ms is None else moments.full(one.ended_ms),
        "merged into": one.merged_into or "",
    }  # fmt: skip
    for name, value in shown.items():
        if value:
            out.print(f"{name:<12} {value}", markup=False)
    for each in tries:
        end = each.outcome or "live"
        out.print(f"  {each.fence}. {moments.full(each.started_ms)} {end}", markup=False)


@app.command("add")
def add(
    context: typer.Context,
    number: Number,
    queue: Annotated[str, typer.Option("--queue", help="Whose agents call them.")],
    at: Annotated[
        str | None, typer.Option("--at", metavar="TIME", help=f"Such as {moments.FORMS}.")
    ] = None,
    agent: Annotated[
        str | None, typer.Option("--agent", help="Whose own it is, while they are there.")
    ] = None,
    language: Annotated[str | None, typer.Option("--language", help="Such as th.")] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Also at an hour at which nobody is called.")
    ] = False,
) -> None:
    """Promise a callback; the number passes the dialling gate before."""
    from sala.callbacks import ordering

    wish = {"number": number, "queue": queue, "agent": agent, "language": language}
    if at is not None:
        wish["due_ms"] = moments.parse(at)  # type: ignore[assignment]
    settings = of(context).settings()

    async def change(database: Database) -> str:
        orders = await ordering(settings, database)
        made = await orders.add(wish, force=force)
        what = "promised" if made.answer == "promised" else "the customer has one already:"
        return f"{what} {made.callback}"

    console().print(_run(context, change), markup=False)


@app.command("number")
def number_(context: typer.Context, callback: Id, number: Number) -> None:
    """Have another number called; it passes the dialling gate before."""
    from crm import callbacks
    from sala.callbacks import masked, ordering

    settings = of(context).settings()

    async def change(database: Database) -> str:
        one = await callbacks.named(database, callback)
        try:
            return await (await ordering(settings, database)).change(one.id, number)
        except LookupError:
            raise UserError(f"this callback has ended: {one.state}") from None

    console().print(f"{masked(_run(context, change))} is called", markup=False)


@app.command("cancel")
def cancel(context: typer.Context, callback: Id) -> None:
    """Cancel an open callback; a call to the customer that is being made is ended."""
    from crm import callbacks

    async def change(database: Database) -> None:
        one = await callbacks.named(database, callback)
        if not await callbacks.end(database, one.id, "cancelled", "admin", _now()):
            raise UserError(f"this callback has ended: {one.state}")

    _run(context, change)
    console().print("cancelled")


@app.command("reschedule")
def reschedule(
    context: typer.Context,
    callback: Id,
    when: Annotated[str, typer.Argument(metavar="TIME", help=f"Such as {moments.FORMS}.")],
    force: Annotated[
        bool,
        typer.Option(
            "--force", help="Also at an hour at which nobody is called: then at the next."
        ),
    ] = False,
) -> None:
    """Call back at another time, which may be past: then as soon as it is its turn."""
    from acd.callbacks.calling import Calling
    from crm import callbacks, floor
    from sala.callbacks import policy_of

    due = moments.parse(when)

    async def change(database: Database) -> None:
        one = await callbacks.named(database, callback)
        policy = policy_of(await floor.load(database), one.queue)
        first = Calling().next(policy.calling, one.number, max(due, _now()))
        if first > max(due, _now()) and not force:
            raise UserError(
                f"customers are not called then; the next hour is {moments.full(first)[:-4]}. "
                "With --force it is due at once, and called at that hour."
            )
        await callbacks.reschedule(database, one.id, due)

    _run(context, change)
    console().print(f"due {moments.full(due)[:-4]}", markup=False)


@app.command("reassign")
def reassign(
    context: typer.Context,
    callback: Id,
    queue: Annotated[str | None, typer.Option("--queue", help="Move it to this queue.")] = None,
    agent: Annotated[
        str | None, typer.Option("--agent", help="Give it to this agent; '' to the queue.")
    ] = None,
) -> None:
    """Move a callback to another queue, or to an agent; it keeps its place in time."""
    from acd.policy.faults import nearest
    from crm import callbacks, floor

    if queue is None and agent is None:
        raise UserError("say where to: --queue QUEUE, --agent AGENT, or both")

    async def change(database: Database) -> None:
        one = await callbacks.named(database, callback)
        stored = await floor.load(database)
        queues = [known.name for known in stored.queues]
        agents = [known.id for known in stored.agents]
        if queue is not None and queue not in queues:
            raise UserError(f"there is no queue {queue}{nearest(queue, queues)}")
        if agent and agent not in agents:
            raise UserError(f"there is no agent {agent}{nearest(agent, agents)}")
        owner = one.owner if agent is None else agent or None
        await callbacks.reassign(database, one.id, queue=queue, owner=owner)

    _run(context, change)
    console().print("reassigned")


@app.command("policy")
def policy(
    context: typer.Context,
    queue: Annotated[str, typer.Argument(metavar="QUEUE", help="The queue's name.")],
    fields: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[FIELD=VALUE]...",
            help="Such as attempts=5 'retry={busy: [5m, 15m]}'; FIELD= alone for the default.",
        ),
    ] = None,
) -> None:
    """Show how callbacks of a queue are made, or change it."""
    from dataclasses import replace

    from sala.callbacks import of_queue
    from sala.routing.document import text
    from sala.routing.run import load, run

    settings = of(context).settings()
    if not fields:
        given = of_queue(load(settings), queue).callback
        typer.echo(text(given), nl=False) if given else console().print("all as by default")
        return

    def edit(was: Floor) -> Floor:
        one = of_queue(was, queue)
        changed = replace(one, callback=_assigned(dict(one.callback), fields))
        return replace(was, queues=tuple(changed if q is one else q for q in was.queues))

    run(settings, edit)


@app.command("report")
def report(
    context: typer.Context,
    first: Annotated[
        str, typer.Option("--from", metavar="TIME", help=f"Such as {moments.FORMS}.")
    ] = "",
    last: Annotated[str, typer.Option("--to", metavar="TIME", help="Now if absent.")] = "",
    as_json: AsJson = False,
) -> None:
    """Show what became of callbacks that were asked for in a span of time, by queue.

    Offered are accepted and declined; accepted are waiting, connected, failed, expired, cancelled
    and merged. Kept: of those told a time, how many were connected by then.
    """
    from dataclasses import asdict

    from crm import callbacks

    first_ms = moments.parse(first) if first else 0
    last_ms = moments.parse_end(last) if last else _now()
    found = _run(context, lambda database: callbacks.report(database, first_ms, last_ms))
    if as_json:
        print_json([asdict(one) for one in found])
        return
    if not found:
        console().print("no callback was offered in that time")
        return
    from sala.view import callback_report

    console().print(callback_report(found), soft_wrap=False)


@app.command("forbid")
def forbid(context: typer.Context, number: Number) -> None:
    """Put a number on the do-not-call list; its open callbacks are cancelled."""
    from crm import callbacks

    e164 = _e164(context, number)
    count = _run(context, lambda database: callbacks.forbid(database, e164, _now()))
    console().print(f"never called back from now on; open callbacks cancelled: {count}")


@app.command("allow")
def allow(context: typer.Context, number: Number) -> None:
    """Take a number off the do-not-call list."""
    from crm import callbacks

    e164 = _e164(context, number)
    if not _run(context, lambda database: callbacks.allow(database, e164)):
        raise UserError("this number is not on the do-not-call list")
    console().print("may be called back again")


def _run(context: typer.Context, work: Callable[[Database], Awaitable[Any]]) -> Any:
    from sala.database import opened

    settings = of(context).settings()

    async def run() -> Any:
        async with opened(settings) as database:
            return await work(database)

    return asyncio.run(run())


def _e164(context: typer.Context, number: str) -> str:
    from crm.identities import phone

    found = phone(number, of(context).settings().default_region)
    if found is None:
        raise UserError("this is no telephone number; write it such as +66812345678")
    return found


def _assigned(given: dict[str, Any], fields: list[str]) -> dict[str, Any]:
    from acd.callbacks.policy import FIELDS
    from acd.policy.faults import nearest
    from ivr.flow import document

    faults: list[str] = []
    for one in fields:
        name, equals, value = one.partition("=")
        if not equals or name not in FIELDS:
            hint = nearest(name, FIELDS) or f"; known: {', '.join(FIELDS)}"
            faults.append(f"{one}: write FIELD=VALUE; there is no field {name!r}{hint}")
        elif not value.strip():
            given.pop(name, None)
        else:
            read = document.parse(value.encode(), name)
            faults += [f"{name}: {problem.message}" for problem in read.problems]
            given[name] = read.value
    if faults:
        raise UserError("\n".join([*faults, "nothing was changed"]))
    return given


def _now() -> int:
    return time.time_ns() // 1_000_000
