"""The router's data structures, codec and configuration check."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from floors import any_events
from hypothesis import given, strategies as st

from acd.router import ConfigError, JournalError, Router, events as ev, ordered
from acd.router.check import warnings
from acd.router.codec import from_entry, to_entry
from acd.router.configuration import SelectionConfig, Step
from acd.router.criteria import ANYONE, Skill
from acd.router.ordered import Ordered
from acd.router.ranked import Ranked
from acd.router.recipes import NoMembers, OverflowTo, Recipe, Staffing, Waited


@given(
    actions=st.lists(st.tuples(st.booleans(), st.integers(0, 60)), max_size=200),
    block=st.sampled_from((2, 3, 512)),
)
def test_ordered_is_a_sorted_list(actions: list[tuple[bool, int]], block: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ordered, "_BLOCK", block)
        blocks, plain = Ordered(), set()
        for add, number in actions:
            entry = (number % 7, number % 5, number, f"c{number}")
            if add and entry not in plain:
                blocks.add(entry)
                plain.add(entry)
            elif not add and entry in plain:
                blocks.remove(entry)
                plain.remove(entry)
            assert list(blocks) == sorted(plain)
            assert len(blocks) == len(plain)
        assert [blocks.place(entry) for entry in sorted(plain)] == [*range(1, len(plain) + 1)]
        for first in (1, 2, len(plain) + 1):
            for last in (0, 1, 3, len(plain) + 1):
                assert blocks.slice(first, last) == sorted(plain)[first - 1 : max(last, first - 1)]


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.none() | st.integers(0, 3)), max_size=300))
def test_ranked_knows_its_first(actions: list[tuple[str, int | None]]) -> None:
    ranked: Ranked[tuple[int]] = Ranked()
    plain: dict[str, int] = {}
    for item, rank in actions:
        if rank is None:
            ranked.remove(item)
            plain.pop(item, None)
        else:
            ranked.put(item, (rank,))
            plain[item] = rank
        first = min(((rank,), name) for name, rank in plain.items()) if plain else None
        assert ranked.first() == first
        assert len(ranked) == len(plain)


def test_ranked_does_not_grow_when_one_comes_and_goes() -> None:
    ranked: Ranked[tuple[int]] = Ranked()
    for n in range(10_000):
        ranked.put("a", (n % 3,))
        ranked.remove("a")
    assert len(ranked._heap) < 100


@given(any_events())
def test_every_event_survives_the_journal(event: ev.Event) -> None:
    kind, entry = to_entry(event)
    assert from_entry(kind, json.loads(json.dumps(entry))) == event


def test_an_entry_reads_by_itself() -> None:
    entry = to_entry(ev.Arrived("i1", "sales", 7, priority=3))
    assert entry == (
        "arrived",
        {
            "interaction": "i1",
            "queue": "sales",
            "entered": 7,
            "priority": 3,
            "channel": "voice",
            "criteria": None,
            "steps": [],
            "tier": "",
            "began": None,
            "rejoins": False,
        },
    )
    assert type(entry[1]["channel"]) is str


def test_an_older_entry_is_filled_with_defaults() -> None:
    old = {"interaction": "i1", "queue": "sales", "entered": 7}
    assert from_entry("arrived", old) == ev.Arrived("i1", "sales", 7)
    assert from_entry("left", {"interaction": "i1"}) == ev.Left("i1")
    empty = {"queues": [{"name": "q"}], "agents": [{"agent": "1", "queues": ["q"]}]}
    assert from_entry("config_changed", empty) == ev.ConfigChanged(
        ev.Configuration(queues=(ev.QueueConfig("q"),), agents=(ev.AgentConfig("1", ("q",)),))
    )


@pytest.mark.parametrize(
    ("kind", "entry"),
    [
        ("arived", {}),
        ("arrived", {"interaction": "i1"}),
        ("arrived", {"interaction": "i1", "queue": "q", "entered": 1, "colour": "red"}),
        ("agent_wants", {"agent": "1", "wanted": "asleep"}),
        ("config_changed", {"queues": [], "agents": [{"agent": "1"}]}),
        ("batch", {"events": [["arrived"]]}),
        ("batch", {"events": [["left", {}]]}),
    ],
)
def test_what_the_router_did_not_write_is_refused(kind: str, entry: dict[str, object]) -> None:
    with pytest.raises(JournalError, match=r"journal entry of (unknown )?kind"):
        from_entry(kind, entry)


SALES = ev.QueueConfig("sales")
ONE = ev.AgentConfig("1001", ("sales",))


def one_queue(**policy: object) -> ev.Configuration:
    return ev.Configuration(queues=(replace(SALES, **policy),))  # type: ignore[arg-type]


def one_agent(**facts: object) -> ev.Configuration:
    return ev.Configuration(queues=(SALES,), agents=(replace(ONE, **facts),))  # type: ignore[arg-type]


def selected(*given_: object, **more: object) -> ev.Configuration:
    return ev.Configuration(queues=(SALES,), selections=(SelectionConfig(*given_, **more),))  # type: ignore[arg-type]


def test_what_nobody_could_serve_is_warned_of() -> None:
    queues = (
        ev.QueueConfig("a", steps=(Step(Skill("tax", 4)), Step(Skill("tax", 5)))),
        ev.QueueConfig("b"),
    )
    agents = (ev.AgentConfig("1", ("a",), (("tax", 4),)),)
    assert warnings(ev.Configuration(queues=queues, agents=agents)) == [
        "queue 'a', step 2: no agent meets skill tax >= 5",
        "queue 'b': no agent serves it",
    ]


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (
            ev.Configuration(queues=(ev.QueueConfig("sales", strategy="nearest"),)),
            r"queue 'sales': unknown strategy 'nearest' \(known: best_skill, .*weighted_random\)",
        ),
        (ev.Configuration(queues=(SALES, SALES)), "queue 'sales' is configured twice"),
        (
            ev.Configuration(queues=(SALES,), agents=(ONE, ONE)),
            "agent '1001' is configured twice",
        ),
        (ev.Configuration(agents=(ONE,)), "agent '1001': there is no queue 'sales'"),
        (ev.Configuration(queues=(ev.QueueConfig("sales", ring_ms=0),)), "'sales': ring_ms"),
        (ev.Configuration(queues=(ev.QueueConfig("sales", wrap_up_ms=-1),)), "'sales': wrap_up_ms"),
        (ev.Configuration(busy_backoff_ms=0), "busy_backoff_ms must be above 0, is 0"),
        (one_queue(ring_at_once=0), "'sales': ring_at_once must be above 0, is 0"),
        (one_queue(max_length=-1), "'sales': max_length must not be below 0"),
        (one_queue(stay_needs=Staffing.AVAILABLE), "'sales': stay_needs cannot be available"),
        (one_queue(when_full=OverflowTo("sals")), "'sales': overflow to 'sals', and there is no"),
        (one_queue(when_late=OverflowTo("sales")), "'sales': overflow to itself"),
        (one_queue(steps=(Step(ANYONE, 0),)), "'sales', step 1: lasts_ms must be above 0"),
        (
            one_queue(steps=(Step(Skill("tax", 9)),)),
            "'sales', step 1: level 9 of 'tax' is not 1 to 5",
        ),
        (one_queue(steps=(Step(lower=(("tax", 0),)),)), "step 1: 'tax' is lowered to 0"),
        (one_queue(recipes=(Recipe((), ()),)), "'sales', recipe 1: no condition"),
        (
            one_queue(recipes=(Recipe((Waited(5),), (), 0),)),
            "'sales', recipe 1: repeat_ms must be above 0",
        ),
        (
            one_queue(recipes=(Recipe((NoMembers(Staffing.AVAILABLE),), ()),)),
            "recipe 1: members are asked for as logged_in or active",
        ),
        (one_agent(skills=(("tax", 6),)), "'1001': skill 'tax' has level 6"),
        (one_agent(skills=(("tax", 2), ("tax", 3))), "'1001': skill 'tax' is configured twice"),
        (one_agent(ranks=(1, 2)), "'1001': 2 ranks for 1 queues"),
        (one_agent(weight=0), "'1001': weight must be above 0"),
        (selected(("sales",), "fairest"), "of sales: unknown policy 'fairest'"),
        (selected(("sale",)), "of sale: there is no queue 'sale'"),
        (selected(("sales", "sales")), "queue 'sales' is selected twice"),
        (selected(("sales",), weights=(("tax", 1),)), "a weight for 'tax', which is not among"),
    ],
)
def test_a_wrong_configuration_changes_nothing(config: ev.Configuration, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Router(config, "run")
    good = ev.Configuration(queues=(ev.QueueConfig("sales", wrap_up_ms=10),), agents=(ONE,))
    router = Router(good, "run")
    router.handle(ev.AgentWants("1001", ev.Wanted.AVAILABLE), 0)
    router.handle(ev.Arrived("i1", "sales", 0), 0)
    router.handle(ev.OfferAccepted("run.1"), 0)
    router.handle(ev.Ended("i1", "1001"), 0)
    before = router.agents()
    for event in (
        ev.ConfigChanged(config),
        ev.Batch((ev.Arrived("i2", "sales", 0), ev.ConfigChanged(config))),
    ):
        # Even a timer that is due waits for an event that can be used.
        with pytest.raises(ConfigError, match=message):
            router.handle(event, 10)
    assert router.agents() == before
    assert router.interactions() == []
    assert router.config is good
    moved = router.handle(ev.TimePassed(), 10)
    assert moved == [ev.AgentMoved("1001", ev.Presence.AVAILABLE)]
