"""What the book does, one story at a time, with the real router."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from callback_floor import CallbackFloor

from acd.callbacks import Policy, events as cb
from acd.callbacks.conduct import MESSAGE_MS
from acd.callbacks.place import arrival
from acd.callbacks.policy import HOUR, MINUTE
from acd.callbacks.words import Choice, Outcome, Stage
from acd.router import Router, events as ev
from acd.router.codec import to_entry
from acd.router.configuration import Step
from acd.router.criteria import Language, Named
from acd.router.events import AgentConfig, Configuration, QueueConfig, Wanted
from acd.router.recipes import Callback as OfferCallback, Recipe, Waited
from crm.calendars import Calendar
from crm.records import Callback

ALWAYS = Calendar("always", "UTC", (((0, 24 * 60),),) * 7)
NOON = round(datetime(2026, 7, 1, 17, tzinfo=UTC).timestamp() * 1000)
PLAIN = replace(Policy(), calling=ALWAYS)
ASKS = replace(PLAIN, ask=True)


def floor(policy: Policy = PLAIN, agents: int = 1) -> CallbackFloor:
    return CallbackFloor(policy, agents, NOON)


def dialled(here: CallbackFloor, name: str = "cb") -> CallbackFloor:
    here.promise(name, NOON - 1)
    (offer,) = here.offers
    here.answer(offer)
    here.claim()
    assert here.book.stage(name) is Stage.DIALLING
    return here


def presence(here: CallbackFloor) -> str:
    agent = here.router.agent("a0")
    assert agent is not None
    return agent.presence.value


def test_agent_first_to_the_end() -> None:
    here = dialled(floor())
    assert presence(here) == "ringing"
    here.pick_up("cb")
    here.talk("cb")
    assert here.rows["cb"].ended == ["connected"]
    assert presence(here) == "on_contact"


def test_an_attempt_that_fails_frees_the_agent_at_once_and_unmarked() -> None:
    here = dialled(floor())
    idle = here.router.agent("a0")
    here.customer("cb", Outcome.BUSY)
    freed = here.router.agent("a0")
    assert presence(here) == "available"
    assert idle is not None
    assert freed is not None
    assert freed.idle_since == idle.idle_since
    assert here.rows["cb"].record.due_ms == NOON + PLAIN.pause(Outcome.BUSY, 0)  # type: ignore[operator]
    here.live_call("live")
    here.pass_time(5 * MINUTE)
    # At its place again: ahead of the live caller who came after the request.
    assert [one.interaction for one in here.router.waiting("q")] == ["cb", "live"]


def test_a_refused_number_is_not_tried_again() -> None:
    here = dialled(floor())
    here.customer("cb", Outcome.REFUSED)
    assert here.rows["cb"].ended == ["failed"]


def test_attempts_run_out() -> None:
    here = floor(replace(PLAIN, attempts=2, retry={Outcome.BUSY: (0,)}))
    dialled(here)
    here.customer("cb", Outcome.BUSY)
    here.answer(next(iter(here.offers)))
    here.claim()
    here.customer("cb", Outcome.BUSY)
    assert (here.rows["cb"].ended, here.rows["cb"].dials) == (["failed"], 2)


def test_the_agent_goes_while_the_customers_phone_rings() -> None:
    here = dialled(floor(agents=2))
    here.decline(next(iter(here.reached)))
    assert here.book.stage("cb") is Stage.HANGING_UP
    here.customer("cb", Outcome.HUNG_UP)
    # The phone has rung: that counts, and it does not ring again at once.
    assert (here.book.stage("cb"), here.rows["cb"].counted) == (Stage.SCHEDULED, 1)
    assert here.rows["cb"].record.due_ms == NOON + PLAIN.pause(Outcome.GIVEN_UP, 0)  # type: ignore[operator]


def test_agents_who_go_while_the_phone_rings_do_not_have_it_ring_for_ever() -> None:
    here = dialled(floor(agents=20))
    for _ in range(12):
        here.decline(next(iter(here.reached)))
        here.customer("cb", Outcome.HUNG_UP)
        here.pass_time(HOUR)
        if here.rows["cb"].ended:
            break
        here.answer(next(iter(here.offers)))
        here.claim()
    assert (here.rows["cb"].ended, here.rows["cb"].dials) == (["failed"], PLAIN.attempts)


def test_the_agent_goes_before_the_customer_is_called() -> None:
    here = dialled(floor(agents=2))
    here.decline(next(iter(here.reached)))
    here.customer("cb", Outcome.WITHDRAWN)
    # The customer knows of nothing: the next agent is asked at once.
    assert (here.book.stage("cb"), here.rows["cb"].counted) == (Stage.WAITING, 0)
    assert len(here.offers) == 1


@pytest.mark.parametrize("outcome", [Outcome.CAPPED, Outcome.UNDIALLED])
def test_who_could_not_be_dialled_is_tried_again_after_a_pause_and_uncounted(
    outcome: Outcome,
) -> None:
    here = floor(replace(PLAIN, expires_ms=HOUR))
    here.promise("cb", NOON)
    for count in range(6):
        here.answer(next(iter(here.offers)))
        here.claim()
        here.tell(cb.AttemptEnded("cb", here.at_customer["cb"], outcome, again_ms=5 * MINUTE))
        assert (here.book.stage("cb"), here.rows["cb"].counted) == (Stage.SCHEDULED, 0)
        assert here.rows["cb"].record.due_ms == here.now + 5 * MINUTE
        here.pass_time(5 * MINUTE)
        assert (here.book.stage("cb"), count) == (Stage.WAITING, count)


def test_one_that_is_put_off_during_an_attempt_is_not_called_before() -> None:
    for outcome in (Outcome.BUSY, Outcome.LATER, Outcome.WITHDRAWN):
        here = dialled(floor())
        due = NOON + 9 * HOUR
        here.tell(cb.Known(replace(here.rows["cb"].record, fence=1, holder="us", due_ms=due)))
        here.customer("cb", outcome)
        assert (here.book.stage("cb"), here.rows["cb"].record.due_ms) == (Stage.SCHEDULED, due)


def test_what_is_changed_after_a_worker_died_holds() -> None:
    here = floor()
    here.promise("cb", fence=3, holder="dead")
    row = here.rows["cb"]
    row.fence = 3
    here.tell(cb.Known(replace(row.record, number="+12125550188")))
    here.answer(next(iter(here.offers)))
    (dial,) = [
        one for one in here.book.handle(cb.Claimed("cb", 4, 1), NOON) if isinstance(one, cb.Dial)
    ]
    assert dial.number == "+12125550188"


def test_asked_later_and_cancel() -> None:
    here = dialled(floor(ASKS))
    here.pick_up("cb")
    assert here.book.stage("cb") is Stage.ASKING
    here.choose("cb", Choice.LATER)
    # They are still told so; the agent is free at once.
    assert (here.hung_up, presence(here)) == ([], "available")
    here.customer("cb", Outcome.HUNG_UP)
    assert (here.book.stage("cb"), here.rows["cb"].counted) == (Stage.SCHEDULED, 0)
    here.pass_time(ASKS.later_ms)
    here.answer(next(iter(here.offers)))
    here.claim()
    here.pick_up("cb")
    here.choose("cb", Choice.CANCEL)
    assert (here.hung_up, here.rows["cb"].ended) == ([], ["cancelled"])
    assert presence(here) == "available"


def test_a_call_that_is_not_over_when_all_is_said_is_ended() -> None:
    here = dialled(floor(ASKS))
    here.pick_up("cb")
    here.choose("cb", Choice.LATER)
    here.pass_time(MESSAGE_MS)
    assert here.hung_up == ["cb"]
    assert (here.book.stage("cb"), here.rows["cb"].counted) == (Stage.SCHEDULED, 0)


def test_customer_first_holds_at_the_kept_place() -> None:
    here = floor(replace(PLAIN, agent_first=False), agents=1)
    here.live_call("first")
    here.answer(next(iter(here.offers)))
    here.promise("cb", NOON - HOUR)
    here.live_call("live")
    here.expect(1, [(NOON, NOON)])
    here.claim()
    here.pick_up("cb")
    here.choose("cb", Choice.TALK)
    assert here.book.stage("cb") is Stage.HOLDING
    assert [one.interaction for one in here.router.waiting("q")] == ["cb", "live"]
    here.hang_up("first")
    here.pass_time(1)
    here.answer(next(iter(here.offers)))
    here.talk("cb")
    assert here.rows["cb"].ended == ["connected"]


def test_a_machine_is_tried_again_or_left_a_message() -> None:
    here = dialled(floor())
    here.tell(cb.MachineHeard("cb", here.at_customer["cb"]))
    here.customer("cb", Outcome.HUNG_UP)
    assert (here.book.stage("cb"), here.rows["cb"].counted) == (Stage.SCHEDULED, 1)
    here = dialled(floor(replace(PLAIN, leave_message=True, attempts=1)))
    here.tell(cb.MachineHeard("cb", here.at_customer["cb"]))
    # The agent is free while the message plays.
    assert (presence(here), here.messages) == ("available", ["cb"])
    here.customer("cb", Outcome.HUNG_UP)
    assert here.rows["cb"].ended == ["failed"]


def test_the_customer_calls_again() -> None:
    here = floor()
    here.live_call("first")
    here.answer(next(iter(here.offers)))
    here.promise("cb", NOON - HOUR)
    here.tell(cb.CalledAgain("cb", "again"))
    assert here.rows["cb"].ended == ["merged"]
    (taken,) = here.places
    assert (taken.arrived.interaction, taken.arrived.entered) == ("again", NOON - HOUR)
    here.live_call("live")
    here.route(taken.arrived)
    assert [one.interaction for one in here.router.waiting("q")] == ["again", "live"]


def test_somebody_else_calls_while_the_customer_is_with_us() -> None:
    here = dialled(floor(ASKS))
    here.pick_up("cb")
    here.tell(cb.CalledAgain("cb", "again"))
    assert here.book.stage("cb") is Stage.ASKING
    assert not here.places


def test_it_expires_and_says_so() -> None:
    here = floor(agents=0)
    here.promise("cb")
    here.pass_time(PLAIN.expires_ms - 1)
    assert here.book.stage("cb") is Stage.WAITING
    here.pass_time(1)
    assert here.rows["cb"].ended == ["expired"]


def test_one_that_others_hold_is_tried_again_soon() -> None:
    here = floor()
    here.promise("cb")
    here.answer(next(iter(here.offers)))
    here.claim(granted=False)
    assert (here.book.stage("cb"), presence(here)) == (Stage.SCHEDULED, "available")
    here.pass_time(5000)
    assert here.book.stage("cb") is Stage.WAITING


def test_a_row_read_before_ours_was_written_changes_nothing() -> None:
    here = dialled(floor())
    old = here.rows["cb"].record
    here.customer("cb", Outcome.BUSY)
    due = here.book.deadline
    here.tell(cb.Known(replace(old, fence=0)))
    here.tell(cb.Known(replace(old, fence=1, holder="us")))
    assert here.book.deadline == due


def test_whose_callback_it_is() -> None:
    here = floor()
    here.promise("cb", customer="c-1")
    assert here.book.of("q", "c-1", "+14155550188") == "cb"
    assert here.book.of("q", None, "+12125550123") == "cb"
    assert here.book.of("other", "c-1", "+12125550123") is None


# --- the place ---------------------------------------------------------------------------------

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


# --- what would never end, and what would be too many ---------------------------------------------


def test_one_without_a_queue_waits_in_no_line_until_it_has_one_and_expires() -> None:
    here = floor()
    here.promise("cb", NOON, queue=None)
    assert (here.book.stage("cb"), here.offers) == (Stage.SCHEDULED, {})
    here.promise("other", NOON, queue=None, number="+12125550124")
    here.tell(cb.Known(here.rows["other"].record))
    here.tell(cb.Known(replace(here.rows["other"].record, queue="q")))
    assert len(here.offers) == 1
    here.pass_time(PLAIN.expires_ms)
    assert here.rows["cb"].ended == ["expired"]


def test_calls_of_customers_who_hold_or_are_being_connected_count_among_those_at_once() -> None:
    here = floor(replace(PLAIN, agent_first=False, at_once=2), agents=1)
    for name in ("one", "two", "three"):
        here.promise(name, NOON - HOUR)
    for _ in range(2):
        here.tell(cb.Expected(("one", "two", "three")))
        while here.claims:
            here.claim()
        for name in list(here.at_customer):
            if here.book.stage(name) is Stage.DIALLING:
                here.pick_up(name)
                here.choose(name, Choice.TALK)
    assert sorted(here.at_customer) == ["one", "two"]
    assert {here.book.stage(name) for name in here.at_customer} == {Stage.HOLDING}
