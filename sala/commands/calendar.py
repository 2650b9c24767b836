"""`sala calendar`: opening hours, for queues and flows alike."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sala.errors import UserError
from sala.invocation import console, of, print_json

if TYPE_CHECKING:
    from crm.records import CalendarSource, Floor

app = typer.Typer(
    name="calendar", help="Keep the hours at which queues and flows are open.", no_args_is_help=True
)

Name = Annotated[str, typer.Argument(metavar="CALENDAR", help="The calendar's name.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("list")
def list_(context: typer.Context, as_json: AsJson = False) -> None:
    """List the calendars: whether they are open now, when that changes, and for which queues."""
    import time

    from acd import policy
    from crm.calendars import State
    from sala.routing.run import load

    floor = load(of(context).settings())
    now = time.time_ns() // 1_000_000
    opened = policy.read(floor).calendars
    rows = [
        {
            "calendar": name,
            "state": str(calendar.at(now)),
            "changes_ms": calendar.changes(now),
            "queues": [queue.name for queue in floor.queues if queue.calendar == name],
        }
        for name, calendar in opened.items()
    ]
    if as_json:
        print_json(rows)
        return
    for row in rows:
        verb = "closes" if row["state"] == State.OPEN else "opens"
        changes: Any = row["changes_ms"]
        zone = opened[str(row["calendar"])].timezone
        when = "stays so" if changes is None else f"{verb} {_shown(changes, zone)}"
        queues: Any = row["queues"]
        served = ", ".join(queues) or "no queue"
        console().print(f"{row['calendar']:<20} {row['state']}, {when}; for {served}", markup=False)


@app.command("show")
def show(context: typer.Context, calendar: Name, as_json: AsJson = False) -> None:
    """Print a calendar as its file."""
    from sala.routing.document import text
    from sala.routing.run import load

    found = _of(load(of(context).settings()), calendar)
    if as_json:
        print_json(found.source)
        return
    typer.echo(text(found.source), nl=False)


@app.command("set")
def set_(
    context: typer.Context,
    calendar: Name,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Its file; - for stdin.")],
) -> None:
    """Add a calendar, or change it to what a file says; it holds at once."""
    from dataclasses import replace

    from crm.records import CalendarSource
    from sala import hours
    from sala.routing.run import run

    try:
        content = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise UserError(f"{file}: cannot be read: {error.strerror}") from None
    new = CalendarSource(calendar, hours.source(content, calendar, str(file)))

    def edit(was: Floor) -> Floor:
        others = tuple(one for one in was.calendars if one.name != calendar)
        return replace(was, calendars=(*others, new))

    run(of(context).settings(), edit)


@app.command("remove")
def remove(context: typer.Context, calendar: Name) -> None:
    """Remove a calendar, once no queue goes by it."""
    from dataclasses import replace

    from sala.routing.run import run

    def edit(was: Floor) -> Floor:
        gone = _of(was, calendar)
        return replace(was, calendars=tuple(one for one in was.calendars if one != gone))

    run(of(context).settings(), edit)


def _shown(at_ms: int, zone: str) -> str:
    from datetime import UTC, datetime
    from zoneinfo import ZoneInfo

    local = datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(ZoneInfo(zone))
    return f"{local:%a %Y-%m-%d %H:%M} ({zone})"


def _of(floor: Floor, name: str) -> CalendarSource:
    for calendar in floor.calendars:
        if calendar.name == name:
            return calendar
    from acd.policy.faults import nearest

    hint = nearest(name, [calendar.name for calendar in floor.calendars])
    raise UserError(f"there is no calendar {name}{hint}; sala calendar list shows all")
