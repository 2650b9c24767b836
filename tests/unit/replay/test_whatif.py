from __future__ import annotations

from random import Random

from acd.replay import Replayer
from acd.replay.past import Past
from acd.replay.whatif import compare
from acd.router import events as ev
from acd.router.configuration import AgentConfig, Configuration, QueueConfig
from acd.router.events import Wanted
from acd.router.journal import to_body
from acd.simulation import Call, World
from crm.records import JournalEntry

QUEUES = (QueueConfig("sales", wrap_up_ms=5_000), QueueConfig("tax", wrap_up_ms=5_000))
TWO_ROOMS = Configuration(
    1,
    QUEUES,
    (*(AgentConfig(f"s{n}", ("sales",)) for n in range(4)),
     *(AgentConfig(f"t{n}", ("tax",)) for n in range(4))),
)  # fmt: skip
ONE_ROOM = Configuration(
    2, QUEUES, tuple(AgentConfig(one.agent, ("sales", "tax")) for one in TWO_ROOMS.agents)
)


def a_morning(config: Configuration, until: int | None = None) -> Past:
    """Journalled by the same code as live, then replayed."""
    entries: list[JournalEntry] = []

    def journal(event: ev.Event, decisions: list[ev.Decision], now: int) -> None:
        kind, body = to_body(event, decisions)
        entries.append(JournalEntry("m", len(entries) + 1, now, 1, kind, body))

    draw = Random(5)
    at, calls = 0.0, []
    for number in range(400):
        at += draw.expovariate(1 / 20_000)
        queue = draw.choice(("sales", "sales", "tax"))
        calls.append(Call(f"c{number}", queue, int(at), int(draw.expovariate(1 / 120_000)),
                          int(draw.expovariate(1 / 120_000))))  # fmt: skip
    world = World(config, epoch="m", answer_ms=2_000, turn=journal)
    there = tuple(ev.AgentWants(one.agent, Wanted.AVAILABLE) for one in config.agents)
    world.run(calls, [(0, ev.Batch((ev.ConfigChanged(config), *there)))], until)
    past, replayer = Past(), Replayer("m")
    for entry in entries:
        past.add(replayer.feed(entry))
    return past


def test_the_same_configuration_plays_as_it_was() -> None:
    past = a_morning(TWO_ROOMS)
    found = compare(past, TWO_ROOMS)
    assert (found.gained, found.lost) == ([], [])
    assert found.played == found.new
    assert past.answer_ms == 2_000
    assert found.played == found.was


def test_one_room_for_two_queues_helps_the_busy_one() -> None:
    found = compare(a_morning(TWO_ROOMS), ONE_ROOM)
    assert found.new["sales"].service_level > found.played["sales"].service_level + 0.1
    assert len(found.gained) > len(found.lost) > 0
    best = found.gained[0]
    assert (best.before, best.after) == ("abandoned", "answered")
    assert sum(one.offered for one in found.new.values()) == 400


def test_who_still_waits_at_the_end_is_counted_as_waiting() -> None:
    past = a_morning(TWO_ROOMS, until=1_600_000)
    found = compare(past, TWO_ROOMS)
    assert found.played == found.was
    waited = past.waits().values()
    assert found.was["sales"].waiting == sum(one[:2] == ("sales", "waiting") for one in waited) > 0
    nobody = Configuration(3, QUEUES, ())
    gone = compare(past, nobody)
    for queue, was in gone.was.items():
        new = gone.new[queue]
        assert was.offered == was.answered + was.abandoned + was.waiting
        assert new.offered == new.abandoned + new.waiting == was.offered
        assert (new.answered, new.service_level) == (0, 0.0)
    lost = {(one.before, one.after) for one in gone.lost}
    assert {("answered", "abandoned"), ("answered", "waiting")} <= lost
