"""Agents' legs as the PBX tells of them: from the answer to the end of the talk.

The place where a contact gets its agent (`connected`) and where they part (`_talk_ended`).
"""

from __future__ import annotations

from acd.contacts import Errand, Leg
from acd.parts import Parts
from acd.router.events import Batch, Ended, Failure, OfferAccepted, OfferFailed
from pbx.port import Cause

FAILURES = {
    Cause.NO_ANSWER: Failure.NO_ANSWER,
    Cause.BUSY: Failure.BUSY,
    Cause.REJECTED: Failure.DECLINED,
    Cause.UNREACHABLE: Failure.UNREACHABLE,
}


class Talks:
    """Takes what becomes of agents' legs."""

    def __init__(self, parts: Parts) -> None:
        self._ledger = parts.ledger
        self._clock = parts.clock
        self._contacts = parts.contacts
        self._legs = parts.legs
        self._orders = parts.orders
        self._driver = parts.driver

    def answered(self, offer: str) -> None:
        """An agent has picked up."""
        leg = self._legs.of(offer)
        if leg is None or leg.cancelled or leg.answered:
            return
        leg.answered = True
        self._driver.feed(OfferAccepted(offer), self._clock.now())
        if leg.held:
            self._join(leg)

    def _join(self, leg: Leg) -> None:
        """Connect the first of several who rang; another is let go."""
        router = self._driver.router
        view = router.offer(leg.offer) if router is not None else None
        if view is not None and view.accepted:
            self._orders.join(leg.offer)
        elif not leg.cancelled:
            self._legs.cancel(leg.offer, leg.agent)

    def connected(self, offer: str) -> None:
        """Agent and caller hear each other."""
        leg = self._legs.of(offer)
        if leg is None or leg.connected:
            return
        self.answered(offer)
        leg.connected = True
        contact = self._contacts.get(leg.interaction)
        if contact is not None:
            contact.answered, contact.talking_to = True, leg.agent
            contact.settled, contact.errand = False, Errand()
            self._ledger.talking(leg.interaction, offer, leg.agent, self._clock.now())

    def ended(self, offer: str, cause: Cause, *, hung_up: bool = True) -> None:
        """An agent's leg is gone; `hung_up` as in `pbx.told.LegEnded`."""
        ended = self._legs.ended(offer)
        if ended is None:
            return
        leg, held = ended
        now = self._clock.now()
        if leg.cancelled:
            pass
        elif leg.answered:
            self._talk_ended(leg, now, hung_up=hung_up)
        else:
            failure = FAILURES.get(cause, Failure.FAILED)
            self._ledger.offer_over(leg.interaction, offer, failure.value, now)
            self._driver.feed(OfferFailed(offer, failure), now)
        if held is not None:
            self._orders.ring(held, now)

    def _talk_ended(self, leg: Leg, now: int, *, hung_up: bool) -> None:
        contact = self._contacts.get(leg.interaction)
        queue = self._orders.roster.queue(leg.queue)
        if leg.connected and queue is not None and queue.wrap_up_ms:
            self._orders.wrapping[leg.agent] = leg.interaction
            self._ledger.wrapping_up(leg.interaction, leg.queue, leg.agent, now)
        self._ledger.talk_over(leg.interaction, leg.offer, now)
        if contact is not None:
            contact.talking_to = ""
            contact.agent_left = leg.connected
            contact.let_go = leg.connected and not hung_up
        ended = Ended(leg.interaction, leg.agent)
        if contact is None or leg.connected or contact.arrival is None:
            self._driver.feed(ended, now)
            return
        # The agent picked up and was gone before the caller was there: the caller still waits, and
        # goes on at their place and step.
        router = self._driver.router
        kept = router.kept(leg.interaction) if router is not None else None
        contact.arrival = kept or contact.arrival
        self._driver.feed(Batch((ended, contact.rejoining())), now)
