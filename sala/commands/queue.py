"""`sala queue`: queues and their policies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from sala.errors import UserError
from sala.invocation import console, of, print_json

if TYPE_CHECKING:
    from crm.records import Floor, Queue

app = typer.Typer(name="queue", help="Add, show and change queues.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="QUEUE", help="The queue's name.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Settings_ = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[FIELD=VALUE]...",
        help=(
            "Such as ring=15s 'when_full=overflow sales' 'steps=[skill billing >= 3, any]'; "
            "FIELD= alone for the default. sala queue show lists the fields."
        ),
    ),
]


@app.command("list")
def list_(context: typer.Context, as_json: AsJson = False) -> None:
    """List the queues."""
    from sala.routing.document import entity
    from sala.routing.run import load

    floor = load(of(context).settings())
    if as_json:
        print_json({queue.name: entity(queue, full=True) for queue in floor.queues})
        return
    _table(floor)


@app.command("show")
def show(context: typer.Context, queue: Name, as_json: AsJson = False) -> None:
    """Show all of a queue's policy, and who serves it."""
    from sala.callbacks import of_queue
    from sala.routing.document import entity, text
    from sala.routing.run import load

    floor = load(of(context).settings())
    found = entity(of_queue(floor, queue), full=True)
    serving = [agent.id for agent in floor.agents if queue in agent.queues]
    if as_json:
        print_json({**found, "agents": serving})
        return
    out = console()
    for key, value in found.items():
        listed = key in ("steps", "recipes") and value
        shown = "none" if value is None else text(value, inline=True)
        out.print(f"{key:<15} {'' if listed else shown}".rstrip(), markup=False)
        for one in value if listed else ():
            out.print(f"  - {text(one, inline=True)}", markup=False)
    out.print(f"{'agents':<15} {', '.join(serving) or 'none'}", markup=False)


@app.command("add")
def add(context: typer.Context, queue: Name, fields: Settings_ = None) -> None:
    """Add a queue; sala agent set AGENT --queue QUEUE lets an agent serve it."""
    from dataclasses import replace

    from crm.records import Queue
    from sala.routing.run import run

    def edit(was: Floor) -> Floor:
        if any(known.name == queue for known in was.queues):
            raise UserError(f"there is a queue {queue} already; sala queue set changes it")
        return replace(was, queues=(*was.queues, _set(Queue(queue), fields or [])))

    run(of(context).settings(), edit)


@app.command("set")
def set_(context: typer.Context, queue: Name, fields: Settings_ = None) -> None:
    """Change fields of a queue; calls that wait in it are routed anew at once."""
    from dataclasses import replace

    from sala.callbacks import of_queue
    from sala.routing.run import run

    if not fields:
        raise UserError("name the fields to change: sala queue set support ring=15s")

    def edit(was: Floor) -> Floor:
        changed = _set(of_queue(was, queue), fields)
        return replace(
            was, queues=tuple(changed if one.name == queue else one for one in was.queues)
        )

    run(of(context).settings(), edit)


@app.command("remove")
def remove(context: typer.Context, queue: Name) -> None:
    """Remove a queue; its agents no longer serve it, history keeps its name."""
    from crm.floor import without_queue
    from sala.routing.run import run

    run(of(context).settings(), lambda was: without_queue(was, queue))


def _set(queue: Queue, assignments: list[str]) -> Queue:
    """Return a queue with `field=value` assignments taken in. Raises UserError with all faults."""
    from dataclasses import replace

    from acd.policy.faults import Wrong, nearest
    from ivr.flow import document
    from sala.routing import fields

    known = {field.name: field for field in fields.QUEUE}
    plain = fields.plain(queue)
    found: dict[str, Any] = {}
    faults: list[str] = []
    for one in assignments:
        key, equals, value = one.partition("=")
        if not equals or key not in known:
            hint = nearest(key, known) or f"; known: {', '.join(known)}"
            faults.append(f"{one}: write FIELD=VALUE; there is no field {key!r}{hint}")
            continue
        field = known[key]
        if not value.strip():
            found[field.attribute] = getattr(plain, field.attribute)
            continue
        read = document.parse(value.encode(), key)
        if read.problems:
            faults += [f"{key}: {problem.message}" for problem in read.problems]
            continue
        try:
            found |= fields.changes(field, read.value)
        except Wrong as wrong:
            faults.append(f"{key}: {wrong}")
    if faults:
        raise UserError("\n".join([*faults, "nothing was changed"]))
    return replace(queue, **found)


def _table(floor: Floor) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from acd.policy.values import written

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("queue", "strategy", "ring", "target", "steps", "calendar", "agents"):
        table.add_column(column)
    for queue in floor.queues:
        serving = sum(queue.name in agent.queues for agent in floor.agents)
        table.add_row(
            Text(queue.name),
            Text(queue.strategy),
            written(queue.ring_ms),
            written(queue.target_ms),
            str(len(queue.steps)),
            Text(queue.calendar or "always"),
            str(serving),
        )
    console().print(table, soft_wrap=False)
