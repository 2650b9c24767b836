"""Hypothesis strategies for configurations and events."""

from __future__ import annotations

from hypothesis import strategies as st

from acd.router import events as ev

QUEUES = ("red", "green", "blue")
AGENTS = ("1", "2", "3", "4", "5")
CALLS = tuple(f"c{n}" for n in range(12))
EARLIER_OFFERS = ("old.1", "old.2", "old.3", "old.4")
"""Of a run before this one: adopted, or long over."""

queue_configs = st.builds(
    ev.QueueConfig,
    name=st.sampled_from(QUEUES),
    ring_ms=st.integers(1, 30),
    wrap_up_ms=st.sampled_from((0, 1, 7, 40)),
)


@st.composite
def configurations(draw: st.DrawFn, *, staffed: bool = False) -> ev.Configuration:
    """A configuration; with `staffed`, of all queues and agents, who each serve one at least."""
    least = 3 if staffed else 1
    queues = draw(st.lists(queue_configs, unique_by=lambda q: q.name, min_size=least, max_size=3))
    names = [q.name for q in queues]
    agents = AGENTS if staffed else draw(st.lists(st.sampled_from(AGENTS), unique=True))
    served = st.lists(st.sampled_from(names), min_size=int(staffed), max_size=3).map(tuple)
    return ev.Configuration(
        version=draw(st.integers(0, 3)),
        queues=tuple(queues),
        agents=tuple(ev.AgentConfig(name, draw(served)) for name in agents),
        busy_backoff_ms=draw(st.integers(1, 20)),
    )


def single_events(offers: st.SearchStrategy[str]) -> st.SearchStrategy[ev.Event]:
    """Any event but a batch and a configuration: whatever the order, sensible or not."""
    calls, agents = st.sampled_from(CALLS), st.sampled_from(AGENTS)
    queues, entered = st.sampled_from((*QUEUES, "nowhere")), st.integers(0, 30)
    priority = st.sampled_from((0, 0, 5, -5))
    return st.one_of(
        st.builds(ev.Arrived, calls, queues, entered, priority),
        st.builds(ev.Left, calls, st.sampled_from(ev.LeaveReason)),
        st.builds(
            ev.AgentWants, agents, st.sampled_from(ev.Wanted), st.sampled_from(("", "lunch"))
        ),
        st.builds(ev.AgentReachable, agents, st.booleans()),
        st.builds(ev.OfferAccepted, offers),
        st.builds(ev.OfferFailed, offers, st.sampled_from(ev.Failure)),
        st.builds(ev.Ended, calls, agents),
        st.builds(ev.WrapUpDone, agents),
        st.builds(
            ev.Adopted,
            calls,
            queues,
            entered,
            agents,
            st.sampled_from(EARLIER_OFFERS),
            st.booleans(),
            priority,
        ),
        st.builds(ev.TimePassed),
    )


def configured() -> st.SearchStrategy[ev.ConfigChanged]:
    return st.builds(ev.ConfigChanged, configurations() | configurations(staffed=True))


def any_events() -> st.SearchStrategy[ev.Event]:
    singles = single_events(st.text(max_size=8)) | configured()
    return singles | st.lists(singles, max_size=4).map(lambda e: ev.Batch(tuple(e)))
