"""What a queue node asks for, and the ways out of it."""

from __future__ import annotations

import pytest

from ivr.errors import FlowInvalid
from ivr.flow import load
from ivr.flow.actions import EnterQueue, HangUp, Play, Preferred
from ivr.flow.check import Context, check
from ivr.flow.frame import LAST_AGENT, asked
from ivr.flow.interpreter import Interpreter
from ivr.flow.load import Flow
from ivr.flow.outcomes import Refused

FLOW = """
sala: 1
title: T
start: owner
variables: {owner: string}
nodes:
  owner: {type: set, values: {owner: "'1002'"}, next: wait, failed: sorry}
  wait:
    type: queue
    queue: sales
    priority: "30"
    prefer:
      - {agent: owner, for_s: 1.5}
      - {last_agent: true, absent: wait}
    turned_away: {closed: closed}
    failed: sorry
  closed: {type: play, prompt: closed, next: end}
  sorry: {type: play, prompt: sorry, next: end}
  end: {type: hangup}
"""


def flow(text: str = FLOW) -> Flow:
    return load.parse(text.encode(), alias="t", file="t.yaml")


def test_the_queue_is_asked_for_with_priority_and_preferred_agents() -> None:
    action = Interpreter(flow().document).start()
    assert isinstance(action, EnterQueue)
    assert action.priority == 30
    assert action.preferred == (Preferred("1002", 1500, True), Preferred("", 20_000, False))


@pytest.mark.parametrize(("reason", "prompt"), [("closed", "closed"), ("full", "sorry")])
def test_who_is_not_taken_goes_by_the_reason(reason: str, prompt: str) -> None:
    walk = Interpreter(flow().document)
    walk.start()
    played = walk.resume(Refused(reason))
    assert isinstance(played, Play)
    assert played.items[0].prompt == prompt  # type: ignore[union-attr]
    later = Interpreter(flow().document).left("wait", reason)
    assert isinstance(later, Play)
    assert later.items[0].prompt == prompt  # type: ignore[union-attr]


def test_who_leaves_a_node_that_is_no_queue_is_hung_up_on() -> None:
    assert isinstance(Interpreter(flow().document).left("gone", "full"), HangUp)


def test_a_flow_that_prefers_the_last_agent_asks_who_that_was() -> None:
    assert LAST_AGENT in asked([flow().document])


@pytest.mark.parametrize("prefer", ["{for_s: 3}", "{last_agent: true, agent: owner}"])
def test_a_preference_names_one_agent(prefer: str) -> None:
    text = FLOW.replace("{agent: owner, for_s: 1.5}", prefer)
    with pytest.raises(FlowInvalid, match="either `last_agent: true` or `agent`"):
        flow(text)


def test_where_a_reason_leads_is_checked() -> None:
    made = flow(FLOW.replace("turned_away: {closed: closed}", "turned_away: {closed: nowhere}"))
    problems = check(made, Context())
    assert any("nowhere" in str(one) for one in problems)
