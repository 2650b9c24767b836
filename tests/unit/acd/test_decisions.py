"""What the floor does of the router's decisions: at the switch, in the rows, on the call."""

from __future__ import annotations

from typing import Any

import pytest
from stage import Stage

from acd.contacts import Contact
from acd.router.configuration import Step
from acd.router.criteria import Named, Skill
from acd.router.events import AgentConfig, Arrived, QueueConfig, Wanted
from acd.router.recipes import (
    Callback,
    OverflowTo,
    Recipe,
    Say,
    Staffing,
    TurnAway,
    Voicemail,
    Waited,
)
from pbx.port import Caller, Cause

R = QueueConfig("r")
LATER = (Waited(1000),)


def alone(**policy: Any) -> Stage:
    """A floor where nobody answers."""
    stage = Stage("", queues=(R,), **policy)
    stage.up()
    return stage


def turned_away(stage: Stage, name: str = "i1") -> str:
    contact = stage.floor.contact(name)
    assert contact is not None
    return stage.floor.exit(contact)


def test_an_overflow_is_written_carried_and_keeps_the_entry_time() -> None:
    stage = alone(recipes=(Recipe(LATER, (OverflowTo("r"),)),))
    entered = stage.clock.now()
    stage.call("i1", priority=5000)
    stage.clock.pass_ms(1000)
    assert stage.line(0) == []
    assert stage.line(1) == ["i1"]
    assert stage.book.of("i1") == [("queue", "overflowed"), ("queue", None)]
    carried = stage.switch.carries["c-i1"]
    assert (carried["queue"], carried["entered"]) == ("r", str(entered))
    assert (carried["began"], carried["priority"]) == (str(entered + 1000), "5000")
    stage.hangs_up("i1")
    assert stage.book.of("i1") == [("queue", "overflowed"), ("queue", "abandoned")]
    assert stage.book.interactions["i1"].queue == "r"


def test_an_overflow_on_arrival_is_in_what_the_call_is_given_to_carry() -> None:
    stage = alone(max_length=0, when_full=OverflowTo("r"))
    contact = stage.call("i1")
    assert contact.carry["queue"] == "r"
    assert stage.switch.carries == {}, "the call carries it from the start"
    assert stage.line(1) == ["i1"]


def test_what_is_decided_before_the_pbx_holds_the_call_is_made_up_for() -> None:
    stage = alone(recipes=(Recipe(LATER, (OverflowTo("r"), Say("hello"))),))
    contact = Contact("i1", "c-i1", Caller("+15550100"))
    stage.floor.opened(contact)
    carried = stage.floor.arrive(contact, Arrived("i1", "q", 0))
    stage.clock.pass_ms(1000)
    assert (stage.switch.carries, stage.switch.summons) == ({}, [])
    stage.floor.settled(contact, {**carried, "node": "sales"})
    assert stage.switch.carries["c-i1"]["queue"] == "r"
    assert stage.switch.carries["c-i1"]["node"] == "sales"


@pytest.mark.parametrize(
    ("policy", "reason"),
    [
        ({"max_wait_ms": 1000}, "max_wait"),
        ({"max_wait_ms": 1000, "when_late": Voicemail()}, "voicemail"),
        ({"recipes": (Recipe(LATER, (TurnAway("snow"),)),)}, "snow"),
    ],
)
def test_who_is_to_wait_no_more_is_summoned_and_leaves_by_the_reason(
    policy: dict[str, Any], reason: str
) -> None:
    stage = alone(**policy)
    stage.call("i1")
    stage.clock.pass_ms(999)
    assert stage.switch.summons == []
    stage.clock.pass_ms(1)
    assert stage.switch.summons == ["c-i1"]
    assert stage.line() == []
    assert stage.book.of("i1") == [("queue", "overflowed"), ("ivr", None)]
    assert turned_away(stage) == reason
    assert turned_away(stage) == "", "it is taken once"
    stage.hangs_up("i1")
    assert stage.book.interactions["i1"].outcome == "overflowed"


@pytest.mark.parametrize(
    ("policy", "reason"),
    [({"max_length": 0}, "full"), ({"join_needs": Staffing.LOGGED_IN}, "empty")],
)
def test_who_is_not_taken_is_told_so_at_once(policy: dict[str, Any], reason: str) -> None:
    stage = alone(**policy)
    contact = stage.call("i1")
    assert not contact.in_line
    assert stage.switch.summons == []
    assert turned_away(stage) == reason
    assert stage.book.of("i1") == [("queue", "overflowed"), ("ivr", None)]


def test_an_announcement_summons_and_the_caller_keeps_their_place() -> None:
    stage = alone(recipes=(Recipe(LATER, (Say("one"), Say("two"))),))
    contact = stage.call("i1")
    stage.clock.pass_ms(1000)
    assert stage.switch.summons == ["c-i1", "c-i1"]
    assert contact.errand.prompts == ["one", "two"]
    assert stage.line() == ["i1"]


def test_an_agent_who_answers_makes_announcements_void() -> None:
    stage = Stage(recipes=(Recipe(LATER, (Say("one"),)),))
    stage.up()
    stage.floor.agent_wants("a", Wanted.PAUSED)
    contact = stage.call("i1")
    stage.clock.pass_ms(1000)
    assert contact.errand.prompts == ["one"]
    stage.floor.agent_wants("a", Wanted.AVAILABLE)
    offer, _, call = stage.last_ring()
    stage.answers(offer, call)
    assert not contact.errand


