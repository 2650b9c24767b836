"""What the book makes of attempts that it did not begin, and of a database that is away."""

from __future__ import annotations

from dataclasses import replace

import pytest

from acd.callbacks import Book, Policy, events as cb
from acd.callbacks.words import Outcome, Stage
from acd.router.events import QueueConfig
from crm.calendars import Calendar
from crm.records import Callback

ALWAYS = Calendar("always", "UTC", (((0, 24 * 60),),) * 7)
PLAIN = replace(Policy(), calling=ALWAYS)
NOW = 1_782_000_000_000
ROW = Callback(
    "cb", "+14155550123", NOW - 1, "flow", "q", due_ms=NOW - 1, attempts=1, fence=4, holder="last"
)


def book_of(policy: Policy = PLAIN, row: Callback = ROW) -> Book:
    book = Book()
    book.handle(cb.Configured({"q": policy}, {"q": QueueConfig("q")}), NOW)
    book.handle(cb.Known(row), NOW)
    return book


def test_an_attempt_goes_on_with_its_agent() -> None:
    book = book_of()
    assert book.handle(cb.Found("cb", 4, False, "o1", "a"), NOW) == []
    assert book.stage("cb") is Stage.DIALLING
    out = book.handle(cb.Answered("cb", 4), NOW)
    assert out == [cb.Connect("cb", 4, "o1", "a")]
    (finish,) = book.handle(cb.Talking("cb", 4), NOW)
    assert isinstance(finish, cb.Finish)
    assert (finish.fence, finish.outcome, book.known()) == (4, Outcome.CONNECTED, [])


def test_its_attempts_go_on_counting() -> None:
    book = book_of(replace(PLAIN, attempts=2))
    book.handle(cb.Found("cb", 4, False, "o1", "a"), NOW)
    finish, *_ = book.handle(cb.AttemptEnded("cb", 4, Outcome.BUSY), NOW)
    assert isinstance(finish, cb.Finish)
    assert finish.state is Stage.FAILED


def test_without_an_agent_it_is_given_up_and_counts() -> None:
    book = book_of()
    out = book.handle(cb.Found("cb", 4, False), NOW)
    assert cb.HangUp("cb", 4) in out
    finish, *_ = book.handle(cb.AttemptEnded("cb", 4, Outcome.NO_ANSWER), NOW)
    assert isinstance(finish, cb.Finish)
    assert (finish.outcome, finish.counts) == (Outcome.GIVEN_UP, True)


def test_customer_first_it_needs_no_agent() -> None:
    book = book_of(replace(PLAIN, agent_first=False))
    assert book.handle(cb.Found("cb", 4, False), NOW) == []
    assert book.stage("cb") is Stage.DIALLING
    assert book.handle(cb.Answered("cb", 4), NOW) == [cb.Ask("cb", 4)]


def test_a_customer_who_waits_already_enters_the_line() -> None:
    book = book_of(replace(PLAIN, agent_first=False))
    (enter,) = book.handle(cb.Found("cb", 4, True), NOW)
    assert isinstance(enter, cb.Enter)
    assert book.stage("cb") is Stage.HOLDING


@pytest.mark.parametrize(
    ("row", "fence"), [(ROW, 3), (replace(ROW, holder=None), 4), (replace(ROW, fence=5), 4)]
)
def test_what_is_no_live_claim_is_hung_up(row: Callback, fence: int) -> None:
    book = book_of(row=row)
    assert book.handle(cb.Found("cb", fence, False, "o1", "a"), NOW) == [cb.HangUp("cb", fence)]
    assert book.stage("cb") is Stage.WAITING


def test_found_twice_is_found_once() -> None:
    book = book_of()
    book.handle(cb.Found("cb", 4, False, "o1", "a"), NOW)
    assert book.handle(cb.Found("cb", 4, False, "o1", "a"), NOW) == []
    book.handle(cb.Answered("cb", 4), NOW)
    assert book.stage("cb") is Stage.CONNECTING
    assert book.handle(cb.Found("cb", 4, False, "o1", "a"), NOW) == []
    assert book.stage("cb") is Stage.CONNECTING


def test_of_several_agents_who_ring_the_first_has_it() -> None:
    book = book_of(row=replace(ROW, holder=None))
    assert book.handle(cb.Offered("cb", "o1", "a"), NOW) == [cb.Claim("cb")]
    assert book.handle(cb.Offered("cb", "o2", "b"), NOW) == []
    (dial,) = book.handle(cb.Claimed("cb", 5, 0), NOW)
    assert isinstance(dial, cb.Dial)
    assert dial.agent == "a"
    assert book.handle(cb.Unreserved("cb", "o2"), NOW) == []
    assert book.handle(cb.Answered("cb", 5), NOW) == [cb.Connect("cb", 5, "o1", "a")]


def test_deferred_it_is_in_no_line_for_a_while() -> None:
    book = book_of(row=replace(ROW, holder=None))
    (leave,) = book.handle(cb.Deferred("cb", 5_000), NOW)
    assert isinstance(leave, cb.Leave)
    assert (book.in_line(), book.deadline) == ([], NOW + 5_000)
    (enter,) = book.handle(cb.TimePassed(), NOW + 5_000)
    assert isinstance(enter, cb.Enter)
    assert [name for name, _ in book.in_line()] == ["cb"]


def test_callbacks_are_found_by_number_and_by_customer() -> None:
    row = replace(ROW, holder=None, customer="anna")
    book = book_of(row=row)
    assert book.of("q", None, "+14155550123") == "cb"
    assert book.of("q", "anna", "+14155559999") == "cb"
    assert book.of("other", "anna", "+14155550123") is None
    book.handle(cb.Known(replace(row, queue="other")), NOW)
    assert (book.of("q", "anna", ""), book.of("other", "anna", "")) == (None, "cb")
    book.handle(cb.Cancelled("cb", "admin"), NOW)
    assert book.of("other", "anna", "+14155550123") is None
