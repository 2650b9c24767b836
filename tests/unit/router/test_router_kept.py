"""What a router keeps of those who wait brings them back to their place and step in another."""

from __future__ import annotations

from dataclasses import replace

from any_floor import Floor

from acd.router import Router, StepStatus, events as ev
from acd.router.codec import from_entry, to_entry
from acd.router.configuration import Step
from acd.router.criteria import AllOf, Named, Skill
from acd.router.events import AgentConfig, Configuration, QueueConfig, Wanted
from acd.router.recipes import (
    OverflowTo,
    Prioritise,
    Recipe,
    Relax,
    Require,
    Say,
    Staffing,
    Waited,
)

TAX, LAW = Skill("tax", 3), Skill("law", 2)
Q = QueueConfig(
    "q",
    steps=(Step(TAX, 1000), Step(LAW, 1000, skip_without=Staffing.ACTIVE), Step(lasts_ms=1000)),
    recipes=(
        Recipe((Waited(500),), (Say("soon"),)),
        Recipe((Waited(600),), (Prioritise(5000),)),
        Recipe((Waited(700),), (Require(Skill("kind")), Relax(("law",)))),
        Recipe((Waited(800),), (Say("again"),), repeat_ms=300),
    ),
    tiers=(("vip", 300),),
)
STAFF = (
    AgentConfig("taxer", ("q", "r"), (("tax", 5), ("kind", 1))),
    AgentConfig("lawyer", ("q", "r"), (("law", 5), ("kind", 1))),
    AgentConfig("any", ("q", "r")),
)
CONFIG = Configuration(queues=(Q, QueueConfig("r")), agents=STAFF)


def rebuilt(old: Router, epoch: str, now: int) -> Router:
    """A router that is told what the old one keeps, through the journal's form."""
    kept = [old.kept(one.interaction) for one in old.interactions()]
    told = [from_entry(*to_entry(one)) for one in kept if one is not None]
    assert told == kept
    new = Router(Configuration(), epoch)
    new.restore([ev.ConfigChanged(old.config), *told], now)
    return new


def shown(router: Router) -> list[object]:
    """Everything of those who wait, but that offers are named anew."""
    return [
        (one, router.steps(one.interaction), router.kept(one.interaction))
        for queue in ("q", "r")
        for one in router.waiting(queue)
    ]


def test_at_every_instant_a_new_router_is_as_the_old_one_and_goes_on_alike() -> None:
    floor = Floor(CONFIG, log_in=False)
    floor.tell(ev.Arrived("a", "q", 0, priority=40, criteria=AllOf((LAW, Skill("kind")))))
    own = (Step(Named(("any",)), 300, members=False, skip_without=Staffing.LOGGED_IN),)
    floor.tell(ev.Arrived("b", "q", 0, tier="vip", steps=own))
    floor.tell(ev.Arrived("c", "r", 0, criteria=TAX))
    while floor.router.deadline is not None and floor.router.deadline < 4000:
        now = floor.router.deadline
        new = rebuilt(floor.router, "new", now - 1)
        assert shown(new) == shown(floor.router)
        said = floor.tell(ev.TimePassed(), now)
        assert new.handle(ev.TimePassed(), now) == said
        assert new.deadline == floor.router.deadline
    assert [one.interaction for one in floor.router.waiting("q")] == ["b", "a"]


def test_what_recipes_and_skipped_steps_change_is_told_as_altered() -> None:
    floor = Floor(CONFIG, log_in=False)
    floor.tell(ev.Arrived("a", "q", 0))
    assert floor.router.altered == []
    floor.tell(ev.TimePassed(), 500)
    assert floor.router.altered == ["a"]
    floor.tell(ev.TimePassed(), 550)
    assert floor.router.altered == []
    floor.tell(ev.TimePassed(), 1000)
    assert floor.router.altered == ["a"], "nobody with the second step's skill is there"
    skipped = [step.status for step in floor.router.steps("a")]
    assert skipped == [StepStatus.EXPIRED, StepStatus.SKIPPED, StepStatus.ACTIVE]


def test_a_recipe_that_was_done_is_not_done_again() -> None:
    floor = Floor(CONFIG, log_in=False)
    floor.tell(ev.Arrived("a", "q", 0))
    floor.tell(ev.TimePassed(), 650)
    new = rebuilt(floor.router, "new", 660)
    assert [type(one).__name__ for one in new.handle(ev.TimePassed(), 670)] == []


def test_who_overflowed_stays_in_the_other_queue_with_their_entry_time() -> None:
    way = QueueConfig("q", recipes=(Recipe((Waited(100),), (OverflowTo("r"),)),))
    floor = Floor(replace(CONFIG, queues=(way, QueueConfig("r"))), log_in=False)
    floor.tell(ev.Arrived("a", "q", 0))
    floor.tell(ev.TimePassed(), 100)
    assert floor.router.altered == ["a"]
    new = rebuilt(floor.router, "new", 200)
    assert [(one.queue, one.entered) for one in new.waiting("r")] == [("r", 0)]
    assert new.kept("a") == floor.router.kept("a")


def test_steps_that_no_longer_fit_the_configuration_are_begun_from_when_the_wait_began() -> None:
    floor = Floor(CONFIG, log_in=False)
    floor.tell(ev.Arrived("a", "q", 0))
    floor.tell(ev.TimePassed(), 1500)
    kept = floor.router.kept("a")
    assert kept is not None
    assert kept.step == 2
    new = Router(Configuration(queues=(QueueConfig("q", steps=(Step(TAX, 400),)),)), "new")
    new.handle(kept, 1600)
    assert [step.status for step in new.steps("a")] == [StepStatus.EXPIRED]


def test_who_talks_is_kept_too_for_a_talk_that_does_not_come_about() -> None:
    floor = Floor(CONFIG, log_in=False)
    floor.tell(ev.AgentWants("any", Wanted.AVAILABLE))
    floor.tell(ev.Arrived("a", "q", 0))
    floor.tell(ev.TimePassed(), 1000)
    offer = floor.router.agent("any")
    assert offer is not None
    assert offer.offer is not None
    floor.tell(ev.OfferAccepted(offer.offer))
    kept = floor.router.kept("a")
    assert kept is not None
    assert (kept.step, kept.rejoins) == (2, True)
