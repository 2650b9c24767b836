"""Rebuild the floor from what the PBX lists as live.

Runs at the start of the service and whenever the link to the PBX comes back. What a call carries
tells which interaction it is and since when it waits, so the order is the same as before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from acd.contacts import Contact, Leg
from acd.roster import Roster
from acd.router import Router
from acd.router.events import (
    Adopted,
    AgentRestored,
    Arrived,
    ConfigChanged,
    Event,
    Presence,
)
from pbx.port import CallSnapshot, CallState, FloorSnapshot, LegSnapshot


@dataclass(slots=True)
class Restored:
    """The floor as found: what lives, what is gone, and the events that tell a fresh router."""

    contacts: dict[str, Contact] = field(default_factory=dict)
    legs: dict[str, Leg] = field(default_factory=dict)
    gone: list[Contact] = field(default_factory=list)
    orphans: list[str] = field(default_factory=list)
    """Offers whose legs ring or talk for nobody."""
    events: tuple[Event, ...] = ()


def restore(
    floor: FloorSnapshot,
    roster: Roster,
    contacts: Mapping[str, Contact],
    legs: Mapping[str, Leg],
    router: Router | None,
    now: int,
) -> Restored:
    """Match the PBX's list with what was known before (nothing, in a new process).

    `router` is the one that routed until the link was lost.
    """
    found = Restored()
    states = {call.call: call.state for call in floor.calls}
    for contact in contacts.values():
        # A call whose request has just come in may carry nothing yet, and so is not listed.
        if contact.call in states or (not contact.queue and not contact.carry):
            found.contacts[contact.interaction] = contact
        else:
            found.gone.append(contact)
    for call in floor.calls:
        interaction = call.carried.get("interaction", "")
        if interaction and interaction not in found.contacts:
            found.contacts[interaction] = _contact(interaction, call, now)
    adopted = [event for leg in floor.legs if (event := _adopt(leg, roster, legs, found))]
    found.events = (
        ConfigChanged(roster.configuration),
        *_agents(floor, roster, router),
        *adopted,
        *_arrivals(found, states, {event.interaction for event in adopted}),
    )
    return found


def _contact(interaction: str, call: CallSnapshot, now: int) -> Contact:
    entered = call.carried.get("entered", "")
    return Contact(
        interaction,
        call.call,
        call.caller,
        carry=dict(call.carried),
        queue=call.carried.get("queue", ""),
        entered=int(entered) if entered.isdigit() else now,
        answered=call.state is CallState.TALKING,
    )


def _agents(floor: FloorSnapshot, roster: Roster, router: Router | None) -> list[Event]:
    events: list[Event] = []
    for agent, (wanted, reason) in roster.presences():
        reachable = roster.address(agent) in floor.reachable
        before = router.agent(agent) if router is not None else None
        wrapping = before is not None and before.presence is Presence.WRAP_UP
        events.append(
            AgentRestored(
                agent,
                wanted,
                reason,
                reachable,
                idle_since=before.idle_since if before is not None else None,
                wrap_up_until=before.until if before is not None and wrapping else None,
            )
        )
    return events


def _adopt(
    leg: LegSnapshot, roster: Roster, known: Mapping[str, Leg], found: Restored
) -> Adopted | None:
    agent = roster.agent_at(leg.address)
    contact = found.contacts.get(leg.carried.get("interaction", ""))
    before = known.get(leg.offer)
    if agent is None or contact is None or (before is not None and before.cancelled):
        found.orphans.append(leg.offer)
        return None
    connected = leg.answered and contact.answered
    found.legs[leg.offer] = Leg(
        leg.offer, contact.interaction, contact.queue, agent, leg.answered, connected
    )
    if connected:
        contact.talking_to = agent
    return Adopted(
        contact.interaction, contact.queue, contact.entered, agent, leg.offer, leg.answered
    )


def _arrivals(found: Restored, states: Mapping[str, CallState], adopted: set[str]) -> list[Event]:
    events: list[Event] = []
    for contact in sorted(found.contacts.values(), key=lambda c: c.entered):
        waits = states.get(contact.call) is CallState.WAITING
        if contact.queue and waits and contact.interaction not in adopted:
            contact.answered = False
            events.append(Arrived(contact.interaction, contact.queue, contact.entered))
    return events
