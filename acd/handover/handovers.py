"""Handovers: what agents order, what their phones do, and what becomes of it."""

from __future__ import annotations

from collections.abc import Iterable

from acd.contacts import Contact, Leg
from acd.handover.found import Found
from acd.handover.handover import Handover, HandoverRefused, Kind, Stage, Target, Way
from acd.handover.moves import Moves
from acd.handover.ordered import BY_ORDER, BY_PHONE, Ordered
from acd.router.events import (
    Adopted,
    AgentBusy,
    AgentFreeAgain,
    Batch,
    Ended,
    Event,
    Failure,
    HandedOver,
    Presence,
    WrapUpDone,
)
from acd.talks import FAILURES
from crm.records import SegmentKind
from pbx.port import (
    CallEnded,
    Cause,
    LegAnswered,
    LegConnected,
    LegEnded,
    LegHandsOver,
    LegHolds,
    LegRefers,
    LegResumes,
    LegRinging,
    SwitchEvent,
)

SETTLE_MS = 100
"""A phone that transfers takes its call back from hold just before: one resumed for less than this
counts as held throughout."""


class Handovers(Ordered):
    """All handovers under way: those ordered, and those that phones make."""

    def __init__(self, moves: Moves) -> None:
        super().__init__(moves)
        self._referring: set[str] = set()
        """The offers of legs whose phones have sent their callers on."""
        self._gave: dict[str, str] = {}
        """By interaction: who has sent the caller on, and is gone before it was decided."""

    # --- what agents' phones do -------------------------------------------------------------

    def check(self, contact: Contact, target: Target) -> None:
        """Refuse what a phone asks for, if it cannot be done now."""
        self._none_under_way(contact)
        self._do.check(contact, target)

    def referred(self, contact: Contact, target: Target) -> None:
        """An agent's phone has sent the caller on (blind), and was told that it is done.

        Whoever cannot be rung any more by now gives the caller back to their queue.
        """
        leg = self._do.talker(contact)
        try:
            self.check(contact, target)
        except HandoverRefused:
            if leg is not None:
                self._do.part(leg, "transferred")
                self._do.feed(Ended(leg.interaction, leg.agent))
            self._do.back_in_line(contact)
        else:
            self._send_on(contact, leg, target, keep_place=False, settled=False)
            one = self._do.of(contact.interaction)
            if one is not None and leg is None:
                one.giver = self._gave.get(contact.interaction, "")
        self._gave.pop(contact.interaction, None)
        if leg is not None:
            self._do.switch.cancel(leg.offer)

    def give_back(self, contact: Contact) -> None:
        """A transfer by phone is refused: the talk goes on."""
        leg = self._do.talker(contact)
        if leg is not None:
            self._referring.discard(leg.offer)
            self._do.switch.connect(leg.offer, contact.call, contact.carry)
        else:
            self._do.switch.release(contact.call)

    def second(self, contact: Contact, call: str, target: Target) -> str:
        """An agent's phone calls somebody else while it has a caller; gives its leg's offer."""
        leg = self._with_agent(contact)
        self._none_under_way(contact)
        self._do.check(contact, target)
        if target.kind is Kind.QUEUE:
            # Nobody is rung: the caller enters the queue once they are handed over.
            one = Handover(f"{call}.q", contact.interaction, Way.CONSULT, target, leg.offer)
            one.giver, one.second = leg.agent, call
            self._do.by_leg[one.leg] = one
        else:
            self._do.ring(contact, Way.CONSULT, target, leg, second=call)
        contact.stage = Way.CONSULT.value
        return leg.offer

    def knows_second(self, call: str) -> bool:
        """Whether a call is the second of an agent's phone."""
        return self._of_second(call) is not None

    def _of_second(self, call: str) -> Handover | None:
        return next((one for one in self._do.by_leg.values() if one.second == call), None)

    # --- what the PBX tells -----------------------------------------------------------------

    def event(self, event: SwitchEvent) -> bool:
        """Take an event; return whether it was about a handover alone."""
        match event:
            case CallEnded(call):
                return self._call_ended(call)
            case LegRinging(offer) | LegAnswered(offer):
                return offer in self._do.by_leg
            case LegConnected(offer):
                return self._connected(offer)
            case LegEnded(offer, cause):
                return self._leg_ended(offer, cause)
            case LegHolds(offer):
                if (known := self._talk(offer)) is not None and not known[0].held:
                    self._held(*known, BY_PHONE)
            case LegResumes(offer):
                if (known := self._talk(offer)) is not None and known[0].held == BY_PHONE:
                    self._phone_resumes(*known)
            case LegHandsOver(offer, second):
                self._hands_over(offer, second)
            case LegRefers(offer):
                self._referring.add(offer)
            case _:
                return False
        return True

    def _talk(self, offer: str) -> tuple[Contact, Leg] | None:
        leg = self._do.legs.of(offer)
        contact = self._do.contacts.get(leg.interaction) if leg is not None else None
        if leg is None or contact is None or leg.cancelled or not leg.connected:
            return None
        return contact, leg

    def _phone_resumes(self, contact: Contact, leg: Leg) -> None:
        now = self._do.clock.now()

        def settled() -> None:
            self._resuming.pop(leg.offer, None)
            if not leg.cancelled and contact.held == BY_PHONE:
                contact.held = ""
                self._do.ledger.talking(contact.interaction, leg.offer, leg.agent, now)

        self._resuming[leg.offer] = self._do.clock.at(now + SETTLE_MS, settled)

    def _connected(self, offer: str) -> bool:
        one = self._do.by_leg.get(offer)
        if one is None:
            known = self._talk(offer)
            if known is not None and known[0].held == BY_ORDER:
                contact, leg = known
                if self._do.of(contact.interaction) is None:
                    contact.held = ""
                    now = self._do.clock.now()
                    self._do.ledger.talking(contact.interaction, offer, leg.agent, now)
            return False
        if one.stage is not Stage.RINGING:
            return True
        contact_ = self._do.contacts.get(one.interaction)
        if contact_ is None:
            self._do.drop(one)
        elif one.way is Way.CONSULT:
            one.stage = Stage.TALKING
        else:
            self._arrived(contact_, one)
        return True

    def _arrived(self, contact: Contact, one: Handover) -> None:
        """Who was rung has the caller, whose agent is gone already."""
        now = self._do.clock.now()
        self._do.ledger.ends(contact.interaction, SegmentKind.TRANSFER, one.leg, "answered", now)
        contact.stage = ""
        self._do.give(contact, one)
        if one.target.agent:
            adopted = Adopted(
                contact.interaction,
                contact.queue,
                contact.entered,
                one.target.agent,
                one.leg,
                answered=True,
            )
            self._do.feed(Batch((AgentFreeAgain(one.target.agent, one.leg), adopted)))

    def _hands_over(self, offer: str, second: str) -> None:
        """An agent's phone has joined its two calls."""
        one, known = self._of_second(second), self._talk(offer)
        if one is None or known is None:
            return
        contact, leg = known
        one.second = ""
        # Of the second call's variables some stay with the caller.
        self._do.switch.carry(contact.call, contact.carry)
        if one.target.kind is Kind.QUEUE:
            del self._do.by_leg[one.leg]
            contact.stage = ""
            self._do.to_queue(contact, leg, one.target.name, keep_place=False, settled=True)
        elif one.stage is Stage.TALKING:
            self._handed_over(contact, leg, one)
        else:
            now, ledger = self._do.clock.now(), self._do.ledger
            one.way, one.by = Way.TRANSFER, ""
            self._do.switch.aim(one.leg, contact.call, one.carries(contact.carry))
            ledger.ends(contact.interaction, SegmentKind.CONSULT, one.leg, "transferred", now)
            self._do.part(leg, "transferred")
            contact.stage = Way.TRANSFER.value
            agent = one.target.agent
            ledger.begins(
                contact.interaction, SegmentKind.TRANSFER, now, agent=agent, offer=one.leg
            )
            self._do.feed(Ended(leg.interaction, leg.agent))

    # --- ends -------------------------------------------------------------------------------

    def _call_ended(self, call: str) -> bool:
        one = self._of_second(call)
        if one is not None:
            one.second = ""
            if one.target.kind is Kind.QUEUE:
                self._forget(one)
            elif one.stage is Stage.RINGING:
                self._do.drop(one)
            return True
        contact = self._do.contacts.of_call(call)
        if contact is None:
            return False
        self._gave.pop(contact.interaction, None)
        leg = self._do.talker(contact)
        one = self._do.of(contact.interaction)
        if one is not None and one.second:
            self._do.switch.release(one.second)
        if one is not None:
            self._do.drop(one)
        if leg is not None and (contact.held == BY_ORDER or one is not None):
            self._do.switch.cancel(leg.offer)
        return False

    def _leg_ended(self, offer: str, cause: Cause) -> bool:
        one = self._do.by_leg.pop(offer, None)
        if one is not None:
            self._over(one, FAILURES.get(cause, Failure.FAILED))
            return True
        leg = self._do.legs.of(offer)
        resuming = self._resuming.pop(offer, None)
        if resuming is not None:
            resuming.cancel()
        known = self._talk(offer)
        if leg is None or known is None or known[0].talking_to != leg.agent:
            return False
        self._giver_gone(*known)
        self._referring.discard(offer)
        return False

    def _giver_gone(self, contact: Contact, leg: Leg) -> None:
        """The agent who has the caller has hung up."""
        one = self._do.of(contact.interaction)
        if leg.offer in self._referring:
            self._gave[contact.interaction] = leg.agent
            self._do.part(leg, "transferred")
            self._do.feed(Ended(leg.interaction, leg.agent))
            return
        if one is not None and one.stage is Stage.CONFERENCE:
            self._do.part(leg, "ended")
            contact.stage = ""
            self._do.give(contact, one)
            if one.target.agent:
                self._do.feed(HandedOver(leg.interaction, leg.agent, one.target.agent, one.leg))
            else:
                self._do.feed(Ended(leg.interaction, leg.agent))
            return
        if one is not None:
            if one.second:
                self._do.switch.release(one.second)
            self._do.drop(one)
        if contact.held == BY_ORDER:
            self._do.switch.release(contact.call)
        contact.held = contact.stage = ""

    def _over(self, one: Handover, failure: Failure) -> None:
        """The leg that was rung is gone."""
        contact, now = self._do.contacts.get(one.interaction), self._do.clock.now()
        stage, ledger = one.stage, self._do.ledger
        if stage is Stage.OUTSIDE:
            ledger.talk_over(one.interaction, one.leg, now)
            if contact is not None:
                contact.agent_left = True
            return
        if stage is Stage.CONFERENCE:
            agent = one.target.agent
            wrap_up_ms = self._do.wrap_up(one.interaction, one.queue, agent, now)
            ledger.talk_over(one.interaction, one.leg, now)
            self._do.free(one, None, wrap_up_ms)
            if contact is not None:
                contact.stage = ""
            return
        rung_in_vain = stage is Stage.RINGING
        outcome = failure.value if rung_in_vain else "cancelled"
        if stage is Stage.TALKING:
            outcome = "ended"
        kind = SegmentKind.CONSULT if one.way is Way.CONSULT else SegmentKind.TRANSFER
        # A consult that became a conference has no such segment any more, but a talk.
        ledger.ends(one.interaction, kind, one.leg, outcome, now)
        ledger.talk_over(one.interaction, one.leg, now)
        self._do.free(one, failure if rung_in_vain else None)
        if contact is None:
            return
        contact.stage = ""
        if one.way is Way.CONSULT:
            self._back_from_consult(contact, one, rung_in_vain)
        elif one.way is Way.TRANSFER and self._can_recall(one.giver, contact):
            self._recall(contact, one.giver)
        else:
            self._do.back_in_line(contact)

    def _back_from_consult(self, contact: Contact, one: Handover, rung_in_vain: bool) -> None:
        leg = self._do.talker(contact)
        if one.second:
            if rung_in_vain:
                self._do.switch.release(one.second)
        elif leg is not None and contact.held == BY_ORDER:
            self._take_back(contact, leg)

    def _can_recall(self, agent: str, contact: Contact) -> bool:
        router = self._do.driver.router
        view = router.agent(agent) if router is not None and agent else None
        if view is None or not view.reachable:
            return False
        if view.presence is Presence.WRAP_UP:
            return contact.interaction in view.wrapping_up
        return view.presence is Presence.AVAILABLE

    def _recall(self, contact: Contact, agent: str) -> None:
        """Ring the agent who sent the caller on in vain."""
        self._do.feed(WrapUpDone(agent, contact.interaction))
        address = self._do.orders.roster.address(agent)
        self._do.ring(contact, Way.RECALL, Target(Kind.AGENT, agent, address), None)
        contact.stage = Way.RECALL.value

    def _forget(self, one: Handover) -> None:
        self._do.by_leg.pop(one.leg, None)
        contact = self._do.contacts.get(one.interaction)
        if contact is not None:
            contact.stage = ""

    # --- after the link, or this process, was away ------------------------------------------

    def restore(self, found: Found) -> list[Event]:
        """Take up what the PBX lists; gives what the router is to be told."""
        for timer in self._resuming.values():
            timer.cancel()
        self._resuming.clear()
        self._referring.clear()
        self._gave.clear()
        self._do.by_leg = {one.leg: one for one in found.handovers}
        for offer in found.lost:
            self._do.switch.cancel(offer)
        for contact in self._do.contacts:
            by_phone = contact.interaction in found.held_by_phone
            contact.held = BY_ORDER if contact.interaction in found.held else ""
            contact.held = contact.held or (BY_PHONE if by_phone else "")
            contact.stage = ""
        return list(self._taken_up(found.handovers))

    def _taken_up(self, handovers: Iterable[Handover]) -> Iterable[Event]:
        for one in handovers:
            contact = self._do.contacts.get(one.interaction)
            leg = self._do.legs.of(one.by)
            one.giver = leg.agent if leg is not None else ""
            if contact is None:
                self._do.drop(one)
                continue
            one.queue = contact.queue
            if one.way is not Way.CONSULT:
                contact.answered = True
            if one.stage is not Stage.OUTSIDE:
                conference = one.stage is Stage.CONFERENCE
                contact.stage = one.stage.value if conference else one.way.value
            if one.target.agent:
                yield AgentBusy(one.target.agent, one.leg)
