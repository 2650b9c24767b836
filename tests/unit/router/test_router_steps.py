"""Routing steps, preferred agents, recipes and queue policy."""

from __future__ import annotations

from dataclasses import replace

import pytest
from any_floor import Floor

from acd.router import StepStatus, events as ev
from acd.router.configuration import Step
from acd.router.criteria import ANYONE, AllOf, Named, Skill
from acd.router.events import AgentConfig, Configuration, QueueConfig, Wanted
from acd.router.recipes import (
    Action,
    Callback,
    Condition,
    LengthAtLeast,
    NoAgents,
    NoMembers,
    OverflowTo,
    PositionAtLeast,
    PositionAtMost,
    Prioritise,
    Recipe,
    Relax,
    Require,
    Say,
    Staffing,
    TierIn,
    TurnAway,
    Voicemail,
    Waited,
)

TAX = Skill("tax", 4)
STAFF = (
    AgentConfig("expert", ("q",), (("tax", 5),)),
    AgentConfig("novice", ("q",), (("tax", 2),)),
    AgentConfig("other", ("q",)),
    AgentConfig("owner", ("r",)),
)


def floor(here: str = "", *, queues: tuple[QueueConfig, ...] = (), **policy: object) -> Floor:
    """Queue `q` with this policy and queue `r`; those named are logged in."""
    config = Configuration(
        queues=(QueueConfig("q", **policy), QueueConfig("r"), *queues),  # type: ignore[arg-type]
        agents=STAFF,
    )
    made = Floor(config, log_in=False)
    for name in here.split():
        made.tell(ev.AgentWants(name, Wanted.AVAILABLE))
    return made


def statuses(here: Floor, name: str = "a") -> list[StepStatus]:
    return [step.status for step in here.router.steps(name)]


def told(decisions: list[ev.Decision]) -> list[ev.Decision]:
    return [d for d in decisions if not isinstance(d, ev.AgentMoved)]


# --- steps -----------------------------------------------------------------------------------


def test_steps_relax_at_their_instant() -> None:
    here = floor("other", steps=(Step(TAX, 100), Step(Skill("tax", 2), 50)))
    here.now = 10
    assert here.arrive("a") == []
    assert here.router.deadline == 110
    assert statuses(here) == [StepStatus.ACTIVE, StepStatus.PENDING]
    assert [s.reason for s in here.router.stranded()] == ["logged_out"]
    assert here.offers(ev.TimePassed(), 110) == {}
    assert here.router.deadline == 160
    assert statuses(here) == [StepStatus.EXPIRED, StepStatus.ACTIVE]
    assert here.offers(ev.TimePassed(), 159) == {}
    assert here.offers(ev.TimePassed(), 160) == {"a": ["other"]}
    assert statuses(here) == [StepStatus.EXPIRED] * 2
    assert here.router.deadline is None


def test_the_step_that_held_is_joined() -> None:
    here = floor("expert", steps=(Step(TAX, 100), Step()))
    here.arrive("a")
    here.answer("a")
    assert statuses(here) == [StepStatus.JOINED, StepStatus.PENDING]
    views = here.router.steps("a")
    assert (views[0].criteria, views[0].began) == ("queue q and skill tax >= 4", 0)
    assert views[1].began is None


def test_after_a_restart_steps_go_on_where_they_were() -> None:
    here = floor("novice", steps=(Step(TAX, 100), Step(Skill("tax", 2))))
    here.now = 150
    assert here.offers(ev.Arrived("a", "q", 0, rejoins=True)) == {"a": ["novice"]}


def test_rings_drop_and_lower_skills() -> None:
    rings = (Step(lasts_ms=10), Step(lasts_ms=10, lower=(("tax", 2),)), Step(drop=("tax",)))
    here = floor("other", steps=rings)
    assert here.arrive("a", criteria=TAX) == []
    assert here.offers(ev.AgentWants("novice", Wanted.AVAILABLE), 9) == {}
    assert here.offers(ev.TimePassed(), 10) == {"a": ["novice"]}
    here.tell(ev.OfferFailed("run.1", ev.Failure.NO_ANSWER))
    assert here.offers(ev.TimePassed(), 20) == {"a": ["other"]}


