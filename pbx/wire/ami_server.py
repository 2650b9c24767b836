"""AMI: the other end, the server's.

Sala is never an AMI server in service. This end exists so that the client's codec, and whatever is
built on it, can be driven through every answer a PBX may give, in process and by independent
clients. It greets first, then reads actions and writes responses and events; framing and bounds
are those of `pbx.wire.ami_messages`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from pbx.errors import LocalProtocolError, RemoteProtocolError
from pbx.wire.ami_messages import message_text, skip_empty_lines, take_message
from pbx.wire.connection import END, VIOLATION, Connection
from pbx.wire.fields import Headers, encode_text


class AmiServerState(StrEnum):
    """Where an AMI server is."""

    SEND_BANNER = "send banner"
    OPEN = "open"
    CLOSED = "closed"
    ERROR = "error"


class AmiServerSignal(StrEnum):
    """What moves an AMI server from state to state, besides the end and a violation."""

    BANNER = "banner"
    ACTION = "action"
    MESSAGE = "message"


TRANSITIONS: Mapping[AmiServerState, Mapping[str, AmiServerState]] = {
    AmiServerState.SEND_BANNER: {
        AmiServerSignal.BANNER: AmiServerState.OPEN,
        END: AmiServerState.CLOSED,
        VIOLATION: AmiServerState.ERROR,
    },
    AmiServerState.OPEN: {
        AmiServerSignal.ACTION: AmiServerState.OPEN,
        AmiServerSignal.MESSAGE: AmiServerState.OPEN,
        END: AmiServerState.CLOSED,
        VIOLATION: AmiServerState.ERROR,
    },
    AmiServerState.CLOSED: {},
    AmiServerState.ERROR: {},
}
"""State → signal → next state. A signal that is missing is not possible there."""


@dataclass(frozen=True, slots=True)
class Action:
    """What a client asks for."""

    name: str
    action_id: str | None
    headers: Headers


@dataclass(frozen=True, slots=True)
class ClientClosed:
    """The client has closed, between two actions."""


AmiServerEvent = Action | ClientClosed


class AmiServerConnection(Connection[AmiServerState, AmiServerEvent]):
    """An AMI connection seen from the server."""

    def __init__(self) -> None:
        super().__init__(TRANSITIONS, AmiServerState.SEND_BANNER)

    def send_banner(self, version: str = "11.0.0") -> bytes:
        """Give the bytes of the greeting, which comes first and once."""
        self._check()
        data = b"Asterisk Call Manager/%b\r\n" % encode_text(version, "the version")
        self._step(AmiServerSignal.BANNER)
        return data

    def send_message(self, headers: Sequence[tuple[str, str]]) -> bytes:
        """Give the bytes of one response or event, whose first header says which it is.

        Raises `LocalProtocolError` before the banner and for CR, LF or NUL in a header, for an
        illegal name, or when the first header is neither `Response` nor `Event`.
        """
        self._check()
        if not headers or headers[0][0] not in ("Response", "Event"):
            raise LocalProtocolError("a message begins with Response or Event")
        lines = []
        for name, value in headers:
            if not name or ":" in name:
                raise LocalProtocolError("a header name is empty or holds a colon")
            lines.append(
                b"%b: %b\r\n" % (encode_text(name, "a name"), encode_text(value, "a value"))
            )
        self._step(AmiServerSignal.MESSAGE)
        return b"".join(lines) + b"\r\n"

    def _pull(self) -> Action | None:
        skip_empty_lines(self._input)
        raw = take_message(self._input)
        if raw is None:
            return None
        headers = Headers.parse(message_text(raw))
        name = headers.get("Action")
        if name is None:
            raise RemoteProtocolError("a message is not an action")
        if AmiServerSignal.ACTION not in TRANSITIONS[self._state]:
            raise RemoteProtocolError("the client spoke before the banner")
        return Action(name, headers.get("ActionID"), headers)

    def _at_end(self) -> ClientClosed:
        return ClientClosed()
