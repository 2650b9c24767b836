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
from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneNumber, timezone
from phonenumbers.tzdata import TIMEZONE_DATA, TIMEZONE_LONGEST_PREFIX

from crm.calendars import Calendar, State

_MOST_ZONES = 8
_LOOKS = 64
_KNOWN = 4096
_BUCKET_MS = 6 * 3_600_000
_FAR_MS = 400 * 24 * 3_600_000
"""How far ahead calendars look; an answer that never changes holds for so long."""


@lru_cache(maxsize=16_384)
def zones(number: str) -> tuple[str, ...]:
    """Return the time zones of a number in E.164; none if they are not known, or too many.

    They are those of `phonenumbers.timezone.time_zones_for_number`, for numbers that are valid, as
    the dialling gate has them. Most countries lie in one zone, which is told by the code alone;
    elsewhere a number that belongs to no place (a mobile, in most countries) has all of its
    country's, and its kind must be found out. Ten thousand at a start are to take no seconds.
    """
    code = _code(number)
    if code == 0:
        return ()
    whole, own = _of_prefix(str(code)), _of_prefix(number[1 : 1 + TIMEZONE_LONGEST_PREFIX])
    return own if own == whole or _has_place(number, code) else whole


def _code(number: str) -> int:
    """Return the country code of a number in E.164; 0 if it has none, or is no such number."""
    digits = number[1:]
    if number[:1] == "+" and digits.isascii() and digits.isdigit() and len(digits) <= 15:
        for length in (1, 2, 3):
            code = int(digits[:length] or "0")
            if code in COUNTRY_CODE_TO_REGION_CODE and len(digits) > length:
                return code
    return 0


@lru_cache(maxsize=16_384)
def _of_prefix(digits: str) -> tuple[str, ...]:
    """Return the zones of the longest prefix that is known, as `zones` does."""
    for length in range(len(digits), 0, -1):
        if (found := TIMEZONE_DATA.get(digits[:length])) is not None:
            return tuple(map(str, filter(_there, found))) if len(found) <= _MOST_ZONES else ()
    return ()


def _has_place(number: str, code: int) -> bool:
    """Tell whether a number belongs to a place within its country."""
    national = number[1 + len(str(code)) :]
    zeros = len(national) - len(national.lstrip("0"))
    parsed = PhoneNumber(
        country_code=code,
        national_number=int(national),
        italian_leading_zero=True if zeros else None,
        number_of_leading_zeros=zeros if zeros > 1 else None,
    )
    return bool(phonenumbers.is_number_geographical(parsed))


@lru_cache(maxsize=1_024)
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
