"""Agents, customers and calls of callbacks on the stage."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from calling_stage import NUMBER, CallingStage

from acd.callbacks import Policy
from acd.callbacks.words import Choice, Outcome, Stage
from pbx.port import (
    CallEnded,
    Caller,
    CallSnapshot,
    CallState,
    Cause,
    FloorSnapshot,
    LegSnapshot,
)

PLAIN = Policy(retry=dict.fromkeys(Outcome, ()))


@dataclass
class Lent:
    """A customer's call while it is lent."""

    id: str
    carried: dict[str, str] = field(default_factory=dict)


def stage_of(policy: Policy | None = None, *rows: Any, **more: Any) -> CallingStage:
    stage = CallingStage(policy=policy, **more)
    stage.starts(*rows)
    stage.up()
    return stage


def held(stage: CallingStage) -> str:
    """The agent of the newest offer has picked up, and heard what it is about."""
    offer = stage.switch.reserved[-1][0]
    stage.floor.callbacks.agents.ready(offer)
    return offer


def picks_up(stage: CallingStage, *, machine: bool = False) -> Stage | None:
    call = Lent(stage.switch.dials[-1][0])
    return stage.floor.callbacks.calls.picked_up(call, machine=machine)  # type: ignore[arg-type]


def ends(stage: CallingStage, cause: Cause) -> None:
    stage.floor.event(CallEnded(stage.switch.dials[-1][0], cause, by_caller=False))


def listed(fence: int, state: CallState, legs: list[LegSnapshot] | None = None) -> FloorSnapshot:
    carried = {
        "interaction": "i-one", "queue": "q", "entered": "900000",
        "callback": "one", "fence": str(fence), "number": NUMBER,
    }  # fmt: skip
    # What the PBX tells of who calls is what the customer is shown: the house's number.
    call = CallSnapshot(f"callback-one-{fence}", state, Caller(HOUSE), carried)
    return FloorSnapshot((call,), tuple(legs or ()), frozenset({"pa"}))


def leg(offer: str = "e9.1.1", *, answered: bool = True) -> LegSnapshot:
    carried = {"interaction": "i-one", "queue": "q", "callback": "one", "reserved": "yes"}
    return LegSnapshot(offer, "pa", answered, carried)


FIRST = Policy(agent_first=False, retry=dict.fromkeys(Outcome, ()))

CALL = "callback-one-1"
HOUSE = "+14155550100"


def holding() -> CallingStage:
    """A customer has been called, wants to talk, and waits; an agent's phone rings."""
    stage = stage_of(FIRST)
    stage.promised(stage.row("one"))
    stage.clock.pass_ms(1_000)
    assert picks_up(stage) is Stage.ASKING
    assert stage.floor.callbacks.calls.chose(CALL, Choice.TALK) is Stage.HOLDING
    stage.floor.callbacks.calls.waits(CALL)
    assert stage.switch.held == [stage.last_ring()[0]]
    return stage
