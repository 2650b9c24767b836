"""Which times customers are offered, and in which time zone they are told."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from crm.calendars import Calendar, State

from .calling import Calling, zones
from .policy import Policy

ABANDON = "abandon"
RESCUE = "rescue"
"""Sources of callbacks nobody asked for."""


def zone_of(policy: Policy, number: str, now: int) -> str:
    """Return the time zone in which times are told to the customer of a number in E.164.

    That is the number's. Where it may be of several, as a mobile one of Spain: the house's own if
    it is among them, else the one in the middle by its time now, so that most are told theirs.
    """
    house, there = policy.calling.timezone, zones(number)
    if house in there or not there:
        return house
    at = datetime.fromtimestamp(now / 1000, UTC)

    def ahead(zone: str) -> tuple[float, str]:
        offset = at.astimezone(ZoneInfo(zone)).utcoffset()
        return (0.0 if offset is None else offset.total_seconds()), zone

    return sorted(there, key=ahead)[len(there) // 2]


def day_began(policy: Policy, number: str, now: int) -> int:
    """Return when the customer's day began, in ms."""
    zone = ZoneInfo(zone_of(policy, number, now))
    today = datetime.fromtimestamp(now / 1000, UTC).astimezone(zone).date()
    return round(datetime.combine(today, datetime.min.time(), zone).timestamp() * 1000)


@dataclass(frozen=True, slots=True)
class Slot:
    """A time a customer may choose; `left` more fit in."""

    start: int
    end: int
    left: int


def slots(
    policy: Policy,
    hours: Calendar | None,
    number: str,
    now: int,
    staffing: Callable[[int], int],
    taken: Mapping[int, int],
    *,
    until: int,
) -> Iterator[Slot]:
    """Yield the times at which a customer can be called, soonest first, up to `until`.

    They lie within the queue's `hours` (None: always) and the customer's, on whole multiples of
    the slot's length. `staffing` tells how many callbacks a slot that begins then can take,
    `taken` how many each has already.
    """
    calling = Calling()
    start = -(-now // policy.slot_ms) * policy.slot_ms
    while start + policy.slot_ms <= until:
        end = start + policy.slot_ms
        window = calling.window(policy.calling, number, start)
        open_ = hours is None or (
            hours.at(start) is State.OPEN and (hours.changes(start) or end) >= end
        )
        left = staffing(start) - taken.get(start, 0)
        if window.allowed and window.until >= end and open_ and left > 0:
            yield Slot(start, end, left)
        start = end
