"""The floor after the link to the PBX, or this process, was away.

`Restorer.restore` is the one way back: what the PBX lists is matched with what was known
(`acd.restore`), rows that were not written are made good, and a fresh router is told.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from acd.calling_back import CallingBack
from acd.calling_back.attempt import fence_of
from acd.calling_back.found import Found
from acd.contacts import Leg
from acd.handover import Handovers
from acd.handover.found import sort_out
from acd.handover.moves import Moves
from acd.hours import Hours
from acd.partings import Parting, of_fault
from acd.parts import Parts
from acd.restore import Past, Restored, restore
from acd.router.events import DayStarted, Event
from pbx.port import FloorSnapshot

log = logging.getLogger(__name__)


class Restorer:
    """Brings the floor back; `past` is what the last process left written."""

    def __init__(
        self,
        parts: Parts,
        moves: Moves,
        handovers: Handovers,
        callbacks: CallingBack,
        hours: Hours,
        past: Past,
    ) -> None:
        self._on = parts
        self._moves = moves
        self._handovers = handovers
        self._callbacks = callbacks
        self._hours = hours
        self.past = past
        self._fresh = True
        """Whether this process has not seen the floor yet."""
        self._day = hours.day  # when the link was lost last

    def lost(self) -> None:
        """The link is gone: what was is kept to tell the next router."""
        self._day = self._hours.day
        self._on.driver.lose()

    def restore(
        self,
        floor: FloorSnapshot,
        parted: Callable[[Parting], None],
        cut: Callable[[str], None],
    ) -> None:
        """Take the PBX's list.

        Of what its restart has cut off, `parted` is told the callers known here, `cut` the
        interactions of an earlier process.
        """
        on = self._on
        now = on.clock.now()
        sorted_out = sort_out(floor, on.orders.roster)
        calling_back = self._callbacks.sort_out(sorted_out.floor)
        reserved = [leg for leg in on.legs if leg.reserved]
        floor = calling_back.floor
        roster, router = on.orders.roster, on.driver.router
        found = restore(floor, roster, on.contacts, on.legs.known(), router, now, self.past)
        gone = self._end(found, calling_back, now)
        if floor.restarted:
            for interaction in gone:
                cut(interaction)
        for offer in found.orphans:
            on.switch.cancel(offer)
        on.contacts.replace(found.contacts.values())
        on.legs.restore({**found.legs, **calling_back.legs})
        for contact in found.contacts.values():
            # What was not written yet when the last process died is written now.
            on.ledger.recovered(contact, now, fence_of(contact.carry))
        handed = self._handovers.restore(sorted_out)
        self._make_good(found, now)
        if self._fresh:
            self._fresh = False
            wraps = self.past.wraps.items()
            on.orders.wrapping |= {agent: wrap.interaction for agent, wrap in wraps}
        self._begin(found, handed, self._callbacks.arrivals(calling_back), now)
        self._cancel_unknown()
        self._callbacks.resume(calling_back, reserved)
        for offer in found.joins:
            on.orders.join(offer)
        for contact in found.gone:
            self._callbacks.incoming.gone(contact)
            if floor.restarted and (parting := of_fault(contact, now)) is not None:
                parted(parting)
        for contact in on.contacts:
            if contact.settled and contact.errand:
                on.switch.summon(contact.call)
        log.info(
            "floor restored",
            extra={
                "action": "floor_restored",
                "calls": len(on.contacts),
                "legs": len(on.legs),
                "reachable": len(floor.reachable),
            },
        )

    def _end(self, found: Restored, calling_back: Found, now: int) -> list[str]:
        """Write the end of what the PBX does not list; gives what an earlier process had there."""
        ledger = self._on.ledger
        for contact in found.gone:
            ledger.ended(contact.interaction, now, "system", failed=True)
        ended = {contact.interaction for contact in found.gone}
        unknown = ledger.unknown({*found.contacts, *calling_back.interactions})
        for interaction in unknown:
            ledger.ended(interaction, now, "system", failed=True)
        return [interaction for interaction in unknown if interaction not in ended]

    def _make_good(self, found: Restored, now: int) -> None:
        """Write the legs' rows as the PBX has them."""
        ledger, legs = self._on.ledger, self._on.legs
        hearing = self._moves.hearing()
        talks = dict.fromkeys((leg.offer for leg in legs if leg.answered), "transferred")
        talks |= {one.leg: one.consult_became for one in hearing}
        ledger.legs(talks, {*found.legs, *self._moves.by_leg}, now)
        for leg in legs:
            self._write(leg, now)
        for one in hearing:
            ledger.talking(one.interaction, one.leg, one.target.agent or None, now)

    def _write(self, leg: Leg, now: int) -> None:
        ledger, of = self._on.ledger, self._on.contacts.get(leg.interaction)
        ledger.ringing(leg.interaction, leg.queue, leg.offer, leg.agent, now)
        if leg.connected and of is not None and of.held:
            ledger.held(leg.interaction, leg.offer, leg.agent, leg.queue, now)
        elif leg.connected:
            ledger.talking(leg.interaction, leg.offer, leg.agent, now)

    def _begin(self, found: Restored, handed: list[Event], called: list[Event], now: int) -> None:
        """Tell a fresh router all that is so."""
        driver, roster = self._on.driver, self._on.orders.roster
        before = self._hours.day if driver.up else self._day
        hours = self._hours.configure(roster.hours, now, anew=True)
        config, *told = found.events
        # A day that has begun meanwhile ends the counts of the one before.
        day = () if before == self._hours.day else (DayStarted(),)
        driver.begin(roster.configuration, (config, *hours, *told, *handed, *called, *day), now)

    def _cancel_unknown(self) -> None:
        """Stop what rings though the router would not have it so."""
        legs, router = self._on.legs, self._on.driver.router
        for leg in list(legs):
            if not leg.answered and (router is None or router.offer(leg.offer) is None):
                legs.cancel(leg.offer, leg.agent)
