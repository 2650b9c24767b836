"""Which AMI events leave the PBX: written as filters of Sala's AMI user."""

from __future__ import annotations

from collections.abc import Mapping

from pbx.asterisk.facts import LEG_PREFIX

EVENTS: Mapping[str, tuple[str, str] | None] = {
    "Hangup": None,
    "HangupRequest": None,
    "Newstate": ("Uniqueid", LEG_PREFIX),
    "BridgeEnter": ("Uniqueid", LEG_PREFIX),
    "OriginateResponse": ("Response", "Failure"),
    "ContactStatus": None,
    "Hold": ("Uniqueid", LEG_PREFIX),
    "Unhold": ("Uniqueid", LEG_PREFIX),
    "DTMFBegin": ("Direction", "Received"),
    "DTMFEnd": ("Direction", "Received"),
    "BlindTransfer": None,
    "AttendedTransfer": None,
}
"""The AMI events that leave the PBX: all of a name, or those with a header that begins so.

Answers to actions are not events and always leave it.
"""

_NAMED_FILTERS = {20: (20, 11, 0), 21: (21, 6, 0), 22: (22, 1, 0)}
"""From which version on of each branch Asterisk filters events by name instead of by regex."""


def events_text(version: tuple[int, int, int]) -> str:
    """Render the event filters of the AMI user, by name where this version can, else by regex."""
    lines = ["; Written by Sala; changes here are lost."]
    by_name = version >= _NAMED_FILTERS.get(version[0], (23, 0, 0))
    for name, only in EVENTS.items():
        if not by_name:
            rest = f".*{only[0]}: {only[1]}" if only else ""
            lines.append(f"eventfilter = ^Event: {name}[[:space:]]{rest}")
        elif only:
            where = f"header({only[0]}),method(starts_with)"
            lines.append(f"eventfilter(action(include),name({name}),{where}) = {only[1]}")
        else:
            lines.append(f"eventfilter(action(include),name({name})) =")
    return "\n".join(lines) + "\n"
