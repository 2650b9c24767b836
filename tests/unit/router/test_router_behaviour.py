"""What the router does, case by case."""

from __future__ import annotations

import pytest
from scenario import BOTH, SALES, Floor, queues_named

from acd.router import InteractionState, events as ev
from acd.router.events import Failure, Presence, Wanted

ON = (Presence.AVAILABLE, "")


# --- a call's way ------------------------------------------------------------------------------


def test_a_call_from_arrival_to_the_end_of_wrap_up() -> None:
    floor = Floor({"1": SALES})
    assert floor.at(10, ev.Arrived("i1", "sales", 10)) == [
        ev.Offer("run.1", "i1", "sales", "1", 15_000),
        ev.AgentMoved("1", Presence.RINGING),
    ]
    assert floor.at(20, ev.OfferAccepted("run.1")) == [ev.AgentMoved("1", Presence.ON_CONTACT)]
    assert floor.line() == []
    assert floor.at(30, ev.Ended("i1", "1")) == [ev.AgentMoved("1", Presence.WRAP_UP, until=1030)]
    assert floor.router.deadline == 1030
    assert floor.at(1029) == []
    assert floor.at(1030) == [ev.AgentMoved("1", Presence.AVAILABLE)]
    assert floor.router.deadline is None
    assert floor.router.interactions() == []


def test_without_wrap_up_time_the_agent_is_free_at_once() -> None:
    floor = Floor({"1": SALES}, wrap_up_ms=0)
    floor.talk("i1")
    floor.tell(ev.Arrived("i2", "sales", floor.now))
    assert floor.offers(ev.Ended("i1", "1")) == {"i2": "1"}


def test_the_agent_may_end_the_wrap_up() -> None:
    floor = Floor({"1": SALES})
    floor.talk("i1")
    floor.tell(ev.Ended("i1", "1"))
    assert floor.tell(ev.WrapUpDone("1")) == [ev.AgentMoved("1", Presence.AVAILABLE)]
    assert floor.router.deadline is None


def test_priority_is_a_head_start() -> None:
    floor = Floor({"1": SALES}, log_in=False)
    floor.at(60_000)
    floor.tell(ev.Arrived("plain", "sales", 10_000))
    floor.tell(ev.Arrived("ahead", "sales", 30_000, priority=30_000))
    floor.tell(ev.Arrived("behind", "sales", 30_000, priority=19_999))
    assert floor.line() == ["ahead", "plain", "behind"]
    assert floor.router.place("behind") == 3
    assert floor.offers(ev.AgentWants("1", Wanted.AVAILABLE)) == {"ahead": "1"}


def test_the_longest_idle_agent_is_offered_the_call() -> None:
    floor = Floor({"1": SALES, "2": SALES, "3": SALES}, wrap_up_ms=0)
    floor.talk("i1")
    floor.at(100, ev.Ended("i1", "1"))
    assert floor.offers(ev.Arrived("i2", "sales", 100)) == {"i2": "2"}
    assert floor.offers(ev.Arrived("i3", "sales", 100)) == {"i3": "3"}
    assert floor.offers(ev.Arrived("i4", "sales", 100)) == {"i4": "1"}


def test_equally_idle_agents_come_in_configured_order() -> None:
    floor = Floor({"9": SALES, "1": SALES}, log_in=False)
    floor.tell(
        ev.Batch((ev.AgentWants("1", Wanted.AVAILABLE), ev.AgentWants("9", Wanted.AVAILABLE)))
    )
    assert floor.offers(ev.Arrived("i1", "sales", 0)) == {"i1": "9"}


def test_a_freed_agent_takes_the_oldest_call_of_all_their_queues() -> None:
    floor = Floor({"1": BOTH}, log_in=False)
    floor.at(10, ev.Arrived("i1", "sales", 9))
    floor.at(10, ev.Arrived("i2", "support", 8))
    assert floor.offers(ev.AgentWants("1", Wanted.AVAILABLE)) == {"i2": "1"}


