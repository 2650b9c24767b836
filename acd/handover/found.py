"""Handovers as the PBX lists them: sorted out from the talks that they are about."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from acd.handover.handover import BY, CARRIED, SECOND, Handover, Kind, Stage, Target, Way
from acd.roster import Roster
from pbx.port import CallSnapshot, CallState, FloorSnapshot, LegSnapshot

HELD_STATES = frozenset({CallState.HELD, CallState.CONFERENCE})


@dataclass(slots=True)
class Found:
    """What was found: handovers, what is left for the floor, and legs that lead nowhere."""

    floor: FloorSnapshot
    handovers: list[Handover] = field(default_factory=list)
    held: frozenset[str] = frozenset()
    """Interactions whose caller was put on hold by order."""
    held_by_phone: frozenset[str] = frozenset()
    lost: list[str] = field(default_factory=list)


def sort_out(floor: FloorSnapshot, roster: Roster) -> Found:
    """Tell handovers from talks.

    A leg that hears the caller, and whose giver is gone, is a talk like any other: the handover
    came about while nobody looked.
    """
    own = {
        call.carried.get("interaction", ""): call
        for call in floor.calls
        if SECOND not in call.carried and call.carried.get("interaction")
    }
    seconds = {
        call.carried[SECOND]: call.call
        for call in floor.calls
        if SECOND in call.carried and call.carried.get("interaction") in own
    }
    answered = {leg.offer for leg in floor.legs if leg.answered}
    found = Found(floor)
    plain: list[LegSnapshot] = []
    for leg in floor.legs:
        if CARRIED not in leg.carried:
            plain.append(leg)
            continue
        call = own.get(leg.carried.get("interaction", ""))
        one = _handover(leg, call, roster, answered, seconds)
        if one is None:
            found.lost.append(leg.offer)
        elif one.stage is Stage.OUTSIDE and one.target.agent:
            plain.append(leg)
        else:
            found.handovers.append(one)
    waits = {h.interaction for h in found.handovers if h.way is not Way.CONSULT}
    found.held = frozenset(i for i, call in own.items() if call.state is CallState.HELD)
    found.held_by_phone = frozenset(
        leg.carried.get("interaction", "") for leg in plain if leg.holds
    )
    kept = seconds.values()
    found.floor = replace(
        floor,
        calls=tuple(_shown(call, waits) for call in floor.calls if call.call not in kept),
        legs=tuple(plain),
    )
    return found


def _handover(
    leg: LegSnapshot,
    call: CallSnapshot | None,
    roster: Roster,
    answered: set[str],
    seconds: dict[str, str],
) -> Handover | None:
    if call is None:
        return None
    agent = roster.agent_at(leg.address)
    target = Target(Kind.AGENT, agent, leg.address) if agent else Target(Kind.NUMBER, "")
    way, by = Way(leg.carried[CARRIED]), leg.carried.get(BY, "")
    one = Handover(leg.offer, call.carried["interaction"], way, target, by)
    together = leg.answered and bool(leg.talk) and leg.talk == call.talk
    if together and by not in answered:
        one.stage = Stage.OUTSIDE
    elif way is Way.CONSULT and by not in answered:
        return None
    elif together:
        one.stage = Stage.CONFERENCE
    elif leg.answered and way is Way.CONSULT:
        one.stage = Stage.TALKING
    one.second = seconds.get(by, "")
    return one


def _shown(call: CallSnapshot, waits: set[str]) -> CallSnapshot:
    """A call as the floor is to see it: in a talk while on hold, and in no line while it is handed
    to somebody."""
    if call.state in HELD_STATES:
        return replace(call, state=CallState.TALKING)
    if call.state is CallState.WAITING and call.carried.get("interaction") in waits:
        return replace(call, state=CallState.OTHER)
    return call
