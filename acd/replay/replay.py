"""One run of the router, replayed from its journal entries."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from acd.router import Router
from acd.router.errors import RouterError
from acd.router.events import Batch, ConfigChanged, Configuration, Decision, Event
from acd.router.journal import FORMAT, Decided, from_body, to_decided
from acd.router.snapshot import restore
from crm.records import JournalEntry

from .errors import JournalUnfit


@dataclass(frozen=True, slots=True)
class Turn:
    """One journal entry, replayed."""

    entry: JournalEntry
    event: Event
    decisions: list[Decision]
    """What the router decides now."""
    recorded: Decided | None
    """What it decided then; None where the journal does not say (format 1)."""


@dataclass(frozen=True, slots=True)
class Difference:
    """The first place at which the replay decides other than was decided."""

    epoch: str
    seq: int
    at_ms: int
    kind: str
    number: int
    """Which decision of the turn, from 1."""
    recorded: list[object] | None
    """What was decided then, as `router.journal.DECISIONS` has it; None: nothing more."""
    replayed: list[object] | None
    """What is decided now; None: nothing more."""


Make = Callable[[Configuration, str], Router]
"""Makes a router for a configuration and an epoch."""


class Replayer:
    """Feeds the entries of one run to a router, in order, and keeps its state.

    Entries must come by `seq`, from the first or the one after a checkpoint. `feed` raises
    `JournalUnfit` for a hole, for an entry of another version, and for a run whose beginning is
    missing. `make` makes the router.
    """

    def __init__(self, epoch: str, make: Make = Router) -> None:
        self.epoch = epoch
        self._make = make
        self.router = make(Configuration(), epoch)
        self._seq = 0
        self._at = 0

    @property
    def next(self) -> int:
        """The number of the entry that comes next."""
        return self._seq + 1

    def resume(self, checkpoint: JournalEntry) -> None:
        """Go on from a checkpoint of this run. Raises `JournalError` for one that does not fit."""
        self.router = restore(checkpoint.body, self.epoch, self._make)
        self._seq, self._at = checkpoint.seq, checkpoint.at_ms

    def feed(self, entry: JournalEntry) -> Turn:
        """Let the router decide on one entry."""
        event, recorded = self.read(entry)
        if self._seq == 1:
            self.begin(event)
        try:
            decisions = self.router.handle(event, entry.at_ms)
        except RouterError as error:
            raise JournalUnfit(
                f"entry {entry.seq} of run {self.epoch} holds a configuration that this version "
                f"refuses ({error}): replay it with the version that wrote it"
            ) from error
        return Turn(entry, event, decisions, recorded)

    def begin(self, event: Event) -> None:
        """Have the router begin with the configuration that the run's first entry brings."""
        first = event.events[0] if isinstance(event, Batch) and event.events else event
        if isinstance(first, ConfigChanged):
            self.router = self._make(first.config, self.epoch)

    def read(self, entry: JournalEntry) -> tuple[Event, Decided | None]:
        """Check that an entry is the next one, and read it."""
        if entry.seq != self._seq + 1:
            raise JournalUnfit(self._hole(entry))
        self._seq, self._at = entry.seq, entry.at_ms
        try:
            return from_body(entry.kind, entry.body)
        except RouterError as error:
            raise JournalUnfit(
                f"entry {entry.seq} of run {self.epoch} ({moment(entry.at_ms)}) cannot be read by "
                f"this version, which reads formats 1 to {FORMAT}: {error}. Another version of "
                "Sala wrote it: replay it with that one or a newer, or leave the run out by --from"
            ) from error

    def _hole(self, entry: JournalEntry) -> str:
        first, last = self._seq + 1, entry.seq - 1
        missing = f"entry {first} is" if first == last else f"entries {first} to {last} are"
        before = "at its beginning" if not self._seq else f"after {moment(self._at)}"
        return (
            f"the journal of run {self.epoch} has a hole: {missing} missing, {before} and before "
            f"{moment(entry.at_ms)}. Every entry of a run is needed to replay it. If the service "
            "still has rows to write (sala status shows them as pending), wait for them; else "
            "bring the entries back from a backup, or leave the run out by --from a later one"
        )


def turns(epoch: str, entries: Iterable[JournalEntry]) -> Iterator[Turn]:
    """Replay a run's entries. Raises `JournalUnfit`."""
    replayer = Replayer(epoch)
    return map(replayer.feed, entries)


def difference(turn: Turn) -> Difference | None:
    """Hold a turn's decisions against those recorded; None if they are the same.

    Raises `JournalUnfit` for an entry that does not say what was decided.
    """
    entry = turn.entry
    recorded = turn.recorded
    if recorded is None:
        raise JournalUnfit(
            f"entry {entry.seq} of run {entry.epoch} ({moment(entry.at_ms)}) is of format 1, "
            "written before decisions were kept: there is nothing to check against. Such a run can "
            "be explained, and replayed by --with; to check, choose --from after the service was "
            f"restarted with a version that writes format {FORMAT}"
        )
    replayed = to_decided(turn.decisions)
    if replayed == recorded:
        return None
    at = next(
        (n for n, (a, b) in enumerate(zip(recorded, replayed, strict=False)) if a != b),
        min(len(recorded), len(replayed)),
    )
    return Difference(
        entry.epoch,
        entry.seq,
        entry.at_ms,
        entry.kind,
        at + 1,
        recorded[at] if at < len(recorded) else None,
        replayed[at] if at < len(replayed) else None,
    )


def moment(at_ms: int) -> str:
    """Write a time as ISO 8601 in UTC, to the millisecond."""
    at = datetime.fromtimestamp(at_ms / 1000, UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
