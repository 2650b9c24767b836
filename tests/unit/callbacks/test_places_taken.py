"""Who calls again stands exactly where a live caller would who came when they did."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, strategies as st

from acd.callbacks.place import SLOT, arrival, taken
from acd.router import Router, events as ev
from acd.router.codec import to_entry
from acd.router.configuration import Step
from acd.router.criteria import Criteria, Skill
from acd.router.events import AgentConfig, Arrived, Configuration, Done, QueueConfig, Wanted
from acd.router.recipes import (
    Callback as OfferCallback,
    NoMembers,
    Prioritise,
    Recipe,
    Relax,
    Require,
    Say,
    Staffing,
    TurnAway,
    Voicemail,
    Waited,
)
from crm.records import Callback

START = 1_000_000
SKILLS = ("tax", "law")
skilled: st.SearchStrategy[Criteria] = st.builds(Skill, st.sampled_from(SKILLS), st.integers(1, 3))
waited = st.builds(Waited, st.integers(0, 60)).map(lambda one: (one,))
relaxing = st.one_of(
    st.builds(Prioritise, st.integers(-20, 20)),
    st.builds(Relax, st.sampled_from(((), ("tax",)))),
    st.builds(Require, skilled),
)
ageing = st.builds(Recipe, waited, relaxing.map(lambda one: (one,)), st.none() | st.integers(5, 30))
for_callers = st.builds(
    Recipe,
    waited,
    st.sampled_from((OfferCallback(), Say("hello"), Voicemail())).map(lambda one: (one,)),
)
queues = st.builds(
    QueueConfig,
    st.just("q"),
    steps=st.lists(st.builds(Step, skilled, st.integers(1, 40)), max_size=3).map(tuple),
    recipes=st.lists(ageing | for_callers, max_size=4, unique=True).map(tuple),
)


def house(queue: QueueConfig) -> Router:
    """A floor on which nobody is ever free."""
    router = Router(Configuration(queues=(queue,), agents=(AgentConfig("a", ("q",)),)), "t")
    router.handle(ev.AgentReachable("a", True), START)
    router.handle(ev.AgentWants("a", Wanted.PAUSED), START)
    return router


def until(router: Router, now: int) -> None:
    while (due := router.deadline) is not None and due <= now:
        router.handle(ev.TimePassed(), due)


def stands(router: Router, name: str) -> object:
    """All that counts of where somebody stands: key, criteria, and how far their steps are."""
    view = router.interaction(name)
    kept = router.kept(name)
    if view is None or kept is None:
        return None
    steps = [(one.criteria, one.status, one.began) for one in router.steps(name)]
    done = {one for one in kept.done if _relaxes(one)}
    return view.entered, view.priority, kept.criteria, steps, kept.dropped, done


def _relaxes(done: Done) -> bool:
    return any(isinstance(one, Prioritise | Relax | Require) for one in done.recipe.then)


@given(
    queue=queues,
    criteria=skilled,
    asks=st.integers(0, 50),
    again=st.integers(0, 60),
)
def test_they_have_what_age_has_done_for_a_live_caller(
    queue: QueueConfig, criteria: Criteria, asks: int, again: int
) -> None:
    patient = replace(queue, recipes=tuple(one for one in queue.recipes if _ageing(one)))
    live = house(patient)
    caller = Arrived("live", "q", START, priority=3, criteria=criteria)
    live.handle(caller, START)
    until(live, START + asks + again)

    back = house(queue)
    back.handle(replace(caller, interaction="cb"), START)
    until(back, START + asks)
    kept = back.kept("cb")
    if kept is None:
        return  # put out before they asked
    back.handle(ev.Left("cb", ev.LeaveReason.CALLED_BACK), START + asks)
    record = Callback(
        "c1", "+12025550143", START + asks, "flow", "q", "cb", place=to_entry(kept)[1]
    )
    back.handle(arrival(record, queue, 600_000), START + asks)
    now = START + asks + again
    until(back, now)
    found = taken(record, queue, "live", now, back.kept("cb"))
    back.handle(ev.Left("cb", ev.LeaveReason.CALLED_BACK), now)
    told = back.handle(found, now)
    # They are told nothing late, and not put out for what they waited elsewhere.
    assert not any(
        isinstance(one, ev.Announce | ev.OfferCallback | ev.ToVoicemail | ev.TurnedAway)
        for one in told
        if not _due_now(queue, now - START)
    )
    assert stands(back, "live") == stands(live, "live")


def _ageing(recipe: Recipe) -> bool:
    return any(isinstance(one, Prioritise | Relax | Require) for one in recipe.then)


def _due_now(queue: QueueConfig, age: int) -> bool:
    """Whether a recipe for callers comes due this very millisecond."""
    return any(Waited(age) in one.when for one in queue.recipes if not _ageing(one))


LIMITED = QueueConfig(
    "q",
    max_wait_ms=60_000,
    stay_needs=Staffing.LOGGED_IN,
    recipes=(
        Recipe((Waited(30_000),), (OfferCallback(),)),
        Recipe((Waited(300_000),), (Say("sorry"),), 60_000),
    ),
)


def done(found: Arrived) -> set[Recipe]:
    return {one.recipe for one in found.done}


def test_what_is_yet_to_come_for_callers_comes_for_them_too() -> None:
    record = Callback("c1", "+12025550143", START, "flow", "q", "i1")
    spared = arrival(record, LIMITED, 0)
    assert len(spared.done) == 4
    found = taken(record, LIMITED, "again", START + 40_000)
    assert done(found) == {LIMITED.recipes[0]}
    late = taken(record, LIMITED, "again", START + 400_000)
    assert Recipe((Waited(60_000),), (LIMITED.when_late,)) in done(late)
    # What repeats goes on from now; who has nobody left to wait for is told so.
    assert {one.at for one in late.done} == {START + 400_000}
    assert Recipe((NoMembers(Staffing.LOGGED_IN),), (TurnAway("empty"),)) not in done(late)


def test_who_comes_before_the_time_they_chose_comes_now() -> None:
    record = Callback("c1", "+12025550143", START, SLOT, "q", "i1", due_ms=START + 3_600_000)
    assert arrival(record, LIMITED, 0).entered == START + 3_600_000
    assert taken(record, LIMITED, "again", START + 5).entered == START + 5


def test_what_an_agent_promised_anybody_may_keep() -> None:
    record = Callback("c1", "+12025550143", START, "agent", "q", "i1", owner="a")
    own = arrival(record, LIMITED, 600_000)
    assert len(own.steps) == 1
    found = taken(record, LIMITED, "again", START + 5, own)
    assert (found.steps, found.entered) == ((), START)
