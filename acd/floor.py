"""The floor: what flows, people and the PBX do becomes events of the router.

Everything here is synchronous and runs on one event loop: an event from the PBX, a flow or an
agent becomes a router event (`acd.driver`), the router's decisions become orders to the switch
(`acd.orders`), all in one turn. Nothing waits for the database: rows go to the write-behind
`Ledger`, events to the journal.

The PBX is the truth about which calls exist. While its link is down there is no router; when it
is back a fresh one is built from the PBX's own list (`acd.restorer`), so a restart of this process
and a break of the link are the same thing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, tzinfo
from typing import Any

from acd import status
from acd.calling_back import CallingBack
from acd.clock import Clock
from acd.contacts import Contact, Contacts, Errand
from acd.driver import Driver
from acd.estimates import Waits
from acd.estimates.announcer import MINUTE_MS
from acd.handover import Handovers
from acd.handover.moves import Moves
from acd.hours import Hours
from acd.ledger import Ledger
from acd.legs import Legs
from acd.orders import Orders
from acd.partings import Parting, of_end
from acd.parts import Parts
from acd.places import facts, is_plain
from acd.restore import Past
from acd.restorer import Restorer
from acd.roster import Roster
from acd.router.check import check
from acd.router.events import (
    AgentBusy,
    AgentFreeAgain,
    AgentReachable,
    AgentWants,
    Arrived,
    Batch,
    ConfigChanged,
    Event,
    LeaveReason,
    Left,
    Wanted,
    WrapUpDone,
)
from acd.talks import Talks
from pbx.port import (
    CallEnded,
    DeviceChanged,
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

FEATURE_MS = 10 * MINUTE_MS
"""No call to a feature code lasts so long."""
HUNG_UP_MS = 2_000
"""One that we have hung up is over by then, though its end was told before its beginning."""


class Floor:
    """All live interactions, and who rings next.

    `epoch` names this run of the service; `past` is what the last one left written, `zone`
    that of the floor's day.
    """

    def __init__(
        self,
        switch: Switch,
        ledger: Ledger,
        clock: Clock,
        roster: Roster,
        *,
        epoch: str,
        past: Past | None = None,
        zone: tzinfo = UTC,
    ) -> None:
        self._switch = switch
        self._ledger = ledger
        self._clock = clock
        self._roster = roster
        self._contacts = Contacts()
        self._legs = Legs(switch)
        self._reachable: frozenset[str] = frozenset()
        self._dialling: dict[str, tuple[str, int]] = {}
        """Agents by the call in which they dial a feature code, and until when at most."""
        self._orders = Orders(switch, ledger, self._contacts, self._legs, roster, self._feed)
        self._driver = Driver(ledger, clock, self._orders.act, epoch)
        parts = Parts(switch, ledger, clock, self._contacts, self._legs, self._orders, self._driver)
        self._talks = Talks(parts)
        self._moves = Moves(parts)
        self.handovers = Handovers(self._moves)
        self.callbacks = self._orders.callbacks = CallingBack(parts)
        self._hours = Hours(clock, self._feed, zone)
        self._restorer = Restorer(
            parts, self._moves, self.handovers, self.callbacks, self._hours, past or Past()
        )
        self._waits: Waits | None = None
        self.parted: Callable[[Parting], None] = lambda _parting: None
        """Told of callers who hung up in line, or were cut off."""
        self.cut: Callable[[str], None] = lambda _interaction: None
        """Told of interactions of an earlier process that the PBX has cut."""

    def _feed(self, event: Event, now: int) -> None:
        self._driver.feed(event, now)

    def estimate(self, waits: Waits) -> None:
        """Have waits estimated from here on."""
        self._waits, self._driver.watch = waits, waits.turn

    # --- what flows and people do -----------------------------------------------------------

    @property
    def switch_up(self) -> bool:
        """Whether the switch tells what happens."""
        return self._driver.up

    def contacts(self) -> Iterator[Contact]:
        """All live interactions."""
        return iter(self._contacts)

    def contact(self, interaction: str) -> Contact | None:
        """A live interaction."""
        return self._contacts.get(interaction)

    def contact_of(self, call: str) -> Contact | None:
        """The live interaction that a call belongs to."""
        return self._contacts.of_call(call)

    def contact_with(self, agent: str) -> Contact | None:
        """The live interaction that an agent talks with."""
        return next((one for one in self._contacts if one.talking_to == agent != ""), None)

    def recall(self, interaction: str, carried: Mapping[str, str]) -> Arrived | None:
        """What brings a call that is not known here back to its place; None if it has none."""
        return self._restorer.past.place(interaction, carried, self._clock.now())

    def opened(self, contact: Contact) -> None:
        """A call has come in as this interaction."""
        self._contacts.add(contact)

    def arrive(self, contact: Contact, arrived: Arrived) -> Mapping[str, str]:
        """A call's flow puts it in line; gives what the call must carry to keep its place.

        `arrived.entered` is set here. The offer goes out before this returns, if an agent is free.
        If the queue does not take the caller, `contact.errand.exit` tells why. Raises KeyError for
        a queue that is not configured.
        """
        if self._roster.queue(arrived.queue) is None:
            raise KeyError(arrived.queue)
        now = self._clock.now()
        # A callback that waits there is this caller's: they take its place, if they may come in.
        shut = self._driver.router is not None and self._driver.router.shut(arrived.queue)
        kept = None if shut else self.callbacks.called_again(contact, arrived.queue)
        arrived = contact.arrival = kept or replace(arrived, entered=now, began=now)
        contact.answered = contact.settled = False
        contact.errand = Errand()
        self._ledger.queued(contact.interaction, arrived.queue, now)
        if not is_plain(arrived):
            self._ledger.place(replace(arrived, rejoins=True), now)
        before = dict(contact.carry)
        contact.carry.update(facts(arrived, before))
        self._feed(arrived, now)
        return facts(contact.arrival or arrived, before)

    def settled(self, contact: Contact, carried: Mapping[str, str]) -> None:
        """The PBX holds the call in the wait now; what was decided meanwhile is made up for."""
        place = {} if contact.arrival is None else facts(contact.arrival, carried)
        contact.carry.update(carried)
        contact.settled = True
        if any(carried.get(fact, "") != value for fact, value in place.items()):
            self._orders.carry(contact)
        if contact.errand:
            self._switch.summon(contact.call)

    def exit(self, contact: Contact) -> str:
        """Take the reason for which a caller is to wait no more; empty if they wait on."""
        reason, contact.errand.exit = contact.errand.exit, ""
        if reason:
            contact.settled = False
        return reason

    def in_flow(self, contact: Contact) -> None:
        """A call is in its flow, again or still: it neither waits nor talks."""
        contact.arrival, contact.answered, contact.settled = None, False, False

    def leave(self, contact: Contact) -> bool:
        """A waiting call leaves its queue for its flow; False if an agent has answered it."""
        if not contact.in_line or self._is_answered(contact):
            return False
        now = self._clock.now()
        router = self._driver.router
        contact.left = (router.kept(contact.interaction) if router else None) or contact.arrival
        contact.arrival, contact.settled, contact.errand = None, False, Errand()
        self._ledger.left_queue(contact.interaction, now)
        self._feed(Left(contact.interaction, LeaveReason.OVERFLOWED), now)
        return True

    def step_aside(self, contact: Contact) -> bool:
        """Offer a waiting caller to nobody while something is promised to them.

        `step_back` or `called_back` follows. False if an agent has answered.
        """
        if not contact.in_line or self._is_answered(contact):
            return False
        router = self._driver.router
        contact.arrival = (router.kept(contact.interaction) if router else None) or contact.arrival
        self._feed(Left(contact.interaction, LeaveReason.CALLED_BACK), self._clock.now())
        return True

    def step_back(self, contact: Contact) -> None:
        """The caller goes on waiting, at their place, if they are still there."""
        if self._contacts.get(contact.interaction) is contact:
            self._feed(contact.rejoining(), self._clock.now())

    def called_back(self, contact: Contact) -> None:
        """The caller has been promised a callback, and waits no more."""
        now = self._clock.now()
        contact.arrival, contact.settled, contact.errand = None, False, Errand()
        self._ledger.called_back(contact.interaction, now)
        self._feed(Left(contact.interaction, LeaveReason.CALLED_BACK), now)

    def _is_answered(self, contact: Contact) -> bool:
        return any(
            leg.interaction == contact.interaction and leg.answered and not leg.cancelled
            for leg in self._legs
        )

    def rejoin(self, contact: Contact) -> None:
        """A call that waits, but is not known here, comes back to the place that it carries."""
        self.opened(contact)
        if contact.arrival is not None:
            contact.settled = True
            self._feed(contact.rejoining(), self._clock.now())

    def agent_wants(self, agent: str, wanted: Wanted, reason: str = "") -> None:
        """An agent logs in or out, pauses or resumes. Raises KeyError for an unknown agent."""
        self._roster.want(agent, wanted, reason)
        now = self._clock.now()
        self._ledger.presence(agent, wanted, reason, now)
        self._feed(AgentWants(agent, wanted, reason), now)

    def on_the_phone(self, agent: str, call: str) -> None:
        """An agent's phone is in a call with us: it is rung once that has ended."""
        now = self._clock.now()
        self._dialling = {one: held for one, held in self._dialling.items() if held[1] > now}
        self._occupy(agent, call, now, now + FEATURE_MS)

    def off_the_phone(self, agent: str, call: str) -> None:
        """We have hung up that call."""
        if call in self._dialling:
            now = self._clock.now()
            self._occupy(agent, call, now, now + HUNG_UP_MS)

    def _occupy(self, agent: str, call: str, now: int, until: int) -> None:
        self._dialling[call] = agent, until
        self._feed(AgentBusy(agent, call, until=until), now)

    def wrap_up_done(self, agent: str) -> None:
        """An agent is done before the wrap-up time is over."""
        self._feed(WrapUpDone(agent), self._clock.now())

    def configure(self, roster: Roster) -> None:
        """Take a new configuration; it holds at once, also for those who wait.

        Presence that the floor knows of goes before what was loaded with the configuration. Raises
        `acd.router.errors.ConfigError` for one that cannot be used, and changes nothing then.
        """
        check(roster.configuration)
        known = dict(self._roster.presences())
        self._roster = self._orders.roster = roster
        events: list[Event] = [ConfigChanged(roster.configuration)]
        for agent, (wanted, reason) in roster.presences():
            if agent in known:
                roster.want(agent, *known[agent])
            else:
                events.append(AgentReachable(agent, self._is_reachable(agent)))
                events.append(AgentWants(agent, wanted, reason))
        self.callbacks.configure()
        now = self._clock.now()
        events += self._hours.configure(roster.hours, now)
        self._feed(Batch(tuple(events)), now)

    # --- what the PBX tells -----------------------------------------------------------------

    def event(self, event: SwitchEvent) -> None:
        """Take an event of the switch. Events that no longer matter are ignored."""
        if self.handovers.event(event) or self.callbacks.event(event):
            return
        match event:
            case CallEnded():
                self._call_ended(event)
            case LegAnswered(offer):
                self._talks.answered(offer)
            case LegConnected(offer):
                self._talks.connected(offer)
            case LegEnded(offer, cause):
                self._talks.ended(offer, cause, hung_up=event.hung_up)
            case DeviceChanged(address, reachable):
                self._device_changed(address, reachable)
            case SwitchLost(why):
                log.warning("switch lost", extra={"action": "switch_lost", "why": why})
                self._restorer.lost()
            case SwitchBack(floor):
                self._reachable = floor.reachable
                self._dialling.clear()
                self._restorer.restore(floor, self.parted, self.cut)
            case LegRinging():
                pass

    def _call_ended(self, event: CallEnded) -> None:
        now = self._clock.now()
        if (held := self._dialling.pop(event.call, None)) is not None:
            self._feed(AgentFreeAgain(held[0], event.call), now)
        contact = self._contacts.pop(event.call)
        if contact is None:
            return
        if contact.in_line:
            self._feed(Left(contact.interaction, LeaveReason.ABANDONED), now)
        # The two legs' ends race each other: the agent's may not have been told yet.
        by_agent = contact.agent_left or contact.talking_to
        by = "customer" if event.by_caller else "agent" if by_agent else "system"
        self._ledger.ended(contact.interaction, now, by)
        self.callbacks.incoming.gone(contact)
        if (parting := of_end(contact, event, now)) is not None:
            self.parted(parting)

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

    # --- views ------------------------------------------------------------------------------

    def place(self, interaction: str) -> int | None:
        """1-based place in line; None if it is not in line."""
        found = self._driver.router.interaction(interaction) if self._driver.router else None
        return None if found is None else found.place

    def wait_prompts(self, contact: Contact) -> tuple[str, ...]:
        """Return the prompts that tell a waiting caller how long it may take; often none."""
        if self._waits is None or not contact.in_line:
            return ()
        now = self._clock.now()
        said = self._waits.say(contact.interaction, now)
        if said is None:
            return ()
        contact.told_ms = None if said.most is None else now + said.most * MINUTE_MS
        return said.prompts()

    def expected(self, contact: Contact) -> int | None:
        """How long a waiting caller will wait yet on average, in ms; None: too little is known."""
        found = (
            self._waits.estimate(contact.interaction, self._clock.now()) if self._waits else None
        )
        return None if found is None else round(found.mean)

    def status(self) -> dict[str, Any]:
        """The floor as JSON-able data: agents, queues with who waits, calls."""
        router = self._driver.router if self._driver.up else None
        roster, now = self._roster, self._clock.now()
        ewt = self._waits.estimates(now) if router and self._waits else {}
        return {
            "switch_up": self._driver.up,
            "agents": [
                status.agent_view(agent, roster, router, self._is_reachable(agent), now)
                for agent in roster.agents()
            ],
            "queues": [status.queue_view(name, router, now, ewt) for name in roster.queues()],
            "stranded": status.stranded_view(router),
            "calls": [status.call_view(contact) for contact in self._contacts],
            "legs": len(self._legs) + len(self._moves.by_leg),
        }
