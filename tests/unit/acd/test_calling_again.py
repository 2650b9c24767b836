"""What is left behind by attempts, and by a link that went and came back: nothing."""

from __future__ import annotations

from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

import pytest
from calling_scene import Lent, leg, listed
from calling_stage import CallingStage

from acd.callbacks import Policy
from acd.callbacks.words import Outcome, Stage
from crm.records import Callback
from pbx.port import CallEnded, CallState, Cause, FloorSnapshot, LegConnected, LegSnapshot

CALL = "callback-one-1"


def dialled(policy: Policy | None = None, agents: str = "a") -> tuple[CallingStage, str]:
    """A stage on which a customer's phone rings; and the offer of the agent who is held."""
    stage = CallingStage(agents, policy=policy)
    stage.starts()
    stage.up()
    stage.promised(stage.row("one"))
    offer = stage.switch.reserved[-1][0]
    stage.floor.callbacks.agents.ready(offer)
    assert stage.switch.dials[-1][0] == CALL
    return stage, offer


def picks_up(stage: CallingStage) -> Stage | None:
    return stage.floor.callbacks.calls.picked_up(Lent(CALL), machine=False)  # type: ignore[arg-type]


def test_an_offer_of_before_the_link_went_is_not_rung_when_it_is_back() -> None:
    stage = CallingStage("ab")
    stage.starts()
    stage.up(FloorSnapshot(reachable=frozenset({"pa"})))
    parked: list[Coroutine[Any, Any, None]] = []
    run, stage.shelf.run = stage.shelf.run, parked.append  # type: ignore[method-assign]
    stage.promised(stage.row("one"))
    stage.lost()
    stage.shelf.run = run  # type: ignore[method-assign]
    stage.up(FloorSnapshot(reachable=frozenset({"pa", "pb"})))
    rung = list(stage.switch.reserved)
    assert len(rung) == 1
    # Only now the database has answered what was asked before.
    for work in parked:
        run(work)
    assert stage.switch.reserved == rung


def test_of_a_callback_that_was_connected_nothing_is_kept() -> None:
    stage, offer = dialled()
    picks_up(stage)
    stage.floor.callbacks.calls.waits(CALL)
    stage.floor.event(LegConnected(offer, CALL))
    stage.leg_ends(offer, answered=True)
    stage.floor.event(CallEnded(CALL, Cause.NORMAL))
    rows = stage.floor.callbacks._rows
    assert (rows.book.known(), rows._of) == ([], {})


def test_a_customer_whose_attempt_was_lost_is_called_again() -> None:
    stage, offer = dialled(Policy(ask=True))
    picks_up(stage)
    stage.floor.callbacks.calls.lost("one", 1)
    stage.leg_ends(offer, answered=True)
    stage.clock.pass_ms(3_600_000)
    rung = len(stage.switch.reserved)
    assert rung > 1
    # Only now their phone has let go of the call before.
    stage.floor.event(CallEnded(CALL, Cause.NORMAL))
    assert stage.line() == ["i-one"]
    stage.leg_ends(stage.switch.reserved[-1][0], Cause.REJECTED)
    stage.clock.pass_ms(3_600_000)
    assert len(stage.switch.reserved) > rung


# --- it is written that they talk, and then they do not ------------------------------------------


def sealed(**more: Any) -> tuple[CallingStage, str, Callback]:
    """Customer and agent are about to be connected, and the database has told of it."""
    stage, offer = dialled(**more)
    row = stage.floor.callbacks._rows.book.record("one")
    assert row is not None
    picks_up(stage)
    stage.floor.callbacks.calls.waits(CALL)
    assert stage.shelf.seals == [("one", 1)]
    row = replace(row, state="connected", fence=1, holder="us")
    stage.promised(row)
    assert stage.switch.given_up == []
    return stage, offer, row


def test_a_customer_who_goes_before_they_are_connected_is_called_again() -> None:
    stage, offer, _ = sealed()
    stage.floor.event(CallEnded(CALL, Cause.NORMAL))
    stage.leg_ends(offer, answered=True)
    (result,) = stage.shelf.results
    assert (result.outcome, result.state) == (Outcome.HUNG_UP, Stage.WAITING)
    assert result.counts
    stage.clock.pass_ms(3_600_000)
    assert len(stage.switch.reserved) > 1


def test_a_customer_whose_agent_goes_before_they_are_connected_does_not_count_as_connected() -> (
    None
):
    stage, offer, row = sealed()
    stage.leg_ends(offer, answered=True)
    assert stage.floor.callbacks._rows.book.stage("one") is Stage.HOLDING
    assert stage.shelf.unseals == [("one", 1)]
    # What the database told before that does not take the customer from the line.
    stage.promised(row)
    stage.promised(replace(row, state="waiting"))
    assert (stage.switch.given_up, stage.line()) == ([], ["i-one"])
    stage.floor.event(CallEnded(CALL, Cause.NORMAL))
    (result,) = stage.shelf.results
    assert (result.outcome, result.state) == (Outcome.HUNG_UP, Stage.WAITING)


