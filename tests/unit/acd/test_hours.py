"""Queues open and close at the right instants, and days begin at local midnight."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from stage import Stage

from acd.hours import next_midnight
from acd.router.configuration import QueueConfig
from crm.calendars import Calendar, read

HOUR = 3_600_000
DAY_MS = 24 * HOUR


def calendar(**source: object) -> Calendar:
    def wrong(keys: tuple[str, ...], what: str) -> None:
        raise AssertionError((keys, what))

    return read("office", source, wrong)


def at(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


OFFICE = calendar(
    timezone="Europe/Berlin", week={"mon-fri": "09:00-17:00"}, holidays={"2026-12-25": "Christmas"}
)


def closed(stage: Stage) -> str | None:
    found: str | None = stage.floor.status()["queues"][0]["closed"]
    return found


def told(stage: Stage, *kinds: str) -> list[tuple[int, str]]:
    return [(e.at_ms, e.kind) for e in stage.book.entries if e.kind in kinds]


def test_a_queue_opens_and_closes_on_the_minute_and_takes_whom_it_may() -> None:
    stage = Stage("", hours={"q": OFFICE}, start=at("2026-11-23T08:30:00+01:00"))
    stage.up()
    assert closed(stage) == "closed"
    early = stage.call("i1")
    assert stage.floor.exit(early) == "closed"
    stage.clock.pass_ms(30 * 60_000 - 1)
    assert closed(stage) == "closed"
    stage.clock.pass_ms(1)
    assert closed(stage) is None
    stage.call("i2")
    assert stage.line() == ["i2"]
    stage.clock.pass_ms(8 * HOUR)
    assert closed(stage) == "closed"
    assert stage.line() == ["i2"], "who waits already is served"


def test_hours_keep_to_the_clock_on_the_wall_when_it_is_put_forward() -> None:
    # In Berlin, the clock jumps from 02:00 to 03:00 on 29 March 2026.
    always = calendar(timezone="Europe/Berlin", week={"mon-sun": "09:00-17:00"})
    stage = Stage("", hours={"q": always}, start=at("2026-03-28T12:00:00+01:00"))
    stage.up()
    stage.clock.pass_ms(2 * DAY_MS)
    assert told(stage, "queue_opened", "queue_closed") == [
        (at("2026-03-28T17:00:00+01:00"), "queue_closed"),
        (at("2026-03-29T09:00:00+02:00"), "queue_opened"),
        (at("2026-03-29T17:00:00+02:00"), "queue_closed"),
        (at("2026-03-30T09:00:00+02:00"), "queue_opened"),
    ]


def test_a_holiday_closes_with_its_own_reason() -> None:
    stage = Stage("", hours={"q": OFFICE}, start=at("2026-12-25T12:00:00+01:00"))
    stage.up()
    assert closed(stage) == "holiday"


def test_a_new_configuration_opens_and_closes_at_once() -> None:
    stage = Stage("", start=at("2026-11-22T12:00:00+01:00"))  # a Sunday
    stage.up()
    assert closed(stage) is None
    stage.hours = {"q": OFFICE}
    stage.floor.configure(stage.roster())
    assert closed(stage) == "closed"
    stage.hours = {}
    stage.floor.configure(stage.roster())
    assert closed(stage) is None


def test_after_a_broken_link_the_router_is_told_again() -> None:
    stage = Stage("", hours={"q": OFFICE}, start=at("2026-11-22T12:00:00+01:00"))
    stage.up()
    stage.lost()
    stage.up()
    assert closed(stage) == "closed"


def test_who_waits_at_closing_goes_where_the_queue_says() -> None:
    stage = Stage(
        "", hours={"q": OFFICE}, start=at("2026-11-23T16:59:00+01:00"), closing_clears=True
    )
    stage.up()
    contact = stage.call("i1")
    stage.clock.pass_ms(60_000)
    assert stage.switch.summons == ["c-i1"]
    assert stage.floor.exit(contact) == "closed"


def test_days_start_at_midnight_where_the_floor_is() -> None:
    stage = Stage("", queues=(QueueConfig("r"),), start=at("2026-11-23T23:59:59+00:00"))
    stage.up()
    stage.clock.pass_ms(2 * DAY_MS)
    assert told(stage, "day_started") == [
        (at("2026-11-24T00:00:00+00:00"), "day_started"),
        (at("2026-11-25T00:00:00+00:00"), "day_started"),
    ]


@pytest.mark.parametrize(
    ("zone", "now", "then"),
    [
        ("UTC", "2026-11-23T00:00:00+00:00", "2026-11-24T00:00:00+00:00"),
        ("Asia/Bangkok", "2026-11-23T10:00:00+07:00", "2026-11-24T00:00:00+07:00"),
        ("Europe/Berlin", "2026-10-24T12:00:00+02:00", "2026-10-25T00:00:00+02:00"),
        ("Europe/Berlin", "2026-10-25T12:00:00+01:00", "2026-10-26T00:00:00+01:00"),
        # In Santiago, midnight of 6 September 2026 is skipped: the day starts at 01:00.
        ("America/Santiago", "2026-09-05T12:00:00-04:00", "2026-09-06T01:00:00-03:00"),
    ],
)
def test_the_next_midnight(zone: str, now: str, then: str) -> None:
    assert next_midnight(at(now), ZoneInfo(zone)) == at(then)
