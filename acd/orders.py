"""What each decision of the router orders: at the switch, in the ledger, of the contact.

One place each where a contact begins to wait elsewhere (`_overflow`), stops waiting (`_leaves`) and
is rung for (`ring`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from acd.contacts import Contact, Contacts, Errand
from acd.ledger import Ledger
from acd.legs import Legs
from acd.places import facts
from acd.roster import Roster
from acd.router.events import (
    AgentMoved,
    Announce,
    CancelOffer,
    Decision,
    Event,
    Failure,
    Offer,
    OfferCallback,
    OfferFailed,
    Overflow,
    Presence,
    ShortAbandon,
    ToVoicemail,
    TurnedAway,
    Wanted,
)
from pbx.errors import LocalProtocolError
from pbx.port import Switch

log = logging.getLogger(__name__)

VOICEMAIL = "voicemail"
"""The exit of who is to leave a message."""


class Callbacks(Protocol):
    """Whose customers are not on the line: see `acd.calling_back`."""

    def ring(self, offer: Offer) -> bool:
        """Ring the agent of a callback; False if it is none whose customer is to be called."""

    def cancelled(self, interaction: str, offer: str) -> None:
        """The router has taken an offer back."""

    def moved(self) -> None:
        """An agent's presence has changed."""

    def put_out(self, interaction: str) -> None:
        """The router has put an interaction out of its queue."""

    def seals(self, interaction: str) -> bool:
        """Whether it is to be written that they talk before agent and caller are connected."""

    def join(self, offer: str) -> bool:
        """Connect an agent who is held once that is written; False if nothing is to be."""


class Orders:
    """Does what the router decides. `feed` takes what comes of it at once."""

    def __init__(
        self,
        switch: Switch,
        ledger: Ledger,
        contacts: Contacts,
        legs: Legs,
        roster: Roster,
        feed: Callable[[Event, int], None],
    ) -> None:
        self._switch = switch
        self._ledger = ledger
        self._contacts = contacts
        self._legs = legs
        self._feed = feed
        self.roster = roster
        self.callbacks: Callbacks | None = None
        self.wrapping: dict[str, str] = {}
        """The interaction that each agent writes up."""

    def act(self, decision: Decision, now: int) -> None:
        """Do what one decision asks for."""
        match decision:
            case Offer():
                if not self._legs.hold(decision):
                    self.ring(decision, now)
            case CancelOffer():
                self._cancel(decision, now)
            case AgentMoved():
                self._moved(decision, now)
            case Overflow():
                self._overflow(decision, now)
            case ToVoicemail(interaction, queue):
                self._leaves(interaction, queue, VOICEMAIL, now)
            case TurnedAway(interaction, queue, reason):
                self._leaves(interaction, queue, reason, now)
            case Announce(interaction, _, prompt):
                if contact := self._contacts.get(interaction):
                    contact.errand.prompts.append(prompt)
                    self._summon(contact)
            case OfferCallback(interaction, _):
                if contact := self._contacts.get(interaction):
                    contact.errand.callback = True
                    self._summon(contact)
            case ShortAbandon(interaction, queue, waited_ms):
                self._ledger.short_abandon(interaction)
                log.info(
                    "short abandon",
                    extra={
                        "action": "short_abandon",
                        "interaction": interaction,
                        "queue": queue,
                        "waited_ms": waited_ms,
                    },
                )

    # --- offers -----------------------------------------------------------------------------

    def ring(self, offer: Offer, now: int) -> None:
        """Ring an agent's phone."""
        if self.callbacks is not None and self.callbacks.ring(offer):
            return
        contact = self._contacts.get(offer.interaction)
        queue = self.roster.queue(offer.queue)
        try:
            if contact is None:
                raise LocalProtocolError("its call is not known")
            held = queue is not None and queue.ring_at_once > 1
            held = held or (self.callbacks is not None and self.callbacks.seals(offer.interaction))
            self._legs.ring(offer, contact, self.roster.address(offer.agent), held=held)
        except LocalProtocolError as refusal:
            log.error("no ring: %s", refusal, extra={"action": "ring", "offer": offer.offer})  # noqa: TRY400
            self._feed(OfferFailed(offer.offer, Failure.FAILED), now)
        else:
            self._ledger.ringing(offer.interaction, offer.queue, offer.offer, offer.agent, now)

    def join(self, offer: str) -> None:
        """Connect the held leg of an agent who has answered with their caller."""
        if self.callbacks is None or not self.callbacks.join(offer):
            self._legs.join(offer)

    def _cancel(self, decision: CancelOffer, now: int) -> None:
        leg = self._legs.cancel(decision.offer, decision.agent)
        if leg is not None:
            self._ledger.offer_over(leg.interaction, leg.offer, "cancelled", now)
        if self.callbacks is not None:
            self.callbacks.cancelled(decision.interaction, decision.offer)

    def _moved(self, moved: AgentMoved, now: int) -> None:
        if self.callbacks is not None:
            self.callbacks.moved()
        if moved.presence is not Presence.WRAP_UP:
            wrapped = self.wrapping.pop(moved.agent, None)
            if wrapped is not None:
                self._ledger.wrapped_up(wrapped, moved.agent, now)
        if moved.presence is Presence.PAUSED and moved.until is None:
            wanted, _ = self.roster.presence(moved.agent)
            if wanted is not Wanted.PAUSED:  # the router paused them (no answer): keep it so
                self.roster.want(moved.agent, Wanted.PAUSED, moved.reason)
                self._ledger.presence(moved.agent, Wanted.PAUSED, moved.reason, now)

    # --- who waits --------------------------------------------------------------------------

    def _overflow(self, decision: Overflow, now: int) -> None:
        contact = self._contacts.get(decision.interaction)
        if contact is None or contact.arrival is None:
            return
        contact.arrival = replace(contact.arrival, queue=decision.to, began=now)
        self._ledger.overflowed(contact.interaction, decision.to, now)
        self.carry(contact)

    def carry(self, contact: Contact) -> None:
        """Have a waiting call carry the place it has now; one on its way there will anyhow."""
        if contact.arrival is None:
            return
        contact.carry.update(facts(contact.arrival, contact.carry))
        if contact.settled:
            self._switch.carry(contact.call, contact.carry)

    def _leaves(self, interaction: str, queue: str, reason: str, now: int) -> None:
        if self.callbacks is not None:
            self.callbacks.put_out(interaction)
        contact = self._contacts.get(interaction)
        if contact is None:
            return
        log.info(
            "out of the queue",
            extra={
                "action": "queue_left",
                "interaction": interaction,
                "queue": queue,
                "reason": reason,
            },
        )
        contact.errand, contact.arrival = Errand(exit=reason), None
        self._ledger.left_queue(interaction, now)
        self._summon(contact)

    def _summon(self, contact: Contact) -> None:
        """Have a waiting call ask what there is; one on its way there is told when it comes."""
        if contact.settled:
            self._switch.summon(contact.call)
