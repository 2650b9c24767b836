"""For which callbacks agents are expected: of the real router's floor, by what they may take."""

from __future__ import annotations

from dataclasses import replace

import pytest

from acd.callbacks import Book, Policy, events as cb
from acd.calling_back.expecting import expected
from acd.router import Router, events as ev
from acd.router.codec import to_entry
from acd.router.configuration import Step
from acd.router.criteria import ANYONE, Skill
from acd.router.events import AgentConfig, Configuration, QueueConfig, Wanted
from crm.calendars import Calendar
from crm.records import Callback

NOW = 1_800_000_000_000
ALWAYS = Calendar("always", "UTC", (((0, 24 * 60),),) * 7)
FIRST = replace(Policy(), agent_first=False, calling=ALWAYS)


class Place:
    """A floor of queues whose customers are called first."""

    def __init__(self, *agents: AgentConfig, **queues: QueueConfig) -> None:
        configs = {name: replace(one, name=name) for name, one in queues.items()}
        self.router = Router(Configuration(queues=tuple(configs.values()), agents=agents), "t")
        self.book = Book()
        self.book.handle(cb.Configured(dict.fromkeys(configs, FIRST), configs), NOW)
        for one in agents:
            self.router.handle(ev.AgentReachable(one.agent, True), NOW)
            self.router.handle(ev.AgentWants(one.agent, Wanted.AVAILABLE), NOW)

    def promise(self, name: str, queue: str, ago_ms: int = 0, skill: str = "") -> None:
        entered = NOW - ago_ms
        place = ev.Arrived(name, queue, entered, criteria=Skill(skill) if skill else ANYONE)
        body = to_entry(place)[1]
        row = Callback(name, "+12125550100", entered, "test", queue, name, place=body)
        self.book.handle(cb.Known(row), NOW)

    def expected(self) -> tuple[str, ...]:
        return expected(self.router, self.book, NOW)

    def call(self) -> list[str]:
        """Call those; gives all that were claimed."""
        decided = self.book.handle(cb.Expected(self.expected()), NOW)
        return [one.callback for one in decided if isinstance(one, cb.Claim)]


def test_an_agent_of_two_queues_is_expected_once() -> None:
    place = Place(AgentConfig("a", ("q", "r")), q=QueueConfig(""), r=QueueConfig(""))
    place.promise("later", "q", 1_000)
    place.promise("sooner", "r", 2_000)
    assert place.call() == ["sooner"]
    assert place.call() == []


def test_nobody_is_called_for_agents_who_may_not_take_them() -> None:
    place = Place(
        AgentConfig("a", ("q",)), AgentConfig("b", ("q",), skills=(("law", 3),)), q=QueueConfig("")
    )
    place.promise("law1", "q", 3_000, "law")
    place.promise("law2", "q", 2_000, "law")
    place.promise("any", "q", 1_000)
    assert place.call() == ["law1", "any"]


def test_an_agent_is_kept_for_whom_only_they_may_take() -> None:
    place = Place(
        AgentConfig("a", ("q",)), AgentConfig("b", ("q",), skills=(("law", 3),)), q=QueueConfig("")
    )
    place.promise("any", "q", 3_000)
    place.promise("law", "q", 2_000, "law")
    assert place.call() == ["any", "law"]


@pytest.mark.parametrize("ahead", [True, False])
def test_live_callers_ahead_have_the_agents_first(ahead: bool) -> None:
    place = Place(
        AgentConfig("a", ("q", "r")), q=QueueConfig("", wrap_up_ms=10_000), r=QueueConfig("")
    )
    # The agent is wrapping up, and expected within the ring time.
    (offer,) = [
        one
        for one in place.router.handle(ev.Arrived("first", "q", NOW), NOW)
        if isinstance(one, ev.Offer)
    ]
    place.router.handle(ev.OfferAccepted(offer.offer), NOW)
    place.router.handle(ev.Ended("first", "a"), NOW)
    place.promise("cb", "q", 1_000)
    assert place.expected() == ("cb",)
    place.router.handle(ev.Arrived("live", "r", NOW - (2_000 if ahead else 0), rejoins=True), NOW)
    assert place.expected() == (() if ahead else ("cb",))


def test_who_wraps_up_longer_than_the_phone_rings_is_not_expected() -> None:
    place = Place(AgentConfig("a", ("q",)), q=QueueConfig("", wrap_up_ms=FIRST.ring_ms + 1))
    (offer,) = [
        one
        for one in place.router.handle(ev.Arrived("first", "q", NOW), NOW)
        if isinstance(one, ev.Offer)
    ]
    place.router.handle(ev.OfferAccepted(offer.offer), NOW)
    assert place.expected() == ()
    place.promise("cb", "q", 1_000)
    place.router.handle(ev.Ended("first", "a"), NOW)
    assert place.expected() == ()


def test_steps_widen_who_may_by_the_time() -> None:
    steps = (Step(Skill("law"), lasts_ms=60_000), Step())
    place = Place(AgentConfig("a", ("q",)), q=QueueConfig("", steps=steps))
    place.promise("new", "q", 1_000)
    assert place.expected() == ()
    place.promise("old", "q", 61_000)
    assert place.expected() == ("old",)
    # As the router itself has it.
    (offer,) = [
        one
        for one in place.router.handle(ev.Arrived("live", "q", NOW - 61_000, rejoins=True), NOW)
        if isinstance(one, ev.Offer)
    ]
    assert offer.agent == "a"


def test_so_many_at_once_hold_for_each_queue_and_keep_no_agent_from_others() -> None:
    agents = [AgentConfig(f"a{n}", ("q", "r")) for n in range(4)]
    place = Place(*agents, q=QueueConfig(""), r=QueueConfig(""))
    policies = {"q": replace(FIRST, at_once=1), "r": FIRST}
    queues = {one.name: one for one in place.router.config.queues}
    place.book.handle(cb.Configured(policies, queues), NOW)
    for n in range(3):
        place.promise(f"q{n}", "q", 9_000 - n)
    place.promise("r", "r", 1_000)
    assert place.call() == ["q0", "r"]
    assert place.call() == []
