"""The runs of the router in the journal of a database, and their entries."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

from crm import journal
from crm.database import Database

from .checkpoints import Keeper, begin
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
    kept: int = 0
    """How many checkpoints were written."""

    def plus(
        self,
        entries: int,
        decisions: int,
        keeper: Keeper | None,
        difference: Difference | None = None,
    ) -> Checked:
        """Count a run in."""
        return Checked(
            self.runs + (entries > 0),
            self.entries + entries,
            self.decisions + decisions,
            difference,
            self.kept + (0 if keeper is None else keeper.kept),
        )


async def turns(database: Database, first_ms: int, last_ms: int) -> AsyncIterator[Turn]:
    """Replay every run that has entries in a span of time, each from its beginning.

    Turns before the span are given too: its state comes from them. Raises `JournalUnfit`.
    """
    for run in await journal.runs(database, first_ms, last_ms):
        async for turn in _turns(database, Replayer(run), last_ms):
            yield turn


async def _turns(database: Database, replayer: Replayer, last_ms: int) -> AsyncIterator[Turn]:
    async for entry in journal.read(database, replayer.epoch, first=replayer.next):
        if entry.at_ms > last_ms:
            break
        yield replayer.feed(entry)


async def check(database: Database, first_ms: int, last_ms: int, *, keep: bool = False) -> Checked:
    """Replay a span of time, and hold what is decided against the journal up to a difference.

    Each run begins at its last checkpoint before the span, or else at its beginning. With `keep`,
    checkpoints are written along the way, and one at each run's end. Raises `JournalUnfit`.
    """
    found = Checked(0, 0, 0, None)
    for run in await journal.runs(database, first_ms, last_ms):
        replayer = await begin(database, run, first_ms)
        keeper = Keeper(database, replayer) if keep else None
        turn = None
        entries = decisions = 0
        async for turn in _turns(database, replayer, last_ms):
            if turn.entry.at_ms >= first_ms:
                entries += 1
                decisions += len(turn.decisions)
                if (different := difference(turn)) is not None:
                    return found.plus(entries, decisions, keeper, different)
            if keeper is not None:
                await keeper.after(turn.entry)
        if keeper is not None and turn is not None:
            await keeper.keep(turn.entry)
        found = found.plus(entries, decisions, keeper)
    return found