# --- offers that fail --------------------------------------------------------------------------


def test_no_answer_pauses_the_agent_and_keeps_the_callers_place() -> None:
    floor = Floor({"1": SALES, "2": SALES})
    for name in ("i1", "i2", "i3"):
        floor.tell(ev.Arrived(name, "sales", floor.now))
    assert floor.line() == ["i1", "i2", "i3"], "a call that rings keeps its place"
    assert floor.tell(ev.OfferFailed("run.1", Failure.NO_ANSWER)) == [
        ev.AgentMoved("1", Presence.PAUSED, "no_answer")
    ]
    assert floor.router.place("i1") == 1
    assert floor.offers(ev.AgentWants("1", Wanted.AVAILABLE)) == {"i1": "1"}


def test_no_answer_goes_to_the_next_agent_at_once() -> None:
    floor = Floor({"1": SALES, "2": SALES})
    floor.tell(ev.Arrived("i1", "sales", floor.now))
    assert floor.offers(ev.OfferFailed("run.1", Failure.NO_ANSWER)) == {"i1": "2"}


@pytest.mark.parametrize("failure", [Failure.BUSY, Failure.DECLINED, Failure.LEFT, Failure.FAILED])
def test_a_busy_agent_is_left_alone_for_a_while(failure: Failure) -> None:
    floor = Floor({"1": SALES})
    floor.at(100, ev.Arrived("i1", "sales", 100))
    assert floor.tell(ev.OfferFailed("run.1", failure)) == [
        ev.AgentMoved("1", Presence.PAUSED, failure.value, until=5100)
    ]
    assert floor.at(5099) == []
    assert floor.at(5100) == [
        ev.AgentMoved("1", Presence.AVAILABLE),
        ev.Offer("run.2", "i1", "sales", "1", 15_000),
        ev.AgentMoved("1", Presence.RINGING),
    ]


def test_who_asks_to_be_available_ends_the_back_off() -> None:
    floor = Floor({"1": SALES})
    floor.tell(ev.Arrived("i1", "sales", 0))
    floor.tell(ev.OfferFailed("run.1", Failure.BUSY))
    assert floor.offers(ev.AgentWants("1", Wanted.AVAILABLE)) == {"i1": "1"}
    assert floor.router.deadline is None


def test_who_pauses_during_the_back_off_stays_paused() -> None:
    floor = Floor({"1": SALES})
    floor.tell(ev.Arrived("i1", "sales", 0))
    floor.tell(ev.OfferFailed("run.1", Failure.BUSY))
    assert floor.tell(ev.AgentWants("1", Wanted.PAUSED, "lunch")) == [
        ev.AgentMoved("1", Presence.PAUSED, "lunch")
    ]
    assert floor.router.deadline is None


def test_an_unreachable_agent_is_tried_again_when_the_device_is_back() -> None:
    floor = Floor({"1": SALES})
    floor.tell(ev.Arrived("i1", "sales", 0))
    assert floor.tell(ev.OfferFailed("run.1", Failure.UNREACHABLE)) == [
        ev.AgentMoved("1", Presence.AVAILABLE)
    ]
    view = floor.router.agent("1")
    assert view is not None
    assert not view.reachable
    assert view.idle_since == 0
    assert floor.offers(ev.AgentReachable("1", True)) == {"i1": "1"}


def test_an_unreachable_agent_is_tried_again_when_they_ask() -> None:
    floor = Floor({"1": SALES})
    floor.tell(ev.Arrived("i1", "sales", 0))
    floor.tell(ev.OfferFailed("run.1", Failure.UNREACHABLE))
    assert floor.offers(ev.AgentWants("1", Wanted.AVAILABLE)) == {"i1": "1"}


