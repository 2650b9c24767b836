"""The open rows of one live interaction, and where rows go."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from crm.records import (
    Interaction,
    InteractionDetail,
    JournalEntry,
    Outcome,
    Segment,
    SegmentKind,
)


class Recorder(Protocol):
    """Where rows go; see `crm.recorder.Recorder`."""

    def interaction(self, row: Interaction) -> None:
        """Remember an interaction."""

    def segment(self, row: Segment) -> None:
        """Remember a segment."""

    def journal(self, entry: JournalEntry) -> None:
        """Remember a journal entry."""

    def agent_presence(self, agent: str, wanted: str, reason: str, at_ms: int) -> None:
        """Remember what an agent asked to be."""


@dataclass(slots=True)
class Account:
    """One live interaction's rows."""

    row: Interaction
    segments: int = 0
    open: list[Segment] = field(default_factory=list)
    offers: set[str] = field(default_factory=set)
    """All offers it was rung for."""
    talks: set[str] = field(default_factory=set)
    """The offers whose agents' legs talk: wrap-up may follow, though the caller is gone before."""
    answered: bool = False
    stays: str = ""
    """How it had ended when it went on by a callback: that stays its outcome."""
    left: Outcome | None = None
    """How it left its last queue, if it was not answered."""
    short: bool = False
    """Whether the stay in the queue that is to end now counts as a short abandon."""
    stepped_out: Segment | None = None
    """The closed stay in a queue that the caller left by a key; how it ended may still change."""
    placed: int = 0
    """The number of the last entry of its place."""

    @classmethod
    def of(cls, detail: InteractionDetail) -> Account:
        """Take up rows as they are written."""
        return cls(
            detail.interaction,
            segments=max((s.seq for s in detail.segments), default=0),
            open=[s for s in detail.segments if s.ended_ms is None],
            offers={s.offer for s in detail.segments if s.offer},
        )


TALKS = frozenset({SegmentKind.TALK, SegmentKind.HOLD})


def over(segment: Segment, talks: Mapping[str, str], live: Collection[str]) -> str | None:
    """Return how an open segment has ended, by the legs there are; None if it lasts.

    `talks` and `live` as `Ledger.legs` takes them.
    """
    offer = segment.offer or ""
    if segment.kind in TALKS:
        return None if offer in talks else "ended"
    if segment.kind not in (SegmentKind.CONSULT, SegmentKind.TRANSFER):
        return None
    if offer in talks:
        return "answered" if segment.kind == SegmentKind.TRANSFER else talks[offer]
    return None if offer in live else "cancelled"
