"""What Sala leaves on a channel, and how channels and causes are named.

The names stand in `dialplans/asterisk/extensions.conf` too; this is their only home in code.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from pbx.errors import LocalProtocolError
from pbx.port import Caller, Cause

LEG_PREFIX = "sala-"
"""Before an offer's id in the unique id of the agent's leg that rings for it."""

EVENTS = frozenset(
    {
        "BridgeEnter",
        "ContactList",
        "ContactListComplete",
        "ContactStatus",
        "DTMFBegin",
        "DTMFEnd",
        "Hangup",
        "HangupRequest",
        "Newstate",
        "OriginateResponse",
        "Status",
        "StatusComplete",
    }
)
"""The AMI events that are read, beside those of `pbx.asterisk.parting`. The configuration keeps
others from being sent (`pbx.appliance.events`)."""

TRUNK = "trunk-out"
"""The endpoint over which numbers outside are dialled."""

TRUNK_SHOWN = f"{TRUNK}-shown"
"""The same for calls that show a number of their own instead of the trunk's."""

NO_ANSWER_REASON = "3"
"""The reason of an `OriginateResponse` whose time-out passed (AST_CONTROL_RINGING)."""

NO_CHANNEL_S = 1.0
"""How long a failed originate waits for the hang-up of its channel, which tells the cause, and is
told by another thread. One that never had a channel (nobody registered) has none."""

NO_NAME = frozenset({"unknown", "<unknown>"})
"""What Asterisk says for a name that there is none of: in AGI, in AMI."""

_KEY = re.compile(r"[a-z_]{1,32}")
_VALUE = re.compile(r"[A-Za-z0-9_.:@+-]{0,128}")
_NUMBER = re.compile(r"\+?[0-9]{1,32}")
_ADDRESS = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")
_OUTSIDE = re.compile(r"\+[1-9][0-9]{1,14}")
_SIP = re.compile(
    r"sip:[A-Za-z0-9_.+-]{1,64}@[A-Za-z0-9]([A-Za-z0-9.-]{0,252}[A-Za-z0-9])?(:[0-9]{1,5})?"
)
_CHANNEL = re.compile(r"PJSIP/(.+)-[0-9a-f]{8}")

Q850: Mapping[Cause, int] = {
    Cause.NORMAL: 16,
    Cause.BUSY: 17,
    Cause.NO_ANSWER: 19,
    Cause.REJECTED: 21,
    Cause.UNREACHABLE: 20,
    Cause.UNALLOCATED: 1,
    Cause.CONGESTION: 34,
    Cause.CANCELLED: 26,
    Cause.FAILED: 38,
    Cause.UNDIALLED: 38,
}
"""Cause to ITU-T Q.850 cause value, as Asterisk hangs up with."""

_FROM_Q850: Mapping[int, Cause] = {
    0: Cause.NORMAL,
    1: Cause.UNALLOCATED,
    3: Cause.UNREACHABLE,
    16: Cause.NORMAL,
    17: Cause.BUSY,
    18: Cause.NO_ANSWER,
    19: Cause.NO_ANSWER,
    20: Cause.UNREACHABLE,
    21: Cause.REJECTED,
    26: Cause.CANCELLED,
    27: Cause.UNREACHABLE,
    34: Cause.CONGESTION,
    42: Cause.CONGESTION,
}


_NETWORK_FAILED = frozenset({"34", "38", "41", "42", "44", "47"})
"""Q.850 (ITU-T Q.850, 2.2.7): no circuit, network out of order, temporary failure, congestion, the
channel unavailable, no resource."""


def check_address(address: str) -> None:
    """Refuse, by `LocalProtocolError`, what is no SIP account's name."""
    if not _ADDRESS.fullmatch(address):
        raise LocalProtocolError("an address is a SIP account: letters, digits, _ and -")


def is_sip(address: str) -> bool:
    """Tell whether an address is a SIP address `sip:user@host` or `sip:user@host:port`."""
    return _SIP.fullmatch(address) is not None


def channel_of(address: str, *, shown: str = "") -> str:
    """What is dialled for an address: an account's device, or a number over the trunk.

    `shown` is the number to be shown to a number outside, if not the trunk's. Raises
    `LocalProtocolError` for what is neither.
    """
    if _OUTSIDE.fullmatch(address):
        return f"PJSIP/{address}@{TRUNK_SHOWN if shown else TRUNK}"
    check_address(address)
    return f"PJSIP/{address}"


def cause_of(q850: str | None) -> Cause:
    """The cause of a `Cause` header; FAILED for what has no word of its own."""
    text = q850 or ""
    return (
        _FROM_Q850.get(int(text), Cause.FAILED)
        if text.isascii() and text.isdigit()
        else (Cause.FAILED)
    )


def is_fault(q850: str | None) -> bool:
    """Tell whether a `Cause` header says that a network failed, whoever then ended the call.

    A carrier that loses a call ends it by a BYE too, whose Reason (RFC 3326) tells it from that of
    a caller who hangs up.
    """
    return (q850 or "") in _NETWORK_FAILED


def encode_carry(values: Mapping[str, str]) -> str:
    """Facts as one variable's value: `interaction=...&queue=...`.

    Raises `LocalProtocolError` for a key or value that `pbx.port.Call.carry` does not allow.
    """
    for key, value in values.items():
        if not _KEY.fullmatch(key) or not _VALUE.fullmatch(value):
            raise LocalProtocolError(f"a call cannot carry {key!r} with such a value")
    return "&".join(f"{key}={value}" for key, value in values.items())


def decode_carry(text: str) -> dict[str, str]:
    """The facts of a variable's value; what does not read as one is left out."""
    pairs = (part.partition("=") for part in text.split("&"))
    return {k: v for k, _, v in pairs if _KEY.fullmatch(k) and _VALUE.fullmatch(v)}


def caller_of(number: str, name: str, presentation: str = "") -> Caller:
    """The caller as presented; a withheld number, or one that is no number, is None."""
    withheld = presentation.startswith("prohib") or presentation == "unavailable"
    shown = "".join(c for c in name[:256] if c.isprintable() and c != "\ufffd")[:64].strip()
    if shown in NO_NAME or withheld:
        shown = ""
    known = not withheld and _NUMBER.fullmatch(number) is not None
    return Caller(number if known else None, shown)


def address_of(channel: str) -> str:
    """The SIP account of a channel's name: `1001` of `PJSIP/1001-0000002a`; else empty."""
    match = _CHANNEL.fullmatch(channel)
    return match[1] if match else ""