def test_a_device_the_pbx_calls_gone_is_not_tried_because_its_agent_asks() -> None:
    floor = Floor({"1": SALES}, log_in=False)
    floor.tell(ev.AgentReachable("1", False))
    floor.tell(ev.Arrived("i1", "sales", 0))
    assert floor.offers(ev.AgentWants("1", Wanted.AVAILABLE)) == {}
    assert floor.offers(ev.AgentReachable("1", True)) == {"i1": "1"}


# --- leaving and wishing -----------------------------------------------------------------------


def test_a_caller_who_hangs_up_while_it_rings_does_not_cost_the_agent_their_place() -> None:
    floor = Floor({"1": SALES, "2": SALES})
    floor.at(500, ev.Arrived("i1", "sales", 500))
    assert floor.at(900, ev.Left("i1")) == [
        ev.CancelOffer("run.1", "i1", "1"),
        ev.AgentMoved("1", Presence.AVAILABLE),
    ]
    view = floor.router.agent("1")
    assert view is not None
    assert view.idle_since == 0
    assert floor.tell(ev.OfferFailed("run.1", Failure.NO_ANSWER)) == []
    assert floor.offers(ev.Arrived("i2", "sales", 900)) == {"i2": "1"}


def test_pausing_while_it_rings_lets_it_ring_on() -> None:
    floor = Floor({"1": SALES})
    floor.tell(ev.Arrived("i1", "sales", 0))
    assert floor.tell(ev.AgentWants("1", Wanted.PAUSED, "lunch")) == []
    floor.tell(ev.OfferAccepted("run.1"))
    floor.tell(ev.Ended("i1", "1"))
    assert floor.at(floor.now + 1000) == [ev.AgentMoved("1", Presence.PAUSED, "lunch")]


def test_who_paused_and_did_not_answer_keeps_their_own_reason() -> None:
    floor = Floor({"1": SALES})
    floor.tell(ev.Arrived("i1", "sales", 0))
    floor.tell(ev.AgentWants("1", Wanted.PAUSED, "lunch"))
    floor.tell(ev.OfferFailed("run.1", Failure.NO_ANSWER))
    assert floor.presence("1") == (Presence.PAUSED, "lunch")


def test_logging_out_while_it_rings_gives_the_call_back() -> None:
    floor = Floor({"1": SALES, "2": SALES})
    floor.tell(ev.Arrived("i1", "sales", 0))
    assert floor.tell(ev.AgentWants("1", Wanted.OFFLINE)) == [
        ev.CancelOffer("run.1", "i1", "1"),
        ev.AgentMoved("1", Presence.OFFLINE),
        ev.Offer("run.2", "i1", "sales", "2", 15_000),
        ev.AgentMoved("2", Presence.RINGING),
    ]


def test_a_wish_during_contact_and_wrap_up_waits_for_the_end() -> None:
    floor = Floor({"1": SALES})
    floor.talk("i1")
    assert floor.tell(ev.AgentWants("1", Wanted.OFFLINE)) == []
    floor.tell(ev.Ended("i1", "1"))
    assert floor.tell(ev.AgentWants("1", Wanted.PAUSED, "tea")) == []
    assert floor.at(floor.now + 1000) == [ev.AgentMoved("1", Presence.PAUSED, "tea")]


def test_a_device_that_goes_away_during_contact_changes_nothing_until_its_end() -> None:
    floor = Floor({"1": SALES}, wrap_up_ms=0)
    floor.talk("i1")
    assert floor.tell(ev.AgentReachable("1", False)) == []
    floor.tell(ev.Ended("i1", "1"))
    assert floor.presence("1") == ON
    assert floor.offers(ev.Arrived("i2", "sales", 0)) == {}


def test_time_that_runs_backwards_stands_still() -> None:
    floor = Floor({"1": SALES})
    floor.now = 500
    floor.talk("i1")
    floor.at(100, ev.Ended("i1", "1"))
    assert floor.router.deadline == 1500


