"""What agents have done today outlives the process: least occupied and fewest contacts go on."""

from __future__ import annotations

from datetime import UTC, datetime

import uuid6
from stage import START, WRAP_UP_MS, Book, Stage

from acd.hours import last_midnight, next_midnight
from acd.replay import Replayer, difference
from acd.restore import Past, Today
from crm import interactions
from crm.database import Database
from crm.recorder import Recorder
from crm.records import Interaction, Segment
from pbx.port import FloorSnapshot

DAY = 86_400_000


def talk(stage: Stage, ms: int, *, hold: bool = False) -> str:
    """One call to whomever it is offered; gives their address."""
    name = str(uuid6.uuid7())
    stage.call(name)
    offer, address, call = stage.last_ring()
    stage.clock.pass_ms(700)
    stage.answers(offer, call)
    stage.clock.pass_ms(ms)
    if hold:
        stage.ledger.held(name, offer, address[1:], "q", stage.clock.now())
        stage.clock.pass_ms(ms)
        stage.ledger.talking(name, offer, address[1:], stage.clock.now())
        stage.clock.pass_ms(ms)
    stage.hangs_up(name)
    stage.leg_ends(offer, answered=True)
    return address


def counts(stage: Stage) -> dict[str, tuple[int, int]]:
    router = stage.floor._driver.router
    assert router is not None
    return {one.agent: (one.contacts_today, one.busy_today_ms) for one in router.agents()}


async def rows(database: Database, book: Book, midnight: int, now: int) -> dict[str, Today]:
    recorder = Recorder(database)
    recorder.start()
    for interaction in book.interactions.values():
        recorder.interaction(interaction)
    for segment in book.segments.values():
        recorder.segment(segment)
    await recorder.drain()
    found = await interactions.today(database, midnight, now)
    return {agent: Today(*done) for agent, done in found.items()}


async def test_the_rows_tell_what_the_router_counted(database: Database) -> None:
    stage = Stage("ab", start=10 * DAY + START, strategy="fewest_contacts")
    stage.up()
    for ms, address in ((40_000, "pa"), (9_000, "pb"), (15_000, "pa")):
        assert talk(stage, ms, hold=ms > 9_000) == address
        stage.clock.pass_ms(WRAP_UP_MS)
    stage.call("0192aaaa-0000-7000-8000-000000000001")
    stage.clock.pass_ms(20_000)
    stage.leg_ends(stage.last_ring()[0])
    stage.hangs_up("0192aaaa-0000-7000-8000-000000000001")
    stage.clock.pass_ms(WRAP_UP_MS)
    midnight = last_midnight(stage.clock.now(), UTC)
    told = await rows(database, stage.book, midnight, stage.clock.now())
    assert {agent: (one.contacts, one.busy_ms) for agent, one in told.items()} == counts(stage)

    stage.again(Past(today=told))
    assert {agent: (one.contacts, one.busy_ms) for agent, one in told.items()} == counts(stage)
    assert talk(stage, 1_000) == "pb", "who had fewer contacts before the restart"
    last = stage.book.entries[-1].epoch
    run = [entry for entry in stage.book.entries if entry.epoch == last]
    replayer = Replayer(last)
    assert [difference(replayer.feed(entry)) for entry in run] == [None] * len(run)


def test_a_new_process_goes_on_with_the_counts() -> None:
    stage = Stage("ab", strategy="fewest_contacts")
    stage.up()
    assert [talk(stage, 1_000), talk(stage, 1_000)] == ["pa", "pb"]
    stage.clock.pass_ms(WRAP_UP_MS)
    stage.again(Past(today={"a": Today(2, 5_000), "b": Today(1, 9_000)}))
    assert talk(stage, 1_000) == "pb"


def test_a_lost_link_keeps_the_counts_and_counts_on() -> None:
    stage = Stage("ab", strategy="least_occupied")
    stage.up()
    talk(stage, 5_000)
    stage.clock.pass_ms(WRAP_UP_MS)
    before = counts(stage)
    assert before["a"] == (1, 700 + 5_000 + WRAP_UP_MS)
    stage.lost()
    stage.clock.pass_ms(60_000)
    stage.up()
    assert counts(stage) == before
    talk(stage, 1_000)
    stage.lost()
    stage.clock.pass_ms(3_000)
    stage.up()
    assert counts(stage)["b"] == (1, 700 + 1_000 + 3_000), "in wrap-up while the link was away"


def test_a_day_that_begins_while_the_link_is_away_ends_the_counts() -> None:
    start = next_midnight(START, UTC) - 60_000
    stage = Stage("ab", start=start, strategy="fewest_contacts")
    stage.up()
    talk(stage, 5_000)
    stage.clock.pass_ms(WRAP_UP_MS)
    stage.lost()
    stage.clock.pass_ms(60_000)
    stage.up(FloorSnapshot(reachable=frozenset({"pa", "pb"})))
    assert set(counts(stage).values()) == {(0, 0)}


async def test_only_what_is_of_today_and_each_instant_once(database: Database) -> None:
    midnight = int(datetime(2026, 5, 4, tzinfo=UTC).timestamp() * 1000)
    hour = 3_600_000
    name = str(uuid6.uuid7())
    book = Book()
    book.interaction(Interaction(name, midnight - 2 * hour))

    def segment(seq: int, kind: str, first: int, last: int | None, offer: str, agent: str) -> None:
        begun, ended = midnight + first, None if last is None else midnight + last
        over = None if last is None else "done"
        book.segment(Segment(name, seq, kind, begun, None, agent, offer, ended, over))

    segment(1, "talk", -hour, -10, "o1", "a")
    segment(2, "hold", -10, 100, "o1", "a")
    segment(3, "talk", 100, 300, "o1", "a")
    segment(4, "talk", 200, 500, "o2", "a")
    segment(5, "wrap_up", 900, None, "", "a")
    segment(6, "ringing", -hour, -5, "o3", "b")
    found = await rows(database, book, midnight, midnight + 1_000)
    assert found == {"a": Today(1, 600)}


def test_midnights() -> None:
    now = 1_777_000_000_000
    assert last_midnight(now, UTC) <= now < next_midnight(now, UTC)
    assert next_midnight(last_midnight(now, UTC), UTC) - last_midnight(now, UTC) == DAY
