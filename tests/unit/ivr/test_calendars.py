"""Calendars: what a file may hold, and when it is open."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings, strategies as st

from crm.calendars import WEEK, State, read
from ivr.errors import FlowInvalid
from ivr.flow.calendar_file import parse

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


@pytest.mark.parametrize(
    ("now", "then"),
    [
        ("2026-11-23T08:59", "2026-11-23T09:00"),
        ("2026-11-23T09:00", "2026-11-23T17:00"),
        ("2026-11-23T17:00", "2026-11-25T10:00"),  # over the holiday, to the special hours
        ("2026-11-25T10:30", "2026-11-25T11:00"),
        ("2026-11-28T23:00", "2026-11-29T02:00"),
        ("2026-11-27T12:00", "2026-11-27T13:00"),
    ],
)
def test_next_change(now: str, then: str) -> None:
    calendar = parse(FILE, name="office", file="office.yaml")
    zone = ZoneInfo("Asia/Bangkok")
    at, expected = (
        round(datetime.fromisoformat(when).replace(tzinfo=zone).timestamp() * 1000)
        for when in (now, then)
    )
    assert calendar.changes(at) == expected


def test_what_is_always_open_or_closed_never_changes() -> None:
    for week in (b"{mon-sun: 00:00-24:00}", b"{}"):
        calendar = parse(b"timezone: Europe/Berlin\nweek: " + week, name="a", file="a")
        assert calendar.changes(1_700_000_000_000) is None


MINUTE = 60_000
ZONES = ("Europe/Berlin", "America/Havana", "Australia/Lord_Howe", "America/Santiago", "UTC")
"""With switches of an hour by night, at midnight, of half an hour, and none."""
spans = st.tuples(st.integers(0, 23), st.integers(0, 59), st.integers(0, 24)).map(
    lambda t: f"{t[0]:02}:{t[1]:02}-{t[2]:02}:{0 if t[2] == 24 else t[1]:02}"
)


@settings(max_examples=60)
@given(
    st.sampled_from(ZONES),
    st.dictionaries(st.sampled_from(("mon-fri", "sat", "sun", "mon-sun")), spans, max_size=3),
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)),
)
def test_changes_agrees_with_every_minute(zone: str, week: dict[str, str], start: datetime) -> None:
    calendar = read("x", {"timezone": zone, "week": week}, lambda path, what: None)
    now = round(start.replace(tzinfo=UTC).timestamp() * 1000) // MINUTE * MINUTE
    opened = calendar.at(now) is State.OPEN
    minutes = range(now + MINUTE, now + 3 * 24 * 60 * MINUTE, MINUTE)
    first = next((at for at in minutes if (calendar.at(at) is State.OPEN) is not opened), None)
    found = calendar.changes(now)
    if first is None:
        assert found is None or found >= minutes[-1]
    else:
        assert found == first


PUBLIC = b"""\
timezone: Asia/Bangkok
week: {mon-sun: 09:00-17:00}
public_holidays: TH
holidays: {2027-04-20: Company outing}
special: {2027-04-14: 10:00-11:00}
"""


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("2027-04-12T10:00", State.OPEN),
        ("2027-04-13T10:00", State.HOLIDAY),  # Songkran
        ("2027-04-14T10:30", State.OPEN),  # Songkran too, but with hours of its own
        ("2027-04-14T12:00", State.CLOSED),
        ("2027-04-20T10:00", State.HOLIDAY),
    ],
)
def test_public_holidays_are_kept(when: str, expected: State) -> None:
    calendar = parse(PUBLIC, name="office", file="office.yaml")
    at = datetime.fromisoformat(when).replace(tzinfo=ZoneInfo("Asia/Bangkok"))
    assert calendar.at(round(at.timestamp() * 1000)) is expected


def test_what_changes_next_knows_public_holidays() -> None:
    calendar = parse(PUBLIC, name="office", file="office.yaml")
    zone = ZoneInfo("Asia/Bangkok")
    evening = datetime(2027, 4, 12, 18, tzinfo=zone)
    opens = calendar.changes(round(evening.timestamp() * 1000))
    assert opens == round(datetime(2027, 4, 14, 10, tzinfo=zone).timestamp() * 1000)


def test_public_holidays_of_parts_and_of_several() -> None:
    calendar = parse(
        b"timezone: Europe/Berlin\nweek: {mon-sun: 00:00-24:00}\npublic_holidays: [DE-BY, US]\n",
        name="b",
        file="b.yaml",
    )
    assert calendar.holiday(date(2027, 1, 6)) == "Epiphany"
    assert calendar.holiday(date(2027, 7, 5))  # the fourth of July falls on a Sunday
    assert calendar.holiday(date(2027, 7, 6)) is None


@pytest.mark.parametrize("region", ["XX", "DE-ZZ", "th", "TH/../..", "[TH, 5]"])
def test_public_holidays_that_are_not_known(region: str) -> None:
    content = f"timezone: UTC\nweek: {{}}\npublic_holidays: {region}\n".encode()
    with pytest.raises(FlowInvalid, match=r"3:\d+.*no country or part of one"):
        parse(content, name="b", file="b.yaml")
