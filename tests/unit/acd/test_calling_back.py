"""The shell of callbacks: what it makes of the book's decisions, and of a PBX that ran on."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from calling_stage import NUMBER, CallingStage
from stage import RING_MS, WRAP_UP_MS

from acd.callbacks import Policy
from acd.callbacks.words import Choice, Outcome, Stage
from acd.contacts import Contact
from acd.gate import Refusal
from acd.router.events import Arrived
from acd.router.recipes import Staffing
from crm.calendars import Calendar
from pbx.errors import CallGone
from pbx.port import (
    Audio,
    CallEnded,
    Caller,
    CallSnapshot,
    CallState,
    Cause,
    Digits,
    DigitsEnd,
    FloorSnapshot,
    LegConnected,
    LegSnapshot,
)
from sala.calling_back import Speaking

PLAIN = Policy(retry=dict.fromkeys(Outcome, ()))


@dataclass
class Lent:
    """A customer's call while it is lent."""

    id: str
    carried: dict[str, str] = field(default_factory=dict)


def stage_of(policy: Policy | None = None, *rows: Any, **more: Any) -> CallingStage:
    stage = CallingStage(policy=policy, **more)
    stage.starts(*rows)
    stage.up()
    return stage


def held(stage: CallingStage) -> str:
    """The agent of the newest offer has picked up, and heard what it is about."""
    offer = stage.switch.reserved[-1][0]
    stage.floor.callbacks.agents.ready(offer)
    return offer


def picks_up(stage: CallingStage, *, machine: bool = False) -> Stage | None:
    call = Lent(stage.switch.dials[-1][0])
    return stage.floor.callbacks.calls.picked_up(call, machine=machine)  # type: ignore[arg-type]


def ends(stage: CallingStage, cause: Cause) -> None:
    stage.floor.event(CallEnded(stage.switch.dials[-1][0], cause, by_caller=False))


def test_from_the_line_to_the_talk() -> None:
    stage = stage_of()
    stage.promised(stage.row("one", 60_000))
    assert stage.switch.reserved == [("e0.1.1", "pa", NUMBER)]
    offer = held(stage)
    assert stage.switch.dials == [("callback-one-1", NUMBER)]
    assert stage.presence("a")[0] == "ringing"
    assert picks_up(stage) is Stage.CONNECTING
    assert stage.switch.connects == []
    stage.floor.callbacks.calls.waits("callback-one-1")
    assert stage.switch.connects == [(offer, "callback-one-1")]
    assert stage.shelf.seals == [("one", 1)]
    stage.floor.event(LegConnected(offer, "callback-one-1"))
    assert stage.presence("a")[0] == "on_contact"
    (result,) = stage.shelf.results
    assert (result.outcome, result.state) == (Outcome.CONNECTED, Stage.CONNECTED)
    stage.floor.event(CallEnded("callback-one-1", Cause.NORMAL))
    stage.leg_ends(offer, answered=True)
    assert stage.presence("a")[0] == "wrap_up"
    assert stage.book.of("i-one") == [
        ("ringing", "accepted"),
        ("callback", "connected"),
        ("talk", "ended"),
        ("wrap_up", None),
    ]
    assert stage.book.interactions["i-one"].outcome == "called_back"


@pytest.mark.parametrize(
    ("cause", "outcome"),
    [
        (Cause.BUSY, Outcome.BUSY),
        (Cause.REJECTED, Outcome.BUSY),
        (Cause.NO_ANSWER, Outcome.NO_ANSWER),
        (Cause.UNREACHABLE, Outcome.NO_ANSWER),
        (Cause.UNALLOCATED, Outcome.REFUSED),
        (Cause.CONGESTION, Outcome.CONGESTION),
        (Cause.FAILED, Outcome.FAILED),
    ],
)
def test_how_a_call_ends_that_nobody_takes(cause: Cause, outcome: Outcome) -> None:
    stage = stage_of(PLAIN)
    stage.promised(stage.row("one"))
    held(stage)
    ends(stage, cause)
    (result,) = stage.shelf.results
    assert (result.outcome, result.state) == (outcome, Stage.FAILED)
    # The agent is let go and free at once; nothing of it stays.
    assert stage.switch.cancels == [stage.switch.reserved[0][0]]
    assert stage.book.of("i-one") == [("ringing", "cancelled"), ("callback", str(outcome))]
    stage.leg_ends(stage.switch.reserved[0][0], answered=True)
    assert stage.presence("a")[0] == "available"
    assert stage.line() == []


