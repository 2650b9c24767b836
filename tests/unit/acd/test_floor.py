"""The floor's order of things: what it orders, and what it writes down, event by event."""

from __future__ import annotations

from stage import WRAP_UP_MS, Stage

from acd.router import Router
from acd.router.events import Batch, Configuration, Wanted
from acd.router.journal import from_body, to_decided
from pbx.errors import LocalProtocolError
from pbx.port import Cause, FloorSnapshot, LegSnapshot


def test_a_call_rings_the_free_agent_and_is_written_down_whole() -> None:
    stage = Stage()
    stage.up()
    stage.call("i1")
    offer, address, call = stage.last_ring()
    assert (address, call) == ("pa", "c-i1")
    stage.clock.pass_ms(3000)
    stage.answers(offer, call)
    assert stage.presence("a")[0] == "on_contact"
    stage.clock.pass_ms(5000)
    stage.leg_ends(offer, answered=True)
    assert stage.presence("a")[0] == "wrap_up"
    stage.hangs_up("i1")
    stage.clock.pass_ms(WRAP_UP_MS)
    assert stage.presence("a")[0] == "available"
    assert stage.book.of("i1") == [
        ("queue", "answered"),
        ("ringing", "accepted"),
        ("talk", "ended"),
        ("wrap_up", "done"),
    ]
    row = stage.book.interactions["i1"]
    assert (row.outcome, row.queue) == ("answered", "q")
    assert len(stage.ledger) == 0


def test_a_caller_whose_end_is_told_before_the_agent_s_leaves_the_wrap_up_written() -> None:
    stage = Stage()
    stage.up()
    stage.call("i1")
    offer, _, call = stage.last_ring()
    stage.answers(offer, call)
    stage.clock.pass_ms(1000)
    stage.hangs_up("i1")
    stage.leg_ends(offer, answered=True)
    stage.clock.pass_ms(WRAP_UP_MS)
    assert stage.book.of("i1")[-2:] == [("talk", "ended"), ("wrap_up", "done")]
    assert len(stage.ledger) == 0


def test_wrap_up_is_exact_to_the_millisecond() -> None:
    stage = Stage()
    stage.up()
    stage.call("i1")
    offer, _, call = stage.last_ring()
    stage.answers(offer, call)
    stage.leg_ends(offer, answered=True)
    stage.hangs_up("i1")
    stage.call("i2")
    stage.clock.pass_ms(WRAP_UP_MS - 1)
    assert len(stage.switch.rings) == 1
    stage.clock.pass_ms(1)
    assert stage.last_ring()[2] == "c-i2"


def test_no_answer_pauses_the_agent_and_rings_the_next() -> None:
    stage = Stage("ab")
    stage.up()
    stage.call("i1")
    offer, address, _ = stage.last_ring()
    stage.leg_ends(offer, Cause.NO_ANSWER)
    first = address.removeprefix("p")
    assert stage.presence(first) == ("paused", "no_answer")
    assert stage.book.presences[first] == ("paused", "no_answer"), "it must outlive the service"
    assert stage.last_ring()[1] != address
    assert stage.line() == ["i1"]


def test_a_caller_who_hangs_up_while_it_rings_frees_the_agent() -> None:
    stage = Stage()
    stage.up()
    stage.call("i1")
    offer, _, _ = stage.last_ring()
    stage.hangs_up("i1")
    assert stage.switch.cancels == [offer]
    stage.leg_ends(offer, Cause.CANCELLED)
    assert stage.presence("a")[0] == "available"
    assert stage.book.of("i1") == [("queue", "abandoned"), ("ringing", "cancelled")]
    assert stage.book.interactions["i1"].ended_by == "customer"


def test_the_next_ring_waits_until_the_cancelled_leg_is_gone() -> None:
    # A phone with one line would answer a second INVITE with busy while the first is cancelled.
    stage = Stage()
    stage.up()
    stage.call("i1")
    first, _, _ = stage.last_ring()
    stage.call("i2")
    stage.hangs_up("i1")
    assert len(stage.switch.rings) == 1
    stage.leg_ends(first, Cause.CANCELLED)
    assert stage.last_ring()[2] == "c-i2"


