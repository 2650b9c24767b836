"""An agent whose phone is in a call with us is rung once that has ended, whatever is told of it."""

from __future__ import annotations

from stage import Stage

from acd.floor import FEATURE_MS, HUNG_UP_MS
from pbx.port import CallEnded, Cause, FloorSnapshot, SwitchBack, SwitchLost


def ended(stage: Stage, call: str) -> None:
    stage.floor.event(CallEnded(call, Cause.NORMAL, by_caller=True))


def busy() -> Stage:
    """Somebody waits for the one agent, whose phone is in a call."""
    stage = Stage()
    stage.up()
    stage.floor.on_the_phone("a", "f1")
    stage.call("i1")
    assert stage.switch.rings == []
    assert stage.presence("a")[0] == "on_contact"
    return stage


def test_who_waits_is_offered_once_the_phone_is_down() -> None:
    stage = busy()
    stage.floor.off_the_phone("a", "f1")
    assert stage.switch.rings == []
    ended(stage, "f1")
    assert stage.last_ring()[2] == "c-i1"


def test_who_hangs_up_first_is_rung_at_once() -> None:
    stage = busy()
    ended(stage, "f1")
    assert stage.last_ring()[2] == "c-i1"
    stage.floor.off_the_phone("a", "f1")
    assert stage.presence("a")[0] == "ringing"


def test_a_call_whose_end_is_told_before_its_beginning_occupies_nobody_for_long() -> None:
    stage = Stage()
    stage.up()
    ended(stage, "f1")
    stage.floor.on_the_phone("a", "f1")
    stage.floor.off_the_phone("a", "f1")
    stage.call("i1")
    stage.clock.pass_ms(HUNG_UP_MS)
    assert stage.last_ring()[2] == "c-i1"


def test_a_call_that_is_never_told_to_end_occupies_nobody_for_ever() -> None:
    stage = busy()
    stage.clock.pass_ms(FEATURE_MS)
    assert stage.last_ring()[2] == "c-i1"


def test_the_end_of_another_call_frees_nobody() -> None:
    stage = busy()
    ended(stage, "f2")
    assert stage.switch.rings == []


def test_a_second_call_of_the_same_phone_holds_the_agent_too() -> None:
    stage = busy()
    stage.floor.on_the_phone("a", "f2")
    stage.floor.off_the_phone("a", "f1")
    ended(stage, "f2")
    assert stage.switch.rings == []
    stage.clock.pass_ms(HUNG_UP_MS)
    assert stage.last_ring()[2] == "c-i1"


def test_after_the_link_was_away_nobody_is_held() -> None:
    stage = busy()
    stage.floor.event(SwitchLost("gone"))
    stage.floor.event(SwitchBack(FloorSnapshot((), (), frozenset({"pa", "pb"}))))
    assert stage.presence("a")[0] == "available"
    stage.floor.off_the_phone("a", "f1")
    assert stage.presence("a")[0] == "available"
