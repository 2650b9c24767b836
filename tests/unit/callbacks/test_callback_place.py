"""The place of a callback in line, and whose agents it waits for."""

from __future__ import annotations

from dataclasses import replace

from callback_floor import CallbackFloor
from callback_scene import NOON, PLAIN, floor
from hypothesis import given, strategies as st

from acd.callbacks import Policy, events as cb
from acd.callbacks.place import arrival, key
from acd.callbacks.policy import HOUR, MINUTE
from acd.callbacks.words import Outcome, Stage
from acd.router import Router, events as ev
from acd.router.codec import to_entry
from acd.router.configuration import Step
from acd.router.criteria import Language, Named
from acd.router.events import AgentConfig, Arrived, Configuration, QueueConfig, Wanted
from acd.router.recipes import Callback as OfferCallback, Recipe, Waited
from crm.records import Callback

Q = QueueConfig(
    "q",
    max_wait_ms=60_000,
    recipes=(Recipe((Waited(10_000),), (OfferCallback(),)),),
    tiers=(("vip", 5_000),),
)

STAFF = (
    AgentConfig("anna", ("q",), languages=("th",)),
    AgentConfig("bob", ("q",), languages=("th",)),
    AgentConfig("chris", ("q",)),
)


def routed(*logged_in: str) -> Router:
    router = Router(Configuration(queues=(Q,), agents=STAFF, languages=("th",)), "t")
    for name in logged_in:
        router.handle(ev.AgentReachable(name, True), NOON)
        router.handle(ev.AgentWants(name, Wanted.AVAILABLE), NOON)
    return router


def test_the_place_is_that_of_the_call_that_asked() -> None:
    router = routed()
    router.handle(
        ev.Arrived("x", "q", NOON, 700, criteria=Language("th"), tier="vip",
                   steps=(Step(Named(("anna",)), 5_000),)), NOON,
    )  # fmt: skip
    router.handle(ev.TimePassed(), NOON + 20_000)
    was = router.interaction("x")
    kept = router.kept("x")
    assert kept is not None
    record = Callback(
        "cb", "+12125550123", NOON + 20_000, "flow", "q", "x", place=to_entry(kept)[1]
    )
    router.handle(ev.Left("x", ev.LeaveReason.CALLED_BACK), NOON + 20_000)
    back = arrival(record, Q, MINUTE)
    # An hour later: neither turned away for the long wait nor asked about a callback again.
    decided = router.handle(back, NOON + HOUR)
    decided += router.handle(ev.TimePassed(), NOON + 2 * HOUR)
    assert decided == []
    now = router.interaction("x")
    assert was is not None
    assert now is not None
    assert (now.entered, now.priority, now.needs) == (was.entered, was.priority, was.needs)


def test_a_place_written_by_another_version_still_serves() -> None:
    record = Callback("cb", "+12125550123", NOON, "api", "q", place={"colour": "red"})
    back = arrival(record, Q, MINUTE)
    assert (back.interaction, back.entered, back.rejoins) == ("cb", NOON, True)


def test_a_chosen_time_enters_at_that_time() -> None:
    record = Callback("cb", "+12125550123", NOON, "slot", "q", due_ms=NOON + HOUR)
    assert arrival(record, Q, MINUTE).entered == NOON + HOUR


def test_a_personal_callback_waits_for_its_owner_then_goes_to_the_queue() -> None:
    record = Callback("cb", "+12125550123", NOON, "agent", "q", owner="anna")
    router = routed("anna", "bob")
    router.handle(ev.AgentWants("anna", Wanted.PAUSED), NOON)
    assert router.handle(arrival(record, Q, MINUTE), NOON) == []
    (offer, _) = router.handle(ev.TimePassed(), NOON + MINUTE)
    assert isinstance(offer, ev.Offer)
    assert offer.agent == "bob"
    # Absent: at once.
    (offer, _) = routed("bob").handle(arrival(record, Q, MINUTE), NOON)
    assert isinstance(offer, ev.Offer)


def owned(policy: Policy = PLAIN) -> CallbackFloor:
    """Two agents serve; `a0` has promised it, long ago."""
    here = floor(policy, agents=2)
    here.promise("cb", NOON - HOUR, owner="a0")
    return here


