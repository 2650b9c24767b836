"""Where flows are taken from: an admin's folder, or what was published.

The service runs published versions alone; the folder is what commands check and publish.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from crm import calendars as hours, floor, flows as published
from crm.calendars import Calendar
from crm.database import Database
from ivr.errors import FlowInvalid
from ivr.flow.calendar_file import parse as parse_calendar
from ivr.flow.document import MAX_BYTES
from ivr.flow.parts import NAME_PATTERN
from ivr.flow.problems import Problem

TEST_SUFFIX = ".test.yaml"


@dataclass(frozen=True, slots=True)
class Stored:
    """A flow file's content. `uses`: the versions of its subflows; None: the current ones."""

    alias: str
    content: bytes
    file: str
    uses: Mapping[str, str] | None = None


class Shelf(Protocol):
    """A place that holds flows."""

    strict: bool
    """Whether faults found by checks keep flows from being used. A published flow was checked
    when it was published; if the world has changed since, it goes on with a warning."""

    async def current(self) -> list[Stored]:
        """Return the flows of all aliases. Raises FlowInvalid for files that cannot be read."""

    async def pinned(self) -> list[Stored]:
        """Return versions that flows use beside the current ones."""

    async def calendars(self) -> dict[str, Calendar]:
        """Return calendars by name. Raises FlowInvalid for files that cannot be read."""


class Folder:
    """An admin's folder: `<alias>.yaml`, without `<alias>.test.yaml`."""

    strict = True

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def current(self) -> list[Stored]:
        """See `Shelf.current`."""
        problems: list[Problem] = []
        found: list[Stored] = []
        for path in flow_files(self._folder):
            try:
                found.append(read(path))
            except FlowInvalid as error:
                problems.extend(error.problems)
        if problems:
            raise FlowInvalid(problems)
        return found

    async def pinned(self) -> list[Stored]:
        """See `Shelf.pinned`: files have no versions."""
        return []

    async def calendars(self) -> dict[str, Calendar]:
        """See `Shelf.calendars`: files beside the flows."""
        return calendars(self._folder)


class Published:
    """What was published."""

    strict = False

    def __init__(self, database: Database) -> None:
        self._database = database

    async def current(self) -> list[Stored]:
        """See `Shelf.current`."""
        versions = await published.in_use(self._database)
        return [
            _stored(one.alias, versions[one.version])
            for one in await published.aliases(self._database)
        ]

    async def pinned(self) -> list[Stored]:
        """See `Shelf.pinned`."""
        versions = await published.in_use(self._database)
        return [_stored(one.flow, one) for one in versions.values()]

    async def calendars(self) -> dict[str, Calendar]:
        """See `Shelf.calendars`: those of the floor, which queues go by, too.

        What is faulty in a row is left out of its calendar; the floor's own reader tells it.
        """
        return {
            one.name: hours.read(one.name, one.source, _ignored)
            for one in await floor.calendars(self._database)
        }


def _ignored(path: tuple[str, ...], message: str) -> None:
    """Take no note of a fault."""


def _stored(alias: str, version: published.FlowVersion) -> Stored:
    file = f"{version.flow}@{version.version}"
    return Stored(alias, version.content.encode(), file, version.uses)


def flow_files(folder: Path) -> list[Path]:
    """Return a folder's flow files. Raises FlowInvalid if there is no such folder."""
    if not folder.is_dir():
        raise FlowInvalid([Problem(str(folder), 1, 1, "there is no such folder")])
    return sorted(p for p in folder.glob("*.yaml") if not p.name.endswith(TEST_SUFFIX))


def read(path: Path) -> Stored:
    """Read a flow file. Raises FlowInvalid if it cannot be, or is not named after an alias."""
    if not re.match(NAME_PATTERN, path.stem):
        what = "a flow file is named after its alias: letters, digits, `_`, `-`"
        raise FlowInvalid([Problem(str(path), 1, 1, what)])
    return Stored(path.stem, _bytes(path), str(path))


def calendars(folder: Path) -> dict[str, Calendar]:
    """Read `<folder>/calendars/*.yaml`. Raises FlowInvalid with all faults."""
    problems: list[Problem] = []
    found: dict[str, Calendar] = {}
    for path in sorted((folder / "calendars").glob("*.yaml")):
        try:
            found[path.stem] = parse_calendar(_bytes(path), name=path.stem, file=str(path))
        except FlowInvalid as error:
            problems.extend(error.problems)
    if problems:
        raise FlowInvalid(problems)
    return found


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        raise FlowInvalid([Problem(str(path), 1, 1, f"cannot be read: {error.strerror}")]) from None
