"""How callers part from us before their business is done: they hang up in line, or are cut off."""

from __future__ import annotations

from dataclasses import dataclass, replace

from acd.contacts import Contact
from acd.router.events import Arrived
from pbx.port import CallEnded, Cause

_FAULTS = frozenset({Cause.FAILED, Cause.CONGESTION})
"""Causes that are nobody's wish: the trunk or the PBX has failed."""


@dataclass(frozen=True, slots=True)
class Parting:
    """A caller who is gone. `number` is as the call told it, None if withheld; times in ms."""

    interaction: str
    queue: str
    number: str | None
    place: Arrived | None
    """What would bring them back to their place; None: not known."""
    waited_ms: int
    cut: bool
    """Whether a fault of ours ended the call; else they hung up while they waited."""


def of_end(contact: Contact, event: CallEnded, now: int) -> Parting | None:
    """Return how a caller parted whose call has ended; None: there is nothing to make up for."""
    # When a caller is cut off, the PBX lets their agent's leg go, and may tell of that first.
    hung_up = event.by_caller or (contact.agent_left and not contact.let_go)
    cut = event.cause in _FAULTS and not hung_up and (_unserved(contact) or contact.let_go)
    abandoned = contact.in_line and event.by_caller
    if not (cut or abandoned) or contact.arrival is None:
        return None
    return _parting(contact, now, cut=cut)


def of_fault(contact: Contact, now: int) -> Parting | None:
    """Return how a caller parted who waited or talked when the PBX died; None: they did not."""
    if contact.arrival is None or not _unserved(contact):
        return None
    return _parting(contact, now, cut=True)


def _unserved(contact: Contact) -> bool:
    return contact.in_line or bool(contact.talking_to)


def _parting(contact: Contact, now: int, *, cut: bool) -> Parting:
    assert contact.arrival is not None
    place = replace(contact.arrival, rejoins=True)
    number = None if contact.internal else contact.caller.number
    waited = max(now - place.entered, 0)
    return Parting(contact.interaction, place.queue, number, place, waited, cut)
