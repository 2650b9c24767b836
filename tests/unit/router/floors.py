"""Hypothesis strategies for configurations and events."""

from __future__ import annotations

from hypothesis import strategies as st

from acd.router import configuration as conf, criteria as crit, events as ev, recipes as rec
from acd.router.events import Channel
from acd.router.recipes import Staffing

QUEUES = ("red", "green", "blue")
AGENTS = ("1", "2", "3", "4", "5")
CALLS = tuple(f"c{n}" for n in range(12))
SKILLS = ("tax", "law")
LANGUAGES = ("th", "id")
SITES = ("bkk", "jkt")
TIERS = ("", "gold")
ABSENCES = ("consult", "out")
STRATEGIES = ("longest_idle", "longest_idle", "least_occupied", "fewest_contacts", "round_robin")
EARLIER_OFFERS = ("old.1", "old.2", "old.3", "old.4")
"""Of a run before this one: adopted, or long over."""

atoms = st.one_of(
    st.just(crit.ANYONE),
    st.builds(crit.Skill, st.sampled_from(SKILLS), st.integers(1, 5)),
    st.builds(crit.Language, st.sampled_from(LANGUAGES)),
    st.builds(crit.Site, st.sampled_from(SITES)),
    st.lists(st.sampled_from(AGENTS), max_size=3).map(lambda a: crit.Named(tuple(a))),
    st.builds(crit.Member, st.sampled_from(QUEUES)),
)
criteria: st.SearchStrategy[crit.Criteria] = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda p: crit.AllOf(tuple(p))),
        st.lists(inner, max_size=3).map(lambda p: crit.AnyOf(tuple(p))),
        st.builds(crit.Not, inner),
    ),
    max_leaves=4,
)
some_criteria = st.just(crit.ANYONE) | criteria
some_skills = st.lists(st.sampled_from(SKILLS), max_size=1).map(tuple)
staffing = st.sampled_from(Staffing)
steps = st.builds(
    conf.Step,
    some_criteria,
    st.none() | st.integers(1, 20),
    some_skills,
    st.lists(st.tuples(st.sampled_from(SKILLS), st.integers(1, 4)), max_size=1).map(tuple),
    st.none() | staffing,
    st.sampled_from((True, True, False)),
    st.sampled_from((False, False, True)),
)
some_steps = st.just(()) | st.lists(steps, max_size=3).map(tuple)
conditions = st.one_of(
    st.builds(rec.Waited, st.integers(0, 20)),
    st.builds(rec.PositionAtMost, st.integers(1, 3)),
    st.builds(rec.PositionAtLeast, st.integers(1, 3)),
    st.builds(rec.LengthAtLeast, st.integers(1, 4)),
    st.builds(rec.NoAgents, staffing),
    st.builds(rec.NoMembers, st.sampled_from((Staffing.LOGGED_IN, Staffing.ACTIVE))),
    st.just(rec.TierIn(("gold",))),
)
exits = st.one_of(
    st.just(rec.Voicemail()),
    st.builds(rec.TurnAway, st.sampled_from(("full", "sorry"))),
)


def actions(others: tuple[str, ...]) -> st.SearchStrategy[rec.Action]:
    return st.one_of(
        exits,
        st.builds(rec.Require, criteria),
        st.builds(rec.Relax, some_skills),
        st.builds(rec.Prioritise, st.integers(-9, 9)),
        st.just(rec.Callback()),
        st.builds(rec.Say, st.sampled_from(("hello", "busy"))),
        *([st.builds(rec.OverflowTo, st.sampled_from(others))] if others else []),
    )


@st.composite
def queue_configs(draw: st.DrawFn, name: str, names: tuple[str, ...]) -> ev.QueueConfig:
    others = tuple(other for other in names if other != name)
    ways = exits | (st.builds(rec.OverflowTo, st.sampled_from(others)) if others else exits)
    plain = {
        "name": name,
        "ring_ms": draw(st.integers(1, 30)),
        "wrap_up_ms": draw(st.sampled_from((0, 1, 7, 40))),
        "strategy": draw(st.sampled_from(STRATEGIES)),
        "ring_at_once": draw(st.sampled_from((1, 1, 1, 2, 3))),
    }
    if draw(st.booleans()):
        return ev.QueueConfig(**plain)
    recipes = st.builds(
        rec.Recipe,
        st.lists(conditions, min_size=1, max_size=2).map(tuple),
        st.lists(actions(others), max_size=2).map(tuple),
        st.none() | st.integers(1, 15),
    )
    return ev.QueueConfig(
        **plain,
        steps=draw(some_steps),
        recipes=draw(st.lists(recipes, max_size=2).map(tuple)),
        tiers=draw(st.sampled_from(((), (("gold", 10),)))),
        target_ms=draw(st.integers(1, 30)),
        short_abandon_ms=draw(st.sampled_from((0, 5))),
        max_wait_ms=draw(st.none() | st.integers(1, 40)),
        when_late=draw(ways),
        max_length=draw(st.none() | st.integers(0, 4)),
        when_full=draw(ways),
        join_needs=draw(st.none() | staffing),
        stay_needs=draw(st.sampled_from((None, None, Staffing.LOGGED_IN, Staffing.ACTIVE))),
        when_empty=draw(ways),
        when_closed=draw(st.none() | ways),
        closing_clears=draw(st.booleans()),
    )