def test_what_the_gate_denies_is_not_dialled() -> None:
    stage = stage_of(PLAIN)
    stage.shelf.refusal = Refusal.DENIED
    stage.promised(stage.row("one"))
    held(stage)
    assert stage.switch.dials == []
    assert [one.outcome for one in stage.shelf.results] == [Outcome.REFUSED]


CAPS = [Refusal.AT_ONCE_CAP, Refusal.DAY_CAP, Refusal.NUMBER_CAP]


@pytest.mark.parametrize("refusal", CAPS)
def test_nobody_is_rung_while_the_caps_let_nobody_be_dialled(refusal: Refusal) -> None:
    stage = stage_of()
    stage.shelf.capped = refusal
    stage.promised(stage.row("one"))
    stage.clock.pass_ms(6 * 3_600_000)
    assert (stage.switch.reserved, stage.switch.dials, stage.shelf.results) == ([], [], [])
    assert stage.presence("a")[0] == "available"
    stage.shelf.capped = None
    stage.clock.pass_ms(600_000)
    assert len(stage.switch.reserved) == 1


@pytest.mark.parametrize("refusal", CAPS)
def test_an_attempt_that_caps_refuse_at_last_is_not_counted(refusal: Refusal) -> None:
    stage = stage_of(PLAIN)
    stage.shelf.refusal = refusal
    stage.promised(stage.row("one"))
    held(stage)
    (result,) = stage.shelf.results
    assert (result.outcome, result.counts, result.state) == (Outcome.CAPPED, False, Stage.WAITING)
    assert result.due is not None
    assert result.due > stage.clock.now()


def test_an_attempt_that_a_database_lets_nobody_dial_is_not_counted() -> None:
    stage = stage_of(PLAIN)
    stage.promised(stage.row("one"))
    stage.shelf.away_for_dials = True
    held(stage)
    (result,) = stage.shelf.results
    assert (result.outcome, result.counts) == (Outcome.UNDIALLED, False)
    assert result.due == stage.clock.now() + 5_000


def test_who_hangs_up_after_the_machine_was_ruled_out_has_hung_up() -> None:
    stage = stage_of(PLAIN)
    stage.promised(stage.row("one"))
    held(stage)
    picks_up(stage)
    ends(stage, Cause.NORMAL)
    assert [one.outcome for one in stage.shelf.results] == [Outcome.HUNG_UP]


def test_a_machine_is_hung_up_on() -> None:
    stage = stage_of(PLAIN)
    stage.promised(stage.row("one"))
    held(stage)
    assert picks_up(stage, machine=True) is Stage.HANGING_UP
    assert stage.switch.given_up == ["callback-one-1"]
    ends(stage, Cause.NORMAL)
    assert [one.outcome for one in stage.shelf.results] == [Outcome.MACHINE]


def test_an_agent_who_hangs_up_on_the_whisper_has_declined() -> None:
    stage = stage_of()
    stage.promised(stage.row("one"))
    offer = stage.switch.reserved[0][0]
    stage.answers(offer, "", connected=False)
    stage.leg_ends(offer, answered=True)
    assert (stage.switch.dials, stage.presence("a")) == ([], ("paused", "declined"))
    assert stage.book.of("i-one") == [("ringing", "declined")]


