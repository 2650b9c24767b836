"""When a callback's turn comes, and when it does not: hours, order, the last attempt, the end."""

from __future__ import annotations

from dataclasses import replace

import pytest
from callback_scene import NOON, PLAIN, floor, presence

from acd.callbacks import events as cb
from acd.callbacks.policy import HOUR, MINUTE, Policy
from acd.callbacks.words import Outcome, Stage
from acd.router.events import QueueConfig

BY_DAY = Policy(agent_first=True)
"""Callable from nine to twenty, which ends seven hours after `NOON` in New York."""
CLOSES = 7 * HOUR
FIRST = replace(PLAIN, agent_first=False)


def test_who_may_not_be_called_any_more_leaves_the_line_until_they_may() -> None:
    here = floor(BY_DAY, agents=0)
    here.promise("cb")
    here.pass_time(CLOSES - 1)
    assert here.book.stage("cb") is Stage.WAITING
    here.pass_time(1)
    assert (here.book.stage("cb"), here.router.interaction("cb")) == (Stage.SCHEDULED, None)
    here.pass_time(13 * HOUR)
    assert here.book.stage("cb") is Stage.WAITING


def test_nobody_is_dialled_whose_hours_end_while_the_attempt_is_claimed() -> None:
    here = floor(BY_DAY)
    here.promise("cb")
    here.answer(next(iter(here.offers)))
    here.pass_time(CLOSES)
    here.claim()
    row = here.rows["cb"]
    assert (row.dials, row.counted, here.at_customer) == (0, 0, {})
    assert (here.book.stage("cb"), presence(here)) == (Stage.SCHEDULED, "available")


def test_who_was_called_as_often_as_they_may_be_by_workers_that_died_is_not_called_again() -> None:
    here = floor(replace(PLAIN, attempts=2))
    here.promise("cb")
    here.answer(next(iter(here.offers)))
    here.rows["cb"].counted = 2  # as the claim tells: the last of them counts as well
    here.claim()
    row = here.rows["cb"]
    assert (row.ended, row.dials, presence(here)) == (["failed"], 0, "available")


def test_those_whose_time_comes_at_once_have_their_turn_by_their_place() -> None:
    here = floor()
    due = NOON + HOUR
    for name, ago in (("a", 1), ("b", 3), ("c", 2)):
        here.promise(name, NOON - ago * MINUTE, due_ms=due, number=f"+1212555012{ago}")
    here.pass_time(HOUR)
    assert [interaction for interaction, _ in here.offers.values()] == ["b"]


def test_where_customers_are_called_first_they_are_called_by_their_place() -> None:
    here = floor(replace(FIRST, at_once=1), agents=0)
    here.promise("later", NOON - MINUTE, due_ms=NOON - MINUTE)
    here.promise("sooner", NOON - 2 * MINUTE, due_ms=NOON, number="+12125550124")
    assert [one.id for one in here.book.to_call()[1]] == ["sooner"]


def test_it_expires_at_its_time_though_it_is_put_off_for_longer() -> None:
    here = floor()
    here.promise("cb", due_ms=NOON + 2 * HOUR, expires_ms=NOON + HOUR)
    here.pass_time(HOUR - 1)
    assert here.rows["cb"].ended == []
    here.pass_time(1)
    assert here.rows["cb"].ended == ["expired"]


@pytest.mark.parametrize("owner", [None, "a0"])
def test_who_comes_before_the_time_comes_now_but_for_what_an_agent_promised(
    owner: str | None,
) -> None:
    here = floor()
    here.promise("cb", due_ms=NOON + HOUR, owner=owner)
    here.tell(cb.CalledAgain("cb", "again"))
    assert here.rows["cb"].ended == ([] if owner else ["merged"])


def test_one_that_is_claimed_or_live_stays_what_it_is_while_its_row_changes() -> None:
    here = floor()
    here.promise("cb")
    here.answer(next(iter(here.offers)))
    for stage in (Stage.RESERVED, Stage.DIALLING):
        record = here.rows["cb"].record
        here.tell(cb.Known(replace(record, number="+12125550124", fence=here.rows["cb"].fence)))
        assert here.book.stage("cb") is stage
        here.tell(cb.Configured({"q": replace(PLAIN, attempts=9)}, {"q": QueueConfig("q")}))
        assert (here.book.stage("cb"), len(here.offers)) == (stage, 1)
        if here.claims:
            here.claim()
    here.customer("cb", Outcome.BUSY)
    assert here.book.stage("cb") is Stage.SCHEDULED


def test_who_is_called_already_is_not_called_once_more_for_another_agent() -> None:
    here = floor(FIRST, agents=0)
    here.promise("cb")
    here.promise("other", number="+12125550124")
    for _ in range(2):
        here.tell(cb.Expected(("cb",)))
        assert here.claims == ["cb"]
    here.claim()
    here.tell(cb.Expected(("cb",)))
    assert (here.claims, here.rows["cb"].dials) == ([], 1)


def test_who_is_about_to_be_called_counts_among_those_at_once() -> None:
    here = floor(replace(FIRST, at_once=2), agents=0)
    for n, name in enumerate(("one", "two", "three")):
        here.promise(name, NOON - HOUR + n, number=f"+1212555012{n}")
    here.tell(cb.Expected(("one",)))
    # The claim is not answered yet: an agent is taken all the same.
    called, ready = here.book.to_call()
    assert ([one.id for one in called], [one.id for one in ready]) == (["one"], ["two"])
    here.tell(cb.Expected(("two", "three")))
    assert here.claims == ["one", "two"]


def test_an_agents_own_is_not_called_for_any_agent_who_is_expected() -> None:
    here = floor(FIRST, agents=0)
    here.promise("own", owner="a0")
    here.promise("other", number="+12125550124")
    assert here.router.interaction("own") is not None
    here.tell(cb.Expected(("own",)))
    assert here.claims == []
