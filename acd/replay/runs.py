"""The runs of the router in the journal of a database, and their entries."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

from crm import journal
from crm.database import Database
from crm.records import JournalEntry

from .replay import Difference, Replayer, Turn, difference


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check of the journal found."""

    runs: int
    entries: int
    """Entries that were held against a replay."""
    decisions: int
    difference: Difference | None
    """The first; None if all agreed."""


async def turns(database: Database, first_ms: int, last_ms: int) -> AsyncIterator[Turn]:
    """Replay every run that has entries in a span of time, each from its beginning.

    Turns before the span are given too: its state comes from them. Raises `JournalUnfit`.
    """
    for run in await journal.runs(database, first_ms, last_ms):
        replayer = Replayer(run)
        async for entry in journal.read(database, run):
            if entry.at_ms > last_ms:
                break
            yield replayer.feed(entry)


async def check(database: Database, first_ms: int, last_ms: int) -> Checked:
    """Replay a span of time, and hold what is decided against the journal up to a difference.

    Raises `JournalUnfit`.
    """
    runs: set[str] = set()
    entries = decisions = 0
    async for turn in turns(database, first_ms, last_ms):
        if turn.entry.at_ms < first_ms:
            continue
        runs.add(turn.entry.epoch)
        entries += 1
        decisions += len(turn.decisions)
        if (found := difference(turn)) is not None:
            return Checked(len(runs), entries, decisions, found)
    return Checked(len(runs), entries, decisions, None)


async def entries(database: Database, first_ms: int, last_ms: int) -> AsyncIterator[JournalEntry]:
    """Yield the entries of every run with some in a span, each run from its beginning, in order."""
    for run in await journal.runs(database, first_ms, last_ms):
        async for entry in journal.read(database, run):
            if entry.at_ms > last_ms:
                break
            yield entry