def test_an_agent_who_hangs_up_while_the_customers_phone_rings_has_left() -> None:
    stage = stage_of(agents="ab")
    stage.promised(stage.row("one"))
    offer, address, _ = stage.switch.reserved[0]
    held(stage)
    stage.leg_ends(offer, answered=True)
    # The customer's phone is let be; after a pause the next agent has the same callback.
    assert stage.switch.given_up == ["callback-one-1"]
    ends(stage, Cause.NORMAL)
    assert [(one.outcome, one.counts) for one in stage.shelf.results] == [(Outcome.GIVEN_UP, True)]
    assert stage.presence(address[1:]) == ("paused", "left")
    assert stage.book.of("i-one")[:2] == [("ringing", "left"), ("callback", "given_up")]
    stage.clock.pass_ms(60_000)
    assert [one[1] for one in stage.switch.reserved[1:]] == ["pb" if address == "pa" else "pa"]


def test_nobody_is_rung_while_the_database_is_away() -> None:
    stage = stage_of()
    stage.shelf.away = True
    stage.promised(stage.row("one"))
    assert stage.switch.reserved == []
    assert stage.presence("a")[0] == "available"
    stage.shelf.away = False
    stage.clock.pass_ms(5_000)
    assert len(stage.switch.reserved) == 1


def test_an_attempt_that_is_not_ours_any_more_is_given_up() -> None:
    stage = stage_of(PLAIN)
    stage.promised(stage.row("one"))
    held(stage)
    stage.shelf.lost("one", 1)
    assert stage.switch.given_up == ["callback-one-1"]
    assert [one.outcome for one in stage.shelf.results] == [Outcome.GIVEN_UP]


def test_a_caller_on_the_line_is_called_back_only_when_they_are_gone() -> None:
    stage = stage_of()
    contact = stage.call("i-one")
    stage.floor.callbacks._rows.know(stage.row("one"))
    assert stage.switch.reserved == []
    assert stage.floor.step_aside(contact)
    stage.floor.called_back(contact)
    stage.leg_ends(stage.last_ring()[0])
    stage.hangs_up("i-one")
    assert [one[2] for one in stage.switch.reserved] == [NUMBER]


def test_who_calls_again_has_the_place() -> None:
    stage = stage_of(agents="")
    stage.promised(stage.row("one", 90_000))
    stage.call("i-two")
    assert stage.line() == ["i-one", "i-two"]
    again = Contact("i-three", "c-i-three", Caller("4155550123"))
    stage.floor.opened(again)
    stage.floor.arrive(again, Arrived("i-three", "q", 0))
    assert stage.line() == ["i-three", "i-two"]
    (end,) = stage.shelf.ends
    assert (end.state, end.merged_into) == (Stage.MERGED, "i-three")


@pytest.mark.parametrize(
    "closed",
    [{"hours": {"q": Calendar("never", "UTC", ((),) * 7)}}, {"join_needs": Staffing.LOGGED_IN}],
)
def test_who_calls_again_while_nobody_is_let_in_is_called_back_all_the_same(
    closed: dict[str, Any],
) -> None:
    stage = CallingStage("", **closed)
    stage.starts()
    stage.up()
    stage.promised(stage.row("one"))
    again = Contact("i-two", "c-i-two", Caller("4155550123"))
    stage.floor.opened(again)
    stage.floor.arrive(again, Arrived("i-two", "q", 0))
    assert again.errand.exit
    assert stage.shelf.ends == []


def test_a_promise_is_taken_back_before_an_agent_rings_for_its_caller() -> None:
    stage = stage_of()
    stage.call("i-zero")
    offer, _, call = stage.last_ring()
    stage.answers(offer, call)
    stage.call("i-one")
    stage.floor.callbacks._rows.know(stage.row("one"))
    assert stage.shelf.ends == []
    stage.leg_ends(offer, answered=True)
    stage.clock.pass_ms(WRAP_UP_MS)
    (end,) = stage.shelf.ends
    assert (end.callback, end.state, end.merged_into) == ("one", Stage.MERGED, "i-one")
    assert stage.last_ring()[2] == "c-i-one"


