"""What SIPp saw: its message traces (`-trace_msg`), with times in microseconds.

Both sides run on one machine, so their clocks are one. A message that was sent is stamped right
after the socket took it, one received when SIPp has read it.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from lab.errors import LabError

_HEAD = re.compile(rb"^-{40,}(?: (\d{4}-\d\d-\d\d)[T \t](\d\d:\d\d:\d\d\.\d{6}))?", re.MULTILINE)
_DIRECTION = re.compile(rb"message (sent|received)")
_HEADER = re.compile(
    rb"^(?:(From|f)|(Call-ID|i))[ \t]*:[ \t]*([^\r\n]*)", re.IGNORECASE | re.MULTILINE
)
_USER = re.compile(rb"<sips?:([^@>;]*)[@>]")


@dataclass(frozen=True, slots=True)
class Message:
    """One SIP message: when (seconds of the machine's clock), which way, and what.

    `start` is its first line, `user` the user part of From.
    """

    at: float
    sent: bool
    start: str
    call_id: str
    user: str

    @property
    def target(self) -> str:
        """The user part of a request's URI; empty if there is none."""
        uri = self.start.split(" ")[1] if " " in self.start else ""
        user, at, _ = uri.partition("@")
        return user.partition(":")[2] if at else ""


class Trace:
    """A message trace that is read as it grows: each `read` gives what came since the last."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._at = 0

    def read(self) -> list[Message]:
        """Give the messages since the last read. Raises `LabError` when it cannot be read."""
        try:
            with self._path.open("rb") as file:
                file.seek(self._at)
                data = file.read()
        except OSError as error:
            raise LabError(f"SIPp's trace cannot be read: {error}") from error
        self._at += len(data)
        return parse(data)


def parse(data: bytes) -> list[Message]:
    """Parse whole messages of a trace, in order."""
    heads = list(_HEAD.finditer(data))
    found = []
    for head, after in itertools.zip_longest(heads, heads[1:]):
        end = after.start() if after else len(data)
        if head[1] is None:
            continue  # SIPp's own words about a message
        message = _message(f"{head[1].decode()} {head[2].decode()}", data[head.end() : end])
        if message is not None:
            found.append(message)
    return found


def _message(when: str, block: bytes) -> Message | None:
    direction = _DIRECTION.search(block)
    if direction is None:
        return None
    text = block[block.find(b"\n", direction.end()) :].lstrip()
    start, _, rest = text.partition(b"\n")
    user = call_id = b""
    for sender, _, value in _HEADER.findall(rest):
        if sender:
            found = _USER.search(value)
            user = found[1] if found else b""
        else:
            call_id = value.strip()
    return Message(
        at=datetime.fromisoformat(f"{when}+00:00").timestamp(),
        sent=direction[1] == b"sent",
        start=start.strip().decode("utf-8", "replace"),
        call_id=call_id.decode("utf-8", "replace"),
        user=user.decode("utf-8", "replace"),
    )


def is_request(message: Message, method: str) -> bool:
    """Tell whether a message is a request of this method."""
    return message.start.startswith(f"{method} ")


def invited(messages: Iterable[Message]) -> dict[str, Message]:
    """Give the first INVITE of each caller, by the caller's number; repeats are left out."""
    first: dict[str, Message] = {}
    for message in messages:
        if is_request(message, "INVITE"):
            first.setdefault(message.user, message)
    return first


def ring_ms(callers: Iterable[Message], agents: Iterable[Message]) -> dict[str, float]:
    """Give how long each caller's INVITE took to become an agent's, by the caller's number."""
    rung = invited(message for message in agents if not message.sent)
    called = invited(message for message in callers if message.sent)
    return {
        number: (rung[number].at - call.at) * 1000
        for number, call in called.items()
        if number in rung
    }
