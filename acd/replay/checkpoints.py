"""Checkpoints: the router's state at places of a run, from which a replay may begin.

They are written by replays that agreed with the journal, never by the running service, and stand in
the journal under an epoch of their own, `check.<run>`, numbered as the entry they follow.
"""

from __future__ import annotations

from acd.router import Router
from acd.router.errors import RouterError
from acd.router.snapshot import take
from crm import journal
from crm.database import Database
from crm.records import JournalEntry

from .replay import Make, Replayer

CHECK = "check"
"""How the epochs of checkpoints begin."""
EVERY_MS = 3_600_000
EVERY_ENTRIES = 50_000
"""How far apart they are at most, in the journal's time and in entries."""


async def begin(database: Database, run: str, before_ms: int, make: Make = Router) -> Replayer:
    """Return a replayer of a run as it was at its last checkpoint before an instant.

    Without one that this version can read, it is at the run's beginning.
    """
    replayer = Replayer(run, make)
    entry = await journal.last_before(database, f"{CHECK}.{run}", before_ms)
    if entry is not None:
        try:
            replayer.resume(entry)
        except RouterError:
            return Replayer(run, make)
    return replayer


class Keeper:
    """Writes checkpoints of one run, far enough apart, as its entries are replayed."""

    def __init__(self, database: Database, replayer: Replayer) -> None:
        self._database = database
        self._replayer = replayer
        self._last: tuple[int, int] | None = None
        self.kept = 0

    async def after(self, entry: JournalEntry) -> None:
        """Write one after this entry, if it is time for it."""
        if self._last is None:
            self._last = entry.seq - 1, entry.at_ms
        seq, at = self._last
        if entry.seq - seq >= EVERY_ENTRIES or entry.at_ms - at >= EVERY_MS:
            await self.keep(entry)

    async def keep(self, entry: JournalEntry) -> None:
        """Write one after this entry."""
        state = take(self._replayer.router)
        self._last = entry.seq, entry.at_ms
        self.kept += 1
        await journal.keep(
            self._database,
            JournalEntry(
                f"{CHECK}.{entry.epoch}",
                entry.seq,
                entry.at_ms,
                entry.config_version,
                "checkpoint",
                state,
            ),
        )