def test_the_owner_is_waited_for_from_when_it_may_be_called() -> None:
    here = floor(replace(PLAIN, owner_wait_ms=MINUTE), agents=2)
    here.route(ev.AgentWants("a0", Wanted.PAUSED))
    here.promise("cb", NOON - HOUR, owner="a0", due_ms=NOON + HOUR)
    here.pass_time(HOUR)
    assert here.book.stage("cb") is Stage.WAITING
    assert here.offers == {}
    here.pass_time(MINUTE - 1)
    assert here.offers == {}
    here.pass_time(1)
    assert list(here.offers.values()) == [("cb", "a1")]


def test_after_an_attempt_the_owner_is_waited_for_anew() -> None:
    here = owned(replace(PLAIN, retry={Outcome.BUSY: (5 * MINUTE,)}, owner_wait_ms=MINUTE))
    (offer,) = here.offers
    assert here.offers[offer] == ("cb", "a0")
    here.answer(offer)
    here.claim()
    here.customer("cb", Outcome.BUSY)
    here.pass_time(5 * MINUTE)
    assert list(here.offers.values()) == [("cb", "a0")]


def test_what_an_agent_promised_for_later_is_not_ended_by_a_call_about_something_else() -> None:
    here = floor()
    here.promise("cb", NOON, owner="a0", due_ms=NOON + HOUR)
    here.tell(cb.CalledAgain("cb", "again"))
    assert (here.book.stage("cb"), here.places) == (Stage.SCHEDULED, [])
    here.route(ev.AgentWants("a0", Wanted.PAUSED))
    here.pass_time(HOUR)
    here.tell(cb.CalledAgain("cb", "again"))
    assert here.rows["cb"].ended == ["merged"]


def test_a_customers_other_numbers_are_theirs_too_and_nobody_elses() -> None:
    here = floor(agents=0)
    here.promise("cb", phones=("+12125550199",))
    of = here.book.of
    assert of("q", None, "+12125550199") == of("q", None, "+12125550123") == "cb"
    assert of("q", None, "+12125550100") is None
    assert of("r", None, "+12125550199") is None
    # Its own number goes before another's that is noted as theirs.
    here.promise("own", number="+12125550199")
    assert of("q", None, "+12125550199") == "own"
    record = here.rows["cb"].record
    here.tell(cb.Known(replace(record, phones=("+12125550111",))))
    here.tell(cb.Cancelled("own", "admin"))
    assert of("q", None, "+12125550199") is None
    assert of("q", None, "+12125550111") == "cb"


def test_for_an_agents_own_the_agent_is_held_first_whatever_the_queue_does() -> None:
    here = floor(replace(PLAIN, agent_first=False), agents=2)
    here.route(ev.AgentWants("a0", Wanted.PAUSED))
    here.promise("cb", NOON - HOUR, owner="a0")
    # Another agent is free: nobody is dialled to wait for the owner on the line.
    assert (here.book.any_ready, here.claims, here.offers) == (False, [], {})
    here.route(ev.AgentWants("a0", Wanted.AVAILABLE))
    (offer,) = here.offers
    assert here.offers[offer] == ("cb", "a0")
    here.answer(offer)
    here.claim()
    assert here.book.stage("cb") is Stage.DIALLING
    # Given to the queue, it is called as the queue's are.
    other = floor(replace(PLAIN, agent_first=False), agents=0)
    other.promise("cb", NOON - HOUR, owner="a0")
    assert [name for name, _ in other.book.in_line()] == ["cb"]
    other.tell(cb.Known(replace(other.rows["cb"].record, owner=None)))
    assert other.book.in_line() == []
    assert other.book.any_ready


@given(
    st.lists(
        st.tuples(st.integers(0, 9), st.integers(-9, 9), st.sampled_from(("", "vip"))), max_size=8
    )
)
def test_the_book_orders_them_as_the_router_does(asked: list[tuple[int, int, str]]) -> None:
    router, keys = routed(), {}
    for n, (ago, priority, tier) in enumerate(asked):
        entered = NOON - ago * 1000
        place = Arrived(f"i{n}", "q", entered, priority=priority * 1000, tier=tier, rejoins=True)
        router.handle(place, NOON)
        keys[place.interaction] = key(place, Q)
    found = [keys[one.interaction] for one in router.waiting("q")]
    assert len(found) == len(asked)
    assert found == sorted(found)
