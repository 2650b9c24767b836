"""Rows that anybody may have written: whatever they hold, the floor can be routed by."""

from __future__ import annotations

import contextlib
from typing import Any

from hypothesis import given, settings, strategies as st

from acd import policy
from acd.policy.criteria import STEP
from acd.policy.values import duration, written
from acd.roster import Roster
from acd.router import codec
from acd.router.check import check
from acd.router.events import ConfigChanged
from crm.records import Agent, CalendarSource, Floor, FloorPolicy, Queue, Selection
from sala.errors import UserError
from sala.routing.diff import diff
from sala.routing.document import dump
from sala.routing.file import parse

WORDS = (
    "any", "skill tax",
    "skill tax >= 9", "skill", "skill tax >=", "not not any", "((", "agent in [",
    '"', "waited", "waited 5s", "waited -5s", "position <= 0", "position <= 2", "length >= 1",
    "no agents", "no members available", "no fish", "tier in []", "tier in [vip,]", "tier gold",
    "overflow", "overflow sales", "overflow support", "voicemail now", "voicemail", "turn_away",
    "turn_away X Y", "say ../x", "say hello", "relax", "relax tax", "prioritise", "prioritise -1s",
    "require any", "require", "callback", "5s", "-5s", "0", "99999999999h", "active", "wait", "",
    "criteria", "for", "when", "then", "repeat", "drop", "lower", "members", "replaces", "voice",
    "chat", "timezone", "UTC", "week", "mon", "09:00-17:00", "holidays", "2026-01-01", "\ud800",
)  # fmt: skip
texts = st.sampled_from(WORDS) | st.text(max_size=8)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
steps = values | st.fixed_dictionaries({}, optional=dict.fromkeys(STEP, values))
recipes = values | st.fixed_dictionaries({"when": values, "then": values, "repeat": values})
documents = st.dictionaries(texts, values, max_size=3)
queues = st.builds(
    Queue,
    st.just("sales"),
    ring_ms=st.integers(-1, 5),
    strategy=texts | st.just("longest_idle"),
    ring_at_once=st.integers(-1, 3),
    max_wait_ms=st.none() | st.integers(-1, 3),
    when_late=texts,
    when_full=texts,
    join_needs=st.none() | texts,
    stay_needs=st.none() | texts | st.just("available"),
    when_empty=texts,
    calendar=st.none() | st.sampled_from(("office", "gone")),
    when_closed=texts,
    tiers=documents,
    steps=st.lists(steps, max_size=3).map(tuple),
    recipes=st.lists(recipes, max_size=2).map(tuple),
)
levels = st.tuples(st.sampled_from(("tax", "gone")), st.integers(-1, 7))
agents = st.builds(
    Agent,
    st.just("1001"),
    st.just("Ann"),
    st.just("1001"),
    st.lists(st.sampled_from(("sales", "support", "gone")), unique=True, max_size=3).map(tuple),
    skills=st.lists(
        st.tuples(st.sampled_from(("tax", "gone")), st.integers(-1, 7)), max_size=2
    ).map(tuple),
    languages=st.lists(texts, max_size=2).map(tuple),
    site=texts,
    weight=st.integers(-1, 3),
)
floors = st.builds(
    Floor,
    st.integers(1, 9),
    queues.map(lambda queue: (queue, Queue("support"))),
    agents.map(lambda agent: (agent,)),
    skills=st.just(("tax",)),
    calendars=st.builds(CalendarSource, st.just("office"), documents).map(lambda one: (one,)),
    selections=st.builds(
        Selection,
        st.just("all"),
        texts | st.just("priority"),
        st.lists(
            st.tuples(st.sampled_from(("sales", "support", "gone")), st.integers(-1, 3)), max_size=3
        ).map(tuple),
    ).map(lambda one: (one,)),
    policy=st.builds(FloorPolicy, busy_backoff_ms=st.integers(-1, 3), blocks=documents),
)


@settings(max_examples=100)
@given(floors)
def test_any_rows_can_be_routed_by(stored: Floor) -> None:
    found = policy.read(stored)
    check(found.configuration)
    assert [queue.name for queue in found.configuration.queues] == ["sales", "support"]
    changed = ConfigChanged(found.configuration)
    assert codec.from_entry(*codec.to_entry(changed)) == changed
    for fault in found.faults:
        assert str(fault).isprintable()
    assert Roster.of(stored).faults == found.faults
    for calendar in found.calendars.values():
        calendar.at(1_700_000_000_000)
        calendar.changes(1_700_000_000_000)


@settings(max_examples=60)
@given(floors)
def test_any_rows_can_be_shown(stored: Floor) -> None:
    diff(stored, Floor(0))
    diff(Floor(0), stored)
    text = dump(stored)
    assert "!!" not in text.replace("!!'", "")


@given(values)
def test_a_file_s_words_never_raise(given_: Any) -> None:
    stored = Floor(1, (Queue("sales", steps=(given_,), recipes=(given_,)),))
    policy.read(stored, known=True)


@given(st.integers(-(10**9), 10**9))
def test_times_are_read_as_they_are_written(ms: int) -> None:
    assert duration(written(ms)) == ms


@settings(max_examples=60)
@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_file_is_read_or_told(content: bytes) -> None:
    for one in (content, b"version: 1\nqueues:\n  sales: " + content):
        with contextlib.suppress(UserError):
            parse(one, "r.yaml").onto(Floor(1))
