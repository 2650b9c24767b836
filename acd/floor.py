"""The floor: drives the router with what happens, and the switch with what it decides.

Everything here is synchronous and runs on one event loop: an event from the PBX, a flow or an
agent becomes a router event, the router's decisions become orders to the switch, all in one turn.
Nothing waits for the database: rows go to the write-behind `Ledger`, events to the journal.

The PBX is the truth about which calls exist. While its link is down there is no router; when it
is back a fresh one is built from the PBX's own list (`acd.restore`), so a restart of this process
and a break of the link are the same thing.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Mapping
from typing import Any

from acd.clock import Clock, Timer
from acd.contacts import Contact, Leg
from acd.ledger import Ledger
from acd.legs import Legs
from acd.restore import Restored, restore
from acd.roster import Roster
from acd.router import Router
from acd.router.events import (
    AgentMoved,
    AgentReachable,
    AgentWants,
    Arrived,
    Batch,
    CancelOffer,
    ConfigChanged,
    Decision,
    Ended,
    Event,
    Failure,
    LeaveReason,
    Left,
    Offer,
    OfferAccepted,
    OfferFailed,
    Presence,
    TimePassed,
    Wanted,
    WrapUpDone,
)
from acd.status import agent_view, call_view, queue_view
from pbx.errors import LocalProtocolError
from pbx.port import (
    CallEnded,
    Cause,
    DeviceChanged,
    FloorSnapshot,
    LegAnswered,
    LegConnected,
    LegEnded,
    LegRinging,
    Switch,
    SwitchBack,
    SwitchEvent,
    SwitchLost,
)

log = logging.getLogger(__name__)

FAILURES = {
    Cause.NO_ANSWER: Failure.NO_ANSWER,
    Cause.BUSY: Failure.BUSY,
    Cause.REJECTED: Failure.DECLINED,
    Cause.UNREACHABLE: Failure.UNREACHABLE,
}


class Floor:
    """All live interactions, and who rings next.

    `epoch` names this run of the service; offers and the journal are numbered within it.
    """

    def __init__(
        self,
        switch: Switch,
        ledger: Ledger,
        clock: Clock,
        roster: Roster,
        *,
        epoch: str,
    ) -> None:
        self._switch = switch
        self._ledger = ledger
        self._clock = clock
        self._roster = roster
        self._epoch = epoch
        self._restores = 0
        self._seq = 0
        self._router: Router | None = None
        """The one that routes, or that routed until the link was lost."""
        self._up = False
        self._inbox: deque[tuple[Event, int]] = deque()
        self._deciding = False
        self._timer: Timer | None = None
        self._contacts: dict[str, Contact] = {}
        self._by_call: dict[str, Contact] = {}
        self._legs = Legs(switch)
        self._wrapping: dict[str, str] = {}
        self._reachable: frozenset[str] = frozenset()

    # --- what flows and people do -----------------------------------------------------------

    @property
    def switch_up(self) -> bool:
        """Whether the switch tells what happens."""
        return self._up

    def contact(self, interaction: str) -> Contact | None:
        """A live interaction."""
        return self._contacts.get(interaction)

    def contact_of(self, call: str) -> Contact | None:
        """The live interaction that a call belongs to."""
        return self._by_call.get(call)

    def opened(self, contact: Contact) -> None:
        """A call has come in as this interaction."""
        self._contacts[contact.interaction] = contact
        self._by_call[contact.call] = contact

    def arrive(self, contact: Contact, queue: str) -> Mapping[str, str]:
        """A call's flow puts it in line; gives what the call must carry to keep its place.

        The offer goes out before this returns, if an agent is free. Raises KeyError for a queue
        that is not configured.
        """
        if self._roster.queue(queue) is None:
            raise KeyError(queue)
        now = self._clock.now()
        contact.queue, contact.entered, contact.answered = queue, now, False
        facts = {"interaction": contact.interaction, "queue": queue, "entered": str(now)}
        contact.carry.update(facts)
        self._ledger.queued(contact.interaction, queue, now)
        self._feed(Arrived(contact.interaction, queue, now), now)
        return facts

    def leave(self, contact: Contact) -> bool:
        """A waiting call leaves its queue for its flow; False if an agent has answered it."""
        if not contact.in_line or any(
            leg.interaction == contact.interaction and leg.answered for leg in self._legs
        ):
            return False
        now = self._clock.now()
        contact.queue = ""
        self._ledger.left_queue(contact.interaction, now)
        self._feed(Left(contact.interaction, LeaveReason.OVERFLOWED), now)
        return True

    def rejoin(self, contact: Contact) -> None:
        """A call that waits, but is not known here, comes back to the place that it carries."""
        self.opened(contact)
        now = self._clock.now()
        self._feed(Arrived(contact.interaction, contact.queue, contact.entered), now)

    def agent_wants(self, agent: str, wanted: Wanted, reason: str = "") -> None:
        """An agent logs in or out, pauses or resumes. Raises KeyError for an unknown agent."""
        self._roster.want(agent, wanted, reason)
        now = self._clock.now()
        self._ledger.presence(agent, wanted, reason, now)
        self._feed(AgentWants(agent, wanted, reason), now)

    def wrap_up_done(self, agent: str) -> None:
        """An agent is done before the wrap-up time is over."""
        self._feed(WrapUpDone(agent), self._clock.now())

    def configure(self, roster: Roster) -> None:
        """Take a new configuration; it holds at once, also for those who wait.

        Presence that the floor knows of goes before what was loaded with the configuration.
        """
        known = dict(self._roster.presences())
        self._roster = roster
        events: list[Event] = [ConfigChanged(roster.configuration)]
        for agent, (wanted, reason) in roster.presences():
            if agent in known:
                roster.want(agent, *known[agent])
            else:
                events.append(AgentReachable(agent, self._is_reachable(agent)))
                events.append(AgentWants(agent, wanted, reason))
        self._feed(Batch(tuple(events)), self._clock.now())

    # --- what the PBX tells -----------------------------------------------------------------

    def event(self, event: SwitchEvent) -> None:
        """Take an event of the switch. Events that no longer matter are ignored."""
        match event:
            case CallEnded():
                self._call_ended(event)
            case LegAnswered(offer):
                self._leg_answered(offer)
            case LegConnected(offer):
                self._leg_connected(offer)
            case LegEnded(offer, cause):
                self._leg_ended(offer, cause)
            case DeviceChanged(address, reachable):
                self._device_changed(address, reachable)
            case SwitchLost(why):
                log.warning("switch lost", extra={"action": "switch_lost", "why": why})
                self._up = False
                self._arm()
            case SwitchBack(floor):
                self._restore(floor)
            case LegRinging():
                pass

    def _call_ended(self, event: CallEnded) -> None:
        contact = self._by_call.pop(event.call, None)
        if contact is None:
            return
        now = self._clock.now()
        del self._contacts[contact.interaction]
        # The two legs' ends race each other: the agent's may not have been told yet.
        by_agent = contact.agent_left or contact.talking_to
        by = "customer" if event.by_caller else "agent" if by_agent else "system"
        self._ledger.ended(contact.interaction, now, by)
        if contact.in_line:
            self._feed(Left(contact.interaction, LeaveReason.ABANDONED), now)

    def _leg_answered(self, offer: str) -> None:
        leg = self._legs.of(offer)
        if leg is None or leg.cancelled or leg.answered:
            return
        leg.answered = True
        self._feed(OfferAccepted(offer), self._clock.now())

    def _leg_connected(self, offer: str) -> None:
        leg = self._legs.of(offer)
        if leg is None or leg.connected:
            return
        self._leg_answered(offer)
        leg.connected = True
        contact = self._contacts.get(leg.interaction)
        if contact is not None:
            contact.answered, contact.talking_to = True, leg.agent
            self._ledger.talking(leg.interaction, offer, leg.agent, self._clock.now())

    def _leg_ended(self, offer: str, cause: Cause) -> None:
        ended = self._legs.ended(offer)
        if ended is None:
            return
        leg, held = ended
        now = self._clock.now()
        if leg.answered:
            self._talk_ended(leg, now)
        elif not leg.cancelled:
            failure = FAILURES.get(cause, Failure.FAILED)
            self._ledger.offer_over(leg.interaction, offer, failure.value, now)
            self._feed(OfferFailed(offer, failure), now)
        if held is not None:
            self._ring(held, now)

    def _talk_ended(self, leg: Leg, now: int) -> None:
        contact = self._contacts.get(leg.interaction)
        queue = self._roster.queue(leg.queue)
        if leg.connected and queue is not None and queue.wrap_up_ms:
            self._wrapping[leg.agent] = leg.interaction
            self._ledger.wrapping_up(leg.interaction, leg.queue, leg.agent, now)
        self._ledger.talk_over(leg.interaction, leg.offer, now)
        if contact is not None:
            contact.talking_to = ""
            contact.agent_left = leg.connected
        self._feed(Ended(leg.interaction, leg.agent), now)
        if contact is not None and not leg.connected:
            # The agent picked up and was gone before the caller was there: the caller still
            # waits, and goes on at their place.
            self._feed(Arrived(leg.interaction, contact.queue, contact.entered), now)

    def _device_changed(self, address: str, reachable: bool) -> None:
        if reachable:
            self._reachable |= {address}
        else:
            self._reachable -= {address}
        agent = self._roster.agent_at(address)
        if agent is not None:
            self._feed(AgentReachable(agent, reachable), self._clock.now())

    def _is_reachable(self, agent: str) -> bool:
        return self._roster.address(agent) in self._reachable

    # --- the router -------------------------------------------------------------------------

    def _feed(self, event: Event, now: int) -> None:
        """Tell the router, and do what it decides.

        What doing so tells it again, such as a ring that cannot be made, comes after.
        """
        if not self._up:
            return  # the PBX's list tells all of it when the link is back
        self._inbox.append((event, now))
        if self._deciding:
            return
        self._deciding = True
        try:
            while self._inbox and self._router is not None:
                event, now = self._inbox.popleft()
                decisions = self._router.handle(event, now)
                self._journal(event, decisions, now)
                self._act(decisions, now)
        finally:
            self._deciding = False
        self._arm()

    def _journal(self, event: Event, decisions: list[Decision], now: int) -> None:
        self._seq += 1
        version = self._roster.configuration.version
        self._ledger.journal(self._router_epoch, self._seq, now, version, event, decisions)

    @property
    def _router_epoch(self) -> str:
        return f"{self._epoch}.{self._restores}"

    def _act(self, decisions: list[Decision], now: int) -> None:
        for decision in decisions:
            match decision:
                case Offer():
                    if not self._legs.hold(decision):
                        self._ring(decision, now)
                case CancelOffer():
                    self._cancel(decision, now)
                case AgentMoved():
                    self._moved(decision, now)

    def _ring(self, offer: Offer, now: int) -> None:
        contact = self._contacts.get(offer.interaction)
        try:
            if contact is None:
                raise LocalProtocolError("its call is not known")
            self._legs.ring(offer, contact, self._roster.address(offer.agent))
        except LocalProtocolError as refusal:
            log.error("no ring: %s", refusal, extra={"action": "ring", "offer": offer.offer})  # noqa: TRY400
            self._feed(OfferFailed(offer.offer, Failure.FAILED), now)
        else:
            self._ledger.ringing(offer.interaction, offer.queue, offer.offer, offer.agent, now)

    def _cancel(self, decision: CancelOffer, now: int) -> None:
        leg = self._legs.cancel(decision.offer, decision.agent)
        if leg is not None:
            self._ledger.offer_over(leg.interaction, leg.offer, "cancelled", now)

    def _moved(self, moved: AgentMoved, now: int) -> None:
        if moved.presence is not Presence.WRAP_UP:
            wrapped = self._wrapping.pop(moved.agent, None)
            if wrapped is not None:
                self._ledger.wrapped_up(wrapped, moved.agent, now)
        if moved.presence is Presence.PAUSED and moved.until is None:
            wanted, _ = self._roster.presence(moved.agent)
            if wanted is not Wanted.PAUSED:  # the router paused them (no answer): keep it so
                self._roster.want(moved.agent, Wanted.PAUSED, moved.reason)
                self._ledger.presence(moved.agent, Wanted.PAUSED, moved.reason, now)

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        router = self._router
        if self._up and router is not None and router.deadline is not None:
            self._timer = self._clock.at(router.deadline, self._time_passed)

    def _time_passed(self) -> None:
        self._timer = None
        self._feed(TimePassed(), self._clock.now())

    # --- after the link, or this process, was away ------------------------------------------

    def _restore(self, floor: FloorSnapshot) -> None:
        now = self._clock.now()
        self._restores += 1
        self._seq = 0
        self._reachable = floor.reachable
        found: Restored = restore(
            floor, self._roster, self._contacts, self._legs.known(), self._router, now
        )
        for contact in found.gone:
            self._ledger.ended(contact.interaction, now, "system", failed=True)
        for interaction in self._ledger.unknown(found.contacts):
            self._ledger.ended(interaction, now, "system", failed=True)
        for offer in found.orphans:
            self._switch.cancel(offer)
        self._contacts = found.contacts
        self._legs.restore(found.legs)
        self._by_call = {contact.call: contact for contact in found.contacts.values()}
        for contact in found.contacts.values():
            # What was not written yet when the last process died is written now.
            self._ledger.recovered(contact, now)
        for leg in self._legs:
            self._ledger.ringing(leg.interaction, leg.queue, leg.offer, leg.agent, now)
            if leg.connected:
                self._ledger.talking(leg.interaction, leg.offer, leg.agent, now)
        self._router = Router(self._roster.configuration, self._router_epoch)
        self._up = True
        self._feed(Batch(found.events), now)
        log.info(
            "floor restored",
            extra={
                "action": "floor_restored",
                "calls": len(self._contacts),
                "legs": len(self._legs),
                "reachable": len(floor.reachable),
            },
        )

    # --- views ------------------------------------------------------------------------------

    def status(self) -> dict[str, Any]:
        """The floor as JSON-able data: agents, queues with who waits, calls."""
        router = self._router if self._up else None
        roster, now = self._roster, self._clock.now()
        return {
            "switch_up": self._up,
            "agents": [
                agent_view(agent, roster, router, self._is_reachable(agent), now)
                for agent in roster.agents()
            ],
            "queues": [queue_view(name, router, now) for name in roster.queues()],
            "calls": [call_view(contact) for contact in self._contacts.values()],
            "legs": len(self._legs),
        }
