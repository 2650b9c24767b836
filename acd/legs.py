"""Agents' legs: one each, from the order to ring until the PBX says that it is gone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from acd.contacts import Contact, Leg
from acd.router.events import Offer
from pbx.port import Caller, Switch

HELD = "held"
"""What the leg of one of several who ring carries."""


class Legs:
    """Rings agents' phones and keeps count of what became of it.

    A phone with one line would find itself busy if it were rung again while its last ringing is
    still being cancelled. So an agent has one leg at a time, and the next offer is held back for
    the moment that takes.
    """

    def __init__(self, switch: Switch) -> None:
        self._switch = switch
        self._by_offer: dict[str, Leg] = {}
        self._by_agent: dict[str, Leg] = {}
        self._held: dict[str, Offer] = {}

    def __len__(self) -> int:
        return len(self._by_offer)

    def __iter__(self) -> Iterator[Leg]:
        return iter(self._by_offer.values())

    def of(self, offer: str) -> Leg | None:
        """The live leg of an offer."""
        return self._by_offer.get(offer)

    def known(self) -> Mapping[str, Leg]:
        """All live legs by offer."""
        return self._by_offer

    def restore(self, legs: Mapping[str, Leg]) -> None:
        """Take the PBX's word for which legs there are."""
        self._by_offer = dict(legs)
        self._by_agent = {leg.agent: leg for leg in legs.values()}
        self._held.clear()

    def hold(self, offer: Offer) -> bool:
        """Hold an offer back if its agent's last leg is not gone yet; tells whether it was."""
        if offer.agent not in self._by_agent:
            return False
        self._held[offer.agent] = offer
        return True

    def ring(self, offer: Offer, contact: Contact, address: str, *, held: bool = False) -> None:
        """Ring. Raises `LocalProtocolError` for an address that cannot be rung.

        `held` where several ring: who answers is held until `join`.
        """
        self._switch.ring(
            offer.offer,
            address,
            contact.call,
            ring_ms=offer.ring_ms,
            caller=contact.caller,
            carry={**contact.carry, HELD: "yes"} if held else contact.carry,
            held=held,
        )
        leg = Leg(offer.offer, offer.interaction, offer.queue, offer.agent, held=held)
        self._by_offer[offer.offer] = self._by_agent[offer.agent] = leg

    def reserve(self, offer: Offer, address: str, caller: Caller, carry: Mapping[str, str]) -> None:
        """Ring an agent who is to be held for a customer. Raises as `ring`."""
        self._switch.reserve(
            offer.offer, address, ring_ms=offer.ring_ms, caller=caller, carry=carry
        )
        leg = Leg(offer.offer, offer.interaction, offer.queue, offer.agent, reserved=True)
        self._by_offer[offer.offer] = self._by_agent[offer.agent] = leg

    def adopt(self, leg: Leg) -> None:
        """Take on a leg that somebody else has rung, and that talks."""
        self._by_offer[leg.offer] = self._by_agent[leg.agent] = leg

    def join(self, offer: str) -> None:
        """Connect a held leg, which has answered first, with its caller."""
        self._switch.join(offer)

    def cancel(self, offer: str, agent: str) -> Leg | None:
        """Stop ringing; gives the leg that is to end, None if it never rang."""
        held = self._held.get(agent)
        if held is not None and held.offer == offer:
            del self._held[agent]
            return None
        leg = self._by_offer.get(offer)
        if leg is not None:
            leg.cancelled = True
            self._switch.cancel(offer)
        return leg

    def ended(self, offer: str) -> tuple[Leg, Offer | None] | None:
        """A leg is gone: gives it, and the offer that was held back for its agent."""
        leg = self._by_offer.pop(offer, None)
        if leg is None:
            return None
        if self._by_agent.get(leg.agent) is leg:
            del self._by_agent[leg.agent]
        return leg, self._held.pop(leg.agent, None)
