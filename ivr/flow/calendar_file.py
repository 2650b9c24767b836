"""A calendar file's bytes → `Calendar`, or every fault in it with its place."""

from __future__ import annotations

from crm import calendars
from crm.calendars import Calendar
from ivr.errors import FlowInvalid
from ivr.flow import document
from ivr.flow.problems import Problem


def parse(content: bytes, *, name: str, file: str) -> Calendar:
    """Read a calendar. Raises FlowInvalid with all faults."""
    source = document.parse(content, file)
    problems = list(source.problems)

    def wrong(path: tuple[str, ...], message: str) -> None:
        place = source.keys.get(path) or source.values.get(path) or (1, 1)
        problems.append(Problem(file, *place, message))

    if not problems:
        calendar = calendars.read(name, source.value, wrong)
    if problems:
        raise FlowInvalid(sorted(problems, key=lambda p: (p.line, p.column)))
    return calendar
