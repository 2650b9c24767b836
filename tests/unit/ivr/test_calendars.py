"""Calendars: what a file may hold, and when it is open."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from ivr.errors import FlowInvalid
from ivr.flow.calendar_file import parse
from ivr.flow.calendars import WEEK, State

FILE = b"""\
timezone: Asia/Bangkok
week:
  mon-thu: 09:00-17:00
  fri: [09:00-12:00, 13:00-17:00]
  sat: 22:00-02:00
holidays:
  2026-11-24: A holiday
  2026-11-29: After a long night
special:
  2026-11-25: 10:00-11:00
  2026-11-26: closed
"""


def state(when: str) -> State:
    calendar = parse(FILE, name="office", file="office.yaml")
    at = datetime.fromisoformat(when).replace(tzinfo=ZoneInfo("Asia/Bangkok"))
    return calendar.at(round(at.timestamp() * 1000))


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("2026-11-23T08:59", State.CLOSED),
        ("2026-11-23T09:00", State.OPEN),
        ("2026-11-23T16:59", State.OPEN),
        ("2026-11-23T17:00", State.CLOSED),
        ("2026-11-24T10:00", State.HOLIDAY),
        ("2026-11-25T09:30", State.CLOSED),
        ("2026-11-25T10:30", State.OPEN),
        ("2026-11-26T10:00", State.CLOSED),
        ("2026-11-27T12:30", State.CLOSED),
        ("2026-11-27T13:00", State.OPEN),
        ("2026-11-22T01:59", State.OPEN),  # Saturday's night
        ("2026-11-22T02:00", State.CLOSED),
        ("2026-11-28T23:00", State.OPEN),
        ("2026-11-29T01:00", State.OPEN),  # began before the holiday
        ("2026-11-29T03:00", State.HOLIDAY),
    ],
)
def test_state(when: str, expected: State) -> None:
    assert state(when) is expected


def test_daylight_saving_moves_with_the_clock() -> None:
    calendar = parse(
        b"timezone: Europe/Berlin\nweek: {mon-sun: 09:00-10:00}\n", name="b", file="b.yaml"
    )
    for day in ("2026-01-05", "2026-07-06"):
        at = datetime.fromisoformat(f"{day}T09:30").replace(tzinfo=ZoneInfo("Europe/Berlin"))
        assert calendar.at(round(at.timestamp() * 1000)) is State.OPEN


def test_week_as_minutes() -> None:
    calendar = parse(FILE, name="office", file="office.yaml")
    opened = calendar.open_week()
    assert opened.bit_count() == 4 * 480 + 180 + 240 + 240
    assert opened >> (2 * 60) & 1  # Monday 09:00 in Bangkok is 02:00 UTC
    assert not opened >> (2 * 60 - 1) & 1
    always = parse(b"timezone: UTC\nweek: {mon-sun: 00:00-24:00}\n", name="a", file="a")
    assert always.open_week() == (1 << WEEK) - 1


def test_days_may_go_round_the_week() -> None:
    calendar = parse(b"timezone: UTC\nweek: {sat-mon: 00:00-24:00}\n", name="a", file="a")
    assert [bool(day) for day in calendar.week] == [True, False, False, False, False, True, True]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "1:1: error: the file is empty"),
        (b"- a\n", "must be a mapping"),
        (b"week: {}\n", "needs a time zone such as"),
        (b"timezone: Mars/Base\n", "1:1: error: needs a time zone"),
        (b"timezone: ../etc/passwd\n", "needs a time zone"),
        (b"timezone: UTC\nweek: {funday: 09:00-10:00}\n", "2:8: error: `funday` is no day"),
        (b"timezone: UTC\nweek: {mon: 9-10}\n", "`9-10` is no time of opening"),
        (b"timezone: UTC\nweek: {mon: 09:00-24:30}\n", "is no time of opening"),
        (b"timezone: UTC\nholidays: {christmas: x}\n", "`christmas` is no date"),
        (b"timezone: UTC\nweeks: {}\n", "a calendar has no `weeks`; did you mean `week`?"),
        (b"timezone: UTC\nweek: 5\n", "`week` must be a mapping"),
    ],
)
def test_faults_are_told_with_their_place(content: bytes, told: str) -> None:
    with pytest.raises(FlowInvalid) as wrong:
        parse(content, name="x", file="x.yaml")
    assert told in str(wrong.value)