@st.composite
def agent_configs(
    draw: st.DrawFn, name: str, queues: tuple[str, ...], least: int
) -> ev.AgentConfig:
    served = draw(st.lists(st.sampled_from(queues), min_size=least, max_size=3, unique=True))
    if draw(st.booleans()):
        return ev.AgentConfig(name, tuple(served))
    levels = st.lists(
        st.tuples(st.sampled_from(SKILLS), st.integers(1, 5)), max_size=2, unique_by=lambda s: s[0]
    )
    ranked = draw(st.booleans())
    return ev.AgentConfig(
        name,
        tuple(served),
        tuple(draw(levels)),
        tuple(draw(st.lists(st.sampled_from(LANGUAGES), max_size=2))),
        draw(st.sampled_from(("", *SITES))),
        tuple(draw(st.integers(1, 3)) for _ in served) if ranked else (),
        draw(st.none() | st.builds(conf.Capacity, *[st.integers(0, 3)] * 3)),
    )


@st.composite
def selections(draw: st.DrawFn, names: tuple[str, ...]) -> tuple[conf.SelectionConfig, ...]:
    if draw(st.booleans()):
        return ()
    found, left = [], list(names)
    while left and draw(st.booleans()):
        chosen = draw(st.lists(st.sampled_from(left), min_size=1, unique=True))
        left = [name for name in left if name not in chosen]
        policy = draw(st.sampled_from(("priority", "service_level", "fixed_ratio")))
        weights = draw(
            st.lists(
                st.tuples(st.sampled_from(chosen), st.integers(1, 4)), unique_by=lambda w: w[0]
            )
        )
        found.append(conf.SelectionConfig(tuple(chosen), policy, tuple(weights)))
    return tuple(found)


@st.composite
def configurations(draw: st.DrawFn, *, staffed: bool = False) -> ev.Configuration:
    """A configuration; with `staffed`, of all queues and agents, who each serve one at least."""
    least = 3 if staffed else 1
    names = tuple(draw(st.lists(st.sampled_from(QUEUES), unique=True, min_size=least, max_size=3)))
    agents = AGENTS if staffed else draw(st.lists(st.sampled_from(AGENTS), unique=True))
    blocks = draw(
        st.sampled_from((conf.Configuration().blocks, (), ((Channel.CHAT, (Channel.VOICE,)),)))
    )
    return ev.Configuration(
        version=draw(st.integers(0, 3)),
        queues=tuple(draw(queue_configs(name, names)) for name in names),
        agents=tuple(draw(agent_configs(name, names, int(staffed))) for name in agents),
        busy_backoff_ms=draw(st.integers(1, 20)),
        selections=draw(selections(names)),
        blocks=blocks,
    )


channels = st.sampled_from((Channel.VOICE, Channel.VOICE, Channel.CHAT, Channel.EMAIL))


def arrivals() -> st.SearchStrategy[ev.Arrived]:
    return st.builds(
        ev.Arrived,
        st.sampled_from(CALLS),
        st.sampled_from((*QUEUES, "nowhere")),
        st.integers(0, 30),
        st.sampled_from((0, 0, 5, -5)),
        channels,
        some_criteria,
        some_steps,
        st.sampled_from(TIERS),
        st.none() | st.integers(0, 30),
        st.booleans(),
    )


def single_events(offers: st.SearchStrategy[str]) -> st.SearchStrategy[ev.Event]:
    """Any event but a batch and a configuration: whatever the order, sensible or not."""
    calls, agents = st.sampled_from(CALLS), st.sampled_from(AGENTS)
    queues, entered = st.sampled_from((*QUEUES, "nowhere")), st.integers(0, 30)
    priority = st.sampled_from((0, 0, 5, -5))
    absences = st.sampled_from(ABSENCES)
    return st.one_of(
        arrivals(),
        st.builds(ev.Left, calls, st.sampled_from(ev.LeaveReason)),
        st.builds(
            ev.AgentWants, agents, st.sampled_from(ev.Wanted), st.sampled_from(("", "lunch"))
        ),
        st.builds(ev.AgentReachable, agents, st.booleans()),
        st.builds(ev.OfferAccepted, offers),
        st.builds(ev.OfferFailed, offers, st.sampled_from(ev.Failure)),
        st.builds(ev.Ended, calls, agents),
        st.builds(ev.WrapUpDone, agents, st.just("") | calls),
        st.builds(ev.Transferred, calls, agents, arrivals()),
        st.builds(ev.AgentBusy, agents, absences, channels, st.none() | st.integers(0, 90)),
        st.builds(ev.AgentFreeAgain, agents, absences, st.sampled_from((0, 9))),
        st.builds(ev.HandedOver, calls, agents, agents, st.just("") | absences | calls),
        st.builds(ev.QueueOpened, queues),
        st.builds(ev.QueueClosed, queues),
        st.builds(ev.DayStarted),
        st.builds(
            ev.Adopted,
            calls,
            queues,
            entered,
            agents,
            st.sampled_from(EARLIER_OFFERS),
            st.booleans(),
            priority,
            channels,
        ),
        st.builds(
            ev.AgentRestored,
            agents,
            st.sampled_from(ev.Wanted),
            st.sampled_from(("", "lunch")),
            st.booleans(),
            st.none() | entered,
            st.none() | st.integers(0, 90),
            st.integers(0, 3),
            st.integers(0, 90),
        ),
        st.builds(ev.TimePassed),
    )


def configured() -> st.SearchStrategy[ev.ConfigChanged]:
    return st.builds(ev.ConfigChanged, configurations() | configurations(staffed=True))


def any_events() -> st.SearchStrategy[ev.Event]:
    singles = single_events(st.text(max_size=8)) | configured()
    return singles | st.lists(singles, max_size=4).map(lambda e: ev.Batch(tuple(e)))
