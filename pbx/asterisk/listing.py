"""What a `Status` list tells of one channel, in the port's words."""

from __future__ import annotations

from pbx.asterisk.facts import address_of, caller_of, decode_carry
from pbx.port import CallSnapshot, CallState, LegSnapshot
from pbx.wire.ami import Event

CARRIED = "SALA_CARRY,SALA_STATE,SALA_NEXT"
"""The variables that the list is asked for."""
STATES = {"flow": CallState.FLOW, "wait": CallState.WAITING}


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
    if headers.get("BridgeID"):
        state = CallState.TALKING
    caller = caller_of(headers.get("CallerIDNum", ""), headers.get("CallerIDName", ""))
    return CallSnapshot(unique, state, caller, carried)
