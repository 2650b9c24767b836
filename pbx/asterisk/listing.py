"""What Asterisk lists as live, in the port's words."""

from __future__ import annotations

from dataclasses import replace

from pbx.asterisk.facts import LEG_PREFIX, address_of, caller_of, decode_carry
from pbx.asterisk.link import AmiLink
from pbx.asterisk.phones import GONE
from pbx.errors import SwitchError
from pbx.port import CallSnapshot, CallState, FloorSnapshot, LegSnapshot
from pbx.wire.ami import Event

CARRIED = "SALA_CARRY,SALA_STATE,SALA_NEXT"
"""The variables that the list is asked for."""
KNOWN = "SALA_KNOWN"
"""The global variable by which a PBX is known again; it lasts as long as the PBX does."""
STATES = {
    "flow": CallState.FLOW,
    "wait": CallState.WAITING,
    "hold": CallState.HELD,
    "conference": CallState.CONFERENCE,
    "dialled": CallState.DIALLED,
}


async def asks_whom(link: AmiLink) -> str:
    """Return which FastAGI server, as host:port, the PBX asks; empty if its dialplan names none."""
    found = await link.action("Getvar", [("Variable", "SALA_FASTAGI")])
    return found.headers.get("Value", "")


async def is_new(link: AmiLink) -> bool:
    """Tell whether the PBX has started since this was last asked: then it has forgotten so."""
    found = await link.action("Getvar", [("Variable", KNOWN)])
    await link.action("Setvar", [("Variable", KNOWN), ("Value", "1")])
    return found.headers.get("Value", "") != "1"


async def floor_of(link: AmiLink) -> FloorSnapshot:
    """List all channels and phones."""
    channels = await link.list("Status", "StatusComplete", [("Variables", CARRIED)])
    contacts = await link.list("PJSIPShowContacts", "ContactListComplete")
    calls: list[CallSnapshot] = []
    legs: list[LegSnapshot] = []
    for channel in channels:
        unique = channel.headers.get("Uniqueid", "")
        if unique.startswith(LEG_PREFIX):
            leg = leg_snapshot(unique.removeprefix(LEG_PREFIX), channel)
            legs.append(replace(leg, holds=await _holds(link, unique)) if leg.talk else leg)
        elif (found := call_snapshot(unique, channel)) is not None:
            calls.append(found)
    reachable = frozenset(
        contact.headers.get("Endpoint", "")
        for contact in contacts
        if contact.headers.get("Status", "") not in GONE
    )
    return FloorSnapshot(tuple(calls), tuple(legs), reachable - {""})


async def _holds(link: AmiLink, channel: str) -> bool:
    """Whether a phone in a talk has put the other side on hold, which no list tells."""
    asked = [("Channel", channel), ("Variable", "CHANNEL(rtp,hold)")]
    try:
        answer = await link.action("Getvar", asked)
    except SwitchError:
        return False  # it has gone since
    return answer.headers.get("Value", "") == "1"


def _variables(channel: Event) -> dict[str, str]:
    """What a channel of a `Status` list holds; Asterisk writes an unset variable as `(null)`."""
    found = channel.headers.variables("Variable")
    return {name: "" if value == "(null)" else value for name, value in found.items()}


def leg_snapshot(offer: str, channel: Event) -> LegSnapshot:
    """Read an agent's leg."""
    headers = channel.headers
    return LegSnapshot(
        offer,
        address_of(headers.get("Channel", "")),
        headers.get("ChannelStateDesc") == "Up",
        decode_carry(_variables(channel).get("SALA_CARRY", "")),
        headers.get("BridgeID", ""),
    )


def call_snapshot(unique: str, channel: Event) -> CallSnapshot | None:
    """Read a caller's leg; None for a channel that is none of ours."""
    headers, variables = channel.headers, _variables(channel)
    carried = decode_carry(variables.get("SALA_CARRY", ""))
    if not carried:
        return None
    state = STATES.get(variables.get("SALA_STATE", ""), CallState.OTHER)
    if state is CallState.FLOW and variables.get("SALA_NEXT") == "wait":
        state = CallState.WAITING
    talk = headers.get("BridgeID", "")
    if talk and state is not CallState.CONFERENCE:
        state = CallState.TALKING
    caller = caller_of(headers.get("CallerIDNum", ""), headers.get("CallerIDName", ""))
    return CallSnapshot(unique, state, caller, carried, talk)
