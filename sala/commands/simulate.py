"""`sala simulate`: a floor that might be, with the router that is."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sala import moments
from sala.errors import UserError
from sala.invocation import console, of, print_json

if TYPE_CHECKING:
    from acd.router.configuration import Configuration
    from acd.simulation.outcome import Interval, Outcome
    from acd.simulation.plan import Plan
    from sala.settings import Settings

_HEADS = {
    "offered": "offered",
    "service_level": "in target",
    "asa_s": "ASA s",
    "abandoned": "hung up",
    "blocked": "blocked",
    "turned_away": "turned away",
    "longest_s": "longest s",
}
_SHARES = ("service_level", "abandoned", "blocked", "turned_away")


def simulate(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A simulation file.")],
    history: Annotated[
        str,
        typer.Option(
            "--history", metavar="TIME", help="Take what the file leaves out from calls since then."
        ),
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Simulate a floor: callers drawn from rates, the router that routes live calls.

    Tells each queue's service level, waits and losses with 95 % confidence intervals; with
    `compare` in the file also what a second floor would change for the very same callers.
    """
    import asyncio

    from acd.simulation.outcome import run

    plan, floor, other = asyncio.run(_read(of(context).settings(), file, history))
    _known(plan, floor, file)
    err = console(stderr=True)

    def tell(day: int) -> None:
        if err.is_terminal:
            err.print(f"day {day + 1} of {plan.days}", end="\r")

    mine, change = run(plan, floor, other, tell)
    if as_json:
        print_json({"days": plan.days, "queues": _data(mine),
                    "change": None if change is None else _data(change)})  # fmt: skip
        return
    _show(f"{plan.days} days of {file}", mine)
    if change is not None:
        _show(f"what {plan.compare} changes, for the same callers", change, signed=True)


async def _read(
    settings: Settings, file: Path, history: str
) -> tuple[Plan, Configuration, Configuration | None]:
    from acd import policy
    from acd.simulation.history import learn
    from crm import floor
    from sala import simulating
    from sala.database import opened

    # A file that cannot be used is refused before a database is asked for.
    plan = None if history else simulating.plan(file)
    since = moments.parse(history) if history else 0
    async with opened(settings) as database:
        stored = await floor.load(database)
        if plan is None:
            learnt = await learn(database, since, 2**53, settings.timezone)
            learnt = learnt.only(
                [queue.name for queue in stored.queues], [agent.id for agent in stored.agents]
            )
            plan = simulating.plan(file, learnt)
            if short := learnt.short():
                err = console(stderr=True)
                err.print(f"history tells too little of {short}", markup=False, soft_wrap=True)
    beside = file.parent
    routing = policy.read(stored).configuration
    if plan.routing:
        routing = simulating.configured(beside / plan.routing, stored)
    other = simulating.configured(beside / plan.compare, stored) if plan.compare else None
    return plan, routing, other


def _known(plan: Plan, floor: Configuration, file: Path) -> None:
    names = {queue.name for queue in floor.queues}
    asked = {*plan.queues, *(queue for shift in plan.staff for queue in shift.queues)}
    if missing := sorted(asked - names):
        raise UserError(
            f"{file}: the floor has no queue {', '.join(missing)}; "
            f"it has {', '.join(sorted(names))}"
        )
    if not plan.staff and not floor.agents:
        raise UserError(f"{file}: the floor has no agents: name some under staff")


def _data(outcome: Outcome) -> dict[str, dict[str, Any]]:
    return {
        queue: {measure: asdict(one) for measure, one in found.items()}
        for queue, found in outcome.items()
    }


def _show(title: str, outcome: Outcome, *, signed: bool = False) -> None:
    from rich import box
    from rich.table import Table

    table = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left", pad_edge=False)
    table.add_column("queue")
    measures = next(iter(outcome.values()))
    for measure in measures:
        table.add_column(_HEADS[measure], justify="right")
    for queue, found in outcome.items():
        table.add_row(queue, *(_cell(name, one, signed) for name, one in found.items()))
    console().print(table, soft_wrap=False)


def _cell(measure: str, one: Interval, signed: bool) -> str:
    scale, unit, digits = (100, "%", 1) if measure in _SHARES else (1, "", 1)
    sign = "+" if signed else ""
    return f"{one.mean * scale:{sign}.{digits}f}±{one.half * scale:.{digits}f}{unit}"
