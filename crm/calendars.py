"""Calendars: when it is open, for queues and flows alike.

    timezone: Asia/Bangkok
    week:
      mon-fri: 09:00-17:30
      sat: [09:00-12:00]
    public_holidays: TH
    holidays:
      2026-12-30: Company outing
    special:
      2026-12-24: 09:00-12:00

A range that ends at or before its start goes on into the next day; 24:00 is the end of a day.
Public holidays are those of a country or one of its parts (ISO 3166: TH, DE-BY), or of several, as
the library `holidays` has them; a day with hours of its own under `special` is none of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from difflib import get_close_matches
from enum import StrEnum
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from crm.errors import UnknownRegion

DAY = 24 * 60
WEEK = 7 * DAY
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

QUIET_DAYS = 9
AHEAD_DAYS = 400
"""How far ahead a change of state is looked for: a year with its holidays."""

Range = tuple[int, int]
"""Minutes of a day, first and behind the last; the second may lie in the next day."""


class State(StrEnum):
    """What a calendar says of an instant."""

    OPEN = "open"
    CLOSED = "closed"
    HOLIDAY = "holiday"


@dataclass(frozen=True)
class Calendar:
    """Opening hours of a week, with days that are different."""

    name: str
    timezone: str
    week: tuple[tuple[Range, ...], ...]
    """For each day from Monday."""
    holidays: dict[date, str] = field(default_factory=dict)
    special: dict[date, tuple[Range, ...]] = field(default_factory=dict)
    regions: tuple[str, ...] = ()
    """Countries (`TH`) or parts of them (`DE-BY`) whose public holidays are kept."""

    def holiday(self, day: date) -> str | None:
        """Return what holiday a day is, None if it is an ordinary one."""
        if day in self.holidays:
            return self.holidays[day]
        if day in self.special:
            return None
        return next((name for one in self.regions if (name := _public(one).get(day))), None)

    def at(self, now_ms: int) -> State:
        """Return the state at an instant (milliseconds since the epoch)."""
        local = datetime.fromtimestamp(now_ms / 1000, UTC).astimezone(ZoneInfo(self.timezone))
        day, minute = local.date(), local.hour * 60 + local.minute
        before = day - timedelta(days=1)
        if self.holiday(before) is None and _in(self._ranges(before), minute + DAY):
            return State.OPEN
        if self.holiday(day) is not None:
            return State.HOLIDAY
        return State.OPEN if _in(self._ranges(day), minute) else State.CLOSED

    def changes(self, now_ms: int) -> int | None:
        """Return the first instant after `now_ms` at which it opens or closes, to the millisecond.

        None if it stays as it is for `AHEAD_DAYS`. Ends of ranges, midnights and the switches of
        daylight saving are tried in order, so this agrees with `at` whatever the zone does.
        """
        opened = self.at(now_ms) is State.OPEN
        zone = ZoneInfo(self.timezone)
        today = datetime.fromtimestamp(now_ms / 1000, UTC).astimezone(zone).date()
        quiet = 0
        for ahead in range(-1, AHEAD_DAYS):
            day = today + timedelta(days=ahead)
            quiet = 0 if self._differs(day) else quiet + 1
            if quiet > QUIET_DAYS:
                continue  # an ordinary week has passed without a change: no such day has one
            for instant in self._instants(day, zone):
                if instant > now_ms and (self.at(instant) is State.OPEN) is not opened:
                    return instant
        return None

    def _differs(self, day: date) -> bool:
        """Whether hours of their own reach into a day."""
        both = (day, day - timedelta(days=1))
        return any(one in self.special or self.holiday(one) is not None for one in both)

    def _instants(self, day: date, zone: ZoneInfo) -> list[int]:
        """Instants of a day, in order, at which the state may change."""
        minutes = {0, *(minute for ranges in self._around(day) for minute in ranges)}
        midnight = datetime(day.year, day.month, day.day)
        walls = [midnight + timedelta(minutes=m) for m in minutes if 0 <= m < DAY]
        found = {
            round(wall.replace(tzinfo=zone, fold=fold).timestamp() * 1000)
            for wall in walls
            for fold in (0, 1)
        }
        first, last = (
            round((midnight + timedelta(days=n)).replace(tzinfo=zone).timestamp()) for n in (0, 1)
        )
        if _offset(first, zone) != _offset(last, zone):
            while last - first > 1:
                middle = (first + last) // 2
                if _offset(middle, zone) == _offset(first, zone):
                    first = middle
                else:
                    last = middle
            found.add(last * 1000)
        return sorted(found)

    def _around(self, day: date) -> Iterator[Range]:
        """Yield the ranges of a day, and what of the day before reaches into it."""
        yield from self._ranges(day)
        for first, last in self._ranges(day - timedelta(days=1)):
            yield first - DAY, last - DAY

    def open_week(self) -> int:
        """Return the minutes of an ordinary week (UTC) at which it is open, as a bit mask.

        Bit 0 is Monday 00:00 UTC. The offset is that of January 2026: daylight saving moves whole
        calendars, so that two of one zone still compare rightly.
        """
        monday = datetime(2026, 1, 5, tzinfo=ZoneInfo(self.timezone))
        shift = int((monday.utcoffset() or timedelta()).total_seconds() // 60)
        return self._mask(shift)

    def _mask(self, shift: int) -> int:
        mask = 0
        for index, ranges in enumerate(self.week):
            for first, last in ranges:
                for minute in range(first, last):
                    mask |= 1 << ((index * DAY + minute - shift) % WEEK)
        return mask

    def _ranges(self, day: date) -> tuple[Range, ...]:
        return self.special.get(day, self.week[day.weekday()])


def _in(ranges: tuple[Range, ...], minute: int) -> bool:
    return any(first <= minute < last for first, last in ranges)


@cache
def _public(region: str) -> Mapping[date, str]:
    """The public holidays of a region. Raises `UnknownRegion`."""
    import holidays  # here, for it takes half a second and few floors use it

    country, _, part = region.partition("-")
    # Without a language the names would go by this process's environment.
    try:
        found: Mapping[date, str] = holidays.country_holidays(
            country, subdiv=part or None, language="en_US"
        )
    except NotImplementedError as error:  # how the library refuses a name
        raise UnknownRegion from error
    return found


def _offset(at_s: int, zone: ZoneInfo) -> timedelta | None:
    return datetime.fromtimestamp(at_s, UTC).astimezone(zone).utcoffset()


# --- reading -----------------------------------------------------------------------------------

FIELDS = ("timezone", "week", "public_holidays", "holidays", "special")
_RANGE = re.compile(r"([01]\d|2[0-3]):([0-5]\d)\s*-\s*([01]\d|2[0-4]):([0-5]\d)", re.ASCII)
_REGION = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?", re.ASCII)

Wrong = Callable[[tuple[str, ...], str], None]
"""Takes a fault: the keys that lead to its place, and what is wrong there."""


def read(name: str, value: Any, wrong: Wrong) -> Calendar:
    """Read a calendar from plain values, as JSON or YAML give them.

    Each fault is told to `wrong`; what is faulty is left out of the calendar returned.
    """
    if not isinstance(value, dict):
        wrong((), "must be a mapping with `timezone` and `week`")
        return Calendar(name, "UTC", ((),) * 7)
    for key in value:
        if key not in FIELDS:
            close = get_close_matches(str(key), FIELDS, n=1)
            hint = f"; did you mean `{close[0]}`?" if close else ""
            wrong((str(key),), f"a calendar has no `{_shown(key)}`{hint}")
    zone = str(value.get("timezone") or "")
    try:
        ZoneInfo(zone)
    except (LookupError, ValueError, OSError):
        wrong(("timezone",), "needs a time zone such as Asia/Bangkok")
        zone = "UTC"
    week: list[tuple[Range, ...]] = [()] * 7
    for key, given in _mapping(value, "week", wrong):
        ranges = tuple(_read_ranges(("week", key), given, wrong))
        for weekday in _days(("week", key), key, wrong):
            week[weekday] = ranges
    holidays = {
        day: str(what or "")
        for key, what in _mapping(value, "holidays", wrong)
        if (day := _date(("holidays", key), key, wrong))
    }
    special = {
        day: tuple(_read_ranges(("special", key), given, wrong))
        for key, given in _mapping(value, "special", wrong)
        if (day := _date(("special", key), key, wrong))
    }
    regions = tuple(_read_regions(value.get("public_holidays"), wrong))
    return Calendar(name, zone, tuple(week), holidays, special, regions)


def _mapping(value: dict[str, Any], field: str, wrong: Wrong) -> list[tuple[str, Any]]:
    found = value.get(field)
    if found is None:
        return []
    if not isinstance(found, dict):
        wrong((field,), f"`{field}` must be a mapping")
        return []
    return [(str(key), one) for key, one in found.items()]


def _days(path: tuple[str, ...], key: str, wrong: Wrong) -> list[int]:
    first, dash, last = key.lower().partition("-")
    if first not in DAYS or (dash and last not in DAYS):
        wrong(path, f"`{_shown(key)}` is no day: write mon, tue … or mon-fri")
        return []
    begin, end = DAYS.index(first), DAYS.index(last) if dash else DAYS.index(first)
    return [day % 7 for day in range(begin, end + 1 if end >= begin else end + 8)]


def _read_ranges(path: tuple[str, ...], value: Any, wrong: Wrong) -> Iterator[Range]:
    for one in value if isinstance(value, list) else [value]:
        if one is None or one == "closed":
            continue
        found = _RANGE.fullmatch(str(one))
        if found is None or (found[3] == "24" and found[4] != "00"):
            wrong(path, f"`{_shown(one)}` is no time of opening, such as 09:00-17:30")
            continue
        first = int(found[1]) * 60 + int(found[2])
        last = int(found[3]) * 60 + int(found[4])
        yield first, last if last > first else last + DAY


def _read_regions(value: Any, wrong: Wrong) -> Iterator[str]:
    for one in value if isinstance(value, list) else [value]:
        if one is None:
            continue
        region = str(one)
        try:
            if not _REGION.fullmatch(region):
                raise UnknownRegion
            _public(region)
        except UnknownRegion:
            what = "is no country or part of one whose holidays are known, such as TH or DE-BY"
            wrong(("public_holidays",), f"`{_shown(one)}` {what}")
        else:
            yield region


def _date(path: tuple[str, ...], key: str, wrong: Wrong) -> date | None:
    try:
        return date.fromisoformat(key)
    except ValueError:
        wrong(path, f"`{_shown(key)}` is no date, such as 2026-12-31")
        return None


def _shown(value: object) -> str:
    """Return a value fit for a one-line message."""
    text = "".join(c if c.isprintable() else "\ufffd" for c in str(value))
    return text if len(text) <= 40 else f"{text[:39]}…"