def test_a_held_ring_whose_caller_leaves_is_never_made() -> None:
    stage = Stage()
    stage.up()
    stage.call("i1")
    first, _, _ = stage.last_ring()
    stage.call("i2")
    stage.hangs_up("i1")
    stage.hangs_up("i2")
    stage.leg_ends(first, Cause.CANCELLED)
    assert len(stage.switch.rings) == 1
    assert stage.presence("a")[0] == "available"


def test_an_agent_gone_before_the_caller_was_connected_leaves_the_caller_in_line() -> None:
    stage = Stage("ab", wrap_up_ms=0)
    stage.up()
    stage.call("i1")
    offer, _, call = stage.last_ring()
    stage.answers(offer, call, connected=False)
    stage.leg_ends(offer, answered=True)
    assert stage.last_ring()[2] == "c-i1"
    assert stage.last_ring()[0] != offer
    assert ("queue", None) in stage.book.of("i1")


def test_events_that_come_late_or_twice_change_nothing() -> None:
    stage = Stage()
    stage.up()
    stage.call("i1")
    offer, _, call = stage.last_ring()
    stage.answers(offer, call)
    stage.answers(offer, call)
    stage.leg_ends(offer, answered=True)
    before = stage.book.of("i1"), len(stage.switch.rings), len(stage.book.entries)
    stage.leg_ends(offer, answered=True)
    stage.answers(offer, call)
    stage.leg_ends("never-was")
    assert (stage.book.of("i1"), len(stage.switch.rings), len(stage.book.entries)) == before


def test_nothing_is_ordered_while_the_link_is_down_and_all_of_it_after() -> None:
    stage = Stage()
    stage.up()
    stage.lost()
    stage.call("i1")
    assert stage.switch.rings == []
    stage.up(stage.snapshot({"i1": stage.clock.now()}))
    assert stage.last_ring()[2] == "c-i1"


def test_a_new_process_keeps_the_order_that_the_calls_carry() -> None:
    stage = Stage()
    stage.floor = stage.service()
    entered = {"i3": 900, "i1": 700, "i2": 800}
    stage.up(stage.snapshot(entered))
    assert stage.line() == ["i1", "i2", "i3"]
    assert stage.last_ring()[2] == "c-i1"


def test_a_call_that_comes_while_the_pbx_is_listed_is_not_taken_for_gone() -> None:
    stage = Stage()
    stage.floor = stage.service()
    stage.call("i1")
    listed = FloorSnapshot(reachable=frozenset({"pa"}), asking=frozenset({"c-i1"}))
    stage.up(listed)
    assert stage.book.interactions["i1"].outcome is None
    assert stage.book.of("i1") == [("queue", None), ("ringing", None)]
    assert stage.last_ring()[2] == "c-i1"


def test_a_new_process_adopts_a_ring_instead_of_ringing_again() -> None:
    stage = Stage()
    stage.floor = stage.service()
    leg = LegSnapshot("old.1", "pa", False, {"interaction": "i1"})
    stage.up(stage.snapshot({"i1": 700}, [leg]))
    assert stage.switch.rings == []
    assert stage.presence("a")[0] == "ringing"
    stage.answers("old.1", "c-i1")
    assert stage.presence("a")[0] == "on_contact"


def test_a_new_process_adopts_a_talk() -> None:
    stage = Stage()
    stage.floor = stage.service()
    leg = LegSnapshot("old.1", "pa", True, {"interaction": "i1"})
    stage.up(stage.snapshot({}, [leg], talking={"i1": 700}))
    assert stage.presence("a")[0] == "on_contact"
    stage.call("i2")
    assert stage.switch.rings == []
    stage.leg_ends("old.1", answered=True)
    stage.clock.pass_ms(WRAP_UP_MS)
    assert stage.last_ring()[2] == "c-i2"


def test_a_leg_that_rings_for_nobody_is_ended() -> None:
    stage = Stage()
    leg = LegSnapshot("old.1", "pa", False, {"interaction": "gone"})
    stage.up(stage.snapshot({}, [leg]))
    assert stage.switch.cancels == ["old.1"]


def test_calls_cut_while_the_link_was_down_are_closed_as_failed() -> None:
    stage = Stage("")
    stage.up()
    stage.call("i1")
    stage.lost()
    stage.up()
    row = stage.book.interactions["i1"]
    assert (row.outcome, row.ended_by) == ("failed", "system")
    assert stage.book.of("i1") == [("queue", "failed")]


