"""AMI, the Asterisk Manager Interface: our end, the client's.

Theory of operation
-------------------
The server speaks first: one line, `Asterisk Call Manager/<version>`. From then on both sides send
messages: lines of `Name: value`, each ended by CR LF, the message by an empty line. Ours are
actions; a message of the server is either a `Response` to one of them or an `Event`.

Answers carry the `ActionID` of their action; the codec does not match them, since an answer that
never comes is a matter of time, and time is the adapter's. An action that lists things is answered
by a `Response` with `EventList: start`, then by events with the same `ActionID`, of which the last
has `EventList: Complete`; they come out as ordinary `Event`s.

The output of `Command` comes as repeated `Output` headers (Asterisk 14 and later), or, from older
ones, as raw lines behind `Response: Follows`, ended by `--END COMMAND--`. Both become
`Response.output`.

The client may not speak before the banner nor after `Logoff`. What was sent is not remembered:
whether an action may be sent again is not for a codec to say.

Most events on a busy server concern nobody. Given `events`, the codec drops others by their name
alone, unparsed, though their framing and size are checked all the same. `Response`s always pass.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from pbx.errors import RemoteProtocolError
from pbx.wire.ami_actions import encode_action
from pbx.wire.ami_messages import (
    EOL,
    MAX_MESSAGE,
    message_text,
    refuse_nul,
    skip_empty_lines,
    take_message,
)
from pbx.wire.connection import END, VIOLATION, Connection
from pbx.wire.fields import Headers, decode_text

MAX_BANNER = 128
"""Most bytes in the banner."""

_BANNER = b"Asterisk Call Manager/"
_EVENT = b"Event: "
_FOLLOWS = b"Response: Follows\r\n"
_END_OF_OUTPUT = b"--END COMMAND--\r\n\r\n"
_FOLLOWS_HEADERS = ("response: ", "privilege: ", "actionid: ", "message: ")
_SUCCESS = frozenset({"success", "follows", "goodbye", "pong"})


class AmiState(StrEnum):
    """Where an AMI client is."""

    AWAIT_BANNER = "await banner"
    OPEN = "open"
    LEAVING = "leaving"
    CLOSED = "closed"
    ERROR = "error"


class AmiSignal(StrEnum):
    """What moves an AMI client from state to state, besides the end and a violation."""

    BANNER = "banner"
    MESSAGE = "message"
    ACTION = "action"
    LOGOFF = "logoff"


TRANSITIONS: Mapping[AmiState, Mapping[str, AmiState]] = {
    AmiState.AWAIT_BANNER: {
        AmiSignal.BANNER: AmiState.OPEN,
        END: AmiState.CLOSED,
        VIOLATION: AmiState.ERROR,
    },
    AmiState.OPEN: {
        AmiSignal.MESSAGE: AmiState.OPEN,
        AmiSignal.ACTION: AmiState.OPEN,
        AmiSignal.LOGOFF: AmiState.LEAVING,
        END: AmiState.CLOSED,
        VIOLATION: AmiState.ERROR,
    },
    AmiState.LEAVING: {
        AmiSignal.MESSAGE: AmiState.LEAVING,
        END: AmiState.CLOSED,
        VIOLATION: AmiState.ERROR,
    },
    AmiState.CLOSED: {},
    AmiState.ERROR: {},
}
"""State → signal → next state. A signal that is missing is not possible there."""


@dataclass(frozen=True, slots=True)
class Banner:
    """The server's greeting; `version` is that of the protocol, such as `11.0.0`."""

    version: str


@dataclass(frozen=True, slots=True)
class Response:
    """The answer to an action.

    `message` is empty if there was none; `output` holds the lines a `Command` printed.
    """

    action_id: str | None
    success: bool
    message: str
    headers: Headers
    output: tuple[str, ...] = ()


@dataclass(slots=True, unsafe_hash=True)
class Event:
    """Something happened, or one item of a list that an action asked for (`action_id`).

    Not to be changed; it is not frozen only because that doubles the cost of making one.
    """

    name: str
    headers: Headers
    action_id: str | None = None


