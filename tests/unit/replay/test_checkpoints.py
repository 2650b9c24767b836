"""A replay, and an explanation, from a checkpoint are those from the beginning."""

from __future__ import annotations

from dataclasses import replace

import pytest
from journals import entries

from acd.explain import Asked, Story, as_text
from acd.explain.story import Teller
from acd.replay import JournalUnfit, Replayer, checkpoints as kept, difference
from acd.replay.runs import check
from acd.router.snapshot import take
from crm import journal
from crm.database import Database
from crm.recorder import Recorder
from crm.records import JournalEntry

APART = 60


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "EVERY_ENTRIES", APART)


async def write(database: Database, rows: list[JournalEntry]) -> None:
    recorder = Recorder(database)
    recorder.start()
    for entry in rows:
        recorder.journal(entry)
    await recorder.drain()


async def forget(database: Database, before: int) -> None:
    """What came before an entry is purged, as an admin with the right to might."""
    async with database.connection() as connection:
        await connection.execute("ALTER TABLE journal DISABLE TRIGGER journal_append_only")
        await connection.execute("DELETE FROM journal WHERE epoch = 'run' AND seq < $1", before)
        await connection.execute("ALTER TABLE journal ENABLE TRIGGER journal_append_only")


def explained(rows: list[JournalEntry], name: str, checkpoint: JournalEntry | None) -> str:
    story = Story(Asked(name, ("1", "2")))
    teller = Teller("run", story.asked, story, str)
    first = 1
    if checkpoint is not None:
        replayer = Replayer("run", teller.make)
        replayer.resume(checkpoint)
        teller.replayer, first = replayer, replayer.next
    for entry in rows[first - 1 :]:
        teller.feed(entry)
    return as_text(story, str)


def state(rows: list[JournalEntry], after: int) -> JournalEntry:
    replayer = Replayer("run")
    for entry in rows[:after]:
        replayer.feed(entry)
    body = take(replayer.router)
    return JournalEntry("check.run", after, rows[after - 1].at_ms, 1, "checkpoint", body)


@pytest.mark.parametrize("seed", range(4))
def test_from_any_checkpoint_the_same_decisions_and_the_same_story(seed: int) -> None:
    rows = entries(seed)
    for after in range(1, len(rows), 40):
        replayer = Replayer("run")
        replayer.resume(state(rows, after))
        assert all(difference(replayer.feed(entry)) is None for entry in rows[after:])
    after = len(rows) // 2
    came = [e.body["interaction"] for e in rows[after:] if e.kind == "arrived"]
    name = next(one for one in came if came.count(one) == 1)
    assert explained(rows, name, state(rows, after)) == explained(rows, name, None)


async def test_checkpoints_are_kept_and_begun_from(database: Database) -> None:
    rows = entries(1)
    await write(database, rows)
    found = await check(database, 0, 2**53, keep=True)
    assert found.difference is None
    assert found.kept == len(rows) // APART + 1
    # They are nobody's run, and keeping them again changes nothing.
    assert await journal.runs(database, 0, 2**53) == ["run"]
    again = await check(database, 0, 2**53, keep=True)
    assert (again.entries, again.decisions) == (found.entries, found.decisions)

    late = rows[300].at_ms
    replayer = await kept.begin(database, "run", late)
    assert replayer.next in (241, 301)
    part = await check(database, late, 2**53)
    within = [one for one in rows if one.at_ms >= late]
    assert (part.runs, part.entries, part.difference) == (1, len(within), None)


async def test_what_came_before_a_checkpoint_may_be_gone(database: Database) -> None:
    rows = entries(2)
    await write(database, rows)
    await check(database, 0, 2**53, keep=True)
    late = rows[300].at_ms
    first = (await kept.begin(database, "run", late)).next
    assert first > 200
    await forget(database, first)
    assert (await check(database, late, 2**53)).difference is None
    with pytest.raises(JournalUnfit, match="missing, at its beginning"):
        await check(database, 0, 2**53)
    await forget(database, first + 2)
    with pytest.raises(JournalUnfit, match=f"entries {first} to {first + 1} are missing"):
        await check(database, late, 2**53)


async def test_a_difference_keeps_no_checkpoint_and_one_of_another_version_is_passed_over(
    database: Database,
) -> None:
    rows = entries(3)
    at = next(n for n, e in enumerate(rows) if n > 100 and e.body["decided"])
    wrong = replace(rows[at], body={**rows[at].body, "decided": []})
    await write(database, [*rows[:at], wrong, *rows[at + 1 :]])
    newer = {**state(rows, 90).body, "format": 99}
    await journal.keep(database, replace(state(rows, 90), body=newer))
    assert (await kept.begin(database, "run", 2**53)).next == 1
    found = await check(database, 0, 2**53, keep=True)
    assert found.difference is not None
    assert (found.difference.seq, found.kept) == (at + 1, at // APART)
    assert await journal.last_before(database, "check.run", rows[at].at_ms + 1) is not None
    assert await journal.last_before(database, "check.run", 2**53) == await journal.last_before(
        database, "check.run", rows[at].at_ms + 1
    )
