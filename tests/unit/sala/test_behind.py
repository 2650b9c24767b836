"""Where a flow goes on for a customer who was called back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from crm.records import Callback
from ivr.errors import FlowUnknown
from ivr.flow import state
from ivr.flow.load import Flow
from ivr.library import parse_all
from ivr.shelf import Stored
from sala.behind import Behind

ONE = """\
sala: 1
start: first
nodes:
  first: {type: queue, queue: sales, failed: bye, keys: {1: second}}
  second: {type: queue, queue: sales, failed: bye, after: ask}
  ask: {type: say, text: How was it?, next: bye}
  bye: {type: hangup}
"""
SEVERAL = """\
sala: 1
start: sales
nodes:
  sales: {type: queue, queue: sales, failed: bye, after: ask, keys: {1: support}}
  support: {type: queue, queue: support, failed: bye, after: thank, keys: {1: billing}}
  billing: {type: queue, queue: billing, failed: bye}
  ask: {type: say, text: How was it?, next: bye}
  thank: {type: say, text: Thank you., next: bye}
  bye: {type: hangup}
"""
ASKED = Callback("c1", "+12025550143", 1, "flow", "sales", "i1")


class Shelf:
    def __init__(self, text: str) -> None:
        found, problems = parse_all([Stored("main", text.encode(), "main.yaml")])
        assert problems == []
        self.flow: Flow = found[0]

    def version(self, version: str) -> Flow:
        if version != self.flow.version:
            raise FlowUnknown(version)
        return self.flow


def behind(text: str, way: Any = None) -> Behind:
    shelf = Shelf(text)
    known = {"i1": ("main", shelf.flow.version)} if way is None else way
    return Behind(shelf, known.get)  # type: ignore[arg-type]


def test_it_goes_on_behind_the_queue_in_the_language_of_the_call() -> None:
    found = behind(ONE).facts(replace(ASKED, language="th"))
    assert (found["flow"], found["node"]) == ("main", "second")
    assert state.language(found) == "th"
    assert state.language(behind(ONE).facts(ASKED)) == ""


@pytest.mark.parametrize(
    ("queue", "node"), [("sales", "sales"), ("support", "support"), ("billing", None)]
)
def test_each_queue_has_its_own_way_on(queue: str, node: str | None) -> None:
    assert behind(SEVERAL).facts(replace(ASKED, queue=queue)).get("node") == node


def test_one_that_was_moved_goes_on_only_where_that_is_plain() -> None:
    moved = replace(ASKED, queue="other")
    assert behind(ONE).facts(moved)["node"] == "second"
    assert behind(SEVERAL).facts(moved) == {}


def test_without_a_flow_that_is_known_the_call_ends() -> None:
    assert behind(ONE, {}).facts(ASKED) == {}
    assert behind(ONE, {"i1": ("main", "gone")}).facts(ASKED) == {}
    assert behind(ONE).facts(replace(ASKED, interaction=None)) == {}
