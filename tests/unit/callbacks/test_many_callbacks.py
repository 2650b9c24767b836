"""Ten thousand callbacks hold up nobody: what concerns all of them is done a few at a time."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from acd.callbacks import Book, Policy, events as cb
from acd.router.events import QueueConfig
from crm import callbacks
from crm.calendars import DAYS, Calendar
from crm.records import Callback

NOON = round(datetime(2026, 7, 1, 17, tzinfo=UTC).timestamp() * 1000)
PLAIN = replace(Policy(), calling=Calendar("always", "UTC", (((0, 24 * 60),),) * len(DAYS)))
FIRST = replace(PLAIN, agent_first=False)
QUEUES = {"q": QueueConfig("q"), "other": QueueConfig("other")}
COUNT = 1_000
MOST = 100


def row(at: int, queue: str = "q") -> Callback:
    return Callback(
        f"{queue}-{at}", f"+1415555{at:04d}", NOON - at, "flow", queue, None, due_ms=NOON - at
    )


def book_of(*queues: str) -> Book:
    book = Book()
    book.handle(cb.Configured(dict.fromkeys(QUEUES, PLAIN), QUEUES), NOON)
    for queue in queues:
        for at in range(COUNT):
            book.handle(cb.Known(row(at, queue)), NOON)
    return book


def test_a_policy_that_changes_is_taken_in_a_few_callbacks_at_a_time() -> None:
    book = book_of("q")
    decided = [book.handle(cb.Configured({"q": FIRST, "other": PLAIN}, QUEUES), NOON)]
    # Meanwhile other things happen.
    decided.append(book.handle(cb.Cancelled("q-0", "customer"), NOON))
    while book.deadline is not None and book.deadline <= NOON:
        decided.append(book.handle(cb.TimePassed(), NOON))
    left = [one for turn in decided for one in turn if isinstance(one, cb.Leave)]
    assert len(left) == COUNT
    assert max(len(turn) for turn in decided) <= MOST + 2
    assert book.in_line() == []
    assert book.any_ready


def test_what_did_not_change_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    book = book_of("q", "other")
    touched: list[str] = []
    deadline = book.deadline
    know = Book._know

    def noted(self: Book, record: Callback, now: int, **more: Any) -> None:
        touched.append(record.id)
        know(self, record, now, **more)

    monkeypatch.setattr(Book, "_know", noted)
    book.handle(cb.Configured({name: replace(PLAIN) for name in QUEUES}, dict(QUEUES)), NOON)
    assert (touched, book.deadline) == ([], deadline)
    changed = {**QUEUES, "other": QueueConfig("other", tiers=(("vip", 5_000),))}
    book.handle(cb.Configured(dict.fromkeys(QUEUES, PLAIN), changed), NOON)
    while book.deadline is not None and book.deadline <= NOON:
        book.handle(cb.TimePassed(), NOON)
    assert sorted(touched) == sorted(f"other-{at}" for at in range(COUNT))


def test_a_queue_that_calls_agents_first_now_dials_nobody_whose_agent_is_only_expected() -> None:
    book = Book()
    book.handle(cb.Configured({"q": FIRST}, QUEUES), NOON)
    for at in range(COUNT):
        book.handle(cb.Known(row(at)), NOON)
    decided = book.handle(cb.Configured({"q": PLAIN}, QUEUES), NOON)
    decided += book.handle(cb.Expected(tuple(f"q-{at}" for at in range(COUNT))), NOON)
    assert not any(isinstance(one, cb.Claim) for one in decided)


class Rows:
    """A database that has all rows at hand."""

    async def rows(self, _query: str, *_values: Any) -> list[dict[str, Any]]:
        kept = '{"interaction": "0192", "queue": "q", "entered": 1}'
        return [
            {"id": str(n), "number": "+1", "requested_ms": n, "source": "flow", "place": kept,
             "phones": []}
            for n in range(COUNT)
        ]  # fmt: skip


async def test_rows_are_read_with_others_at_work_meanwhile() -> None:
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(other())
    found = await callbacks.waiting(Rows())  # type: ignore[arg-type]
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    assert len(found) == COUNT
    assert turns >= COUNT // MOST