def test_a_late_clock_does_not_change_who_is_idle_longest() -> None:
    floor = Floor({"1": SALES, "2": SALES})
    floor.talk("i1")
    floor.talk("i2")
    floor.at(100, ev.Ended("i2", "2"))
    floor.at(101, ev.Ended("i1", "1"))
    assert floor.at(9000, ev.Arrived("i3", "sales", 9000))[:3] == [
        ev.AgentMoved("2", Presence.AVAILABLE),
        ev.AgentMoved("1", Presence.AVAILABLE),
        ev.Offer("run.3", "i3", "sales", "2", 15_000),
    ]


# --- configuration -----------------------------------------------------------------------------


def test_a_new_membership_takes_effect_on_who_waits() -> None:
    floor = Floor({"1": SALES})
    floor.tell(ev.Arrived("i1", "support", 0))
    assert [(x.interaction, x.reason) for x in floor.router.stranded()] == [("i1", "no_agents")]
    floor.agents = {"1": BOTH}
    assert floor.offers(ev.ConfigChanged(floor.config())) == {"i1": "1"}


def test_a_removed_agent_finishes_the_contact_and_goes() -> None:
    floor = Floor({"1": SALES, "2": SALES})
    floor.talk("i1")
    floor.agents = {"2": SALES}
    assert floor.tell(ev.ConfigChanged(floor.config())) == []
    assert floor.presence("1") == (Presence.ON_CONTACT, "")
    assert floor.tell(ev.Ended("i1", "1")) == [ev.AgentMoved("1", Presence.OFFLINE)]
    assert [a.agent for a in floor.router.agents()] == ["2"]


def test_a_removed_agent_who_rings_gives_the_call_back() -> None:
    floor = Floor({"1": SALES, "2": SALES})
    floor.tell(ev.Arrived("i1", "sales", 0))
    floor.agents = {"2": SALES}
    assert floor.tell(ev.ConfigChanged(floor.config())) == [
        ev.CancelOffer("run.1", "i1", "1"),
        ev.AgentMoved("1", Presence.OFFLINE),
        ev.Offer("run.2", "i1", "sales", "2", 15_000),
        ev.AgentMoved("2", Presence.RINGING),
    ]


def test_who_waits_in_a_removed_queue_is_kept_and_reported() -> None:
    floor = Floor({"1": SALES}, log_in=False)
    floor.tell(ev.Arrived("i1", "sales", 3))
    floor.tell(ev.Arrived("i0", "sales", 2))
    before = floor.config()
    floor.tell(ev.ConfigChanged(floor.config(queues=queues_named("support"), agents=())))
    assert [(x.interaction, x.reason) for x in floor.router.stranded()] == [
        ("i0", "no_queue"),
        ("i1", "no_queue"),
    ]
    floor.tell(ev.ConfigChanged(before))
    assert floor.line() == ["i0", "i1"]
    assert {x.reason for x in floor.router.stranded()} == {"logged_out"}
    assert floor.offers(ev.AgentWants("1", Wanted.AVAILABLE)) == {"i0": "1"}


# --- restart -----------------------------------------------------------------------------------


def test_a_restart_keeps_the_order_and_doubles_no_offer() -> None:
    floor = Floor({"1": SALES, "2": SALES, "3": SALES}, log_in=False)
    floor.now = 9000
    decisions = floor.router.restore(
        [
            ev.Arrived("late", "sales", 300),
            ev.Arrived("rung", "sales", 100),
            ev.Adopted("rung", "sales", 100, "1", "before.7", answered=False),
            ev.Adopted("talk", "sales", 50, "2", "before.5", answered=True),
            ev.Arrived("early", "sales", 200),
            *(ev.AgentWants(agent, Wanted.AVAILABLE) for agent in "123"),
        ],
        floor.now,
    )
    assert [d for d in decisions if isinstance(d, ev.Offer)] == [
        ev.Offer("run.1", "early", "sales", "3", 15_000)
    ]
    assert floor.line() == ["rung", "early", "late"]
    floor.tell(ev.OfferAccepted("before.7"))
    assert floor.presence("1") == (Presence.ON_CONTACT, "")
    assert floor.tell(ev.Ended("talk", "2"))[0] == ev.AgentMoved(
        "2", Presence.WRAP_UP, until=10_000
    )


