"""Rebuild the floor from what the PBX lists as live.

Runs at the start of the service and whenever the link to the PBX comes back. What a call carries
tells which interaction it is and since when it waits; what was written behind (`Past`), or the
router that routed before, tells the rest. So order and steps are the same as before.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from acd.contacts import Contact, Leg
from acd.ledger import WrapUp
from acd.legs import HELD
from acd.places import arrival_of
from acd.roster import Roster
from acd.router import Router
from acd.router.configuration import Step
from acd.router.events import Adopted, AgentRestored, Arrived, ConfigChanged, Event, Presence
from acd.router.views import AgentView
from pbx.port import CallSnapshot, CallState, FloorSnapshot, LegSnapshot


@dataclass(frozen=True, slots=True)
class Today:
    """What an agent has done today: contacts, and occupied time in ms."""

    contacts: int = 0
    busy_ms: int = 0


@dataclass(frozen=True, slots=True)
class Past:
    """What the last process left written of agents and of those who wait."""

    wraps: Mapping[str, WrapUp] = field(default_factory=dict)
    """By agent."""
    idle_since: Mapping[str, int] = field(default_factory=dict)
    """By agent: when their last contact was over, in ms."""
    today: Mapping[str, Today] = field(default_factory=dict)
    """By agent."""
    places: Mapping[str, Arrived] = field(default_factory=dict)
    """By interaction."""
    steps: Callable[[Mapping[str, str]], tuple[Step, ...]] = lambda _carried: ()
    """The own steps of a call, by what it carries, where its place was not written any more."""

    def place(self, interaction: str, carried: Mapping[str, str], now: int) -> Arrived | None:
        """What brings a call back to its place; None if it carries none."""
        kept = self.places.get(interaction)
        arrival = arrival_of(interaction, carried, now, kept)
        if arrival is not None and kept is None:
            return replace(arrival, steps=self.steps(carried))
        return arrival


@dataclass(slots=True)
class Restored:
    """The floor as found: what lives, what is gone, and the events that tell a fresh router."""

    contacts: dict[str, Contact] = field(default_factory=dict)
    legs: dict[str, Leg] = field(default_factory=dict)
    gone: list[Contact] = field(default_factory=list)
    orphans: list[str] = field(default_factory=list)
    """Offers whose legs ring or talk for nobody."""
    joins: list[str] = field(default_factory=list)
    """Offers whose legs have answered and are held for their caller."""
    events: tuple[Event, ...] = ()


def restore(
    floor: FloorSnapshot,
    roster: Roster,
    contacts: Iterable[Contact],
    legs: Mapping[str, Leg],
    router: Router | None,
    now: int,
    past: Past,
) -> Restored:
    """Match the PBX's list with what was known before (nothing, in a new process).

    `router` is the one that routed until the link was lost; `past` serves a new process.
    """
    found = Restored()
    states = {call.call: call.state for call in floor.calls}
    for contact in contacts:
        # A call whose request has just come in may carry nothing yet, and so is not listed.
        fresh = contact.call in floor.asking or (not contact.queue and not contact.carry)
        if contact.call in states or fresh:
            found.contacts[contact.interaction] = contact
            kept = router.kept(contact.interaction) if router is not None else None
            if kept is not None:
                contact.arrival = kept
        else:
            found.gone.append(contact)
    for call in floor.calls:
        interaction = call.carried.get("interaction", "")
        if interaction and interaction not in found.contacts:
            in_flow = call.state is CallState.FLOW and call.call not in floor.asking
            place = None if in_flow else past.place(interaction, call.carried, now)
            found.contacts[interaction] = _contact(interaction, call, place)
    # One that has answered goes before those that ring: where several rang, these are to stop.
    by_answer = sorted(floor.legs, key=lambda leg: not leg.answered)
    adopted: dict[str, Adopted] = {}
    for leg in by_answer:
        event = _adopt(leg, roster, legs, found, adopted)
        if event is not None:
            adopted[leg.offer] = event
    waiting = {call for call, state in states.items() if state is CallState.WAITING}
    # Their flow has just put them in line, or is about to; the request is not over yet.
    waiting |= {one for one in floor.asking if states.get(one, CallState.FLOW) is CallState.FLOW}
    found.events = (
        ConfigChanged(roster.configuration),
        *_agents(floor, roster, router, now, past),
        *_arrivals(found, waiting, {event.interaction for event in adopted.values()}),
        *adopted.values(),
    )
    return found


def _contact(interaction: str, call: CallSnapshot, place: Arrived | None) -> Contact:
    return Contact(
        interaction,
        call.call,
        call.caller,
        carry=dict(call.carried),
        settled=call.state is CallState.WAITING,
        arrival=place,
        answered=call.state is CallState.TALKING,
    )


def _agents(
    floor: FloorSnapshot, roster: Roster, router: Router | None, now: int, past: Past
) -> list[Event]:
    events: list[Event] = []
    for agent, (wanted, reason) in roster.presences():
        reachable = roster.address(agent) in floor.reachable
        if router is not None:
            before = router.agent(agent)
            wrapping = before is not None and before.presence is Presence.WRAP_UP
            idle_since = before.idle_since if before is not None else None
            until = before.until if before is not None and wrapping else None
            today = _today(before, now)
        else:
            wrap_up = past.wraps.get(agent)
            idle_since = max(past.idle_since.get(agent, 0), roster.since(agent)) or None
            until = wrap_up.until if wrap_up is not None else None
            today = past.today.get(agent, Today())
        events.append(
            AgentRestored(agent, wanted, reason, reachable, idle_since, until,
                          today.contacts, today.busy_ms)
        )  # fmt: skip
    return events


def _today(before: AgentView | None, now: int) -> Today:
    """What an agent had done when the link was lost, and since: what they were at went on."""
    if before is None:
        return Today()
    since = 0 if before.busy_from is None else max(now - before.busy_from, 0)
    return Today(before.contacts_today, before.busy_today_ms + since)


def _adopt(
    leg: LegSnapshot,
    roster: Roster,
    known: Mapping[str, Leg],
    found: Restored,
    adopted: Mapping[str, Adopted],
) -> Adopted | None:
    agent = roster.agent_at(leg.address)
    contact = found.contacts.get(leg.carried.get("interaction", ""))
    before = known.get(leg.offer)
    taken = contact is not None and any(
        other.answered and other.interaction == contact.interaction for other in adopted.values()
    )
    if agent is None or contact is None or taken or (before is not None and before.cancelled):
        found.orphans.append(leg.offer)
        return None
    held = HELD in leg.carried
    connected = leg.answered and contact.answered
    if leg.answered and held and not connected:
        found.joins.append(leg.offer)
    found.legs[leg.offer] = Leg(
        leg.offer, contact.interaction, contact.queue, agent, leg.answered, connected, held=held
    )
    if connected:
        contact.talking_to = agent
    return Adopted(
        contact.interaction, contact.queue, contact.entered, agent, leg.offer, leg.answered
    )


def _arrivals(found: Restored, waiting: Collection[str], adopted: set[str]) -> list[Event]:
    """Who waits, in order; who rings or talks too, so that they could wait on."""
    events: list[Event] = []
    for contact in sorted(found.contacts.values(), key=lambda c: (c.entered, c.interaction)):
        waits = contact.call in waiting
        if contact.arrival is not None and (waits or contact.interaction in adopted):
            contact.answered = contact.answered and not waits
            events.append(contact.rejoining())
    return events