def test_a_step_that_replaces_shuts_out_who_came_before() -> None:
    here = floor(steps=(Step(TAX, 10), Step(Named(("other",)), replaces=True)))
    here.arrive("a")
    here.tell(ev.TimePassed(), 10)
    assert here.offers(ev.AgentWants("expert", Wanted.AVAILABLE)) == {}
    assert here.offers(ev.AgentWants("other", Wanted.AVAILABLE)) == {"a": ["other"]}


OWNER = Step(Named(("owner",)), 100, skip_without=Staffing.ACTIVE, members=False)


def test_a_preferred_agent_is_waited_for() -> None:
    here = floor("owner expert")
    here.arrive("busy", "r")
    here.answer("busy")
    assert here.arrive("a", steps=(OWNER,)) == []
    assert here.end("busy", 50) == {}
    assert here.router.deadline == 100
    assert here.tell(ev.WrapUpDone("owner"))[1] == ev.Offer("run.2", "a", "q", "owner", 20_000)


def test_a_preferred_agent_is_waited_for_no_longer_than_told() -> None:
    here = floor("owner expert")
    here.arrive("busy", "r")
    here.answer("busy")
    here.arrive("a", steps=(OWNER,))
    assert here.offers(ev.TimePassed(), 100) == {"a": ["expert"]}


def test_a_preferred_agent_who_is_not_there_is_skipped_at_once() -> None:
    here = floor("expert")
    assert here.arrive("a", steps=(OWNER,)) == ["expert"]
    assert statuses(here) == [StepStatus.SKIPPED]


def test_a_preferred_agent_who_goes_is_waited_for_no_more() -> None:
    here = floor("owner expert")
    here.arrive("busy", "r")
    here.answer("busy")
    here.tell(ev.AgentWants("owner", Wanted.PAUSED))
    here.arrive("a", steps=(OWNER,))
    assert here.end("busy", 20) == {}, "in wrap-up still, and there"
    assert here.offers(ev.WrapUpDone("owner")) == {"a": ["expert"]}


def test_skip_if_the_preferred_agent_is_not_free_now() -> None:
    here = floor("owner expert")
    here.arrive("busy", "r")
    only_now = Step(Named(("owner",)), 100, skip_without=Staffing.AVAILABLE, members=False)
    assert here.arrive("a", steps=(only_now,)) == ["expert"]


# --- recipes -----------------------------------------------------------------------------------


def cook(
    when: Condition | tuple[Condition, ...], then: Action | tuple[Action, ...],
    repeat_ms: int | None = None, here: str = "",
) -> Floor:  # fmt: skip
    whens = when if isinstance(when, tuple) else (when,)
    thens = then if isinstance(then, tuple) else (then,)
    return floor(here, recipes=(Recipe(whens, thens, repeat_ms),))


def test_a_recipe_is_done_once_at_its_instant() -> None:
    here = cook(Waited(30), Say("patience"))
    here.arrive("a")
    assert here.router.deadline == 30
    assert here.tell(ev.TimePassed(), 29) == []
    assert here.tell(ev.TimePassed(), 30) == [ev.Announce("a", "q", "patience")]
    assert here.router.deadline is None


def test_a_recipe_repeats_if_told() -> None:
    here = cook(Waited(30), Callback(), 20)
    here.arrive("a")
    for now in (30, 50, 70):
        assert here.router.deadline == now
        assert here.tell(ev.TimePassed(), now) == [ev.OfferCallback("a", "q")]


def test_positions_are_noticed_as_the_line_moves() -> None:
    here = cook((PositionAtMost(2), TierIn(("gold",))), Say("soon"))
    for name in "abcd":
        here.arrive(name, tier="gold" if name in "cd" else "")
    assert here.tell(ev.Left("a")) == [ev.Announce("c", "q", "soon")]
    assert here.tell(ev.Left("b")) == [ev.Announce("d", "q", "soon")]
    assert here.tell(ev.Left("c")) == []


def test_who_is_pushed_back_is_noticed() -> None:
    here = cook(PositionAtLeast(3), Callback())
    here.arrive("a")
    here.arrive("b")
    overtakes = ev.Arrived("c", "q", 0, priority=1000)
    assert here.tell(overtakes) == [ev.OfferCallback("b", "q")]


def test_a_queue_that_has_grown_is_noticed() -> None:
    here = cook(LengthAtLeast(2), Say("long"))
    here.arrive("a")
    assert here.tell(ev.Arrived("b", "q", 0)) == [
        ev.Announce("a", "q", "long"),
        ev.Announce("b", "q", "long"),
    ]