# --- after this process was away -----------------------------------------------------------------


def listed(fence: int, state: CallState, legs: list[LegSnapshot] | None = None) -> FloorSnapshot:
    carried = {
        "interaction": "i-one", "queue": "q", "entered": "900000",
        "callback": "one", "fence": str(fence),
    }  # fmt: skip
    call = CallSnapshot(f"callback-one-{fence}", state, Caller(NUMBER), carried)
    return FloorSnapshot((call,), tuple(legs or ()), frozenset({"pa"}))


def leg(offer: str = "e9.1.1", *, answered: bool = True) -> LegSnapshot:
    carried = {"interaction": "i-one", "queue": "q", "callback": "one", "reserved": "yes"}
    return LegSnapshot(offer, "pa", answered, carried)


def test_a_call_that_rings_is_taken_up_with_the_agent_who_is_held() -> None:
    stage = CallingStage()
    stage.starts(stage.row("one", fence=3, holder="last"))
    stage.up(listed(3, CallState.DIALLED, [leg()]))
    assert stage.shelf.holds == [("one", 3)]
    assert (stage.switch.given_up, stage.switch.reserved, stage.switch.cancels) == ([], [], [])
    assert stage.presence("a")[0] == "ringing"
    call = Lent("callback-one-3")
    calls = stage.floor.callbacks.calls
    assert calls.picked_up(call, machine=False) is Stage.CONNECTING  # type: ignore[arg-type]
    calls.waits(call.id)
    assert stage.switch.connects == [("e9.1.1", "callback-one-3")]


def test_a_customer_who_waits_is_connected_at_once() -> None:
    stage = CallingStage()
    stage.starts(stage.row("one", fence=3, holder="last"))
    stage.up(listed(3, CallState.WAITING, [leg()]))
    assert stage.switch.connects == [("e9.1.1", "callback-one-3")]


def test_a_call_whose_agent_is_gone_is_given_up() -> None:
    stage = CallingStage()
    stage.starts(stage.row("one", fence=3, holder="last"))
    stage.up(listed(3, CallState.DIALLED))
    assert stage.switch.given_up == ["callback-one-3"]


@pytest.mark.parametrize(("fence", "holder"), [(2, "other"), (3, None)])
def test_a_call_of_a_claim_that_is_over_is_given_up(fence: int, holder: str | None) -> None:
    stage = CallingStage(agents="")
    stage.starts(stage.row("one", fence=3, holder=holder))
    stage.up(listed(fence, CallState.DIALLED))
    assert stage.switch.given_up == [f"callback-one-{fence}"]
    assert stage.shelf.holds == []


def test_who_waits_though_their_callback_has_ended_waits_on() -> None:
    stage = CallingStage(agents="")
    stage.starts()
    stage.up(listed(3, CallState.WAITING))
    assert stage.switch.given_up == []
    assert stage.line() == ["i-one"]


def test_an_agent_held_for_a_callback_that_has_ended_is_let_go() -> None:
    stage = CallingStage()
    stage.starts()
    stage.up(FloorSnapshot((), (leg(),), frozenset({"pa"})))
    assert stage.switch.cancels == ["e9.1.1"]


def test_a_talk_is_written_down_once_more() -> None:
    stage = CallingStage()
    stage.starts(stage.row("one", fence=3, holder="last"))
    talk = LegSnapshot("e9.1.1", "pa", True, {"interaction": "i-one", "queue": "q"})
    stage.up(listed(3, CallState.TALKING, [talk]))
    (result,) = stage.shelf.results
    assert (result.fence, result.outcome) == (3, Outcome.CONNECTED)
    # Its rows, of which none is in mind, are written beyond those there may be.
    assert min(seq for _, seq in stage.book.segments) == 3_001
    assert {kind for kind, _ in stage.book.of("i-one")} == {"callback", "ringing", "talk"}
    stage.floor.event(CallEnded("callback-one-3", Cause.NORMAL))
    assert stage.book.interactions["i-one"].outcome == "called_back"
    assert stage.presence("a")[0] == "on_contact"
    assert stage.switch.connects == []


