"""A calendar file's bytes → `Calendar`, or every fault in it with its place."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from ivr.errors import FlowInvalid
from ivr.flow import document
from ivr.flow.calendars import DAY, DAYS, Calendar, Range
from ivr.flow.document import Document, Path
from ivr.flow.problems import Problem, excerpt, nearest

_FIELDS = ("timezone", "week", "holidays", "special")
_RANGE = re.compile(r"([01]\d|2[0-3]):([0-5]\d)\s*-\s*([01]\d|2[0-4]):([0-5]\d)", re.ASCII)


def parse(content: bytes, *, name: str, file: str) -> Calendar:
    """Read a calendar. Raises FlowInvalid with all faults."""
    source = document.parse(content, file)
    reader = _Reader(source, file)
    calendar = None if source.problems else reader.calendar(name)
    problems = [*source.problems, *reader.problems]
    if problems or calendar is None:
        raise FlowInvalid(sorted(problems, key=lambda p: (p.line, p.column)))
    return calendar


class _Reader:
    def __init__(self, source: Document, file: str) -> None:
        self._source = source
        self._file = file
        self.problems: list[Problem] = []

    def calendar(self, name: str) -> Calendar | None:
        value = self._source.value
        if not isinstance(value, dict):
            self._wrong((), "must be a mapping with `timezone` and `week`")
            return None
        for key in value:
            if key not in _FIELDS:
                self._wrong((key,), f"a calendar has no `{excerpt(key)}`{nearest(key, _FIELDS)}")
        zone = value.get("timezone")
        try:
            ZoneInfo(str(zone or ""))
        except (LookupError, ValueError, OSError):
            self._wrong(("timezone",), "needs a time zone such as Asia/Bangkok")
        week: list[tuple[Range, ...]] = [()] * 7
        for key, ranges in self._mapping(value, "week"):
            days = self._days(("week", key), key)
            read = tuple(self._ranges(("week", key), ranges))
            for weekday in days:
                week[weekday] = read
        holidays = {
            day: str(what or "")
            for key, what in self._mapping(value, "holidays")
            if (day := self._date(("holidays", key), key))
        }
        special = {
            day: tuple(self._ranges(("special", key), ranges))
            for key, ranges in self._mapping(value, "special")
            if (day := self._date(("special", key), key))
        }
        return Calendar(name, str(zone), tuple(week), holidays, special)

    def _mapping(self, value: dict[str, Any], field: str) -> list[tuple[str, Any]]:
        found = value.get(field)
        if found is None:
            return []
        if not isinstance(found, dict):
            self._wrong((field,), f"`{field}` must be a mapping")
            return []
        return list(found.items())

    def _days(self, path: Path, key: str) -> list[int]:
        first, dash, last = key.lower().partition("-")
        if first not in DAYS or (dash and last not in DAYS):
            self._wrong(path, f"`{excerpt(key)}` is no day: write mon, tue … or mon-fri")
            return []
        begin, end = DAYS.index(first), DAYS.index(last) if dash else DAYS.index(first)
        return [day % 7 for day in range(begin, end + 1 if end >= begin else end + 8)]

    def _ranges(self, path: Path, value: Any) -> Iterator[Range]:
        for one in value if isinstance(value, list) else [value]:
            if one is None or one == "closed":
                continue
            found = _RANGE.fullmatch(str(one))
            if found is None or (found[3] == "24" and found[4] != "00"):
                self._wrong(path, f"`{excerpt(one)}` is no time of opening, such as 09:00-17:30")
                continue
            first = int(found[1]) * 60 + int(found[2])
            last = int(found[3]) * 60 + int(found[4])
            yield first, last if last > first else last + DAY

    def _date(self, path: Path, key: str) -> date | None:
        try:
            return date.fromisoformat(key)
        except ValueError:
            self._wrong(path, f"`{excerpt(key)}` is no date, such as 2026-12-31")
            return None

    def _wrong(self, path: Path, message: str) -> None:
        place = self._source.keys.get(path) or self._source.values.get(path) or (1, 1)
        self.problems.append(Problem(self._file, *place, message))
