"""Callbacks as the PBX lists them: sorted out from the calls and legs of the floor."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from acd.calling_back.attempt import CALLBACK, RESERVED, fence_of, whom
from acd.contacts import Leg
from acd.roster import Roster
from pbx.port import CallSnapshot, CallState, FloorSnapshot

_ASKED = frozenset({CallState.DIALLED, CallState.FLOW, CallState.OTHER})


@dataclass(slots=True)
class Found:
    """What was found: calls of attempts, agents held for one, and what is left for the floor."""

    floor: FloorSnapshot
    calls: list[CallSnapshot] = field(default_factory=list)
    """Customers' calls, also those who talk or wait, whom the floor knows too."""
    legs: dict[str, Leg] = field(default_factory=dict)
    """Of agents who are held, by offer."""
    lost: list[str] = field(default_factory=list)
    """Offers of legs held for nobody."""

    @property
    def interactions(self) -> set[str]:
        """Those that go on."""
        calls = {call.carried.get("interaction", "") for call in self.calls}
        return calls | {leg.interaction for leg in self.legs.values()}


def sort_out(floor: FloorSnapshot, roster: Roster, known: Callable[[str], bool]) -> Found:
    """Tell attempts from calls and talks.

    `known` tells whether a call is that of a contact the floor has already.
    """
    found = Found(floor)
    found.calls = [c for c in floor.calls if CALLBACK in c.carried and fence_of(c.carried)]
    asked = {c.call for c in found.calls if c.state in _ASKED and not known(c.call)}
    plain = []
    for leg in floor.legs:
        if RESERVED not in leg.carried:
            plain.append(leg)
            continue
        agent, interaction = roster.agent_at(leg.address), leg.carried.get("interaction", "")
        if agent is None:
            found.lost.append(leg.offer)
            continue
        queue = leg.carried.get("queue", "")
        found.legs[leg.offer] = Leg(
            leg.offer, interaction, queue, agent, answered=leg.answered, reserved=True
        )
    calls = tuple(
        replace(call, caller=whom(call.carried) or call.caller)
        for call in floor.calls
        if call.call not in asked
    )
    found.floor = replace(floor, calls=calls, legs=tuple(plain))
    return found