def test_presence_survives_a_broken_link() -> None:
    stage = Stage()
    stage.up()
    stage.floor.agent_wants("a", Wanted.PAUSED, "lunch")
    stage.lost()
    stage.up()
    assert stage.presence("a") == ("paused", "lunch")
    assert stage.book.presences["a"] == ("paused", "lunch")


def test_a_new_configuration_does_not_undo_what_an_agent_asked_meanwhile() -> None:
    stage = Stage()
    stage.up()
    stage.floor.agent_wants("a", Wanted.PAUSED, "lunch")
    stage.floor.configure(stage.roster(Wanted.AVAILABLE))
    assert stage.presence("a") == ("paused", "lunch")


def test_the_journal_replays_to_the_same_decisions() -> None:
    stage = Stage("ab")
    stage.up()
    stage.call("i1")
    offer, _, call = stage.last_ring()
    stage.call("i2")
    stage.leg_ends(offer, Cause.NO_ANSWER)
    for ring_offer, _, ring_call in list(stage.switch.rings[1:]):
        stage.answers(ring_offer, ring_call)
    stage.hangs_up("i2")
    rung = [ring[0] for ring in stage.switch.rings]

    again: list[str] = []
    epoch = stage.book.entries[0].epoch
    router = Router(Configuration(), epoch)
    for entry in stage.book.entries:
        assert entry.epoch == epoch
        event, recorded = from_body(entry.kind, entry.body)
        decisions = router.handle(event, entry.at_ms)
        assert to_decided(decisions) == recorded
        for decision in decisions:
            if type(decision).__name__ == "Offer":
                again.append(decision.offer)  # type: ignore[union-attr]
    assert again == rung
    first, _ = from_body(stage.book.entries[0].kind, stage.book.entries[0].body)
    assert isinstance(first, Batch)
    assert call == "c-i1"


def test_a_broken_link_neither_ends_a_wrap_up_nor_changes_who_is_idle_longest() -> None:
    stage = Stage("ab")
    stage.up()
    stage.clock.pass_ms(1000)
    stage.call("i1")
    offer, address, call = stage.last_ring()
    first, second = address.removeprefix("p"), "b" if address == "pa" else "a"
    stage.answers(offer, call)
    stage.leg_ends(offer, answered=True)
    stage.hangs_up("i1")
    stage.clock.pass_ms(1000)
    stage.lost()
    stage.up()
    assert stage.presence(first)[0] == "wrap_up"
    stage.clock.pass_ms(WRAP_UP_MS - 1001)
    assert stage.presence(first)[0] == "wrap_up"
    stage.clock.pass_ms(1)
    assert stage.presence(first)[0] == "available"
    stage.lost()
    stage.up()
    stage.call("i2")
    assert stage.last_ring()[1] == f"p{second}", (
        "idle since the beginning, the other since just now"
    )


def test_a_ring_that_cannot_be_made_is_an_offer_that_failed() -> None:
    # Told while the router's decisions are still being carried out: it must come after them.
    stage = Stage("ab")
    stage.up()

    def refuse(*_: object, **__: object) -> None:
        raise LocalProtocolError("no such address")

    stage.switch.ring = refuse  # type: ignore[method-assign]
    stage.call("i1")
    assert stage.presence("a") == ("paused", "failed")
    assert stage.presence("b") == ("paused", "failed")
    assert stage.line() == ["i1"]


def test_what_a_killed_process_did_not_write_is_written_by_the_next() -> None:
    stage = Stage()
    stage.floor = stage.service()
    leg = LegSnapshot("old.1", "pa", True, {"interaction": "i2"})
    stage.up(stage.snapshot({"i1": 700}, [leg], talking={"i2": 600}))
    stage.leg_ends("old.1", answered=True)
    stage.hangs_up("i2")
    stage.hangs_up("i1")
    assert stage.book.of("i1") == [("queue", "abandoned")]
    assert [kind for kind, _ in stage.book.of("i2")] == [
        "queue",
        "ringing",
        "talk",
        "wrap_up",
    ]
    assert stage.book.interactions["i2"].outcome == "answered"
    row = stage.book.interactions["i1"]
    assert (row.arrived_ms, row.outcome) == (700, "abandoned")
