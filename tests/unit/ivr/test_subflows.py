"""Subflows, and rejoining a flow after a crash."""

from __future__ import annotations

from typing import Any

import pytest
from node_flows import OUT, document, play
from test_nodes import COLLECT

from ivr.flow.actions import Collect, HangUp
from ivr.flow.frame import World
from ivr.flow.interpreter import Interpreter
from ivr.flow.model import FlowDocument
from ivr.flow.stage import Run, Stage
from pbx.port import Cause

PAY = {
    "sala": 1,
    "start": "ask",
    "variables": {"amount": "int", "done": "bool"},
    "nodes": {
        "ask": {
            "type": "menu",
            "prompt": "pay",
            "keys": {"1": "yes", "2": "no", "3": "odd", "4": "broken"},
            "invalid": {"next": "no", "retries": 0},
            "timeout": {"next": "no", "retries": 0},
        },
        "yes": {"type": "set", "values": {"done": "amount > 5"}, "next": "paid", "failed": "no"},
        "paid": {"type": "return", "exit": "paid"},
        "no": {"type": "return", "exit": "left"},
        "odd": {"type": "return", "exit": "odd"},
        "broken": {"type": "goto", "next": "nowhere"},
    },
}

CALLS = {
    "type": "subflow",
    "flow": "pay",
    "give": {"amount": "x + 1"},
    "take": {"paid": "done"},
    "returns": {"paid": "b", "left": "none"},
    "failed": "bad",
}


def with_pay(*steps: str, **node: Any) -> Run:
    pay = FlowDocument.model_validate(PAY)
    nodes = {
        "s": {"type": "set", "values": {"x": "5"}, "next": "a", "failed": "bad"},
        "a": {**CALLS, **node},
        "b": {"type": "tag", "tags": {"paid": "paid"}, **OUT},
    }
    world = World(flow=lambda alias: pay if alias == "pay" else None)
    return play(nodes, *steps, world=world, start="s", variables={"x": "int", "paid": "bool"})


def test_subflow_gives_takes_and_returns() -> None:
    run = with_pay("1")
    assert (run.queue, run.tags) == ("ok", {"paid": True})
    assert run.path == ["s", "a", "a.ask", "a.yes", "a.paid", "b", "ok"]
    assert with_pay("2").queue == "none"


def test_subflow_that_breaks_takes_the_failed_exit() -> None:
    assert with_pay("3").queue == "bad"  # an exit that leads nowhere
    assert with_pay("4").queue == "bad"  # a node that is not there
    assert with_pay(flow="gone").queue == "bad"
    assert with_pay(give={"nothing": "1"}).queue == "bad"
    assert with_pay(give={"amount": "'text'"}).queue == "bad"
    assert with_pay("1", take={"x": "done"}).queue == "bad"


@pytest.mark.parametrize("last", ["returns", "breaks"])
def test_the_language_chosen_in_a_subflow_stays_chosen_however_it_ends(last: str) -> None:
    ends = (
        {"type": "return", "exit": "x"} if last == "returns" else {"type": "goto", "next": "gone"}
    )
    nodes = {"choose": {"type": "language", "language": "th", "next": "end"}, "end": ends}
    chooses = FlowDocument.model_validate(
        {"sala": 1, "start": "choose", "languages": ["th"], "nodes": nodes}
    )
    told = {"type": "tag", "tags": {"language": "language"}, **OUT}
    calls = {"type": "subflow", "flow": "f", "returns": {"x": "told"}, "failed": "told"}
    run = play({"a": calls, "told": told}, world=World(flow=lambda _: chooses))
    assert (run.queue, run.tags) == ("ok", {"language": "th"})


def test_return_of_a_flow_by_itself_ends_the_call() -> None:
    action = Interpreter(document({"a": {"type": "return", "exit": "x"}})).start()
    assert isinstance(action, HangUp)
    assert action.cause is Cause.NORMAL


def test_flow_that_calls_itself_ends() -> None:
    flow = document(
        {"a": {"type": "subflow", "flow": "me", "returns": {"x": "ok"}, "failed": "bad"}}
    )
    stage = Stage(flow, world=World(flow=lambda _: flow))
    assert stage.begin().queue == "bad"


def test_rejoins_within_a_subflow_with_its_variables() -> None:
    pay = FlowDocument.model_validate(PAY)
    world = World(flow=lambda _: pay)
    flow = document(
        {
            "s": {"type": "set", "values": {"x": "5"}, "next": "a", "failed": "bad"},
            "a": CALLS,
            "b": {"type": "tag", "tags": {"paid": "paid"}, **OUT},
        },
        start="s",
        variables={"x": "int", "paid": "bool"},
    )
    first = Interpreter(flow, world=world)
    asked = first.start()
    again = Interpreter(flow, world=world)
    again.restore(first.state())
    assert again.start(asked.node) == Collect(
        "a.ask",
        ("a.ask",),
        asked.items,
        "en",  # type: ignore[union-attr]
    )
    without = Interpreter(flow, world=world)
    assert without.start(asked.node).path == ("a", "a.ask")


def test_state_holds_no_secret_and_fits_into_facts() -> None:
    from ivr.flow import state

    flow = document({"a": COLLECT}, variables={"x": "string", "pin": "secret", "long": "string"})
    walk = Interpreter(flow)
    assert walk.state() == ""
    frame = walk._frame
    frame.set("x", "hello ก")
    frame.set("pin", "4711")
    again = Interpreter(flow)
    again.restore(walk.state())
    assert again.variables() == [("x", "hello ก")]
    assert "4711" not in str(state.unpack(walk.state()))
    import random

    frame.set("long", "".join(chr(random.Random(1).randrange(33, 9_000)) for _ in range(3_000)))
    facts = state.facts(walk.state())
    assert all(len(value) <= 128 for value in facts.values())
    again.restore(state.of_facts(facts))
    assert ("x", "hello ก") in again.variables()


@pytest.mark.parametrize("packed", ["x", "AAAA", "eJyLjgUAARUAuQ", "", "ก"])
def test_state_that_is_none_is_ignored(packed: str) -> None:
    walk = Interpreter(document({"a": COLLECT}, variables={"x": "string"}))
    walk.restore(packed)
    assert walk.start().node == "a"