def test_an_adopted_offer_that_fails_returns_its_call() -> None:
    floor = Floor({"1": SALES, "2": SALES})
    floor.tell(ev.Adopted("i1", "sales", 5, "2", "before.1", answered=False))
    assert floor.offers(ev.OfferFailed("before.1", Failure.NO_ANSWER)) == {"i1": "1"}
    view = floor.router.interaction("i1")
    assert view is not None
    assert (view.entered, view.state) == (5, InteractionState.RINGING)


def test_an_agent_found_ringing_is_idle_from_then_on() -> None:
    floor = Floor({"1": SALES, "2": SALES}, log_in=False)
    floor.at(50, ev.Adopted("i1", "sales", 5, "1", "before.1", answered=False))
    floor.at(50, ev.AgentWants("1", Wanted.AVAILABLE))
    floor.at(40, ev.AgentWants("2", Wanted.AVAILABLE))
    floor.at(90, ev.Left("i1"))
    view = floor.router.agent("1")
    assert view is not None
    assert view.idle_since == 50


def test_many_freed_at_once_take_many_who_wait_in_order() -> None:
    agents = [str(n) for n in range(1, 6)]
    floor = Floor(dict.fromkeys(agents, BOTH), log_in=False)
    floor.at(100)
    for n in range(8):
        floor.tell(ev.Arrived(f"i{n}", "support" if n % 3 else "sales", n))
    logged_in = ev.Batch(tuple(ev.AgentWants(agent, Wanted.AVAILABLE) for agent in agents))
    assert floor.offers(logged_in) == dict(zip(("i0", "i1", "i2", "i3", "i4"), agents, strict=True))


def test_an_agent_found_talking_who_is_not_configured_is_known_until_the_end() -> None:
    floor = Floor({"1": SALES})
    floor.tell(ev.Adopted("i1", "sales", 5, "gone", "before.1", answered=True))
    assert floor.presence("gone") == (Presence.ON_CONTACT, "")
    assert floor.tell(ev.Ended("i1", "gone")) == [ev.AgentMoved("gone", Presence.OFFLINE)]
    assert floor.router.agent("gone") is None


def test_a_call_found_ringing_an_agent_who_is_not_configured_is_offered_anew() -> None:
    floor = Floor({"1": SALES})
    assert floor.tell(ev.Adopted("i1", "sales", 5, "gone", "before.1", answered=False)) == [
        ev.CancelOffer("before.1", "i1", "gone"),
        ev.Offer("run.1", "i1", "sales", "1", 15_000),
        ev.AgentMoved("1", Presence.RINGING),
    ]


# --- events that race --------------------------------------------------------------------------


def test_what_cannot_be_is_ignored() -> None:
    floor = Floor({"1": SALES, "2": SALES})
    floor.talk("i1")
    for event in (
        ev.Arrived("i1", "support", 9),
        ev.Left("i1"),
        ev.Left("nobody"),
        ev.AgentWants("nobody", Wanted.AVAILABLE),
        ev.AgentReachable("nobody", False),
        ev.OfferAccepted("run.9"),
        ev.OfferFailed("run.1", Failure.NO_ANSWER),
        ev.OfferFailed("run.9", Failure.BUSY),
        ev.Ended("i1", "2"),
        ev.Ended("i1", "nobody"),
        ev.Ended("nobody", "1"),
        ev.WrapUpDone("1"),
        ev.WrapUpDone("nobody"),
        ev.TimePassed(),
        ev.Batch(()),
    ):
        assert floor.tell(event) == [], event
    assert floor.presence("1") == (Presence.ON_CONTACT, "")
