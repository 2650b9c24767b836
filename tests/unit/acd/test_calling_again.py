"""What is left behind by attempts, and by a link that went and came back: nothing."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from calling_stage import CallingStage
from test_calling_back import Lent

from acd.callbacks import Policy
from acd.callbacks.words import Stage
from pbx.port import CallEnded, Cause, FloorSnapshot, LegConnected

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
