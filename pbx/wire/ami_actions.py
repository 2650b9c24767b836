"""AMI actions: which may be sent, and how they are written.

Rules of Asterisk's `manager.c`: a line is read into a buffer of 1,025 bytes, terminator and NUL
included, and a longer one is thrown away whole; an action has at most 128 headers, of which
further ones are dropped silently; header names are compared without regard to case.

Rule of our own: no header ever names a dialplan application. `Originate` with `Application` and
`Data` runs any application with any argument, which is how a user with nothing but the
`originate` class could rewrite files (CVE-2024-42365). We originate to our own contexts only.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

from pbx.errors import LocalProtocolError
from pbx.wire.fields import encode_text

MAX_LINE = 1022
"""Most bytes in a line we send, its CR LF not counted."""
MAX_HEADERS = 128
"""Most headers in an action we send, `Action` and `ActionID` included."""

ACTIONS = frozenset(
    {
        "Challenge",
        "Command",
        "CoreSettings",
        "CoreShowChannels",
        "CoreStatus",
        "DeviceStateList",
        "ExtensionStateList",
        "Filter",
        "Getvar",
        "Hangup",
        "Login",
        "Logoff",
        "Originate",
        "PJSIPShowContacts",
        "PJSIPShowEndpoints",
        "PlayDTMF",
        "Ping",
        "Redirect",
        "Reload",
        "Setvar",
        "Status",
    }
)
"""The only actions that can be sent."""

COMMANDS = frozenset(
    {
        "core show settings",
        "core show version",
        "dialplan reload",
        "logger reload",
        "moh reload",
        "module reload res_musiconhold.so",
        "module reload res_pjsip.so",
        "pjsip reload",
    }
)
"""The only command lines that the action `Command` can carry."""

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_ACTION_ID = re.compile(r"[!-~]+")
_ENVELOPE = frozenset({"action", "actionid"})


def challenge_key(challenge: str, secret: str) -> str:
    """Answer a login challenge: the hexadecimal MD5 of the challenge followed by the secret.

    Goes into the header `Key` of a `Login` with `AuthType: MD5`. MD5 is all that AMI knows, and
    keeps the secret off the wire; the link itself has to be a trusted one.
    """
    text = encode_text(challenge, "the challenge") + encode_text(secret, "the secret")
    return hashlib.md5(text, usedforsecurity=False).hexdigest()


def encode_action(name: str, headers: Sequence[tuple[str, str]], action_id: str) -> bytes:
    """Write one action.

    `action_id` is one or more printable ASCII characters without space; it comes back in every
    answer. Raises `LocalProtocolError` for an action not in `ACTIONS`, a command line not in
    `COMMANDS`, a header that starts an application, an illegal header name, CR, LF or NUL
    anywhere, a line or an action that is too long. Messages name headers, never values.
    """
    if name not in ACTIONS:
        raise LocalProtocolError("the action is not one of those that may be sent")
    if not _ACTION_ID.fullmatch(action_id):
        raise LocalProtocolError("the action id is not printable ASCII without space")
    if len(headers) + 2 > MAX_HEADERS:
        raise LocalProtocolError(f"{name} has more than {MAX_HEADERS} headers")
    if name == "Command":
        _check_command(headers)
    lines = [header_line("Action", name), header_line("ActionID", action_id)]
    for key, value in headers:
        folded = key.lower()
        if folded == "application" or (folded == "data" and name == "Originate"):
            raise LocalProtocolError(
                f"{name} may not carry {folded!r}: it would run any dialplan application with any "
                "argument (CVE-2024-42365); originate to a context of ours instead"
            )
        if folded in _ENVELOPE:
            raise LocalProtocolError(f"{name} has its {folded!r} given once, by its argument")
        lines.append(header_line(key, value))
    lines.append(b"\r\n")
    return b"".join(lines)


def header_line(name: str, value: str) -> bytes:
    """Write one header with its CR LF; `LocalProtocolError` as for `encode_action`."""
    if not _NAME.fullmatch(name):
        raise LocalProtocolError("a header name is not a letter, then letters, digits, - or _")
    line = b"%b: %b" % (name.encode("ascii"), encode_text(value, f"header {name}"))
    if len(line) > MAX_LINE:
        raise LocalProtocolError(f"header {name} makes a line of more than {MAX_LINE} bytes")
    return line + b"\r\n"


def _check_command(headers: Sequence[tuple[str, str]]) -> None:
    lines = [value for key, value in headers if key.lower() == "command"]
    if len(lines) != 1 or lines[0] not in COMMANDS:
        raise LocalProtocolError("Command needs one command line of those that may be sent")
