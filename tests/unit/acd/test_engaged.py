"""Customers who are on the line when their callback's turn comes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from calling_stage import NUMBER, CallingStage

from acd.callbacks import Policy
from acd.callbacks.words import Outcome, Stage
from acd.calling_back.engaged import ENGAGED_MS
from acd.contacts import Contact
from acd.router.configuration import QueueConfig
from acd.router.events import AgentConfig, Arrived, Wanted
from crm.records import Callback
from pbx.port import Caller

MINUTE = 60_000
OTHER = "+14155550177"


def stage_of(policy: Policy | None = None) -> CallingStage:
    """Agent `a`, paused, serves queue `q`; `b` serves another queue, `r`."""
    stage = CallingStage(
        "ab", policy, queues=(QueueConfig("r"),),
        staff=(AgentConfig("a", ("q",)), AgentConfig("b", ("r",))),
    )  # fmt: skip
    stage.starts()
    stage.up()
    stage.floor.agent_wants("a", Wanted.PAUSED)
    return stage


def calls(stage: CallingStage, queue: str = "q", number: str = NUMBER) -> Contact:
    contact = Contact("live", "c-live", Caller(number))
    stage.ledger.opened(contact, stage.clock.now())
    stage.floor.opened(contact)
    carried = stage.floor.arrive(contact, Arrived("live", queue, 0))
    stage.floor.settled(contact, carried)
    return contact


def own(stage: CallingStage, in_ms: int = MINUTE) -> Callback:
    """Agent `a` promises to call, in a minute."""
    row = replace(stage.row("one"), interaction=None, source="agent", owner="a")
    row = replace(row, due_ms=stage.clock.now() + in_ms, phones=(OTHER,))
    stage.promised(row)
    return row


def talk(stage: CallingStage) -> str:
    offer, _, call = stage.last_ring()
    assert call == "c-live"
    stage.answers(offer, call)
    return offer


@pytest.mark.parametrize("number", [NUMBER, OTHER])
def test_who_waits_on_the_line_is_not_called_and_has_the_talk(number: str) -> None:
    stage = stage_of()
    own(stage)
    stage.clock.pass_ms(1000)
    calls(stage, number=number)
    stage.clock.pass_ms(2 * MINUTE)
    stage.floor.agent_wants("a", Wanted.AVAILABLE)
    assert stage.switch.reserved == []
    offer = talk(stage)
    # However long they talk.
    stage.clock.pass_ms(30 * MINUTE)
    stage.hangs_up("live")
    stage.leg_ends(offer, answered=True)
    (end,) = stage.shelf.ends
    assert (end.callback, end.state, end.merged_into) == ("one", Stage.MERGED, "live")
    stage.clock.pass_ms(60 * MINUTE)
    assert (stage.switch.reserved, stage.switch.dials) == ([], [])
    assert stage.floor.callbacks._rows.book.known() == []


def test_who_gives_up_on_the_line_is_called_as_promised() -> None:
    stage = stage_of()
    own(stage)
    calls(stage)
    stage.clock.pass_ms(2 * MINUTE)
    stage.hangs_up("live")
    stage.floor.agent_wants("a", Wanted.AVAILABLE)
    stage.clock.pass_ms(ENGAGED_MS)
    assert [(address, number) for _, address, number in stage.switch.reserved] == [("pa", NUMBER)]
    assert stage.shelf.ends == []


def test_who_is_promised_a_call_while_they_talk_is_called_once_that_is_over() -> None:
    stage = stage_of()
    stage.floor.agent_wants("a", Wanted.AVAILABLE)
    calls(stage)
    offer = talk(stage)
    stage.clock.pass_ms(1000)
    own(stage, 10_000)
    stage.clock.pass_ms(5 * MINUTE)
    stage.hangs_up("live")
    stage.leg_ends(offer, answered=True)
    stage.clock.pass_ms(MINUTE)
    assert [address for _, address, _ in stage.switch.reserved] == ["pa"]
    assert stage.shelf.ends == []


def test_who_talks_about_something_else_is_called_once_that_is_over() -> None:
    stage = stage_of()
    own(stage)
    stage.clock.pass_ms(1000)
    calls(stage, "r")
    offer = talk(stage)
    stage.floor.agent_wants("a", Wanted.AVAILABLE)
    stage.clock.pass_ms(2 * MINUTE)
    assert stage.switch.reserved == []
    stage.hangs_up("live")
    stage.leg_ends(offer, answered=True)
    stage.clock.pass_ms(ENGAGED_MS)
    assert [address for _, address, _ in stage.switch.reserved] == ["pa"]
    assert stage.shelf.ends == []


def test_who_was_served_before_the_time_is_called_at_the_time() -> None:
    stage = stage_of()
    own(stage, 5 * MINUTE)
    stage.clock.pass_ms(1000)
    calls(stage)
    stage.floor.agent_wants("a", Wanted.AVAILABLE)
    offer = talk(stage)
    stage.hangs_up("live")
    stage.leg_ends(offer, answered=True)
    stage.clock.pass_ms(6 * MINUTE)
    assert [address for _, address, _ in stage.switch.reserved] == ["pa"]
    assert stage.shelf.ends == []


def test_nobody_else_on_the_line_keeps_a_customer_from_being_called() -> None:
    stage = stage_of()
    own(stage)
    calls(stage, "r", "+14155550199")
    stage.clock.pass_ms(2 * MINUTE)
    stage.floor.agent_wants("a", Wanted.AVAILABLE)
    assert [address for _, address, _ in stage.switch.reserved] == ["pa"]


def test_where_customers_are_called_first_they_are_not_while_they_are_on_the_line() -> None:
    stage = stage_of(Policy(agent_first=False))
    calls(stage, "r")
    stage.floor.agent_wants("a", Wanted.AVAILABLE)
    stage.promised(stage.row("one"))
    stage.clock.pass_ms(1000)
    assert stage.switch.dials == []
    (result,) = stage.shelf.results
    assert (result.outcome, result.counts) == (Outcome.UNDIALLED, False)
    stage.hangs_up("live")
    stage.clock.pass_ms(ENGAGED_MS + 2000)
    assert len(stage.switch.dials) == 1


def test_who_comes_on_the_line_while_the_agent_hears_why_is_not_called() -> None:
    stage = stage_of()
    own(stage)
    stage.clock.pass_ms(2 * MINUTE)
    stage.floor.agent_wants("a", Wanted.AVAILABLE)
    offer = stage.switch.reserved[-1][0]
    calls(stage, "r")
    stage.floor.callbacks.agents.ready(offer)
    assert stage.switch.dials == []
    assert [(one.outcome, one.counts) for one in stage.shelf.results] == [
        (Outcome.UNDIALLED, False)
    ]