def test_agents_who_are_gone_are_noticed() -> None:
    here = cook(NoAgents(), Relax(), here="expert other")
    here.tell(ev.AgentWants("other", Wanted.PAUSED))
    here.arrive("x", criteria=TAX)
    here.answer("x")
    assert here.arrive("a", criteria=TAX) == []
    here.tell(ev.AgentWants("expert", Wanted.OFFLINE))
    here.tell(ev.AgentWants("other", Wanted.AVAILABLE))
    assert here.end("x") == {}
    assert here.offers(ev.WrapUpDone("expert")) == {"a": ["other"]}


def test_active_agents_who_are_gone_are_noticed() -> None:
    here = cook(NoMembers(Staffing.ACTIVE), Voicemail(), here="expert")
    here.arrive("x")
    here.answer("x")
    here.arrive("a")
    assert here.tell(ev.AgentReachable("expert", False)) == [ev.ToVoicemail("a", "q")]


def test_actions_change_who_may_take_it_and_when() -> None:
    here = cook(Waited(10), (Relax(("tax",)), Prioritise(500)), here="other")
    here.tell(ev.AgentWants("other", Wanted.PAUSED))
    here.arrive("b", criteria=ANYONE)
    here.now = 5
    here.arrive("a", criteria=TAX)
    here.tell(ev.TimePassed(), 15)
    assert [x.interaction for x in here.router.waiting("q")] == ["b", "a"], "both moved alike"
    here.tell(ev.Left("b"))
    assert here.offers(ev.AgentWants("other", Wanted.AVAILABLE)) == {"a": ["other"]}


def test_require_narrows() -> None:
    here = cook(Waited(0), Require(TAX))
    here.arrive("a")
    assert here.offers(ev.AgentWants("other", Wanted.AVAILABLE)) == {}
    view = here.router.interaction("a")
    assert view is not None
    assert view.needs == "queue q and skill tax >= 4"


def test_overflow_keeps_the_entry_time() -> None:
    here = cook(Waited(30), OverflowTo("r"), here="owner")
    here.tell(ev.AgentWants("owner", Wanted.PAUSED))
    here.arrive("a")
    here.now = 10
    here.arrive("b", "r")
    assert here.tell(ev.TimePassed(), 30) == [ev.Overflow("a", "q", "r")]
    assert [(x.interaction, x.entered) for x in here.router.waiting("r")] == [("a", 0), ("b", 10)]
    assert here.offers(ev.AgentWants("owner", Wanted.AVAILABLE)) == {"a": ["owner"]}


def test_what_rings_is_left_to_ring() -> None:
    here = cook(Waited(30), TurnAway("sorry"), here="expert")
    here.arrive("a")
    assert here.tell(ev.TimePassed(), 30) == []
    assert told(here.tell(ev.OfferFailed("run.1", ev.Failure.BUSY))) == [
        ev.TurnedAway("a", "q", "sorry")
    ]


# --- queue policy --------------------------------------------------------------------------------


def test_a_full_queue_turns_away_or_overflows() -> None:
    here = floor(max_length=1)
    here.arrive("a")
    assert here.tell(ev.Arrived("b", "q", 0)) == [ev.TurnedAway("b", "q", "full")]
    here = floor(max_length=1, when_full=OverflowTo("r"))
    here.arrive("a")
    assert here.tell(ev.Arrived("b", "q", 0)) == [ev.Overflow("b", "q", "r")]


def test_queues_that_overflow_into_each_other_turn_away_in_the_end() -> None:
    full = QueueConfig("s", max_length=0, when_full=OverflowTo("q"))
    here = floor(queues=(full,), max_length=0, when_full=OverflowTo("s"))
    assert here.tell(ev.Arrived("a", "q", 0)) == [
        ev.Overflow("a", "q", "s"),
        ev.TurnedAway("a", "s", "full"),
    ]
    assert here.router.interactions() == []


def test_who_waited_before_is_let_in_anyhow() -> None:
    here = floor(max_length=0, join_needs=Staffing.LOGGED_IN)
    here.tell(ev.QueueClosed("q"))
    assert here.tell(ev.Arrived("a", "q", 0, rejoins=True)) == []
    assert here.router.place("a") == 1


