"""Callers whom an agent has served, and who are in their flow again; and who is gone meanwhile."""

from __future__ import annotations

from calling_stage import NUMBER, CallingStage
from stage import WRAP_UP_MS, Stage

from acd.partings import Parting
from pbx.port import (
    CallEnded,
    Caller,
    CallSnapshot,
    CallState,
    Cause,
    DeviceChanged,
    FloorSnapshot,
    SwitchBack,
)


def served(stage: Stage, name: str = "i1") -> list[Parting]:
    """A caller talks, and goes on in their flow when the agent has hung up."""
    parted: list[Parting] = []
    stage.floor.parted = parted.append
    contact = stage.call(name)
    offer, _, call = stage.last_ring()
    stage.answers(offer, call)
    stage.leg_ends(offer, answered=True)
    stage.floor.in_flow(contact)
    return parted


def test_who_hangs_up_behind_the_queue_has_not_abandoned_it() -> None:
    stage = Stage()
    stage.up()
    parted = served(stage)
    stage.hangs_up("i1")
    assert parted == []
    assert stage.book.interactions["i1"].ended_ms is not None


def test_who_was_served_is_not_rescued_when_the_pbx_dies() -> None:
    stage = Stage()
    stage.up()
    parted = served(stage)
    stage.lost()
    stage.floor.event(SwitchBack(FloorSnapshot(restarted=True)))
    assert parted == []


def test_nor_is_who_the_agent_has_just_left() -> None:
    stage = Stage()
    stage.up()
    parted: list[Parting] = []
    stage.floor.parted = parted.append
    stage.call("i1")
    offer, _, call = stage.last_ring()
    stage.answers(offer, call)
    stage.leg_ends(offer, answered=True)
    stage.lost()
    stage.floor.event(SwitchBack(FloorSnapshot(restarted=True)))
    assert parted == []


def test_a_new_process_does_not_take_a_caller_in_a_flow_for_one_in_line() -> None:
    stage = Stage()
    carried = {"interaction": "i1", "queue": "q", "entered": str(stage.clock.now())}
    parted: list[Parting] = []
    stage.floor.parted = parted.append
    call = CallSnapshot("c-i1", CallState.FLOW, Caller("+15550100"), carried)
    stage.up(FloorSnapshot((call,)))
    contact = stage.floor.contact("i1")
    assert contact is not None
    assert not contact.in_line
    stage.floor.event(CallEnded("c-i1", Cause.NORMAL, by_caller=True))
    assert parted == []


def test_what_is_promised_behind_the_queue_is_kept() -> None:
    stage = CallingStage("a")
    stage.starts()
    stage.up()
    served(stage, "i-one")
    stage.promised(stage.row("one"))
    stage.hangs_up("i-one")
    assert stage.shelf.ends == []
    stage.clock.pass_ms(WRAP_UP_MS)
    assert [one[2] for one in stage.switch.reserved] == [NUMBER]


def test_who_hangs_up_while_a_promise_fails_is_in_no_line() -> None:
    stage = Stage()
    stage.up(FloorSnapshot())
    contact = stage.call("i1")
    assert stage.floor.step_aside(contact)
    stage.hangs_up("i1")
    stage.floor.step_back(contact)
    assert stage.line() == []
    stage.floor.event(DeviceChanged("pa", True))
    stage.clock.pass_ms(60_000)
    assert stage.presence("a") == ("available", "")
