"""A new process puts everybody back: place, step, recipes done, wrap-ups, idle times."""

from __future__ import annotations

from typing import Any

import pytest
from stage import START, WRAP_UP_MS, Stage

from acd.ledger import WrapUp
from acd.places import arrival_of, facts
from acd.restore import Past
from acd.router.configuration import Step
from acd.router.criteria import Named, Skill
from acd.router.events import AgentConfig, Arrived, QueueConfig
from acd.router.recipes import OverflowTo, Prioritise, Recipe, Relax, Say, Staffing, Waited
from crm.records import InteractionDetail, Segment
from pbx.port import FloorSnapshot, LegSnapshot

R = QueueConfig("r")
STAFF = (AgentConfig("a", ("q", "r"), (("tax", 1),)), AgentConfig("b", ("q", "r")))


def floor(**policy: Any) -> Stage:
    stage = Stage("", queues=(R,), staff=STAFF, **policy)
    stage.up()
    return stage


def shown(stage: Stage) -> list[Any]:
    return [
        [{k: v for k, v in one.items() if k != "waited_ms"} for one in queue["waiting"]]
        for queue in stage.floor.status()["queues"]
    ]


def test_places_steps_and_what_recipes_did_survive_the_process() -> None:
    stage = floor(
        steps=(Step(Skill("tax", 3), 2000), Step(Skill("tax", 1), 2000)),
        recipes=(
            Recipe((Waited(1000),), (Say("hello"),)),
            Recipe((Waited(1500),), (Prioritise(-60_000),)),
            Recipe((Waited(3000),), (Relax(("tax",)),)),
        ),
        tiers=(("vip", 700),),
    )
    stage.call("i1", priority=2000)
    stage.clock.pass_ms(1200)
    stage.call("i2", tier="vip", steps=(Step(Named(("zoe",)), 60_000, members=False),))
    stage.clock.pass_ms(2000)
    before = shown(stage)
    assert [(one["interaction"], one["step"]) for one in before[0]] == [("i1", 2), ("i2", 1)]
    stage.again(Past(places=stage.places()))
    assert shown(stage) == before
    stage.clock.pass_ms(50)
    assert stage.switch.summons.count("c-i1") == 1, "it is not told twice"
    stage.clock.pass_ms(60_000)
    assert shown(stage)[0][0]["step"] == 3


def test_what_calls_carry_alone_keeps_order_and_step() -> None:
    stage = floor(steps=(Step(Skill("tax", 3), 2000), Step()), tiers=(("vip", 700),))
    stage.call("i1")
    stage.clock.pass_ms(1500)
    stage.call("i2", priority=5000)
    stage.call("i3", tier="vip")
    stage.clock.pass_ms(1000)
    before = shown(stage)
    assert [one["interaction"] for one in before[0]] == ["i2", "i1", "i3"]
    stage.again()
    assert shown(stage) == before


def test_a_head_start_outlives_the_channel_that_carries_it() -> None:
    stage = Stage("")
    stage.up()
    stage.call("plain")
    stage.call("ahead", priority=60_000)
    stage.call("gold", tier="gold")
    assert stage.places().keys() == {"ahead", "gold"}
    assert stage.places()["ahead"].priority == 60_000


def test_an_overflow_survives_the_process_with_its_beginning() -> None:
    stage = floor(recipes=(Recipe((Waited(1000),), (OverflowTo("r"),)),))
    stage.call("i1")
    stage.clock.pass_ms(1500)
    before = shown(stage)
    stage.again()
    assert shown(stage) == before
    assert stage.line(1) == ["i1"]


def test_own_steps_not_written_any_more_are_those_of_the_flow() -> None:
    stage = floor()
    stage.call("i1", steps=(Step(Skill("tax", 5)),))
    stage.again(Past(steps=lambda carried: (Step(Skill("tax", 5)),)))
    assert shown(stage)[0][0]["needs"] == "queue q and skill tax >= 5"


def test_a_broken_link_changes_nothing_of_who_waits() -> None:
    stage = floor(
        steps=(Step(Skill("tax", 3), 2000, skip_without=Staffing.ACTIVE), Step()),
        recipes=(Recipe((Waited(1000),), (Prioritise(-9000), Say("hello"))),),
    )
    stage.call("i1", steps=(Step(Named(("zoe",)), 60_000, members=False),))
    stage.call("i2")
    stage.clock.pass_ms(1100)
    before = shown(stage)
    stage.lost()
    calls = stage.snapshot({"i1": 1, "i2": 1}).calls
    stage.up(FloorSnapshot(calls))
    assert shown(stage) == before


