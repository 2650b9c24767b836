"""When a customer may be called: the policy's hours, in the time zones of their number.

A number of several zones (a mobile of a wide country) is called when it is a fit time in all of
them; one that belongs to none, or to so many that no such time comes, by the policy's own zone.
Zones by number are those of phonenumbers, the port of Google's libphonenumber.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from zoneinfo import ZoneInfo

import phonenumbers
from phonenumbers import timezone

from crm.calendars import Calendar, State

_MOST_ZONES = 8
_LOOKS = 64
_KNOWN = 4096
_BUCKET_MS = 6 * 3_600_000
_FAR_MS = 400 * 24 * 3_600_000
"""How far ahead calendars look; an answer that never changes holds for so long."""


@lru_cache(maxsize=16_384)
def zones(number: str) -> tuple[str, ...]:
    """Return the time zones of a number in E.164; none if they are not known, or too many."""
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return ()
    found = timezone.time_zones_for_number(parsed)
    if len(found) > _MOST_ZONES:
        return ()
    return tuple(one for one in found if _there(one))


def _there(zone: str) -> bool:
    if zone == timezone.UNKNOWN_TIMEZONE:
        return False
    try:
        ZoneInfo(zone)
    except (LookupError, ValueError, OSError):
        return False
    return True


@dataclass(frozen=True, slots=True)
class Window:
    """Whether it may be called now, and until when (ms) that stays so."""

    allowed: bool
    until: int


class Calling:
    """Answers for many numbers; what was worked out holds for all numbers of the same zones."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, tuple[str, ...], int], tuple[Calendar, int, Window]] = {}

    def window(self, hours: Calendar, number: str, now: int) -> Window:
        """Tell how it stands for a number at `now`."""
        where = zones(number)
        key = (id(hours), where, now // _BUCKET_MS)
        known = self._known.get(key)
        if known is not None and known[0] is hours and known[1] <= now < known[2].until:
            return known[2]
        found = _window(hours, where, now)
        if len(self._known) >= _KNOWN:
            self._known.clear()
        self._known[key] = (hours, now, found)
        return found

    def next(self, hours: Calendar, number: str, at: int) -> int:
        """Return the first moment from `at` on at which a number may be called."""
        window = self.window(hours, number, at)
        return at if window.allowed else window.until


def _window(hours: Calendar, where: tuple[str, ...], now: int) -> Window:
    found = _joined([replace(hours, timezone=zone) for zone in where] or [hours], now)
    if not found.allowed and found.until >= now + _FAR_MS and len(where) > 1:
        return _joined([hours], now)
    return found


def _joined(all_: list[Calendar], now: int) -> Window:
    """Join the hours of several zones: allowed while all are open."""

    def open_at(at: int) -> bool:
        return all(one.at(at) is State.OPEN for one in all_)

    allowed, at = open_at(now), now
    for _ in range(_LOOKS):
        changes = [after for one in all_ if (after := one.changes(at)) is not None]
        if not changes:
            break
        at = min(changes)
        if open_at(at) is not allowed:
            return Window(allowed, at)
    return Window(allowed, now + _FAR_MS)
