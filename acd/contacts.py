"""What the floor keeps in mind about live calls: contacts, and agents' legs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from acd.router.events import Arrived
from pbx.port import Caller

OFFERED = "offered"
"""What a call carries whose caller was offered a callback."""


@dataclass(slots=True)
class Errand:
    """What a waiting caller is to be told or asked; each is taken once.

    `exit` is the reason for which they wait no more: `voicemail`, or what a `TurnedAway` says.
    """

    exit: str = ""
    prompts: list[str] = field(default_factory=list)
    callback: bool = False
    """Whether they are to be asked if they would rather be called back."""
    wants_callback: bool = False
    """Whether they have asked for it themselves."""

    def __bool__(self) -> bool:
        return bool(self.exit or self.prompts or self.callback or self.wants_callback)


@dataclass(slots=True)
class Contact:
    """One live voice interaction: which call it is, and how far it has come."""

    interaction: str
    call: str
    caller: Caller
    dialled: str = ""
    internal: bool = False
    """Whether it comes from an agent's own phone."""
    carry: dict[str, str] = field(default_factory=dict)
    """What the call carries; all of it once `settled`."""
    settled: bool = False
    """Whether the PBX holds the call in the wait, with all that it carries."""
    arrival: Arrived | None = None
    """What brings it to its place; None before it ever waited."""
    left: Arrived | None = None
    """The place it gave up by a key: a callback asked for next keeps it."""
    tier: str = ""
    """The customer's, as the record has it."""
    last_agent: str = ""
    """Whom the customer spoke to last."""
    talking_to: str = ""
    answered: bool = False
    told_ms: int | None = None
    """The latest moment they were told to be served by."""
    ticks: int = 0
    """How many intervals of waiting have passed."""
    agent_left: bool = False
    """Whether the agent ended the talk, and the caller is still there."""
    let_go: bool = False
    """Whether it was not the agent who ended it: the PBX ended their leg."""
    errand: Errand = field(default_factory=Errand)
    held: str = ""
    """How its agent holds it: by `order` or by `phone`; empty if not (see `acd.handover`)."""
    stage: str = ""
    """What is done to hand it on: `consult`, `conference`, `transfer` or `recall`; else empty."""

    @property
    def offered(self) -> bool:
        """Whether a callback was offered, by this process or one before."""
        return OFFERED in self.carry

    @property
    def queue(self) -> str:
        """The queue it is in, or was in last; empty before and after one left by a key."""
        return self.arrival.queue if self.arrival is not None else ""

    @property
    def entered(self) -> int:
        """When it entered its first queue, in ms; 0 before."""
        return self.arrival.entered if self.arrival is not None else 0

    @property
    def in_line(self) -> bool:
        """Whether it waits in a queue, ringing or not."""
        return bool(self.queue) and not self.answered

    def rejoining(self) -> Arrived:
        """The event that brings it back to its place. Only for one that has a place."""
        assert self.arrival is not None
        return replace(self.arrival, rejoins=True)


@dataclass(slots=True)
class Leg:
    """One agent's leg that we rang, until the PBX says that it is gone."""

    offer: str
    interaction: str
    queue: str
    agent: str
    answered: bool = False
    connected: bool = False
    cancelled: bool = False
    held: bool = False
    """Whether the PBX holds it when it answers, until it is joined."""
    reserved: bool = False
    """Whether its agent is held for a customer who is to be called (see `acd.calling_back`)."""


class Contacts:
    """All live contacts, by interaction and by call."""

    def __init__(self) -> None:
        self._by_interaction: dict[str, Contact] = {}
        self._by_call: dict[str, Contact] = {}

    def __len__(self) -> int:
        return len(self._by_interaction)

    def __iter__(self) -> Iterator[Contact]:
        return iter(self._by_interaction.values())

    def get(self, interaction: str) -> Contact | None:
        """Return a live contact; None if there is none."""
        return self._by_interaction.get(interaction)

    def of_call(self, call: str) -> Contact | None:
        """Return the live contact of a call; None if there is none."""
        return self._by_call.get(call)

    def add(self, contact: Contact) -> None:
        """Take on a contact."""
        self._by_interaction[contact.interaction] = contact
        self._by_call[contact.call] = contact

    def pop(self, call: str) -> Contact | None:
        """Forget the contact of a call, and return it."""
        contact = self._by_call.pop(call, None)
        if contact is not None:
            del self._by_interaction[contact.interaction]
        return contact

    def replace(self, contacts: Iterable[Contact]) -> None:
        """Have these and no others."""
        self._by_interaction.clear()
        self._by_call.clear()
        for contact in contacts:
            self.add(contact)