def test_a_caller_may_step_aside_for_a_promise_and_back() -> None:
    stage = Stage(recipes=(Recipe(LATER, (Callback(),)),), tiers=(("vip", 500),))
    stage.up()
    stage.floor.agent_wants("a", Wanted.PAUSED)
    contact = stage.call("i1", tier="vip", priority=100)
    stage.call("i2")
    stage.clock.pass_ms(1000)
    assert contact.errand.callback
    contact.errand.callback = False
    assert stage.floor.step_aside(contact)
    stage.floor.agent_wants("a", Wanted.AVAILABLE)
    assert stage.last_ring()[2] == "c-i2", "nobody is offered who stands aside"
    stage.floor.step_back(contact)
    assert stage.line() == ["i1", "i2"]
    assert not contact.errand.callback, "what was asked is not asked again"
    assert stage.floor.step_aside(contact)
    stage.floor.called_back(contact)
    stage.hangs_up("i1")
    assert stage.book.of("i1") == [("queue", "called_back")]
    assert stage.book.interactions["i1"].outcome == "called_back"


def test_nobody_steps_aside_once_an_agent_has_answered() -> None:
    stage = Stage()
    stage.up()
    contact = stage.call("i1")
    offer, _, call = stage.last_ring()
    stage.answers(offer, call, connected=False)
    assert not stage.floor.step_aside(contact)
    assert not stage.floor.leave(contact)


@pytest.mark.parametrize(("waits_ms", "short"), [(999, True), (1000, False)])
def test_short_abandons_are_told_apart(waits_ms: int, short: bool) -> None:
    stage = alone(short_abandon_ms=1000)
    stage.call("i1")
    stage.clock.pass_ms(waits_ms)
    stage.hangs_up("i1")
    assert stage.book.of("i1") == [("queue", "abandoned")]
    assert stage.book.segments["i1", 1].short is short


# --- several ring ------------------------------------------------------------------------------


def several() -> Stage:
    stage = Stage("abc", ring_at_once=2)
    stage.up()
    stage.call("i1")
    return stage


def test_several_ring_held_and_the_first_to_answer_is_joined() -> None:
    stage = several()
    (first, _, call), (second, _, _) = stage.switch.rings
    assert stage.switch.held == [first, second]
    stage.answers(second, call, connected=False)
    assert (stage.switch.joins, stage.switch.cancels) == ([second], [first])
    stage.answers(first, call, connected=False)
    assert stage.switch.joins == [second]
    stage.answers(second, call)
    stage.leg_ends(first, Cause.CANCELLED, answered=True)
    contact = stage.floor.contact("i1")
    assert contact is not None
    assert contact.talking_to == "b"
    assert stage.presence("a") == ("available", "")
    assert stage.presence("b")[0] == "on_contact"
    stage.leg_ends(second, answered=True)
    stage.hangs_up("i1")
    assert stage.book.of("i1") == [
        ("queue", "answered"),
        ("ringing", "cancelled"),
        ("ringing", "accepted"),
        ("talk", "ended"),
        ("wrap_up", None),
    ]


def test_one_of_several_who_does_not_answer_leaves_the_others_ringing() -> None:
    stage = several()
    (first, _, _), (second, _, _) = stage.switch.rings
    stage.leg_ends(first, Cause.BUSY)
    assert len(stage.switch.rings) == 3, "the third rings in their place"
    assert stage.switch.cancels == []
    assert second not in stage.switch.cancels


def test_a_caller_who_leaves_stops_all_that_ring() -> None:
    stage = several()
    stage.hangs_up("i1")
    assert stage.switch.cancels == [ring[0] for ring in stage.switch.rings]
    assert stage.book.of("i1") == [
        ("queue", "abandoned"),
        ("ringing", "cancelled"),
        ("ringing", "cancelled"),
    ]


def test_the_winner_gone_before_the_caller_was_there_lets_others_ring_again() -> None:
    stage = several()
    (first, _, call), _ = stage.switch.rings
    stage.answers(first, call, connected=False)
    stage.leg_ends(first, answered=True)
    assert [ring[2] for ring in stage.switch.rings[2:]] == ["c-i1"]
    assert stage.line() == ["i1"]


# --- criteria ----------------------------------------------------------------------------------


def test_an_arrival_s_own_steps_hold_before_the_queue_s() -> None:
    staff = (AgentConfig("a", ("r",)), AgentConfig("b", ("q",), (("tax", 3),)))
    stage = Stage("ab", queues=(R,), staff=staff, steps=(Step(Skill("tax", 3), 1000),))
    stage.up()
    stage.call("i1", steps=(Step(Named(("a",)), 500, members=False),))
    assert stage.last_ring()[1] == "pa"
    stage.leg_ends(stage.last_ring()[0], Cause.NO_ANSWER)
    assert len(stage.switch.rings) == 1
    stage.clock.pass_ms(500)
    assert stage.last_ring()[1] == "pb"


def test_a_callback_taken_by_a_key_ends_the_stay_in_the_queue() -> None:
    stage = alone()
    stage.call("i1")
    contact = stage.floor.contact("i1")
    assert contact is not None
    assert stage.floor.leave(contact)
    assert stage.book.of("i1") == [("queue", "overflowed"), ("ivr", None)]
    stage.ledger.called_back("i1", stage.clock.now())
    assert stage.book.of("i1") == [("queue", "called_back"), ("ivr", None)]
    stage.hangs_up("i1")
    assert stage.book.interactions["i1"].outcome == "called_back"
