"""What the book does, one story at a time, with the real router."""

from __future__ import annotations

from dataclasses import replace

import pytest
from callback_scene import ASKS, NOON, PLAIN, dialled, floor, presence

from acd.callbacks import events as cb
from acd.callbacks.conduct import MESSAGE_MS
from acd.callbacks.policy import HOUR, MINUTE
from acd.callbacks.words import RETRIED, Choice, Outcome, Stage


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


@pytest.mark.parametrize("given_up", [False, True])
def test_a_number_that_the_gate_bars_was_never_dialled_and_never_is(given_up: bool) -> None:
    here = dialled(floor(replace(PLAIN, retry=dict.fromkeys(RETRIED, (0,)))))
    if given_up:
        here.decline(next(iter(here.reached)))
    here.customer("cb", Outcome.BARRED)
    row = here.rows["cb"]
    assert (row.ended, row.dials, row.counted) == (["failed"], 0, 0)
    assert presence(here) == "available" or given_up


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


@pytest.mark.parametrize("tried", [False, True])
def test_who_calls_because_their_agent_did_not_reach_them_is_not_called_again(tried: bool) -> None:
    here = floor()
    here.promise("cb", NOON - 1, due_ms=NOON if tried else NOON + HOUR, owner="a0")
    if tried:
        here.answer(next(iter(here.offers)))
        here.claim()
        here.customer("cb", Outcome.NO_ANSWER)
    assert here.book.stage("cb") is Stage.SCHEDULED
    here.tell(cb.CalledAgain("cb", "again"))
    # Before its time an agent's own stays: whoever takes the call has no answer for them yet.
    assert here.rows["cb"].ended == (["merged"] if tried else [])


@pytest.mark.parametrize("fence", [0, 2])
@pytest.mark.parametrize("asks", [False, True])
def test_what_is_told_of_another_attempt_changes_nothing_of_the_live_one(
    asks: bool, fence: int
) -> None:
    here = dialled(floor(ASKS if asks else PLAIN))
    if asks:
        here.pick_up("cb")
    stage = here.book.stage("cb")
    for event in (
        cb.AttemptEnded("cb", fence, Outcome.BUSY),
        cb.Answered("cb", fence),
        cb.MachineHeard("cb", fence),
        cb.Chose("cb", fence, Choice.CANCEL),
        cb.Talking("cb", fence),
    ):
        assert here.book.handle(event, NOON) == []
    assert here.book.stage("cb") is stage


def test_a_claim_that_is_on_its_way_is_not_asked_for_again() -> None:
    here = floor(agents=2)
    here.promise("cb", NOON - 1)
    (first,) = here.offers
    here.answer(first)
    here.decline(first)
    (second,) = here.offers
    here.answer(second)
    assert here.claims == ["cb"]
    here.claim()
    assert here.book.stage("cb") is Stage.DIALLING
