"""One turn of the router as a journal body: the event's fields, and what was decided.

The body is that of `codec.to_entry` with two keys more:

* `decided`: the decisions in order, each a list of the kind and the fields as `DECISIONS` has
  them, enums by value. So that what was really decided can be held against a replay.
* `format`: which version of this shape it is. Bodies of format 1 are the bare event.

The writing side is on the live path, once the event loop's turn is over.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from operator import attrgetter
from typing import Any

from . import events as ev
from .codec import Entry, from_entry, to_entry
from .errors import JournalError

FORMAT = 2
"""Written now. Format 1 had no decisions."""

Decided = list[list[Any]]
"""Decisions as plain lists, as JSON gives them back."""

DECISIONS: Mapping[type[Any], tuple[str, tuple[str, ...]]] = {
    ev.Offer: ("offer", ("offer", "interaction", "queue", "agent", "ring_ms")),
    ev.CancelOffer: ("cancel", ("offer", "interaction", "agent")),
    ev.AgentMoved: ("moved", ("agent", "presence", "reason", "until")),
    ev.Overflow: ("overflow", ("interaction", "queue", "to")),
    ev.ToVoicemail: ("voicemail", ("interaction", "queue")),
    ev.TurnedAway: ("turned_away", ("interaction", "queue", "reason")),
    ev.OfferCallback: ("callback", ("interaction", "queue")),
    ev.Announce: ("announce", ("interaction", "queue", "prompt")),
    ev.ShortAbandon: ("short_abandon", ("interaction", "queue", "waited_ms")),
}
"""Each decision's kind, and its fields in the order they are written."""

_WRITERS = {kind: (name, attrgetter(*fields)) for kind, (name, fields) in DECISIONS.items()}
_FIELDS = {name: ("kind", *fields) for name, fields in DECISIONS.values()}


def to_decided(decisions: Sequence[ev.Decision]) -> Decided:
    """Return decisions as plain lists."""
    found: Decided = []
    for one in decisions:
        name, fields = _WRITERS[type(one)]
        row = [name, *fields(one)]
        if name == "moved" and isinstance(row[2], Enum):
            row[2] = row[2].value
        found.append(row)
    return found


def to_body(event: ev.Event, decisions: Sequence[ev.Decision]) -> tuple[str, Entry]:
    """Return the kind and body of a turn."""
    kind, body = to_entry(event)
    body["decided"] = to_decided(decisions)
    body["format"] = FORMAT
    return kind, body


def from_body(kind: str, body: Mapping[str, Any]) -> tuple[ev.Event, Decided | None]:
    """Return the event and what was decided, None where that was not written (format 1).

    Raises `JournalError` for a body of a format this version does not know, or that cannot be
    read.
    """
    known = body.get("format", 1)
    if not isinstance(known, int) or known not in (1, FORMAT):
        raise JournalError(f"journal entry of format {known!r}; this version reads 1 to {FORMAT}")
    fields = {name: value for name, value in body.items() if name not in ("decided", "format")}
    decided = body.get("decided")
    if (decided is None) != (known == 1):
        raise JournalError(f"journal entry of kind {kind!r} says nothing of what was decided")
    return from_entry(kind, fields), decided


def named(row: Sequence[Any]) -> dict[str, Any]:
    """Return a decided row with its fields' names, `kind` first."""
    return dict(zip(_FIELDS.get(row[0], ("kind",)), row, strict=False))