def test_the_longest_wait() -> None:
    here = floor(max_wait_ms=50)
    here.arrive("a")
    assert here.tell(ev.TimePassed(), 50) == [ev.TurnedAway("a", "q", "max_wait")]


@pytest.mark.parametrize("needs", Staffing)
def test_nobody_joins_an_empty_queue(needs: Staffing) -> None:
    here = floor(join_needs=needs)
    turned_away = [ev.TurnedAway("a", "q", "empty")]
    assert here.tell(ev.Arrived("a", "q", 0)) == turned_away
    here.tell(ev.AgentWants("other", Wanted.PAUSED))
    assert (here.tell(ev.Arrived("a", "q", 0)) == []) == (needs is Staffing.LOGGED_IN)
    here.tell(ev.AgentWants("other", Wanted.AVAILABLE))
    assert here.arrive("b") or here.router.interaction("a")


def test_who_waits_leaves_a_queue_that_is_empty() -> None:
    here = floor("expert", stay_needs=Staffing.LOGGED_IN)
    here.arrive("x")
    here.answer("x")
    here.arrive("a")
    here.arrive("b")
    assert here.tell(ev.AgentWants("expert", Wanted.OFFLINE)) == []
    assert here.end("x") == {}
    assert told(here.tell(ev.WrapUpDone("expert"))) == [
        ev.TurnedAway("a", "q", "empty"),
        ev.TurnedAway("b", "q", "empty"),
    ]


def test_opening_hours() -> None:
    here = floor()
    here.arrive("a")
    assert here.tell(ev.QueueClosed("q", "holiday")) == [], "who waits is served"
    assert here.tell(ev.Arrived("b", "q", 0)) == [ev.TurnedAway("b", "q", "closed")]
    assert [s.reason for s in here.router.stranded()] == ["closed"]
    here.tell(ev.QueueOpened("q"))
    assert here.tell(ev.Arrived("b", "q", 0)) == []
    here = floor(closing_clears=True, when_closed=Voicemail())
    here.arrive("a")
    assert here.tell(ev.QueueClosed("q")) == [ev.ToVoicemail("a", "q")]


def test_a_tier_is_a_head_start() -> None:
    here = floor(tiers=(("gold", 60_000),))
    here.arrive("a")
    here.now = 50_000
    here.arrive("b", tier="gold")
    here.arrive("c", tier="silver")
    assert [x.interaction for x in here.router.waiting("q")] == ["b", "a", "c"]


def test_short_abandons_are_told_apart() -> None:
    here = floor(short_abandon_ms=5000)
    for name, now in (("a", 4999), ("b", 10_000)):
        here.arrive(name)
        short = here.tell(ev.Left(name), now)
        assert short == ([ev.ShortAbandon("a", "q", 4999)] if name == "a" else [])
    here.arrive("c")
    assert here.tell(ev.Left("c", ev.LeaveReason.CALLED_BACK)) == []


@pytest.mark.parametrize(
    ("criteria", "closed", "reason"),
    [
        (Skill("law"), False, "no_skill"),
        (AllOf((TAX,)), False, "logged_out"),
        (TAX, True, "closed"),
    ],
)
def test_who_cannot_be_served_is_reported(criteria: Skill, closed: bool, reason: str) -> None:
    here = floor("other")
    here.arrive("a", criteria=criteria)
    if closed:
        here.tell(ev.QueueClosed("q"))
    assert [(s.interaction, s.reason) for s in here.router.stranded()] == [("a", reason)]


def test_a_change_of_configuration_reaches_who_waits() -> None:
    here = floor("other", steps=(Step(TAX),), recipes=(Recipe((Waited(0),), (Say("hello"),)),))
    assert told(here.tell(ev.Arrived("a", "q", 0))) == [ev.Announce("a", "q", "hello")]
    config = here.router.config
    (queue, *rest) = config.queues
    said = (Recipe((Waited(0),), (Say("new"),)), *queue.recipes)
    changed = replace(queue, recipes=said)
    new = replace(config, version=2, queues=(changed, *rest))
    assert here.tell(ev.ConfigChanged(new)) == [ev.Announce("a", "q", "new")], "hello was said"
    newer = replace(new, version=3, queues=(replace(changed, steps=()), *rest))
    assert here.offers(ev.ConfigChanged(newer)) == {"a": ["other"]}
