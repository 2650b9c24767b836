"""Calendars: when it is open.

    # ivr/flows/calendars/office.yaml
    timezone: Asia/Bangkok
    week:
      mon-fri: 09:00-17:30
      sat: [09:00-12:00]
    holidays:
      2026-12-31: New Year's Eve
    special:
      2026-12-24: 09:00-12:00

A range that ends at or before its start goes on into the next day; 24:00 is the end of a day.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

DAY = 24 * 60
WEEK = 7 * DAY
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

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

    def at(self, now_ms: int) -> State:
        """Return the state at an instant (milliseconds since the epoch)."""
        local = datetime.fromtimestamp(now_ms / 1000, UTC).astimezone(ZoneInfo(self.timezone))
        day, minute = local.date(), local.hour * 60 + local.minute
        before = day - timedelta(days=1)
        if before not in self.holidays and _in(self._ranges(before), minute + DAY):
            return State.OPEN
        if day in self.holidays:
            return State.HOLIDAY
        return State.OPEN if _in(self._ranges(day), minute) else State.CLOSED

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
