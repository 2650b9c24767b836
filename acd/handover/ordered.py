"""Handovers by command: hold, resume, transfer, consult, complete, cancel, conference."""

from __future__ import annotations

from acd.clock import Timer
from acd.contacts import Contact, Leg
from acd.handover.handover import Handover, HandoverRefused, Kind, Stage, Target, Way
from acd.handover.moves import Moves
from acd.router.events import Ended, HandedOver
from crm.records import SegmentKind

BY_ORDER, BY_PHONE = "order", "phone"
"""How a contact came to be held."""


class Ordered:
    """What agents order. Raises `HandoverRefused` for what cannot be, and changes nothing then."""

    def __init__(self, moves: Moves) -> None:
        self._do = moves
        self._resuming: dict[str, Timer] = {}
        """By offer: the phone has taken its caller back just now."""

    def hold(self, contact: Contact) -> None:
        """Put the caller on hold, with music."""
        leg = self._with_agent(contact)
        if contact.held:
            raise HandoverRefused("the caller is on hold already")
        self._none_under_way(contact)
        self._hold(contact, leg)

    def _hold(self, contact: Contact, leg: Leg) -> None:
        if contact.held != BY_ORDER:
            self._do.switch.hold(leg.offer, contact.call)
            self._held(contact, leg, BY_ORDER)

    def resume(self, contact: Contact) -> None:
        """Take the caller back from hold."""
        leg = self._with_agent(contact)
        self._none_under_way(contact)
        if contact.held != BY_ORDER:
            raise HandoverRefused(
                "the agent's phone holds the caller: only it can take them back"
                if contact.held
                else "the caller is not on hold"
            )
        self._take_back(contact, leg)

    def transfer(self, contact: Contact, target: Target, *, keep_place: bool = False) -> None:
        """Send the caller on, and let the agent go."""
        leg = self._with_agent(contact)
        self._none_under_way(contact)
        self._do.check(contact, target)
        self._send_on(contact, leg, target, keep_place, settled=True)
        self._do.switch.requeue(contact.call)
        self._do.switch.cancel(leg.offer)

    def consult(self, contact: Contact, target: Target) -> None:
        """Hold the caller and ring somebody to speak with."""
        leg = self._with_agent(contact)
        self._none_under_way(contact)
        if target.kind is Kind.QUEUE:
            raise HandoverRefused("a queue cannot be consulted: transfer the call to it")
        self._do.check(contact, target)
        self._hold(contact, leg)
        self._do.ring(contact, Way.CONSULT, target, leg)
        contact.stage = Way.CONSULT.value

    def complete(self, contact: Contact) -> None:
        """Give the caller to who is consulted."""
        one = self._consult(contact)
        if one.second:
            raise HandoverRefused("the agent consults by phone: transfer by the phone")
        if one.stage is Stage.RINGING:
            raise HandoverRefused("who is consulted has not answered yet")
        leg = self._with_agent(contact)
        self._do.switch.connect(one.leg, contact.call, contact.carry)
        self._handed_over(contact, leg, one)
        self._do.switch.cancel(leg.offer)

    def cancel(self, contact: Contact) -> None:
        """Let who is consulted go; the agent has the caller again."""
        self._do.drop(self._consult(contact))

    def conference(self, contact: Contact) -> None:
        """Bring the caller into the consult."""
        one = self._consult(contact)
        if one.second:
            raise HandoverRefused("the agent consults by phone: conference by the phone")
        if one.stage is not Stage.TALKING:
            raise HandoverRefused(
                "all three talk already"
                if one.stage is Stage.CONFERENCE
                else "who is consulted has not answered yet"
            )
        leg, now = self._with_agent(contact), self._do.clock.now()
        name = contact.interaction.replace("-", "")
        self._do.switch.conference(name, contact.call, (leg.offer, one.leg))
        one.stage = Stage.CONFERENCE
        contact.held, contact.stage = "", "conference"
        ledger = self._do.ledger
        ledger.ends(contact.interaction, SegmentKind.CONSULT, one.leg, "conference", now)
        ledger.talking(contact.interaction, leg.offer, leg.agent, now)
        ledger.talking(contact.interaction, one.leg, one.target.agent or None, now)

    def _with_agent(self, contact: Contact) -> Leg:
        leg = self._do.talker(contact)
        if leg is None:
            raise HandoverRefused("no agent talks with this caller")
        return leg

    def _none_under_way(self, contact: Contact) -> None:
        if (one := self._do.of(contact.interaction)) is not None:
            raise HandoverRefused(f"a {one.way.value} is under way: complete or cancel it first")

    def _consult(self, contact: Contact) -> Handover:
        one = self._do.of(contact.interaction)
        if one is None or one.way is not Way.CONSULT:
            raise HandoverRefused("nobody is consulted about this call")
        return one

    # --- what orders and phones share -----------------------------------------------------

    def _held(self, contact: Contact, leg: Leg, how: str) -> None:
        resuming = self._resuming.pop(leg.offer, None)
        if resuming is not None:
            resuming.cancel()
        contact.held = how
        now = self._do.clock.now()
        self._do.ledger.held(contact.interaction, leg.offer, leg.agent, leg.queue, now)

    def _take_back(self, contact: Contact, leg: Leg) -> None:
        """Connect the agent with the caller again; the talk goes on when that is told."""
        self._do.switch.connect(leg.offer, contact.call, contact.carry)

    def _handed_over(self, contact: Contact, leg: Leg, one: Handover) -> None:
        """Who was consulted has the caller."""
        now = self._do.clock.now()
        ended = SegmentKind.CONSULT
        self._do.ledger.ends(contact.interaction, ended, one.leg, "transferred", now)
        self._do.part(leg, "transferred")
        contact.stage = ""
        self._do.give(contact, one)
        if one.target.agent:
            self._do.feed(HandedOver(leg.interaction, leg.agent, one.target.agent, one.leg))
        else:
            self._do.feed(Ended(leg.interaction, leg.agent))

    def _send_on(
        self, contact: Contact, leg: Leg | None, target: Target, keep_place: bool, *, settled: bool
    ) -> None:
        """The caller leaves their agent for somebody else."""
        if target.kind is Kind.QUEUE:
            self._do.to_queue(contact, leg, target.name, keep_place, settled=settled)
            return
        giver = leg.agent if leg is not None else ""
        if leg is not None:
            self._do.part(leg, "transferred")
            self._do.feed(Ended(leg.interaction, leg.agent))
        one = self._do.ring(contact, Way.TRANSFER, target, None)
        one.giver = giver
        contact.stage = Way.TRANSFER.value
