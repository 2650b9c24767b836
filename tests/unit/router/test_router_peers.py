"""What went wrong in other queue engines, by their own issue numbers, and must not here."""

from __future__ import annotations

import pytest
from any_floor import Floor as AnyFloor
from scenario import SALES, Floor, queues_named

from acd.router import events as ev
from acd.router.configuration import Step
from acd.router.criteria import Named, Skill
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


def test_asterisk_1691_a_call_for_a_skill_nobody_free_has_does_not_block_the_others() -> None:
    """Peer: the head waits for a skill; those behind it who ask for none waited too."""
    config = ev.Configuration(
        queues=(ev.QueueConfig("q", steps=(Step(lasts_ms=60_000), Step(drop=("law",)))),),
        agents=(ev.AgentConfig("1", ("q",)), ev.AgentConfig("2", ("q",), (("law", 3),))),
    )
    floor = AnyFloor(config)
    floor.tell(ev.AgentWants("2", Wanted.PAUSED))
    assert floor.arrive("head", priority=90_000, criteria=Skill("law")) == []
    assert floor.arrive("behind") == ["1"]
    assert floor.router.place("head") == 1


def test_asterisk_176_of_several_who_answer_at_once_one_wins() -> None:
    """Peer: with a ring-all strategy two agents who answered together both got the caller."""
    config = ev.Configuration(
        queues=(ev.QueueConfig("q", ring_at_once=3),),
        agents=tuple(ev.AgentConfig(name, ("q",)) for name in "123"),
    )
    floor = AnyFloor(config)
    assert floor.arrive("a") == ["1", "2", "3"]
    won = floor.tell(ev.OfferAccepted("run.3"))
    cancelled = [d.offer for d in won if isinstance(d, ev.CancelOffer)]
    assert cancelled == ["run.1", "run.2"], "the others stop in the same decisions"
    assert floor.tell(ev.OfferAccepted("run.1")) == []
    assert floor.tell(ev.OfferAccepted("run.2")) == []
    view = floor.router.interaction("a")
    assert view is not None
    assert (view.agent, view.offers) == ("3", ())


def transfers() -> AnyFloor:
    """1 talks with the caller `a`; 2 serves another queue; 3 serves none."""
    config = ev.Configuration(
        queues=(ev.QueueConfig("q"), ev.QueueConfig("r")),
        agents=(
            ev.AgentConfig("1", ("q",)), ev.AgentConfig("2", ("r",)), ev.AgentConfig("3"),
        ),
    )  # fmt: skip
    floor = AnyFloor(config)
    floor.arrive("a")
    floor.answer("a")
    return floor


def hands(floor: AnyFloor, agent: str) -> tuple[Presence, tuple[str, ...], tuple[str, ...]]:
    view = floor.router.agent(agent)
    assert view is not None
    return view.presence, view.interactions, view.busy


def test_asterisk_759_a_blind_transfer_to_a_queue_is_there_and_its_giver_wraps_up() -> None:
    """Peer: transfers were missing from the queue's record. Here they are ended and entered."""
    floor = transfers()
    moved = ev.Transferred("a", "1", ev.Arrived("a", "r", 0))
    assert floor.tell(moved, 500) == [
        ev.AgentMoved("1", Presence.WRAP_UP, until=10_500),
        ev.Offer("run.2", "a", "r", "2", 20_000),
        ev.AgentMoved("2", Presence.RINGING),
    ]
    view = floor.router.interaction("a")
    assert view is not None
    assert view.entered == 0, "the place is kept"
    assert floor.tell(moved) == [], "told twice"


def test_asterisk_759_a_blind_transfer_may_be_an_interaction_of_its_own() -> None:
    floor = transfers()
    floor.tell(ev.Transferred("a", "1", ev.Arrived("a.2", "r", 500)), 500)
    assert floor.router.interaction("a") is None
    assert hands(floor, "2") == (Presence.RINGING, ("a.2",), ())


