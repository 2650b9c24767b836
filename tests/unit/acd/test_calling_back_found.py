"""Callbacks after this process, or the link, was away."""

from __future__ import annotations

import pytest
from calling_scene import FIRST, PLAIN, Lent, held, leg, listed, stage_of
from calling_stage import NUMBER, CallingStage
from stage import RING_MS

from acd.callbacks import Policy
from acd.callbacks.words import Outcome, Stage
from pbx.port import (
    CallEnded,
    Caller,
    CallState,
    Cause,
    FloorSnapshot,
    LegSnapshot,
)


def test_a_call_that_rings_is_taken_up_with_the_agent_who_is_held() -> None:
    stage = CallingStage()
    stage.starts(stage.row("one", fence=3, holder="last"))
    stage.up(listed(3, CallState.DIALLED, [leg()]))
    assert stage.shelf.holds == [("one", 3)]
    assert (stage.switch.given_up, stage.switch.reserved, stage.switch.cancels) == ([], [], [])
    assert stage.presence("a")[0] == "ringing"
    call = Lent("callback-one-3")
    calls = stage.floor.callbacks.calls
    assert calls.picked_up(call, machine=False) is Stage.CONNECTING  # type: ignore[arg-type]
    calls.waits(call.id)
    assert stage.switch.connects == [("e9.1.1", "callback-one-3")]


def test_a_customer_who_waits_is_connected_at_once() -> None:
    stage = CallingStage()
    stage.starts(stage.row("one", fence=3, holder="last"))
    stage.up(listed(3, CallState.WAITING, [leg()]))
    assert stage.switch.connects == [("e9.1.1", "callback-one-3")]


@pytest.mark.parametrize("policy", [FIRST, PLAIN])
def test_a_customer_who_waits_alone_is_rung_for_as_any_caller_is(policy: Policy) -> None:
    stage = CallingStage(policy=policy)
    stage.starts(stage.row("one", fence=3, holder="last"))
    stage.up(listed(3, CallState.WAITING))
    # Nobody is to be told that they will be called: they are on the line.
    assert stage.switch.reserved == []
    offer = stage.last_ring()[0]
    assert stage.switch.held == [offer]
    # It is them whom the agent's phone shows.
    contact = stage.floor.contact("i-one")
    assert contact is not None
    assert contact.caller == Caller(NUMBER)
    stage.answers(offer, "callback-one-3", connected=False)
    assert stage.shelf.seals == [("one", 3)]
    assert stage.switch.joins == [offer]


def test_a_call_whose_agent_is_gone_is_given_up() -> None:
    stage = CallingStage()
    stage.starts(stage.row("one", fence=3, holder="last"))
    stage.up(listed(3, CallState.DIALLED))
    assert stage.switch.given_up == ["callback-one-3"]


@pytest.mark.parametrize(("fence", "holder"), [(2, "other"), (3, None)])
def test_a_call_of_a_claim_that_is_over_is_given_up(fence: int, holder: str | None) -> None:
    stage = CallingStage(agents="")
    stage.starts(stage.row("one", fence=3, holder=holder))
    stage.up(listed(fence, CallState.DIALLED))
    assert stage.switch.given_up == [f"callback-one-{fence}"]
    assert stage.shelf.holds == []


def test_who_waits_though_their_callback_has_ended_waits_on() -> None:
    stage = CallingStage(agents="")
    stage.starts()
    stage.up(listed(3, CallState.WAITING))
    assert stage.switch.given_up == []
    assert stage.line() == ["i-one"]


def test_an_agent_held_for_a_callback_that_has_ended_is_let_go() -> None:
    stage = CallingStage()
    stage.starts()
    stage.up(FloorSnapshot((), (leg(),), frozenset({"pa"})))
    assert stage.switch.cancels == ["e9.1.1"]


def test_a_talk_is_written_down_once_more() -> None:
    stage = CallingStage()
    stage.starts(stage.row("one", fence=3, holder="last"))
    talk = LegSnapshot("e9.1.1", "pa", True, {"interaction": "i-one", "queue": "q"})
    stage.up(listed(3, CallState.TALKING, [talk]))
    (result,) = stage.shelf.results
    assert (result.fence, result.outcome) == (3, Outcome.CONNECTED)
    # Its rows, of which none is in mind, are written beyond those there may be.
    assert min(seq for _, seq in stage.book.segments) == 3_001
    assert {kind for kind, _ in stage.book.of("i-one")} == {"callback", "ringing", "talk"}
    stage.floor.event(CallEnded("callback-one-3", Cause.NORMAL))
    assert stage.book.interactions["i-one"].outcome == "called_back"
    assert stage.presence("a")[0] == "on_contact"
    assert stage.switch.connects == []


def test_a_claim_without_a_call_runs_out_before_anybody_is_rung() -> None:
    stage = CallingStage()
    stage.starts(stage.row("one", fence=3, holder="last"))
    stage.shelf.left = 4_000
    stage.up()
    stage.clock.pass_ms(3_999)
    assert stage.switch.reserved == []
    stage.clock.pass_ms(1)
    assert len(stage.switch.reserved) == 1


def test_a_claim_that_has_run_out_keeps_nobody_waiting() -> None:
    stage = CallingStage()
    stage.starts(stage.row("one", fence=3, holder="last"))
    stage.up()
    assert len(stage.switch.reserved) == 1


def test_an_agent_held_for_a_claim_without_a_call_is_let_go() -> None:
    stage = CallingStage()
    stage.starts(stage.row("one", fence=3, holder="last"))
    stage.shelf.left = 4_000
    stage.up(FloorSnapshot((), (leg(),), frozenset({"pa"})))
    assert stage.switch.cancels == ["e9.1.1"]
    stage.leg_ends("e9.1.1")
    stage.clock.pass_ms(RING_MS)
    assert len(stage.switch.reserved) == 1


def test_a_call_that_went_while_the_link_was_down_counts_as_lost() -> None:
    stage = stage_of(PLAIN)
    stage.promised(stage.row("one"))
    held(stage)
    stage.lost()
    stage.up()
    assert [one.outcome for one in stage.shelf.results] == [Outcome.LOST]