@dataclass(frozen=True, slots=True)
class ConnectionClosed:
    """The peer has closed, between two messages."""


AmiEvent = Banner | Response | Event | ConnectionClosed


class AmiConnection(Connection[AmiState, AmiEvent]):
    """An AMI connection seen from the client.

    `events` holds the names, as the server writes them, of the events to give out; None gives
    out all. Name the events of lists (such as `StatusComplete`) too, or their end is not seen.
    """

    def __init__(self, events: Iterable[str] | None = None) -> None:
        super().__init__(TRANSITIONS, AmiState.AWAIT_BANNER)
        self._wanted = None if events is None else frozenset(name.encode() for name in events)

    def send_action(
        self, name: str, headers: Sequence[tuple[str, str]] = (), *, action_id: str
    ) -> bytes:
        """Give the bytes of one action.

        Raises `LocalProtocolError` before the banner, after `Logoff`, after the end, and for all
        that `pbx.wire.ami_actions.encode_action` refuses.
        """
        self._check()
        data = encode_action(name, headers, action_id)
        self._step(AmiSignal.LOGOFF if name == "Logoff" else AmiSignal.ACTION)
        return data

    def _pull(self) -> AmiEvent | None:
        if self._state is AmiState.AWAIT_BANNER:
            return self._pull_banner()
        wanted = self._wanted
        while True:
            skip_empty_lines(self._input)
            if self._input.starts_with(_FOLLOWS):
                raw = self._input.take(_END_OF_OUTPUT, MAX_MESSAGE, "a message")
                return None if raw is None else _follows(message_text(raw))
            raw = take_message(self._input)
            if raw is None:
                return None
            if wanted is not None and raw.startswith(_EVENT):
                end = raw.find(EOL)
                if bytes(raw[len(_EVENT) : end if end >= 0 else None]) not in wanted:
                    continue
            event = _message(message_text(raw))
            if wanted is None or isinstance(event, Response) or event.name.encode() in wanted:
                return event

    def _pull_banner(self) -> Banner | None:
        if not self._input.may_start_with(_BANNER):
            raise RemoteProtocolError("the peer did not greet as an Asterisk Call Manager")
        raw = self._input.take(EOL, MAX_BANNER, "the banner")
        if raw is None:
            return None
        refuse_nul(raw)
        self._step(AmiSignal.BANNER)
        return Banner(decode_text(raw[len(_BANNER) :]))

    def _at_end(self) -> ConnectionClosed:
        if self._state is AmiState.AWAIT_BANNER:
            raise RemoteProtocolError("the peer closed before its banner")
        return ConnectionClosed()


def _message(text: str) -> Response | Event:
    headers = Headers.parse(text)
    kind, _, value = text.partition("\r\n")[0].partition(":")
    if kind == "Event" or kind.casefold() == "event":
        # Looked for in Asterisk's spelling first: headers that nobody reads are never cut.
        action_id = headers.get("ActionID") if "ActionID" in text else None
        return Event(value.removeprefix(" "), headers, action_id)
    if kind.casefold() == "response":
        return Response(
            headers.get("ActionID"),
            value.strip().casefold() in _SUCCESS,
            headers.get("Message", ""),
            headers,
            tuple(headers.getall("Output")),
        )
    raise RemoteProtocolError("a message is neither an event nor a response")


def _follows(text: str) -> Response:
    """Read the raw output of a command: headers, then lines that may look like anything."""
    lines = text.split("\r\n")
    count = 1
    while count < len(lines) and lines[count].casefold().startswith(_FOLLOWS_HEADERS):
        count += 1
    headers = Headers.parse("\r\n".join(lines[:count]))
    output = "\n".join(lines[count:]).split("\n")
    # What stands between the last line's end and the mark is nothing, unless a line is unfinished.
    if not output[-1]:
        output.pop()
    return Response(
        headers.get("ActionID"), True, headers.get("Message", ""), headers, tuple(output)
    )
