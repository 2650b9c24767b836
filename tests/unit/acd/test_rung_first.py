"""Whom a process that has just started rings for first: all at once, in the order of the line."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest
from calling_stage import CallingStage

from acd.callbacks import Policy
from acd.callbacks.book import Book
from acd.callbacks.events import Configured
from acd.calling_back.ahead import GOOD_MS
from acd.gate import Refusal
from acd.router.events import QueueConfig
from crm.records import Callback, Interaction, InteractionDetail, Segment, SegmentKind


class Starting(CallingStage):
    """A new process. What it asks the database for while calls go on has no answer yet."""

    def begins(self, *rows: Callback) -> None:
        self.starts(*rows)
        self.asked: list[Coroutine[Any, Any, None]] = []
        self.shelf.run = self.asked.append  # type: ignore[method-assign]
        asyncio.run(self.floor.callbacks.ahead())

    def close(self) -> None:
        for one in self.asked:
            one.close()


@pytest.fixture
def stage() -> Any:
    stage = Starting(agents="ab")
    yield stage
    stage.close()


def test_a_callback_is_rung_in_the_same_turn_as_the_caller_behind_it(stage: Starting) -> None:
    stage.begins(stage.row("one", ago_ms=2_000))
    stage.up(stage.snapshot({"later": stage.clock.now() - 1_000}))
    assert [address for _, address, _ in stage.switch.reserved] == ["pa"]
    assert [address for _, address, _ in stage.switch.rings] == ["pb"]
    assert stage.asked == []
    assert ("ringing", None) in stage.book.of("i-one")
    assert stage.book.interactions["i-one"].ended_ms is not None, "nobody talks yet"


def test_who_hung_up_while_no_process_was_there_is_rung_for_in_that_turn(stage: Starting) -> None:
    stage.begins(stage.row("one", ago_ms=2_000))
    call = Interaction("i-one", stage.clock.now() - 2_000, queue="q")
    wait = Segment("i-one", 7, SegmentKind.QUEUE, call.arrived_ms, "q")
    stage.ledger.resumed([InteractionDetail(call, (wait,))], stage.clock.now())
    stage.up()
    assert len(stage.switch.reserved) == 1
    assert stage.asked == []
    # Their wait is over, and the agent's ringing follows it in the rows.
    assert stage.book.of("i-one") == [("queue", "failed"), ("ringing", None)]
    assert [seq for _, seq in sorted(stage.book.segments)] == [7, 8]


def test_what_was_read_long_ago_is_read_anew(stage: Starting) -> None:
    stage.begins(stage.row("one"))
    stage.clock.pass_ms(GOOD_MS)
    stage.up()
    assert (len(stage.asked), stage.switch.reserved) == (1, [])


def test_who_comes_after_the_first_turn_is_read_when_their_turn_comes(stage: Starting) -> None:
    stage.begins()
    stage.up()
    stage.promised(stage.row("one"))
    assert (len(stage.asked), stage.switch.reserved) == (1, [])


def test_whom_the_caps_do_not_allow_now_is_asked_about_again(stage: Starting) -> None:
    stage.starts(stage.row("one"))
    stage.asked = []
    stage.shelf.run = stage.asked.append  # type: ignore[method-assign]
    stage.shelf.capped = Refusal.DAY_CAP
    asyncio.run(stage.floor.callbacks.ahead())
    stage.up()
    assert (len(stage.asked), stage.switch.reserved) == (1, [])


def test_a_database_that_is_away_at_the_start_is_asked_later(stage: Starting) -> None:
    stage.starts(stage.row("one"))
    stage.asked = []
    stage.shelf.run = stage.asked.append  # type: ignore[method-assign]
    stage.shelf.away = True
    asyncio.run(stage.floor.callbacks.ahead())
    stage.up()
    assert (len(stage.asked), stage.switch.reserved) == (1, [])


def test_who_is_first_goes_by_the_key_of_the_line() -> None:
    book, now = Book(), 1_000_000
    customers_first, hurried = Policy(agent_first=False), QueueConfig("vip", tiers=(("gold", 500),))
    book.handle(Configured({"care": customers_first}, {"vip": hurried}), now)

    def row(name: str, queue: str | None, asked: int, **more: Any) -> Callback:
        return Callback(name, "+14155550123", asked, "flow", queue, f"i-{name}", **more)

    def place(queue: str, entered: int, **more: Any) -> dict[str, Any]:
        return {"interaction": "i", "queue": queue, "entered": entered, **more}

    rows = [
        row("second", "sales", 200),
        row("third", "sales", 250),
        row("first", "vip", 600, place=place("vip", 600, tier="gold")),
        row("later", "sales", 10, due_ms=now + 1),
        row("no queue", None, 10),
        row("customer first", "care", 10),
        row("own agent", "care", 300, owner="a"),
    ]
    assert [one.id for one in book.first(rows, now, 9)] == ["first", "second", "third", "own agent"]
    assert [one.id for one in book.first(rows, now, 2)] == ["first", "second"]
