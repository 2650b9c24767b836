"""The shell of callbacks: what it makes of the book's decisions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from calling_scene import CALL, FIRST, PLAIN, ends, held, listed, picks_up, stage_of
from calling_stage import NUMBER, CallingStage
from stage import WRAP_UP_MS

from acd.callbacks.events import Finish
from acd.callbacks.words import Outcome, Stage
from acd.contacts import Contact
from acd.gate import Refusal
from acd.router.events import Arrived
from acd.router.recipes import Staffing
from crm.calendars import Calendar
from pbx.port import (
    CallEnded,
    Caller,
    CallState,
    Cause,
    LegConnected,
)


def test_from_the_line_to_the_talk() -> None:
    stage = stage_of()
    stage.promised(stage.row("one", 60_000))
    assert stage.switch.reserved == [("e0.1.1", "pa", NUMBER)]
    offer = held(stage)
    assert stage.switch.dials == [("callback-one-1", NUMBER)]
    assert stage.presence("a")[0] == "ringing"
    assert picks_up(stage) is Stage.CONNECTING
    assert stage.switch.connects == []
    stage.floor.callbacks.calls.waits("callback-one-1")
    assert stage.switch.connects == [(offer, "callback-one-1")]
    assert stage.shelf.seals == [("one", 1)]
    stage.floor.event(LegConnected(offer, "callback-one-1"))
    assert stage.presence("a")[0] == "on_contact"
    (result,) = stage.shelf.results
    assert (result.outcome, result.state) == (Outcome.CONNECTED, Stage.CONNECTED)
    stage.floor.event(CallEnded("callback-one-1", Cause.NORMAL))
    stage.leg_ends(offer, answered=True)
    assert stage.presence("a")[0] == "wrap_up"
    assert stage.book.of("i-one") == [
        ("ringing", "accepted"),
        ("callback", "connected"),
        ("talk", "ended"),
        ("wrap_up", None),
    ]
    assert stage.book.interactions["i-one"].outcome == "called_back"


@pytest.mark.parametrize(
    ("cause", "outcome"),
    [
        (Cause.BUSY, Outcome.BUSY),
        (Cause.REJECTED, Outcome.BUSY),
        (Cause.NO_ANSWER, Outcome.NO_ANSWER),
        (Cause.UNREACHABLE, Outcome.NO_ANSWER),
        (Cause.UNALLOCATED, Outcome.REFUSED),
        (Cause.CONGESTION, Outcome.CONGESTION),
        (Cause.FAILED, Outcome.FAILED),
    ],
)
def test_how_a_call_ends_that_nobody_takes(cause: Cause, outcome: Outcome) -> None:
    stage = stage_of(PLAIN)
    stage.promised(stage.row("one"))
    held(stage)
    ends(stage, cause)
    (result,) = stage.shelf.results
    assert (result.outcome, result.state) == (outcome, Stage.FAILED)
    # The agent is let go and free at once; nothing of it stays.
    assert stage.switch.cancels == [stage.switch.reserved[0][0]]
    assert stage.book.of("i-one") == [("ringing", "cancelled"), ("callback", str(outcome))]
    stage.leg_ends(stage.switch.reserved[0][0], answered=True)
    assert stage.presence("a")[0] == "available"
    assert stage.line() == []


def refused(refusal: Refusal) -> tuple[CallingStage, Finish]:
    """An agent is held, and the gate refuses the call; with what came of the attempt."""
    stage = stage_of(PLAIN)
    stage.shelf.refusal = refusal
    stage.promised(stage.row("one"))
    held(stage)
    assert stage.switch.dials == []
    (result,) = stage.shelf.results
    return stage, result


def test_what_the_gate_denies_is_not_dialled() -> None:
    stage, result = refused(Refusal.DENIED)
    assert (result.outcome, result.counts, result.state) == (Outcome.BARRED, False, Stage.FAILED)
    assert stage.presence("a")[0] == "available"


def test_what_the_pbx_cannot_be_asked_for_is_not_dialled() -> None:
    stage = stage_of(PLAIN)
    stage.switch.unfit = True
    stage.promised(stage.row("one"))
    held(stage)
    (result,) = stage.shelf.results
    assert (result.outcome, result.counts, result.state) == (Outcome.BARRED, False, Stage.FAILED)


CAPS = [Refusal.AT_ONCE_CAP, Refusal.DAY_CAP, Refusal.NUMBER_CAP]


@pytest.mark.parametrize("refusal", CAPS)
def test_nobody_is_rung_while_the_caps_let_nobody_be_dialled(refusal: Refusal) -> None:
    stage = stage_of()
    stage.shelf.capped = refusal
    stage.promised(stage.row("one"))
    stage.clock.pass_ms(6 * 3_600_000)
    assert (stage.switch.reserved, stage.switch.dials, stage.shelf.results) == ([], [], [])
    assert stage.presence("a")[0] == "available"
    stage.shelf.capped = None
    stage.clock.pass_ms(600_000)
    assert len(stage.switch.reserved) == 1


@pytest.mark.parametrize("refusal", CAPS)
def test_an_attempt_that_caps_refuse_at_last_is_not_counted(refusal: Refusal) -> None:
    stage, result = refused(refusal)
    assert (result.outcome, result.counts, result.state) == (Outcome.CAPPED, False, Stage.WAITING)
    assert result.due is not None
    assert result.due > stage.clock.now()


def test_an_attempt_that_a_database_lets_nobody_dial_is_not_counted() -> None:
    stage = stage_of(PLAIN)
    stage.promised(stage.row("one"))
    stage.shelf.away_for_dials = True
    held(stage)
    (result,) = stage.shelf.results
    assert (result.outcome, result.counts) == (Outcome.UNDIALLED, False)
    assert result.due == stage.clock.now() + 5_000


def test_who_hangs_up_after_the_machine_was_ruled_out_has_hung_up() -> None:
    stage = stage_of(PLAIN)
    stage.promised(stage.row("one"))
    held(stage)
    picks_up(stage)
    ends(stage, Cause.NORMAL)
    assert [one.outcome for one in stage.shelf.results] == [Outcome.HUNG_UP]


def test_a_machine_is_hung_up_on() -> None:
    stage = stage_of(PLAIN)
    stage.promised(stage.row("one"))
    held(stage)
    assert picks_up(stage, machine=True) is Stage.HANGING_UP
    assert stage.switch.given_up == ["callback-one-1"]
    ends(stage, Cause.NORMAL)
    assert [one.outcome for one in stage.shelf.results] == [Outcome.MACHINE]


def test_an_agent_who_hangs_up_on_the_whisper_has_declined() -> None:
    stage = stage_of()
    stage.promised(stage.row("one"))
    offer = stage.switch.reserved[0][0]
    stage.answers(offer, "", connected=False)
    stage.leg_ends(offer, answered=True)
    assert (stage.switch.dials, stage.presence("a")) == ([], ("paused", "declined"))
    assert stage.book.of("i-one") == [("ringing", "declined")]


def test_an_agent_who_hangs_up_while_the_customers_phone_rings_has_left() -> None:
    stage = stage_of(agents="ab")
    stage.promised(stage.row("one"))
    offer, address, _ = stage.switch.reserved[0]
    held(stage)
    stage.leg_ends(offer, answered=True)
    # The customer's phone is let be; after a pause the next agent has the same callback.
    assert stage.switch.given_up == ["callback-one-1"]
    ends(stage, Cause.NORMAL)
    assert [(one.outcome, one.counts) for one in stage.shelf.results] == [(Outcome.GIVEN_UP, True)]
    assert stage.presence(address[1:]) == ("paused", "left")
    assert stage.book.of("i-one")[:2] == [("ringing", "left"), ("callback", "given_up")]
    stage.clock.pass_ms(60_000)
    assert [one[1] for one in stage.switch.reserved[1:]] == ["pb" if address == "pa" else "pa"]


def test_nobody_is_rung_while_the_database_is_away() -> None:
    stage = stage_of()
    stage.shelf.away = True
    stage.promised(stage.row("one"))
    assert stage.switch.reserved == []
    assert stage.presence("a")[0] == "available"
    stage.shelf.away = False
    stage.clock.pass_ms(5_000)
    assert len(stage.switch.reserved) == 1


def test_an_attempt_that_is_not_ours_any_more_is_given_up() -> None:
    stage = stage_of(PLAIN)
    stage.promised(stage.row("one"))
    held(stage)
    stage.shelf.lost("one", 1)
    assert stage.switch.given_up == ["callback-one-1"]
    assert [one.outcome for one in stage.shelf.results] == [Outcome.GIVEN_UP]


def test_a_caller_on_the_line_is_called_back_only_when_they_are_gone() -> None:
    stage = stage_of()
    contact = stage.call("i-one")
    stage.floor.callbacks._rows.know(stage.row("one"))
    assert stage.switch.reserved == []
    assert stage.floor.step_aside(contact)
    stage.floor.called_back(contact)
    stage.leg_ends(stage.last_ring()[0])
    stage.hangs_up("i-one")
    assert [one[2] for one in stage.switch.reserved] == [NUMBER]


def test_who_calls_again_has_the_place() -> None:
    stage = stage_of(agents="")
    stage.promised(stage.row("one", 90_000))
    stage.call("i-two")
    assert stage.line() == ["i-one", "i-two"]
    again = Contact("i-three", "c-i-three", Caller("4155550123"))
    stage.floor.opened(again)
    stage.floor.arrive(again, Arrived("i-three", "q", 0))
    assert stage.line() == ["i-three", "i-two"]
    (end,) = stage.shelf.ends
    assert (end.state, end.merged_into) == (Stage.MERGED, "i-three")


@pytest.mark.parametrize(
    "closed",
    [{"hours": {"q": Calendar("never", "UTC", ((),) * 7)}}, {"join_needs": Staffing.LOGGED_IN}],
)
def test_who_calls_again_while_nobody_is_let_in_is_called_back_all_the_same(
    closed: dict[str, Any],
) -> None:
    stage = CallingStage("", **closed)
    stage.starts()
    stage.up()
    stage.promised(stage.row("one"))
    again = Contact("i-two", "c-i-two", Caller("4155550123"))
    stage.floor.opened(again)
    stage.floor.arrive(again, Arrived("i-two", "q", 0))
    assert again.errand.exit
    assert stage.shelf.ends == []


def test_a_promise_is_taken_back_before_an_agent_rings_for_its_caller() -> None:
    stage = stage_of()
    stage.call("i-zero")
    offer, _, call = stage.last_ring()
    stage.answers(offer, call)
    stage.call("i-one")
    stage.floor.callbacks._rows.know(stage.row("one"))
    assert stage.shelf.ends == []
    stage.leg_ends(offer, answered=True)
    stage.clock.pass_ms(WRAP_UP_MS)
    (end,) = stage.shelf.ends
    assert (end.callback, end.state, end.merged_into) == ("one", Stage.MERGED, "i-one")
    assert stage.last_ring()[2] == "c-i-one"


def test_of_many_who_are_due_at_once_those_who_came_first_are_first() -> None:
    stage = stage_of(agents="ab")
    at = stage.clock.now() + 60_000
    for name, ago in (("one", 1_000), ("two", 3_000), ("three", 2_000)):
        row = replace(stage.row(name, ago), due_ms=at, number=f"+1415555020{ago // 1000}")
        stage.promised(row)
    stage.clock.pass_ms(60_000)
    assert [number[-1] for _, _, number in stage.switch.reserved] == ["3", "2"]


def test_a_customer_who_asks_before_the_floor_is_seen_keeps_their_callback() -> None:
    stage = CallingStage(policy=FIRST)
    stage.starts(stage.row("one", fence=1, holder="last"))
    floor = listed(1, CallState.WAITING)
    carried = dict(floor.calls[0].carried)
    place = Arrived("i-one", "q", 900_000)
    stage.floor.rejoin(Contact("i-one", CALL, Caller(NUMBER), carry=carried, arrival=place))
    stage.up(floor)
    assert stage.shelf.ends == []
    assert stage.shelf.holds == [("one", 1)]


@pytest.mark.parametrize("served", [True, False])
def test_a_promise_that_turns_up_late_is_not_kept_to_who_was_served(served: bool) -> None:
    stage = stage_of()
    stage.call("i-one")
    offer, _, call = stage.last_ring()
    # The database did not answer, and they were told that nothing could be promised.
    stage.floor.callbacks.incoming.doubt("i-one")
    if served:
        stage.answers(offer, call)
    stage.hangs_up("i-one")
    stage.leg_ends(offer, answered=served)
    stage.clock.pass_ms(WRAP_UP_MS)
    stage.floor.callbacks.incoming.take(stage.row("one"))
    assert len(stage.shelf.ends) == served
    assert len(stage.switch.reserved) == (not served)
