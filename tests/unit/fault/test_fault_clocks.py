"""When clocks are put forward and back next."""

from __future__ import annotations

from datetime import UTC, datetime

from lab.fault import clocks


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def test_the_next_changes_are_found() -> None:
    assert clocks.changes(at("2026-07-01T12:34"), forward=False) == at("2026-11-01T09:00")
    assert clocks.changes(at("2026-07-01T12:34"), forward=True) == at("2027-03-14T10:00")
    assert clocks.changes(at("2026-11-01T09:00"), forward=False) == at("2027-11-07T09:00")
