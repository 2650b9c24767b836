"""A router made again of its state decides as it would have, wherever it is cut."""

from __future__ import annotations

import json
from dataclasses import fields
from random import Random

import busy_days
import pytest
from busy_days import Draw
from floors import any_events, configurations
from hypothesis import given, settings, strategies as st

from acd.router import JournalError, Router, events as ev
from acd.router.agent import Agent
from acd.router.errors import ConfigError
from acd.router.interaction import Interaction
from acd.router.line import Line
from acd.router.queue import Queue
from acd.router.snapshot import restore, take
from acd.router.strategies import STRATEGIES


def again(router: Router) -> Router:
    """The router, through JSON and back."""
    return restore(json.loads(json.dumps(take(router))), "run")


def told(router: Router) -> object:
    queues = [router.waiting(queue.name) for queue in router.config.queues]
    return router.agents(), router.interactions(), queues, router.deadline, router.stranded()


@pytest.mark.parametrize("seed", range(24))
def test_a_busy_day_goes_on_the_same_from_anywhere(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(busy_days, "STRATEGIES", tuple(STRATEGIES))
    draw = Draw(Random(seed))
    config = draw.configuration(1)
    router = Router(config, "run")
    others: list[Router] = []
    now = 1_000
    for number in range(300):
        now += draw.one(0, 0, 1, 2, 7)
        event = draw.event(router, number, now)
        if draw.often() < 0.01:
            event = ev.ConfigChanged(draw.configuration(number))
        if draw.often() < 0.01:
            event = ev.DayStarted()
        decided = router.handle(event, now)
        for other in others:
            assert other.handle(event, now) == decided
            assert other.altered == router.altered
        if number % 29 == 0:
            others.append(again(router))
            assert told(others[-1]) == told(router)
            assert take(others[-1]) == take(router)


@settings(max_examples=100)
@given(
    configurations(staffed=True),
    st.lists(st.tuples(any_events(), st.integers(0, 30)), max_size=30),
    st.integers(0, 30),
)
def test_whatever_comes(
    config: ev.Configuration, events: list[tuple[ev.Event, int]], cut: int
) -> None:
    router = Router(config, "run")
    other = None
    now = 0
    for number, (event, passed) in enumerate(events):
        if number == cut:
            other = again(router)
        now += passed
        try:
            decided = router.handle(event, now)
        except ConfigError:
            if other is not None:
                with pytest.raises(ConfigError):
                    other.handle(event, now)
            continue
        if other is not None:
            assert other.handle(event, now) == decided
            assert told(other) == told(router)


def test_what_is_no_state_is_refused() -> None:
    data = take(Router(Draw(Random(1)).configuration(1), "run"))
    for wrong in (
        {},
        {**data, "format": 2},
        {**data, "agents": [{}]},
        {**data, "config": {**data["config"], "colour": "red"}},
        {**data, "queues": None},
    ):
        with pytest.raises(JournalError, match=r"state|read"):
            restore(wrong, "run")


def test_nothing_that_is_kept_is_forgotten() -> None:
    """A new field is written, or worked out anew: it is named here once that is seen to."""
    state = take(Router(Draw(Random(1)).configuration(1), "run"))
    written = {"id", *state["agents"][0]} - {"agent"}
    worked_out = {"config", "limits", "in_hand", "room", "timed", "open", "there", "standing",
                  "ranks", "skills", "pooled", "lines"}  # fmt: skip
    assert {field.name for field in fields(Agent)} == written | worked_out
    made = Router(ev.Configuration(1, (ev.QueueConfig("q"),)), "run")
    made.handle(ev.Arrived("i", "q", 1), 1)
    (one,) = take(made)["interactions"]
    assert {field.name for field in fields(Interaction)} == {"id", "line", *one} - {
        "interaction",
        "due",
    }
    (queue,) = take(made)["queues"]
    of_lines = {"_empty", "_known", "lines", "unanswered", "live", "waiting"}
    of_config = {"edges", "lengths", "membership", "policy", "recipes", "skips", "tiers", "watched",
                 "watches_members", "watches_places"}  # fmt: skip
    between_turns = {"joins", "leaves", "members_went"}
    assert set(Queue.__slots__) == {*queue} | of_lines | of_config | between_turns
    assert set(Line.__slots__) == {
        *queue["lines"][0], "_label", "_pool", "bit", "eligible", "entries", "live", "offerable",
        "queue", "size", "strategy", "thin",
    }  # fmt: skip
