"""The moves that handovers are made of: who talks, who is rung, who waits again."""

from __future__ import annotations

import itertools

from acd.contacts import Contact, Errand, Leg
from acd.handover.handover import Handover, HandoverRefused, Kind, Stage, Target, Way
from acd.parts import Parts
from acd.router.events import (
    AgentBusy,
    AgentFreeAgain,
    AgentWants,
    Arrived,
    Event,
    Failure,
    Presence,
    Transferred,
    Wanted,
)
from crm.records import SegmentKind

RING_MS = 20_000
"""How long an agent is rung for a contact that was in no queue."""
OUTSIDE_RING_MS = 45_000
"""How long a number outside is rung."""

FREE = frozenset({Presence.AVAILABLE, Presence.PAUSED})
"""Who may be rung for a handover: one who is paused takes no calls of queues, but may be asked."""


class Moves:
    """One place for each move; all take effect in the router, the ledger and the PBX alike."""

    def __init__(self, parts: Parts) -> None:
        self.switch = parts.switch
        self.ledger = parts.ledger
        self.clock = parts.clock
        self.contacts = parts.contacts
        self.legs = parts.legs
        self.orders = parts.orders
        self.driver = parts.driver
        self.by_leg: dict[str, Handover] = {}
        self._numbers = itertools.count(1)

    def feed(self, *events: Event) -> None:
        """Tell the router."""
        now = self.clock.now()
        for event in events:
            self.driver.feed(event, now)

    def of(self, interaction: str) -> Handover | None:
        """The handover of an interaction that is under way."""
        return next(
            (
                one
                for one in self.by_leg.values()
                if one.interaction == interaction
                and one.stage not in (Stage.OUTSIDE, Stage.DROPPED)
            ),
            None,
        )

    def hearing(self) -> list[Handover]:
        """The handovers under way in which who was rung hears the caller."""
        stages = (Stage.CONFERENCE, Stage.OUTSIDE)
        return [one for one in self.by_leg.values() if one.stage in stages]

    def talker(self, contact: Contact) -> Leg | None:
        """The leg of the agent who has the contact."""
        return next(
            (
                leg
                for leg in self.legs
                if leg.interaction == contact.interaction
                and leg.connected
                and not leg.cancelled
                and leg.agent == contact.talking_to
            ),
            None,
        )

    # --- ringing ----------------------------------------------------------------------------

    def check(self, contact: Contact, target: Target) -> None:
        """Refuse whom it cannot be handed to now."""
        if target.kind is Kind.QUEUE and self.orders.roster.queue(target.name) is None:
            raise HandoverRefused(f"there is no queue {target.name}")
        if target.kind is not Kind.AGENT:
            return
        if target.name == contact.talking_to:
            raise HandoverRefused(f"agent {target.name} has this call already")
        router = self.driver.router
        view = router.agent(target.name) if router is not None else None
        if view is None:
            raise HandoverRefused(f"there is no agent {target.name}")
        if not view.reachable:
            raise HandoverRefused(f"the phone of agent {target.name} is not registered")
        if view.presence not in FREE:
            raise HandoverRefused(
                f"agent {target.name} is {view.presence.value.replace('_', ' ')}; "
                "only one who is available or paused can be rung"
            )

    def ring(
        self, contact: Contact, way: Way, target: Target, by: Leg | None, second: str = ""
    ) -> Handover:
        """Ring somebody for a contact: the agent is occupied from now on."""
        one = Handover(
            f"{self.driver.epoch}.x{next(self._numbers)}",
            contact.interaction,
            way,
            target,
            by.offer if by is not None else "",
            by.agent if by is not None else "",
            second,
            contact.queue,
        )
        self.by_leg[one.leg] = one
        kind = SegmentKind.CONSULT if way is Way.CONSULT else SegmentKind.TRANSFER
        now = self.clock.now()
        self.ledger.begins(contact.interaction, kind, now, agent=target.agent, offer=one.leg)
        if target.agent:
            self.feed(AgentBusy(target.agent, one.leg))
        queue = self.orders.roster.queue(contact.queue)
        ring_ms = queue.ring_ms if queue is not None else RING_MS
        if target.kind is Kind.NUMBER:
            ring_ms = OUTSIDE_RING_MS
        carry = one.carries(contact.carry)
        if way is Way.CONSULT and by is not None and not second:
            self.switch.consult(
                one.leg,
                target.address,
                by.offer,
                ring_ms=ring_ms,
                caller=contact.caller,
                carry=carry,
            )
        else:
            self.switch.ring(
                one.leg,
                target.address,
                second or contact.call,
                ring_ms=ring_ms,
                caller=contact.caller,
                carry=carry,
            )
        return one

    def drop(self, one: Handover) -> None:
        """Let a handover go; its leg's end tells the rest."""
        if one.stage is not Stage.CONFERENCE:  # that ends as a talk does
            one.stage = Stage.DROPPED
        self.switch.cancel(one.leg)

    def free(self, one: Handover, failure: Failure | None, wrap_up_ms: int = 0) -> None:
        """The agent who was rung is free again; whoever let it ring in vain is paused."""
        agent = one.target.agent
        if not agent:
            return
        now = self.clock.now()
        if failure is Failure.NO_ANSWER:
            wanted, _ = self.orders.roster.presence(agent)
            if wanted is Wanted.AVAILABLE:
                self.orders.roster.want(agent, Wanted.PAUSED, failure.value)
                self.ledger.presence(agent, Wanted.PAUSED, failure.value, now)
                self.feed(AgentWants(agent, Wanted.PAUSED, failure.value))
        self.feed(AgentFreeAgain(agent, one.leg, wrap_up_ms))

    # --- who talks --------------------------------------------------------------------------

    def part(self, leg: Leg, outcome: str) -> None:
        """An agent's talk is over, though the contact is not. The router is still to be told."""
        now = self.clock.now()
        leg.cancelled = True  # its end tells nothing new
        self.wrap_up(leg.interaction, leg.queue, leg.agent, now)
        self.ledger.talk_over(leg.interaction, leg.offer, now, outcome)
        contact = self.contacts.get(leg.interaction)
        if contact is not None:
            contact.talking_to, contact.held = "", ""

    def wrap_up(self, interaction: str, queue: str, agent: str, now: int) -> int:
        """An agent begins to write up a contact; gives for how long, in ms."""
        policy = self.orders.roster.queue(queue)
        if policy is None or not policy.wrap_up_ms or not agent:
            return 0
        self.orders.wrapping[agent] = interaction
        self.ledger.wrapping_up(interaction, queue, agent, now)
        return policy.wrap_up_ms

    def give(self, contact: Contact, one: Handover) -> None:
        """The one who was rung has the caller now. The router is still to be told."""
        now = self.clock.now()
        contact.answered = True
        if not one.target.agent:
            one.stage, one.by = Stage.OUTSIDE, ""
            self.ledger.talking(contact.interaction, one.leg, None, now)
            return
        del self.by_leg[one.leg]
        contact.talking_to = one.target.agent
        queue, agent = contact.queue, one.target.agent
        self.legs.adopt(Leg(one.leg, contact.interaction, queue, agent, True, True))
        self.ledger.talking(contact.interaction, one.leg, agent, now)

    # --- who waits again --------------------------------------------------------------------

    def to_queue(
        self, contact: Contact, by: Leg | None, queue: str, keep_place: bool, *, settled: bool
    ) -> None:
        """The contact waits in a queue; with its old entry time, if it keeps its place."""
        now, old = self.clock.now(), contact.arrival
        arrived = Arrived(
            contact.interaction,
            queue,
            old.entered if old is not None and keep_place else now,
            priority=old.priority if old is not None else 0,
            tier=contact.tier,
            began=now,
        )
        if by is not None:
            self.part(by, "transferred")
        self.ledger.passed(contact.interaction, queue, now)
        self._waits(contact, arrived, settled)
        self.feed(
            Transferred(contact.interaction, by.agent, arrived) if by is not None else arrived
        )

    def back_in_line(self, contact: Contact) -> None:
        """Nobody took the contact: it waits where it came from, at its old place."""
        if contact.arrival is None:
            self.switch.release(contact.call)
            return
        arrived = contact.rejoining()
        self._waits(contact, arrived, settled=True)
        self.feed(arrived)

    def _waits(self, contact: Contact, arrived: Arrived, settled: bool) -> None:
        contact.arrival, contact.answered, contact.errand = arrived, False, Errand()
        contact.talking_to, contact.held = "", ""
        self.ledger.queued(contact.interaction, arrived.queue, self.clock.now())
        contact.settled = settled
        self.orders.carry(contact)
