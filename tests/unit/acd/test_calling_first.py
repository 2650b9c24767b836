"""Customers who are called first: they talk once that is written, and are spoken with."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from calling_scene import CALL, FIRST, PLAIN, Lent, ends, held, holding, listed, picks_up, stage_of
from calling_stage import CallingStage
from stage import WRAP_UP_MS

from acd.callbacks import Policy
from acd.callbacks.words import Choice, Outcome, Stage
from pbx.errors import CallGone
from pbx.port import (
    Audio,
    CallState,
    Cause,
    Digits,
    DigitsEnd,
    LegConnected,
    LegSnapshot,
)
from sala.calling_back import Speaking


def test_that_they_talk_is_written_before_a_customer_who_waits_is_connected() -> None:
    stage = holding()
    offer = stage.last_ring()[0]
    assert (stage.shelf.seals, stage.switch.joins) == ([], [])
    stage.answers(offer, CALL, connected=False)
    assert (stage.shelf.seals, stage.switch.joins) == ([("one", 1)], [offer])
    stage.floor.event(LegConnected(offer, CALL))
    (result,) = stage.shelf.results
    assert (result.outcome, result.state) == (Outcome.CONNECTED, Stage.CONNECTED)
    assert stage.presence("a")[0] == "on_contact"
    assert stage.switch.connects == []


def test_an_agent_who_is_there_before_the_customer_waits_is_kept_until_they_do() -> None:
    stage = stage_of(FIRST)
    stage.promised(stage.row("one"))
    stage.clock.pass_ms(1_000)
    picks_up(stage)
    stage.floor.callbacks.calls.chose(CALL, Choice.TALK)
    offer = stage.last_ring()[0]
    stage.answers(offer, CALL, connected=False)
    assert (stage.shelf.seals, stage.switch.joins) == ([], [])
    stage.floor.callbacks.calls.waits(CALL)
    assert (stage.shelf.seals, stage.switch.joins) == ([("one", 1)], [offer])


def test_an_agent_who_goes_before_they_are_connected_leaves_the_customer_in_line() -> None:
    stage = holding()
    offer = stage.last_ring()[0]
    stage.answers(offer, CALL, connected=False)
    stage.leg_ends(offer, answered=True)
    stage.clock.pass_ms(WRAP_UP_MS)
    again = stage.last_ring()[0]
    assert again != offer
    stage.answers(again, CALL)
    assert stage.switch.joins == [offer, again]
    # It is written anew: meanwhile it was not so that they talk.
    assert (stage.shelf.seals, stage.shelf.unseals) == ([("one", 1)] * 2, [("one", 1)])
    assert [one.outcome for one in stage.shelf.results] == [Outcome.CONNECTED]


def test_callers_on_the_line_are_connected_by_the_pbx_alone() -> None:
    stage = stage_of(FIRST)
    stage.call("i-two")
    assert stage.switch.held == []


def waiting_leg(*, answered: bool = True) -> LegSnapshot:
    return LegSnapshot("e9.1.1", "pa", answered, {"interaction": "i-one", "held": "yes"})


def test_an_agent_held_when_the_service_died_is_connected_once_that_is_written() -> None:
    stage = CallingStage(policy=FIRST)
    stage.starts(stage.row("one", fence=1, holder="last"))
    stage.up(listed(1, CallState.WAITING, [waiting_leg()]))
    assert (stage.shelf.seals, stage.switch.joins) == ([("one", 1)], ["e9.1.1"])
    # They are gone: the customer is in line still, and the next agent is connected as well.
    stage.leg_ends("e9.1.1", answered=True)
    stage.clock.pass_ms(WRAP_UP_MS)
    offer = stage.last_ring()[0]
    stage.answers(offer, CALL)
    assert stage.switch.joins == ["e9.1.1", offer]
    assert [one.outcome for one in stage.shelf.results] == [Outcome.CONNECTED]


def test_an_agent_held_when_the_service_died_after_that_was_written_is_connected() -> None:
    stage = CallingStage(policy=FIRST)
    stage.starts()
    stage.up(listed(1, CallState.WAITING, [waiting_leg()]))
    assert (stage.shelf.seals, stage.switch.joins) == ([], ["e9.1.1"])


def test_an_agent_who_answers_while_the_link_is_down_is_connected_when_it_is_back() -> None:
    stage = holding()
    offer = stage.last_ring()[0]
    stage.lost()
    held_leg = LegSnapshot(offer, "pa", True, {"interaction": "i-one", "held": "yes"})
    stage.up(listed(1, CallState.WAITING, [held_leg]))
    assert (stage.shelf.seals, stage.switch.joins) == ([("one", 1)], [offer])


@pytest.mark.parametrize("policy", [FIRST, PLAIN])
def test_who_was_connected_while_the_link_was_down_has_talked(policy: Policy) -> None:
    stage = holding() if policy is FIRST else stage_of(policy)
    if policy is FIRST:
        offer = stage.last_ring()[0]
        stage.answers(offer, CALL, connected=False)
    else:
        stage.promised(stage.row("one"))
        offer = held(stage)
        picks_up(stage)
        stage.floor.callbacks.calls.waits(CALL)
    stage.lost()
    talk = LegSnapshot(offer, "pa", True, {"interaction": "i-one", "queue": "q"})
    stage.up(listed(1, CallState.TALKING, [talk]))
    assert [one.outcome for one in stage.shelf.results] == [Outcome.CONNECTED]
    stage.clock.pass_ms(60_000)
    assert stage.switch.given_up == []


class Told(Lent):
    """A customer who presses a key when they are asked, and hangs up when they are answered."""

    key = "3"

    async def collect(self, _prompts: object, **_how: object) -> Digits:
        return Digits(self.key, DigitsEnd.COMPLETE)

    async def play(self, _prompts: object) -> None:
        raise CallGone


class NoPrompts:
    def audio(self, prompt: str, _language: str) -> Audio:
        return Audio(prompt)


def speaking_on(stage: CallingStage) -> Speaking:
    prompts: Any = NoPrompts()
    return Speaking(stage.floor.callbacks, prompts, stage.clock, "en", lambda _callback: {})


@pytest.mark.parametrize(
    ("key", "came"), [("2", [(Outcome.LATER, False)]), ("3", [(Stage.CANCELLED, "customer")])]
)
async def test_who_chooses_and_hangs_up_is_heard(key: str, came: list[Any]) -> None:
    stage = stage_of(replace(PLAIN, ask=True))
    stage.promised(stage.row("one"))
    held(stage)
    call = Told(stage.switch.dials[-1][0])
    call.key = key
    speaking = speaking_on(stage)
    await speaking.called(call, machine=False)  # type: ignore[arg-type]
    ends(stage, Cause.NORMAL)
    results = [(one.outcome, one.counts) for one in stage.shelf.results]
    assert [(one.state, one.reason) for one in stage.shelf.ends] + results == came


class Asks(Lent):
    """A call that asks what it is for."""

    hung_up = False

    async def hang_up(self) -> None:
        self.hung_up = True


async def test_who_picked_up_meanwhile_is_not_hung_up_on_before_the_floor_is_seen() -> None:
    stage = CallingStage()
    stage.starts(stage.row("one", fence=3, holder="last"))
    speaking = speaking_on(stage)
    customer, agent = Asks("callback-one-3"), Asks("leg")
    await speaking.called(customer, machine=False)  # type: ignore[arg-type]
    await speaking.reserved(agent, "e9.1.1")  # type: ignore[arg-type]
    assert not customer.hung_up
    assert not agent.hung_up
    stage.up()
    await speaking.called(customer, machine=False)  # type: ignore[arg-type]
    await speaking.reserved(agent, "e9.1.1")  # type: ignore[arg-type]
    assert customer.hung_up
    assert agent.hung_up