def test_who_cannot_be_connected_in_time_is_called_again() -> None:
    stage, _, _ = sealed()
    stage.clock.pass_ms(10_000)
    assert stage.switch.given_up == [CALL]
    stage.floor.event(CallEnded(CALL, Cause.NORMAL))
    assert [(one.outcome, one.state) for one in stage.shelf.results] == [
        (Outcome.FAILED, Stage.WAITING)
    ]


@pytest.mark.parametrize("away_ms", [1_000, 60_000])
def test_who_may_have_talked_while_the_link_was_down_is_not_called_again(away_ms: int) -> None:
    stage, _, _ = sealed()
    stage.lost()
    stage.clock.pass_ms(away_ms)
    stage.up()
    assert [(one.outcome, one.state) for one in stage.shelf.results] == [
        (Outcome.CONNECTED, Stage.CONNECTED)
    ]
    stage.clock.pass_ms(6 * 3_600_000)
    assert (len(stage.switch.dials), stage.floor.callbacks._rows.book.known()) == (1, [])


@pytest.mark.parametrize("away_ms", [1_000, 60_000])
def test_who_talks_when_the_link_is_back_is_let_talk(away_ms: int) -> None:
    stage, offer, _ = sealed()
    stage.lost()
    stage.clock.pass_ms(away_ms)
    talk = LegSnapshot(offer, "pa", True, {"interaction": "i-one", "queue": "q"})
    stage.up(listed(1, CallState.TALKING, [talk]))
    stage.clock.pass_ms(60_000)
    assert stage.switch.given_up == []
    assert {(one.outcome, one.state) for one in stage.shelf.results} == {
        (Outcome.CONNECTED, Stage.CONNECTED)
    }
    assert stage.presence("a")[0] == "on_contact"


def test_a_talk_of_which_only_the_beginning_was_written_is_written_when_it_is_found() -> None:
    stage = CallingStage()
    stage.starts()  # the row is sealed: it is not among those that wait
    talk = LegSnapshot("e9.1.1", "pa", True, {"interaction": "i-one", "queue": "q"})
    stage.up(listed(3, CallState.TALKING, [talk]))
    (result,) = stage.shelf.results
    assert (result.callback, result.fence, result.outcome) == ("one", 3, Outcome.CONNECTED)
    assert stage.switch.given_up == []


def test_who_waits_still_though_it_was_written_that_they_talk_is_open_again() -> None:
    stage = CallingStage(agents="")
    row = replace(stage.row("one"), state="connected", fence=3, holder="last")
    stage.starts(row)
    stage.up(listed(3, CallState.WAITING))
    assert (stage.shelf.unseals, stage.shelf.holds) == ([("one", 3)], [("one", 3)])
    assert (stage.line(), stage.switch.given_up) == (["i-one"], [])
    stage.floor.event(CallEnded("callback-one-3", Cause.NORMAL))
    assert [(one.outcome, one.state) for one in stage.shelf.results] == [
        (Outcome.HUNG_UP, Stage.WAITING)
    ]


def test_who_waits_with_an_agent_who_is_held_is_connected_once_it_is_written_anew() -> None:
    stage = CallingStage()
    row = replace(stage.row("one"), state="connected", fence=3, holder="last")
    stage.starts(row)
    stage.up(listed(3, CallState.WAITING, [leg()]))
    assert (stage.shelf.unseals, stage.shelf.seals) == ([("one", 3)], [("one", 3)])
    assert stage.switch.connects == [("e9.1.1", "callback-one-3")]


@pytest.mark.parametrize("state", [None, CallState.TALKING])
def test_who_does_not_wait_any_more_has_talked(state: CallState | None) -> None:
    stage = CallingStage()
    row = replace(stage.row("one"), state="connected", fence=3, holder="last")
    stage.starts(row)
    stage.up(None if state is None else listed(3, state))
    stage.clock.pass_ms(3_600_000)
    assert (stage.shelf.unseals, stage.switch.reserved, stage.switch.dials) == ([], [], [])
    assert stage.floor.callbacks._rows.known() == set()


# --- a claim that may be another worker's ---------------------------------------------------------


def test_a_phone_that_rings_beyond_its_lease_is_let_be() -> None:
    stage, _ = dialled()
    stage.floor.callbacks.calls.lost("one", 1, sure=False)
    assert stage.switch.given_up == [CALL]
    assert [one.outcome for one in stage.shelf.results] == [Outcome.GIVEN_UP]


def test_a_customer_who_is_there_is_not_hung_up_on_for_a_database_that_is_away() -> None:
    stage, _ = dialled()
    picks_up(stage)
    stage.floor.callbacks.calls.lost("one", 1, sure=False)
    assert (stage.switch.given_up, stage.shelf.results) == ([], [])


def test_one_without_a_queue_expires() -> None:
    stage = CallingStage()
    stage.starts()
    stage.up()
    stage.promised(replace(stage.row("one"), queue=None))
    stage.clock.pass_ms(72 * 3_600_000)
    assert [(one.callback, one.state) for one in stage.shelf.ends] == [("one", Stage.EXPIRED)]
    assert stage.switch.reserved == []
