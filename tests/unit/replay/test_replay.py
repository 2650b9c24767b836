from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from journals import entries

from acd.replay import Difference, JournalUnfit, Replayer, difference, turns
from acd.replay.runs import check
from acd.router.journal import DECISIONS, named
from crm.database import Database
from crm.recorder import Recorder
from crm.records import JournalEntry


def first_difference(journal: list[JournalEntry]) -> Difference | None:
    found = (difference(turn) for turn in turns("run", journal))
    return next((one for one in found if one is not None), None)


@pytest.mark.parametrize("seed", range(8))
def test_a_journal_replays_to_the_decisions_that_were_made(seed: int) -> None:
    assert first_difference(entries(seed)) is None


def changed(journal: list[JournalEntry], at: int, decided: list[Any]) -> list[JournalEntry]:
    entry = journal[at]
    return [*journal[:at], replace(entry, body={**entry.body, "decided": decided}),
            *journal[at + 1 :]]  # fmt: skip


def test_one_changed_decision_is_found() -> None:
    journal = entries()
    at, entry = next(
        (n, e) for n, e in enumerate(journal) if any(d[0] == "offer" for d in e.body["decided"])
    )
    number = next(n for n, d in enumerate(entry.body["decided"]) if d[0] == "offer")
    decided = [list(one) for one in entry.body["decided"]]
    decided[number][4] = "somebody else"
    found = first_difference(changed(journal, at, decided))
    assert found is not None
    assert (found.seq, found.number) == (at + 1, number + 1)
    assert named(found.recorded or [])["agent"] == "somebody else"
    assert found.replayed == entry.body["decided"][number]


def test_a_decision_too_few_or_too_many_is_found() -> None:
    journal = entries()
    at, entry = next((n, e) for n, e in enumerate(journal) if e.body["decided"])
    missing = first_difference(changed(journal, at, entry.body["decided"][:-1]))
    assert missing is not None
    assert missing.recorded is None
    assert missing.replayed == entry.body["decided"][-1]
    more = [*entry.body["decided"], ["announce", "c1", "red", "hello"]]
    surplus = first_difference(changed(journal, at, more))
    assert surplus is not None
    assert (surplus.recorded, surplus.replayed) == (more[-1], None)


def refusal(journal: list[JournalEntry]) -> str:
    with pytest.raises(JournalUnfit) as refused:
        first_difference(journal)
    return str(refused.value)


def test_a_hole_is_refused_and_says_what_is_missing() -> None:
    journal = entries()
    text = refusal(journal[:10] + journal[12:])
    assert "run run has a hole: entries 11 to 12 are missing, after 1970-01-01T00:16:40." in text
    assert "sala status" in text
    assert "--from" in text
    assert "entry 1 is missing, at its beginning" in refusal(journal[1:])


def test_entries_of_another_version_are_refused() -> None:
    journal = entries()
    newer = replace(journal[5], body={**journal[5].body, "format": 3})
    assert "reads formats 1 to 2" in refusal([*journal[:5], newer])
    unknown = replace(journal[5], kind="teleported")
    assert "unknown kind 'teleported'" in refusal([*journal[:5], unknown])
    odd = replace(journal[5], body={**journal[5].body, "colour": "red"})
    assert "Another version of Sala wrote it" in refusal([*journal[:5], odd])


def test_a_run_from_before_decisions_were_kept_can_be_replayed_but_not_checked() -> None:
    journal = entries()
    old = [
        replace(e, body={k: v for k, v in e.body.items() if k not in ("decided", "format")})
        for e in journal
    ]
    assert "nothing to check against" in refusal(old)
    replayer = Replayer("run")
    told = [replayer.feed(entry).decisions for entry in old]
    assert told == [turn.decisions for turn in turns("run", journal)]
    cut = replace(journal[3], body={k: v for k, v in journal[3].body.items() if k != "decided"})
    assert "says nothing of what was decided" in refusal([*journal[:3], cut])


def test_every_decision_has_its_fields_in_the_journal() -> None:
    for kind, (_, fields) in DECISIONS.items():
        assert fields == tuple(kind.__dataclass_fields__)


async def test_a_span_of_the_journal_in_the_database(database: Database) -> None:
    journal = entries()
    other = entries(2, epoch="later", start=2_000_000)
    recorder = Recorder(database)
    recorder.start()
    for entry in [*journal, *other, JournalEntry("ivr.run", 7, 1_000_001, 0, "ivr.node", {})]:
        recorder.journal(entry)
    await recorder.drain()
    found = await check(database, 0, 1_999_999)
    assert (found.runs, found.entries, found.difference) == (1, len(journal), None)
    middle = journal[200].at_ms
    part = await check(database, middle, 10_000_000)
    within = [one for one in journal if one.at_ms >= middle]
    assert part.entries == len(within) + len(other)
    assert part.runs == 2
