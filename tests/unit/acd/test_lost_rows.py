"""The service is killed before what just happened was written: the next one makes it good."""

from __future__ import annotations

from stage import Stage

from acd.restore import Past
from crm.records import InteractionDetail, Segment, SegmentKind
from pbx.port import Caller, CallSnapshot, CallState, FloorSnapshot, LegSnapshot

TALK_MS = 30_000
AWAY_MS = 2_000
CALLER = Caller("+15550100")


def talking() -> tuple[Stage, str]:
    """`a` talks with a caller; gives their offer."""
    stage = Stage("ab")
    stage.up()
    stage.call("i1")
    offer, _, call = stage.last_ring()
    stage.answers(offer, call)
    stage.clock.pass_ms(TALK_MS)
    return stage, offer


def again(stage: Stage, calls: list[CallSnapshot], legs: list[LegSnapshot]) -> None:
    """A new process knows the rows as they are now, and finds these calls and legs."""
    row = stage.book.interactions["i1"]
    segments = tuple(s for (i, _), s in sorted(stage.book.segments.items()) if i == "i1")
    stage.clock.pass_ms(AWAY_MS)
    stage.service()
    wraps = stage.ledger.resumed(
        [InteractionDetail(row, segments)], stage.clock.now(), lambda _: 10_000
    )
    stage.floor = stage.service(Past(wraps=wraps), stage.ledger)
    stage.up(FloorSnapshot(tuple(calls), tuple(legs), frozenset({"pa", "pb"})))


def call(state: CallState, queue: str = "q", entered: int = 1, talk: str = "") -> CallSnapshot:
    carried = {"interaction": "i1", "queue": queue, "entered": str(entered)}
    return CallSnapshot("c-i1", state, CALLER, carried, talk)


def leg(offer: str, agent: str, way: str = "", by: str = "", talk: str = "t") -> LegSnapshot:
    carried = {"interaction": "i1"} | ({"handover": way, "by": by} if way else {})
    return LegSnapshot(offer, f"p{agent}" if agent else "+14155550111", True, carried, talk)


def stays(stage: Stage) -> list[tuple[str, str | None, int, int | None, str | None]]:
    """Kind, agent, begin, end and outcome of all but ringing and wrap-ups, as times since START."""
    first = stage.book.segments["i1", 1].started_ms
    rows: list[Segment] = [s for _, s in sorted(stage.book.segments.items())]
    return [
        (str(s.kind), s.agent, s.started_ms - first,
         None if s.ended_ms is None else s.ended_ms - first, s.outcome)
        for s in rows
        if s.kind not in ("ringing", "wrap_up")
    ]  # fmt: skip


def test_a_colleague_has_taken_the_call() -> None:
    stage, offer = talking()
    again(stage, [call(CallState.TALKING, talk="t")], [leg("x1", "b", "transfer", offer)])
    stage.clock.pass_ms(5_000)
    stage.leg_ends("x1", answered=True)
    stage.hangs_up("i1")
    back = TALK_MS + AWAY_MS
    assert stays(stage) == [
        ("queue", None, 0, 0, "answered"),
        ("talk", "a", 0, back, "ended"),
        ("talk", "b", back, back + 5_000, "ended"),
    ]


def test_a_colleague_who_was_rung_has_taken_the_call() -> None:
    stage, offer = talking()
    stage.ledger.talk_over("i1", offer, stage.clock.now(), "transferred")
    stage.ledger.begins("i1", SegmentKind.TRANSFER, stage.clock.now(), agent="b", offer="x1")
    again(stage, [call(CallState.TALKING, talk="t")], [leg("x1", "b", "transfer", offer)])
    stage.hangs_up("i1")
    stage.leg_ends("x1", answered=True)
    back = TALK_MS + AWAY_MS
    assert stays(stage)[1:] == [
        ("talk", "a", 0, TALK_MS, "transferred"),
        ("transfer", "b", TALK_MS, back, "answered"),
        ("talk", "b", back, back, "ended"),
    ]


def test_somebody_outside_has_taken_the_call() -> None:
    stage, offer = talking()
    stage.ledger.talk_over("i1", offer, stage.clock.now(), "transferred")
    stage.ledger.begins("i1", SegmentKind.TRANSFER, stage.clock.now(), agent="", offer="x1")
    again(stage, [call(CallState.TALKING, talk="t")], [leg("x1", "", "transfer", offer)])
    stage.clock.pass_ms(5_000)
    stage.leg_ends("x1", answered=True)
    stage.hangs_up("i1")
    back = TALK_MS + AWAY_MS
    assert stays(stage)[2:] == [
        ("transfer", None, TALK_MS, back, "answered"),
        ("talk", None, back, back + 5_000, "ended"),
    ]


def test_the_call_was_sent_to_a_queue() -> None:
    stage, _ = talking()
    sent = stage.clock.now()
    again(stage, [call(CallState.WAITING, entered=sent)], [])
    offer, address, answered = stage.last_ring()
    stage.answers(offer, answered)
    stage.clock.pass_ms(5_000)
    stage.leg_ends(offer, answered=True)
    stage.hangs_up("i1")
    back = TALK_MS + AWAY_MS
    assert stays(stage) == [
        ("queue", None, 0, 0, "answered"),
        ("talk", "a", 0, TALK_MS, "ended"),
        ("queue", None, TALK_MS, back, "answered"),
        ("talk", address[1:], back, back + 5_000, "ended"),
    ]


def test_all_three_talk_together() -> None:
    stage, offer = talking()
    now = stage.clock.now()
    stage.ledger.held("i1", offer, "a", "q", now)
    stage.ledger.begins("i1", SegmentKind.CONSULT, now, agent="b", offer="x1")
    legs = [leg(offer, "a"), leg("x1", "b", "consult", offer)]
    again(stage, [call(CallState.CONFERENCE, talk="t")], legs)
    stage.hangs_up("i1")
    back = TALK_MS + AWAY_MS
    assert stays(stage)[1:] == [
        ("talk", "a", 0, TALK_MS, "held"),
        ("hold", "a", TALK_MS, back, "resumed"),
        ("consult", "b", TALK_MS, back, "conference"),
        ("talk", "a", back, back, "ended"),
        ("talk", "b", back, back, "ended"),
    ]


def test_the_agent_is_gone_and_the_caller_not_yet() -> None:
    stage, _ = talking()
    again(stage, [call(CallState.OTHER)], [])
    stage.clock.pass_ms(60_000)
    stage.hangs_up("i1")
    assert stays(stage) == [
        ("queue", None, 0, 0, "answered"),
        ("talk", "a", 0, TALK_MS + AWAY_MS, "ended"),
    ]


def test_what_lasts_is_left_alone() -> None:
    stage, offer = talking()
    again(stage, [call(CallState.TALKING, talk="t")], [leg(offer, "a")])
    assert stays(stage)[1:] == [("talk", "a", 0, None, None)]
    stage.lost()
    stage.up(FloorSnapshot((call(CallState.TALKING, talk="t"),), (leg(offer, "a"),),
                           frozenset({"pa", "pb"})))  # fmt: skip
    assert stays(stage)[1:] == [("talk", "a", 0, None, None)]