def test_a_claim_without_a_call_runs_out_before_anybody_is_rung() -> None:
    stage = CallingStage()
    stage.starts(stage.row("one", fence=3, holder="last"))
    stage.shelf.left = 4_000
    stage.up()
    stage.clock.pass_ms(3_999)
    assert stage.switch.reserved == []
    stage.clock.pass_ms(1)
    assert len(stage.switch.reserved) == 1


def test_a_claim_that_has_run_out_keeps_nobody_waiting() -> None:
    stage = CallingStage()
    stage.starts(stage.row("one", fence=3, holder="last"))
    stage.up()
    assert len(stage.switch.reserved) == 1


def test_an_agent_held_for_a_claim_without_a_call_is_let_go() -> None:
    stage = CallingStage()
    stage.starts(stage.row("one", fence=3, holder="last"))
    stage.shelf.left = 4_000
    stage.up(FloorSnapshot((), (leg(),), frozenset({"pa"})))
    assert stage.switch.cancels == ["e9.1.1"]
    stage.leg_ends("e9.1.1")
    stage.clock.pass_ms(RING_MS)
    assert len(stage.switch.reserved) == 1


def test_a_call_that_went_while_the_link_was_down_counts_as_lost() -> None:
    stage = stage_of(PLAIN)
    stage.promised(stage.row("one"))
    held(stage)
    stage.lost()
    stage.up()
    assert [one.outcome for one in stage.shelf.results] == [Outcome.LOST]


# --- customers who are called first --------------------------------------------------------------

FIRST = Policy(agent_first=False, retry=dict.fromkeys(Outcome, ()))
CALL = "callback-one-1"


def holding() -> CallingStage:
    """A customer has been called, wants to talk, and waits; an agent's phone rings."""
    stage = stage_of(FIRST)
    stage.promised(stage.row("one"))
    stage.clock.pass_ms(1_000)
    assert picks_up(stage) is Stage.ASKING
    assert stage.floor.callbacks.calls.chose(CALL, Choice.TALK) is Stage.HOLDING
    stage.floor.callbacks.calls.waits(CALL)
    assert stage.switch.held == [stage.last_ring()[0]]
    return stage


def test_that_they_talk_is_written_before_a_customer_who_waits_is_connected() -> None:
    stage = holding()
    offer = stage.last_ring()[0]
    assert (stage.shelf.seals, stage.switch.joins) == ([], [])
    stage.answers(offer, CALL, connected=False)
    assert (stage.shelf.seals, stage.switch.joins) == ([("one", 1)], [offer])
    stage.floor.event(LegConnected(offer, CALL))
    (result,) = stage.shelf.results
    assert (result.outcome, result.state) == (Outcome.CONNECTED, Stage.CONNECTED)
    assert stage.presence("a")[0] == "on_contact"
    assert stage.switch.connects == []


def test_an_agent_who_is_there_before_the_customer_waits_is_kept_until_they_do() -> None:
    stage = stage_of(FIRST)
    stage.promised(stage.row("one"))
    stage.clock.pass_ms(1_000)
    picks_up(stage)
    stage.floor.callbacks.calls.chose(CALL, Choice.TALK)
    offer = stage.last_ring()[0]
    stage.answers(offer, CALL, connected=False)
    assert (stage.shelf.seals, stage.switch.joins) == ([], [])
    stage.floor.callbacks.calls.waits(CALL)
    assert (stage.shelf.seals, stage.switch.joins) == ([("one", 1)], [offer])


