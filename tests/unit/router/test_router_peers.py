"""What went wrong in other queue engines, by their own issue numbers, and must not here."""

from __future__ import annotations

import pytest
from scenario import SALES, Floor, queues_named

from acd.router import events as ev
from acd.router.events import Failure, Presence, Wanted


@pytest.mark.parametrize("first", ["1691", "1561"])
def test_asterisk_1691_1561_ineligible_call_does_not_block_an_eligible_one(first: str) -> None:
    """Peers: a call at the head that no free agent may take kept those behind it waiting."""
    floor = Floor({"1": ("support",), "2": SALES})
    floor.tell(ev.AgentWants("2", Wanted.PAUSED))
    if first == "1691":
        floor.at(10, ev.Arrived("head", "sales", 1, priority=60_000))
        assert floor.offers(ev.Arrived("behind", "support", 10)) == {"behind": "1"}
    else:
        floor.tell(ev.AgentWants("1", Wanted.PAUSED))
        floor.at(10, ev.Arrived("head", "sales", 1))
        floor.at(11, ev.Arrived("behind", "support", 10))
        assert floor.offers(ev.AgentWants("1", Wanted.AVAILABLE)) == {"behind": "1"}
    assert floor.router.place("head") == 1


def test_asterisk_176_two_agents_do_not_answer_one_call() -> None:
    """Peer: two agents answered one call. Here an answer to an offer that is over is nothing."""
    floor = Floor({"1": SALES, "2": SALES})
    floor.tell(ev.Arrived("i1", "sales", 0))
    floor.tell(ev.OfferFailed("run.1", Failure.NO_ANSWER))
    assert floor.offer_of("i1") == "run.2"
    assert floor.tell(ev.OfferAccepted("run.1")) == []
    assert floor.tell(ev.OfferAccepted("run.2")) == [ev.AgentMoved("2", Presence.ON_CONTACT)]
    assert floor.tell(ev.OfferAccepted("run.2")) == []
    assert floor.tell(ev.OfferAccepted("run.1")) == []
    assert floor.presence("1") == (Presence.PAUSED, "no_answer")


@pytest.mark.parametrize(
    "event",
    [
        ev.Arrived("i2", "sales", 0),
        ev.AgentWants("1", Wanted.AVAILABLE),
        ev.AgentReachable("1", True),
        ev.Ended("i1", "1"),
        ev.OfferFailed("run.1", Failure.NO_ANSWER),
        ev.Left("i1"),
        ev.ConfigChanged(
            ev.Configuration(
                queues=queues_named("sales"), agents=(ev.AgentConfig("1", ("sales",)),)
            )
        ),
    ],
    ids=lambda event: type(event).__name__,
)
def test_asterisk_1557_1006_wrap_up_does_not_end_early(event: ev.Event) -> None:
    """Peer: wrap-up ended early. Here only its own end or the agent ends it."""
    floor = Floor({"1": SALES})
    floor.talk("i1")
    floor.tell(ev.Ended("i1", "1"))
    until = floor.router.deadline
    assert until == floor.now + 1000
    floor.at(until - 1, event)
    assert floor.presence("1") == (Presence.WRAP_UP, "")
    assert floor.router.deadline == until
    floor.at(until)
    assert floor.presence("1") != (Presence.WRAP_UP, "")


def test_freeswitch_2511_the_eighth_in_line_is_not_served_first() -> None:
    """Peer: the eighth in line was served first. Here the order holds, failed offers included."""
    floor = Floor({"1": SALES}, wrap_up_ms=0, log_in=False)
    callers = [f"i{n}" for n in range(1, 9)]
    for n in (5, 2, 8, 1, 7, 3, 6, 4):
        floor.at(100, ev.Arrived(f"i{n}", "sales", n))
    floor.tell(ev.AgentWants("1", Wanted.AVAILABLE))
    served = []
    for failure in [*Failure, None, None, None]:
        assert floor.line() == callers
        if failure is not None:
            floor.tell(ev.OfferFailed(floor.offer_of(callers[0]), failure))
            floor.tell(ev.AgentWants("1", Wanted.AVAILABLE))
        else:
            floor.tell(ev.OfferAccepted(floor.offer_of(callers[0])))
            floor.tell(ev.Ended(callers[0], "1"))
            served.append(callers.pop(0))
    assert served == ["i1", "i2", "i3"]


@pytest.mark.parametrize(
    "end",
    [*Failure, "caller gone", "logged out", "queue removed", "ended without answer"],
)
def test_freeswitch_2540_1973_no_agent_stays_reserved(end: Failure | str) -> None:
    """Peer: agents stayed reserved for calls that were over. Here every end gives them back."""
    floor = Floor({"1": SALES}, wrap_up_ms=0)
    floor.tell(ev.Arrived("i1", "sales", 0))
    assert floor.presence("1")[0] is Presence.RINGING
    if isinstance(end, Failure):
        floor.tell(ev.OfferFailed("run.1", end))
    elif end == "caller gone":
        floor.tell(ev.Left("i1"))
    elif end == "logged out":
        floor.tell(ev.AgentWants("1", Wanted.OFFLINE))
    elif end == "queue removed":
        floor.tell(
            ev.ConfigChanged(
                floor.config(
                    queues=queues_named("support"), agents=(ev.AgentConfig("1", ("support",)),)
                )
            )
        )
        floor.tell(ev.OfferFailed("run.1", Failure.BUSY))
    else:
        floor.tell(ev.Ended("i1", "1"))
        floor.tell(ev.OfferFailed("run.1", Failure.FAILED))
    view = floor.router.agent("1")
    assert view is not None
    assert view.presence is not Presence.RINGING
    assert (view.offer, view.interaction) == (None, None)
    floor.tell(ev.ConfigChanged(floor.config()))
    floor.tell(ev.Left("i1"))
    floor.tell(ev.AgentWants("1", Wanted.AVAILABLE))
    assert floor.offers(ev.Arrived("i2", "sales", 0)) == {"i2": "1"}