def test_a_wrap_up_lasts_as_long_as_it_would_have() -> None:
    stage = Stage("ab")
    stage.up()
    stage.call("i1")
    offer, address, call = stage.last_ring()
    agent = address.removeprefix("p")
    stage.answers(offer, call)
    stage.leg_ends(offer, answered=True)
    stage.hangs_up("i1")
    stage.clock.pass_ms(4000)
    row = stage.book.interactions["i1"]
    segments = tuple(s for (i, _), s in sorted(stage.book.segments.items()) if i == "i1")
    stage.floor = stage.service()
    wraps = stage.ledger.resumed(
        [InteractionDetail(row, segments)], stage.clock.now(), lambda _: WRAP_UP_MS
    )
    assert wraps == {agent: WrapUp("i1", START + WRAP_UP_MS)}
    ledger = stage.ledger
    stage.floor = stage.service(Past(wraps=wraps), ledger)
    stage.up()
    assert stage.presence(agent)[0] == "wrap_up"
    stage.clock.pass_ms(WRAP_UP_MS - 4000)
    assert stage.presence(agent)[0] == "available"
    assert stage.book.of("i1")[-1] == ("wrap_up", "done")
    assert max(s.ended_ms or 0 for s in stage.book.segments.values()) == START + WRAP_UP_MS


def test_a_wrap_up_that_was_over_meanwhile_ended_when_it_should_have() -> None:
    stage = Stage()
    stage.up()
    stage.call("i1")
    offer, _, call = stage.last_ring()
    stage.answers(offer, call)
    stage.leg_ends(offer, answered=True)
    stage.hangs_up("i1")
    row = stage.book.interactions["i1"]
    segments = tuple(s for (i, _), s in sorted(stage.book.segments.items()) if i == "i1")
    stage.floor = stage.service()
    later = START + 5 * WRAP_UP_MS
    assert not stage.ledger.resumed([InteractionDetail(row, segments)], later, lambda _: WRAP_UP_MS)
    wrapped: Segment = stage.book.segments["i1", 4]
    assert wrapped.ended_ms == START + WRAP_UP_MS


def test_who_was_idle_longest_still_is() -> None:
    stage = Stage("ab")
    stage.floor = stage.service(Past(idle_since={"a": 900_000, "b": 800_000}))
    stage.up()
    stage.call("i1")
    assert stage.last_ring()[1] == "pb"


# --- several rang ------------------------------------------------------------------------------


def ringing(stage: Stage, *legs: tuple[str, str, bool]) -> None:
    """A new process finds one caller and these legs: offer, agent, answered."""
    carried = {"interaction": "i1", "queue": "q", "entered": "700", "held": "yes"}
    found = [LegSnapshot(offer, f"p{agent}", up, carried) for offer, agent, up in legs]
    stage.floor = stage.service()
    stage.up(stage.snapshot({"i1": 700}, found))


def test_a_held_leg_that_answered_while_nobody_was_there_is_joined_and_the_others_stop() -> None:
    stage = Stage("abc", ring_at_once=3)
    ringing(stage, ("old.1", "a", False), ("old.2", "b", True), ("old.3", "c", True))
    assert stage.switch.joins == ["old.2"]
    assert sorted(stage.switch.cancels) == ["old.1", "old.3"]
    assert stage.presence("b")[0] == "on_contact"


def test_held_legs_that_ring_are_adopted_and_the_first_to_answer_wins() -> None:
    stage = Stage("abc", ring_at_once=2)
    ringing(stage, ("old.1", "a", False), ("old.2", "b", False))
    assert stage.switch.rings == []
    stage.answers("old.1", "c-i1", connected=False)
    assert (stage.switch.joins, stage.switch.cancels) == (["old.1"], ["old.2"])


# --- what is carried ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arrival",
    [
        Arrived("i", "q", 5, began=5, rejoins=True),
        Arrived("i", "q", 5, -3000, tier="vip", began=9, rejoins=True),
    ],
)
def test_a_place_is_carried_whole(arrival: Arrived) -> None:
    assert arrival_of("i", facts(arrival, {}), 99) == arrival


def test_what_is_carried_no_more_is_taken_back() -> None:
    before = facts(Arrived("i", "q", 5, 1000, tier="vip", began=7), {})
    assert facts(Arrived("i", "q", 9, began=9), before) == {
        "interaction": "i", "queue": "q", "entered": "9", "priority": "", "tier": "", "began": "",
    }  # fmt: skip


def test_nonsense_in_what_is_carried_is_not_believed() -> None:
    carried = {"queue": "q", "entered": "x" * 5, "priority": "--5", "began": "9" * 40}
    assert arrival_of("i", carried, 99) == Arrived("i", "q", 99, began=99, rejoins=True)
    assert arrival_of("i", {}, 99) is None


def test_a_place_of_an_earlier_stay_does_not_hold() -> None:
    kept = Arrived("i", "q", 5, began=5, rejoins=True, skipped=1)
    assert arrival_of("i", {"queue": "r", "entered": "9"}, 99, kept) == Arrived(
        "i", "r", 9, began=9, rejoins=True
    )