def test_an_agent_who_goes_before_they_are_connected_leaves_the_customer_in_line() -> None:
    stage = holding()
    offer = stage.last_ring()[0]
    stage.answers(offer, CALL, connected=False)
    stage.leg_ends(offer, answered=True)
    stage.clock.pass_ms(WRAP_UP_MS)
    again = stage.last_ring()[0]
    assert again != offer
    stage.answers(again, CALL)
    assert stage.switch.joins == [offer, again]
    # It is written anew: meanwhile it was not so that they talk.
    assert (stage.shelf.seals, stage.shelf.unseals) == ([("one", 1)] * 2, [("one", 1)])
    assert [one.outcome for one in stage.shelf.results] == [Outcome.CONNECTED]


def test_callers_on_the_line_are_connected_by_the_pbx_alone() -> None:
    stage = stage_of(FIRST)
    stage.call("i-two")
    assert stage.switch.held == []


def waiting_leg(*, answered: bool = True) -> LegSnapshot:
    return LegSnapshot("e9.1.1", "pa", answered, {"interaction": "i-one", "held": "yes"})


def test_an_agent_held_when_the_service_died_is_connected_once_that_is_written() -> None:
    stage = CallingStage(policy=FIRST)
    stage.starts(stage.row("one", fence=1, holder="last"))
    stage.up(listed(1, CallState.WAITING, [waiting_leg()]))
    assert (stage.shelf.seals, stage.switch.joins) == ([("one", 1)], ["e9.1.1"])
    # They are gone: the customer is in line still, and the next agent is connected as well.
    stage.leg_ends("e9.1.1", answered=True)
    stage.clock.pass_ms(WRAP_UP_MS)
    offer = stage.last_ring()[0]
    stage.answers(offer, CALL)
    assert stage.switch.joins == ["e9.1.1", offer]
    assert [one.outcome for one in stage.shelf.results] == [Outcome.CONNECTED]


def test_an_agent_held_when_the_service_died_after_that_was_written_is_connected() -> None:
    stage = CallingStage(policy=FIRST)
    stage.starts()
    stage.up(listed(1, CallState.WAITING, [waiting_leg()]))
    assert (stage.shelf.seals, stage.switch.joins) == ([], ["e9.1.1"])


def test_an_agent_who_answers_while_the_link_is_down_is_connected_when_it_is_back() -> None:
    stage = holding()
    offer = stage.last_ring()[0]
    stage.lost()
    held_leg = LegSnapshot(offer, "pa", True, {"interaction": "i-one", "held": "yes"})
    stage.up(listed(1, CallState.WAITING, [held_leg]))
    assert (stage.shelf.seals, stage.switch.joins) == ([("one", 1)], [offer])


@pytest.mark.parametrize("policy", [FIRST, PLAIN])
def test_who_was_connected_while_the_link_was_down_has_talked(policy: Policy) -> None:
    stage = holding() if policy is FIRST else stage_of(policy)
    if policy is FIRST:
        offer = stage.last_ring()[0]
        stage.answers(offer, CALL, connected=False)
    else:
        stage.promised(stage.row("one"))
        offer = held(stage)
        picks_up(stage)
        stage.floor.callbacks.calls.waits(CALL)
    stage.lost()
    talk = LegSnapshot(offer, "pa", True, {"interaction": "i-one", "queue": "q"})
    stage.up(listed(1, CallState.TALKING, [talk]))
    assert [one.outcome for one in stage.shelf.results] == [Outcome.CONNECTED]
    stage.clock.pass_ms(60_000)
    assert stage.switch.given_up == []


class Told(Lent):
    """A customer who presses a key when they are asked, and hangs up when they are answered."""

    key = "3"

    async def collect(self, _prompts: object, **_how: object) -> Digits:
        return Digits(self.key, DigitsEnd.COMPLETE)

    async def play(self, _prompts: object) -> None:
        raise CallGone


