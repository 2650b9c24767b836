"""How a queue's callbacks are made, as a routing file says it: read, compared, refused."""

from __future__ import annotations

import pytest

from acd.callbacks.policy import FIELDS, Policy, of_queues, read
from acd.policy.faults import Faults
from crm import floor
from crm.database import Database
from crm.records import Floor, Queue
from ivr.flow import document
from sala.errors import UserError
from sala.routing import changing
from sala.routing.file import parse

WAS = Floor(1, queues=(Queue("sales", callback={"attempts": "5", "ring": "30s"}), Queue("tax")))


def laid(content: str) -> changing.Change:
    file = parse(f"version: 1\nqueues:\n  sales:\n    callback: {content}\n".encode(), "r.yaml")
    return changing.plan(WAS, file.onto, file.wrong)


def test_the_defaults_that_are_told_are_the_defaults() -> None:
    faults = Faults()
    told = {
        name: document.parse(f"{text}".encode(), "d").value for name, (text, _) in FIELDS.items()
    }
    assert read({name: one for name, one in told.items() if one}, faults) == Policy()
    assert not faults.found


def test_what_changes_is_told_field_by_field() -> None:
    made = laid("{attempts: 4, retry: {busy: [5m]}, timezone: Asia/Bangkok}")
    assert made.lines == [
        "~ queue sales",
        "    callback: - ring, attempts 5 → 4, + retry {busy: [5m]}, + timezone Asia/Bangkok",
    ]
    policy = of_queues(made.wanted.queues, Faults())["sales"]
    assert (policy.attempts, policy.ring_ms, policy.calling.timezone) == (4, 25_000, "Asia/Bangkok")


WRONG = {
    "first": "both", "ring": "1s", "ask": "maybe", "answer_within": "1h", "attempts": "0",
    "retry": "{bussy: [5m]}", "machine": "shout", "expires": "1s", "later": "1s", "at_once": "0",
    "calling": "{someday: 09:00-10:00}", "timezone": "Mars/Base", "after_abandon": "2h",
    "rescue": "perhaps", "slot": "1m", "slot_takes": "0", "book_ahead": "1m", "owner_wait": "x",
    "caller_id": "me", "whisper": "../x", "screen": "x" * 41, "key": "12", "offer_over": "1s",
}  # fmt: skip


def test_each_field_can_be_wrong() -> None:
    assert WRONG.keys() == FIELDS.keys()


@pytest.mark.parametrize("field", sorted(WRONG))
def test_a_wrong_field_is_told_with_file_and_line(field: str) -> None:
    with pytest.raises(UserError) as wrong:
        laid(f"\n      {field}: {WRONG[field]}")
    line = str(wrong.value).splitlines()[0]
    assert line.startswith("r.yaml:5:"), line
    assert f"queue sales, callback, {field}" in line


def test_faults_of_all_fields_are_told_at_once_and_the_nearest_word() -> None:
    with pytest.raises(UserError) as wrong:
        laid("{atempts: 3, ring: 1s, at_once: x}")
    lines = str(wrong.value).splitlines()
    assert len(lines) == 4
    assert "did you mean 'attempts'" in lines[0]
    with pytest.raises(UserError, match="a mapping of fields is needed"):
        laid("often")


async def test_a_change_is_stored_with_a_new_version_and_taken_away_again(
    database: Database,
) -> None:
    await floor.put_queue(database, Queue("sales"))
    before = await floor.version(database)
    await floor.put_queue(database, Queue("sales", callback={"attempts": "5"}))
    stored = await floor.load(database)
    assert stored.version == before + 1
    assert stored.queues[0].callback == {"attempts": "5"}
    await floor.put_queue(database, Queue("sales"))
    stored = await floor.load(database)
    assert (stored.version, stored.queues[0].callback) == (before + 2, {})
