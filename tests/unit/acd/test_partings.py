"""Who hangs up in line, or is cut off, and the callbacks that are made of it."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from promise_desk import NUMBER, Desk, new
from stage import Stage

from acd.partings import Parting
from acd.places import PLACE
from acd.router.codec import from_entry, to_entry
from acd.router.criteria import Skill
from acd.router.events import Arrived, Wanted
from crm import callbacks, journal
from crm.database import Database
from crm.recorder import Recorder
from crm.records import Identity, Interaction, JournalEntry, Segment
from pbx.port import CallEnded, Cause, FloorSnapshot, LegEnded, SwitchBack
from sala.rescues import Rescues


class Watched(Stage):
    """A stage that notes who parted."""

    def __init__(self) -> None:
        super().__init__()
        self.parted: list[Parting] = []
        self.cut: list[str] = []
        self.floor.parted, self.floor.cut = self.parted.append, self.cut.append
        self.up()

    def told(self) -> list[tuple[str, int, bool]]:
        return [(one.interaction, one.waited_ms, one.cut) for one in self.parted]

    def talks(self, name: str) -> None:
        self.call(name)
        offer, _, call = self.last_ring()
        self.answers(offer, call)

    def ends(self, name: str, cause: Cause, *, by_caller: bool = False) -> None:
        self.floor.event(CallEnded(f"c-{name}", cause, by_caller=by_caller))


def test_who_hangs_up_in_line_is_told_with_their_place_and_wait() -> None:
    stage = Watched()
    stage.talks("first")
    stage.call("i1")
    stage.clock.pass_ms(7_000)
    stage.hangs_up("i1")
    assert stage.told() == [("i1", 7_000, False)]
    (one,) = stage.parted
    assert one.place is not None
    assert (one.place.entered, one.place.queue, one.number) == (1_000_000, "q", "+15550100")
    stage.hangs_up("first")
    assert len(stage.parted) == 1


def test_a_fault_cuts_who_waits_and_who_talks_and_no_wish_does() -> None:
    stage = Watched()
    stage.talks("i1")
    stage.call("i2")
    stage.ends("i2", Cause.CONGESTION)
    stage.ends("i1", Cause.FAILED)
    assert stage.told() == [("i2", 0, True), ("i1", 0, True)]
    stage = Watched()
    stage.talks("i1")
    stage.ends("i1", Cause.NORMAL)
    stage.call("i2")
    stage.ends("i2", Cause.NORMAL)
    assert stage.told() == []


@pytest.mark.parametrize("hung_up", [False, True])
def test_the_end_of_the_agents_leg_may_be_told_before_that_of_a_caller_who_is_cut_off(
    hung_up: bool,
) -> None:
    stage = Watched()
    stage.call("i1")
    offer, _, call = stage.last_ring()
    stage.answers(offer, call)
    stage.floor.event(LegEnded(offer, Cause.NORMAL, answered=True, hung_up=hung_up))
    stage.ends("i1", Cause.FAILED)
    assert stage.told() == ([] if hung_up else [("i1", 0, True)])


@pytest.mark.parametrize("restarted", [True, False])
def test_a_pbx_that_started_anew_has_cut_all(restarted: bool) -> None:
    stage = Watched()
    stage.talks("i1")
    stage.call("i2")
    stage.lost()
    stage.floor.event(SwitchBack(FloorSnapshot(restarted=restarted)))
    cut = [("i1", 0, True), ("i2", 0, True)] if restarted else []
    assert sorted(stage.told()) == cut
    assert stage.cut == []


def test_who_has_a_promise_has_not_been_cut() -> None:
    stage = Watched()
    stage.floor.agent_wants("a", Wanted.OFFLINE)
    contact = stage.call("i1")
    assert stage.floor.step_aside(contact)
    stage.floor.called_back(contact)
    stage.ends("i1", Cause.NORMAL)
    assert stage.told() == []


# --- the callbacks that are made of it ------------------------------------------------------------


def parting(**changed: object) -> Parting:
    place = Arrived("01890a5d-ac96-774b-bcce-b302099a8057", "support", 5, rejoins=True)
    plain = Parting(place.interaction, "support", NUMBER, place, 60_000, cut=False)
    return replace(plain, **changed)  # type: ignore[arg-type]


async def made(database: Database, desk: Desk, *partings: Parting) -> list[tuple[str, int]]:
    stage = Stage()
    stage.up()
    rescues = Rescues(
        desk.promises, stage.floor, database, desk.queue, lambda: desk.now, region="US"
    )
    for one in partings:
        rescues.parted(one)
    await asyncio.gather(*rescues._tasks)
    return await sources(database)


async def sources(database: Database) -> list[tuple[str, int]]:
    return [
        (one.source, (one.place or {}).get("entered", 0))
        for one in await callbacks.waiting(database)
    ]


async def test_an_abandon_makes_one_by_the_queue_s_policy_once_a_day(database: Database) -> None:
    desk = Desk(database)
    assert await made(database, desk, parting()) == []
    desk.policy = replace(desk.policy, after_abandon_ms=30_000)
    assert await made(database, desk, parting(waited_ms=29_999)) == []
    assert await made(database, desk, parting(number=None), parting(number="12")) == []
    assert await made(database, desk, *[parting()] * 5, parting(queue="other")) == [("abandon", 5)]


async def test_a_cut_makes_one_unless_the_policy_wants_none(database: Database) -> None:
    desk = Desk(database)
    desk.policy = replace(desk.policy, rescue=False)
    assert await made(database, desk, parting(cut=True)) == []
    desk.policy = replace(desk.policy, rescue=True)
    assert await made(database, desk, parting(cut=True), parting(cut=True)) == [("rescue", 5)]


# --- calls of an earlier process ------------------------------------------------------------------


async def cut(
    database: Database,
    desk: Desk,
    *written: Segment,
    number: str = NUMBER,
    interaction: str = "",
) -> str:
    """Have the PBX cut a call of which an earlier process has written this much."""
    interaction = interaction or new()
    recorder = Recorder(database)
    recorder.start()
    identity = Identity("phone", number) if number else None
    recorder.interaction(Interaction(interaction, 1_000, identity=identity))
    for segment in written:
        recorder.segment(replace(segment, interaction=interaction))
    assert await recorder.drain() == 0
    stage = Stage()
    stage.up()
    rescues = Rescues(
        desk.promises, stage.floor, database, desk.queue, lambda: desk.now, region="US"
    )
    rescues.cut(interaction)
    while rescues._tasks:
        await asyncio.gather(*rescues._tasks)
    return interaction


IVR = Segment("", 1, "ivr", 1_000, ended_ms=2_000, outcome="queued")
QUEUE = Segment("", 2, "queue", 2_000, queue="support")


async def test_who_waited_for_an_earlier_process_has_their_place_kept(database: Database) -> None:
    desk = Desk(database)
    interaction = await cut(database, desk, IVR, QUEUE)
    assert await sources(database) == [("rescue", 2_000)]
    (row,) = await callbacks.waiting(database)
    assert (row.queue, row.number) == ("support", NUMBER)
    assert (row.place or {})["interaction"] == interaction


async def test_who_had_been_served_is_not_rescued(database: Database) -> None:
    desk = Desk(database)
    talk = Segment("", 3, "talk", 3_000, "support", "1001", "o", ended_ms=4_000, outcome="ended")
    survey = replace(IVR, seq=4, started_ms=4_000)
    await cut(database, desk, IVR, QUEUE, talk, survey)
    assert await sources(database) == []
    await cut(database, desk, IVR, QUEUE, replace(talk, ended_ms=None, outcome=None))
    assert await sources(database) == [("rescue", 2_000)]


async def test_who_was_in_no_queue_or_withheld_their_number_has_none(database: Database) -> None:
    desk = Desk(database)
    await cut(database, desk, IVR)
    await cut(database, desk, IVR, QUEUE, number="")
    await cut(database, desk, IVR, replace(QUEUE, queue="nowhere"))
    desk.policy = replace(desk.policy, rescue=False)
    await cut(database, desk, IVR, QUEUE)
    assert await sources(database) == []


async def test_what_was_asked_for_of_an_agent_is_kept_with_the_place(database: Database) -> None:
    interaction = new()
    needs = Arrived(interaction, "support", 1_500, priority=60_000, criteria=Skill("billing", 3))
    kind, body = to_entry(needs)
    await journal.keep(database, JournalEntry(f"{PLACE}.{interaction}", 1, 1_500, 1, kind, body))
    await cut(database, Desk(database), QUEUE, interaction=interaction)
    (row,) = await callbacks.waiting(database)
    assert from_entry("arrived", row.place or {}) == replace(needs, rejoins=True)