class NoPrompts:
    def audio(self, prompt: str, _language: str) -> Audio:
        return Audio(prompt)


def speaking_on(stage: CallingStage) -> Speaking:
    prompts: Any = NoPrompts()
    return Speaking(stage.floor.callbacks, prompts, stage.clock, "en", lambda _callback: {})


@pytest.mark.parametrize(
    ("key", "came"), [("2", [(Outcome.LATER, False)]), ("3", [(Stage.CANCELLED, "customer")])]
)
async def test_who_chooses_and_hangs_up_is_heard(key: str, came: list[Any]) -> None:
    stage = stage_of(replace(PLAIN, ask=True))
    stage.promised(stage.row("one"))
    held(stage)
    call = Told(stage.switch.dials[-1][0])
    call.key = key
    speaking = speaking_on(stage)
    await speaking.called(call, machine=False)  # type: ignore[arg-type]
    ends(stage, Cause.NORMAL)
    results = [(one.outcome, one.counts) for one in stage.shelf.results]
    assert [(one.state, one.reason) for one in stage.shelf.ends] + results == came


class Asks(Lent):
    """A call that asks what it is for."""

    hung_up = False

    async def hang_up(self) -> None:
        self.hung_up = True


async def test_who_picked_up_meanwhile_is_not_hung_up_on_before_the_floor_is_seen() -> None:
    stage = CallingStage()
    stage.starts(stage.row("one", fence=3, holder="last"))
    speaking = speaking_on(stage)
    customer, agent = Asks("callback-one-3"), Asks("leg")
    await speaking.called(customer, machine=False)  # type: ignore[arg-type]
    await speaking.reserved(agent, "e9.1.1")  # type: ignore[arg-type]
    assert not customer.hung_up
    assert not agent.hung_up
    stage.up()
    await speaking.called(customer, machine=False)  # type: ignore[arg-type]
    await speaking.reserved(agent, "e9.1.1")  # type: ignore[arg-type]
    assert customer.hung_up
    assert agent.hung_up


def test_of_many_who_are_due_at_once_those_who_came_first_are_first() -> None:
    stage = stage_of(agents="ab")
    at = stage.clock.now() + 60_000
    for name, ago in (("one", 1_000), ("two", 3_000), ("three", 2_000)):
        row = replace(stage.row(name, ago), due_ms=at, number=f"+1415555020{ago // 1000}")
        stage.promised(row)
    stage.clock.pass_ms(60_000)
    assert [number[-1] for _, _, number in stage.switch.reserved] == ["3", "2"]


def test_a_customer_who_asks_before_the_floor_is_seen_keeps_their_callback() -> None:
    stage = CallingStage(policy=FIRST)
    stage.starts(stage.row("one", fence=1, holder="last"))
    floor = listed(1, CallState.WAITING)
    carried = dict(floor.calls[0].carried)
    place = Arrived("i-one", "q", 900_000)
    stage.floor.rejoin(Contact("i-one", CALL, Caller(NUMBER), carry=carried, arrival=place))
    stage.up(floor)
    assert stage.shelf.ends == []
    assert stage.shelf.holds == [("one", 1)]


@pytest.mark.parametrize("served", [True, False])
def test_a_promise_that_turns_up_late_is_not_kept_to_who_was_served(served: bool) -> None:
    stage = stage_of()
    stage.call("i-one")
    offer, _, call = stage.last_ring()
    # The database did not answer, and they were told that nothing could be promised.
    stage.floor.callbacks.doubt("i-one")
    if served:
        stage.answers(offer, call)
    stage.hangs_up("i-one")
    stage.leg_ends(offer, answered=served)
    stage.clock.pass_ms(WRAP_UP_MS)
    stage.floor.callbacks._know(stage.row("one"))
    assert len(stage.shelf.ends) == served
    assert len(stage.switch.reserved) == (not served)
