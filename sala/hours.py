"""Calendars between the admin's folder and the database, which flows and queues go by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from crm import floor
from crm.database import Database
from crm.records import CalendarSource, Floor
from ivr.flow import calendar_file, document
from sala.settings import Settings


def source(content: bytes, name: str, file: str) -> Mapping[str, Any]:
    """Return a calendar file's values, as the admin wrote them. Raises FlowInvalid."""
    calendar_file.parse(content, name=name, file=file)
    value = document.parse(content, file).value
    assert isinstance(value, dict)
    return value


def files(settings: Settings) -> dict[str, Mapping[str, Any]]:
    """Read the calendars of the flows' folder. Raises FlowInvalid, OSError."""
    folder = Path(settings.flows) / "calendars"
    return {
        path.stem: source(path.read_bytes(), path.stem, str(path))
        for path in sorted(folder.glob("*.yaml"))
    }


async def publish(settings: Settings, database: Database, *, edited: bool = False) -> list[str]:
    """Store the folder's calendars that are not there; with `edited`, those that differ, too.

    Returns their names. Raises FlowInvalid for a faulty file, with nothing changed.
    """
    found = files(settings)
    changed: list[str] = []

    def edit(was: Floor) -> Floor:
        there = {one.name: one for one in was.calendars}
        changed.extend(
            name
            for name, given in found.items()
            if name not in there or (edited and dict(there[name].source) != given)
        )
        there |= {name: CalendarSource(name, found[name]) for name in changed}
        return replace(was, calendars=tuple(there[name] for name in sorted(there)))

    await floor.change(database, edit)
    return changed