def test_freepbx_124_after_an_attended_transfer_the_second_agent_talks_and_wraps_up() -> None:
    """Peer: talk time went to the agent who had given the call away."""
    floor = transfers()
    assert floor.tell(ev.AgentBusy("3", "consult.1"), 100) == [
        ev.AgentMoved("3", Presence.ON_CONTACT)
    ]
    assert floor.tell(ev.HandedOver("a", "1", "3", "consult.1"), 200) == [
        ev.AgentMoved("1", Presence.WRAP_UP, until=10_200)
    ]
    assert hands(floor, "3") == (Presence.ON_CONTACT, ("a",), ())
    assert floor.tell(ev.Ended("a", "1")) == [], "not theirs any more"
    assert floor.tell(ev.Ended("a", "3"), 300) == [
        ev.AgentMoved("3", Presence.WRAP_UP, until=10_300)
    ]
    giver, taker = floor.router.agent("1"), floor.router.agent("3")
    assert giver is not None
    assert taker is not None
    assert (giver.contacts_today, taker.contacts_today) == (1, 1)


def test_freepbx_124_an_attended_transfer_through_a_queue() -> None:
    """The consult is an interaction of its own, and ends without a wrap-up when it is done."""
    floor = transfers()
    assert floor.arrive("consult", "r") == ["2"]
    floor.answer("consult")
    assert floor.tell(ev.HandedOver("a", "1", "2", "consult"), 200) == [
        ev.AgentMoved("1", Presence.WRAP_UP, until=10_200)
    ]
    assert hands(floor, "2") == (Presence.ON_CONTACT, ("a",), ())
    assert floor.router.interaction("consult") is None


def test_a_consult_that_comes_to_nothing_gives_the_agent_back() -> None:
    floor = transfers()
    floor.tell(ev.AgentBusy("2", "consult", until=900))
    assert floor.arrive("b", "r") == [], "consulted, they are not offered a call"
    assert floor.offers(ev.AgentFreeAgain("2", "consult"), 100) == {"b": ["2"]}


def test_freeswitch_1973_a_reservation_that_is_never_taken_back_ends_by_itself() -> None:
    floor = transfers()
    floor.tell(ev.AgentBusy("2", "consult", until=900))
    floor.arrive("b", "r")
    assert floor.router.deadline == 900
    assert floor.offers(ev.TimePassed(), 900) == {"b": ["2"]}


def test_who_is_consulted_while_it_rings_gives_the_call_back() -> None:
    floor = transfers()
    floor.arrive("b", "r")
    assert floor.tell(ev.AgentBusy("2", "consult")) == [
        ev.CancelOffer("run.2", "b", "2"),
        ev.AgentMoved("2", Presence.ON_CONTACT),
    ]
    assert floor.router.place("b") == 1


def test_in_a_conference_the_last_agent_has_the_caller() -> None:
    floor = transfers()
    floor.tell(ev.AgentBusy("2", "conference"))
    floor.tell(ev.AgentBusy("3", "conference"))
    floor.tell(ev.HandedOver("a", "1", "2", "conference"))
    assert hands(floor, "3") == (Presence.ON_CONTACT, (), ("conference",))
    assert floor.tell(ev.AgentFreeAgain("3", "conference", 500), 100) == [
        ev.AgentMoved("3", Presence.WRAP_UP, until=600)
    ]
    assert hands(floor, "2") == (Presence.ON_CONTACT, ("a",), ())


def test_a_blind_transfer_to_an_agent_is_a_step_of_its_own() -> None:
    floor = transfers()
    step = Step(Named(("3",)), 5000, members=False)
    given = ev.Transferred("a", "1", ev.Arrived("a", "q", 0, steps=(step,)))
    assert floor.offers(given, 100) == {"a": ["3"]}
    floor.tell(ev.OfferFailed("run.2", Failure.NO_ANSWER))
    floor.tell(ev.WrapUpDone("1"))
    assert floor.offers(ev.TimePassed(), 5100) == {"a": ["1"]}, "then it is the queue's"


def test_asterisk_1006_a_second_contacts_end_does_not_shorten_a_wrap_up() -> None:
    """Peer: wrap-up was counted from the wrong call. Here each contact has its own."""
    floor = transfers()
    floor.tell(ev.Ended("a", "1"), 1000)
    floor.tell(ev.AgentBusy("1", "out"), 2000)
    assert floor.tell(ev.AgentFreeAgain("1", "out"), 3000) == [
        ev.AgentMoved("1", Presence.WRAP_UP, until=11_000)
    ]
    assert floor.tell(ev.TimePassed(), 10_999) == []
    assert floor.tell(ev.TimePassed(), 11_000) == [ev.AgentMoved("1", Presence.AVAILABLE)]
