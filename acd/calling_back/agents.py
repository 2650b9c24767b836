"""Agents who are held for a customer: rung, told what it is about, and kept until they talk."""

from __future__ import annotations

import logging
from collections.abc import Callable

from acd.callbacks import Policy, events as ev
from acd.callbacks.words import LIVE, Stage
from acd.calling_back.ahead import Ahead
from acd.calling_back.attempt import AWAY_MS, CAPPED_MS, RESERVED, facts
from acd.calling_back.engaged import ENGAGED_MS, Engaged
from acd.calling_back.rows import Rows
from acd.calling_back.store import Store
from acd.contacts import Leg
from acd.parts import Parts
from acd.router.events import Adopted, Event, Failure, Offer, OfferFailed
from crm.errors import CrmError
from crm.records import Callback
from pbx.errors import LocalProtocolError
from pbx.port import Caller

log = logging.getLogger(__name__)


class Agents:
    """Rings agents whom the router has chosen for callbacks. `tell` tells the book."""

    def __init__(
        self, tell: Callable[[ev.Event], None], rows: Rows, parts: Parts, engaged: Engaged
    ) -> None:
        self._tell = tell
        self._rows = rows
        self._engaged = engaged
        self._ledger = parts.ledger
        self._clock = parts.clock
        self._legs = parts.legs
        self._orders = parts.orders
        self._driver = parts.driver
        self.store: Store | None = None
        self.ahead = Ahead(parts.ledger, parts.clock)
        self._coming: dict[str, Offer] = {}
        """By offer: those whose agents are about to be rung."""

    def ring(self, offer: Offer, callback: str) -> None:
        """Ring, once the interaction's rows are known: more of them come now (see `Ahead`).

        Nobody is rung while the caps of the dialling gate allow no call, or while the customer is
        on the line, so that no agent waits for nothing; the last word is said when the call is
        counted (`Calls.dial`).
        """
        assert self.store is not None
        found = self._rows.found(offer.interaction)
        engaged = found is not None and self._engaged.on_the_line(found[0])
        if not engaged and self.ahead.ready(callback, offer.interaction):
            self._reserve(offer, callback)
            return
        self._coming[offer.offer] = offer
        self.store.run(self._ring(offer, callback))

    async def _ring(self, offer: Offer, callback: str) -> None:
        assert self.store is not None
        found = self._rows.found(offer.interaction)
        why, for_ms = "", 0
        try:
            if found is not None and self._engaged.on_the_line(found[0]):
                why, for_ms = "the customer is on the line", ENGAGED_MS
            elif found is not None:
                await self.store.reopen(self._ledger, found[0], offer.interaction)
                refusal = await self.store.caps(found[0].number, offer.interaction)
                if refusal is not None:
                    why, for_ms = refusal.value, CAPPED_MS.get(refusal, 0)
        except CrmError as error:
            why, for_ms = type(error).__name__, AWAY_MS
        if for_ms:
            log.warning(
                "no callback now: %s",
                why,
                extra={"action": "callback_deferred", "callback": callback, "why": why},
            )
            if self._coming.pop(offer.offer, None) is not None:
                self._tell(ev.Deferred(callback, for_ms))
            return
        if self._coming.pop(offer.offer, None) is not None:
            self._reserve(offer, callback)

    def _reserve(self, offer: Offer, callback: str) -> None:
        found = self._rows.found(offer.interaction)
        if found is None:
            return
        record, place = found
        now = self._clock.now()
        carry = {**facts(callback, place), RESERVED: "yes"}
        address = self._orders.roster.address(offer.agent)
        try:
            caller = Caller(record.number, self.policy(record).screen)
            self._legs.reserve(offer, address, caller, carry)
        except LocalProtocolError as refusal:
            log.error("no ring: %s", refusal, extra={"action": "ring", "offer": offer.offer})  # noqa: TRY400
            self._driver.feed(OfferFailed(offer.offer, Failure.FAILED), now)
        else:
            self._ledger.ringing(offer.interaction, offer.queue, offer.offer, offer.agent, now)

    def instead(self, offer: Offer, row: Callback) -> None:
        """Ring for a caller who is on the line still, and is not to be called back as well.

        What they were promised is taken back first, so that no talk, whoever lives to write it
        down, is followed by a call. A database that is away is not waited for.
        """
        assert self.store is not None
        self._coming[offer.offer] = offer
        self.store.run(self._instead(offer, row))

    async def _instead(self, offer: Offer, row: Callback) -> None:
        assert self.store is not None
        end = ev.End(row.id, Stage.MERGED, "answered", offer.interaction)
        await self.store.take_back(end)
        if self._coming.pop(offer.offer, None) is not None:
            self._orders.ring(offer, self._clock.now())

    def cancelled(self, interaction: str, offer: str) -> None:
        """The router has taken an offer back, or its agent is gone."""
        self._coming.pop(offer, None)
        if callback := self._rows.of(interaction):
            self._tell(ev.Unreserved(callback, offer))

    def anew(self) -> None:
        """The link is back, and the router new: no offer of before is rung any more."""
        self._coming.clear()

    def held_for(self, offer: str) -> Callback | None:
        """Return the callback that a leg is held for; None if it is for none (any more)."""
        leg = self._legs.of(offer)
        if leg is None or not leg.reserved or leg.cancelled:
            return None
        found = self._rows.found(leg.interaction)
        return None if found is None else found[0]

    def policy(self, record: Callback) -> Policy:
        """Return what a callback's queue says."""
        return self._rows.book.policy(record.queue or "")

    def ready(self, offer: str) -> None:
        """The agent of a held leg has heard what it is about: the customer can be called."""
        leg = self._legs.of(offer)
        if leg is not None and leg.reserved and not leg.cancelled:
            leg.answered = True
            self.picked_up(leg)

    def picked_up(self, leg: Leg) -> None:
        """An agent is there, for a customer who is to be called or waits on the line."""
        if callback := self._rows.of(leg.interaction):
            self._tell(ev.Offered(callback, leg.offer, leg.agent))

    def ended(self, leg: Leg) -> bool:
        """A leg that was not connected is gone; return whether it needs no more attention."""
        if not leg.reserved or not leg.answered:
            self.cancelled(leg.interaction, leg.offer)
            return False
        # The agent has heard what it is about, and hung up: then, or while the customer is called.
        _, held = self._legs.ended(leg.offer) or (leg, None)
        called = self._rows.book.stage(self._rows.of(leg.interaction)) in LIVE
        failure, now = Failure.LEFT if called else Failure.DECLINED, self._clock.now()
        self._ledger.offer_over(leg.interaction, leg.offer, failure.value, now)
        self._driver.feed(OfferFailed(leg.offer, failure), now)
        self.cancelled(leg.interaction, leg.offer)
        if held is not None:
            self._orders.ring(held, now)
        return True

    def adopted(self, legs: dict[str, Leg]) -> list[Event]:
        """Return what tells a fresh router of agents who are held."""
        told: list[Event] = []
        for leg in legs.values():
            found = self._rows.found(leg.interaction)
            if found is not None:
                place = found[1]
                who = leg.interaction, place.queue, place.entered, leg.agent, leg.offer
                told.append(Adopted(*who, answered=False, priority=place.priority))
        return told
