"""AGI over TCP (FastAGI): our end, the server's.

Theory of operation
-------------------
Asterisk connects and describes the call: lines `agi_<name>: <value>`, ended by an empty line. Then
it is our turn. We send one command, a line; Asterisk carries it out, which may take as long as a
caller talks, and answers with one reply; and so on until either side closes. Replies are

* `200 result=<value>`, which may go on with `(<text>)` and with ` <name>=<value>` words, such as
  `200 result= (timeout)` or `200 result=35 (dtmf) endpos=8000`;
* `510 …` (no such command) and `511 …` (not on a dead channel);
* `520-…`, lines of usage, and `520 End of proper usage.`, or a single `520 …` line;
* `100 …`, after which the true reply follows.

There is no second command before the reply to the first; the codec refuses it, since replies name
no command. When the caller hangs up Asterisk says so by a line `HANGUP`, at any moment, which is
not a reply: the one that is due still comes. What may be sent afterwards is for Asterisk to say
(`511`).

A variable's value with a line feed in it would pass for further replies. There is no telling, and
so a reply that nothing asked for, or one with a parenthesis that does not close, is a violation.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from urllib.parse import parse_qsl

from pbx.errors import RemoteProtocolError
from pbx.wire.agi_command import encode_command, max_command
from pbx.wire.connection import END, VIOLATION, Connection
from pbx.wire.fields import decode_text

MAX_LINE = 8 * 1024
"""Most bytes in a line we accept."""
MAX_ENVIRONMENT_LINES = 256
"""Most lines in the description of a call."""
MAX_ENVIRONMENT = 64 * 1024
"""Most bytes in the description of a call."""
MAX_USAGE_LINES = 256
"""Most lines in the usage of a `520` reply."""

_VARIABLE = re.compile(r"(agi_[A-Za-z0-9_]+): ?(.*)", re.DOTALL)
_REPLY = re.compile(r"([1-9][0-9]{2})(?:([ -])(.*))?", re.DOTALL | re.ASCII)
_HANGUP = "HANGUP"


class AgiState(StrEnum):
    """Where an AGI server is."""

    ENVIRONMENT = "environment"
    IDLE = "idle"
    AWAIT_REPLY = "await reply"
    IN_USAGE = "in usage"
    CLOSED = "closed"
    ERROR = "error"


class AgiSignal(StrEnum):
    """What moves an AGI server from state to state, besides the end and a violation."""

    REQUEST = "request"
    COMMAND = "command"
    TRYING = "trying"
    REPLY = "reply"
    USAGE = "usage"
    HANGUP = "hangup"


TRANSITIONS: Mapping[AgiState, Mapping[str, AgiState]] = {
    AgiState.ENVIRONMENT: {
        AgiSignal.REQUEST: AgiState.IDLE,
        AgiSignal.HANGUP: AgiState.ENVIRONMENT,
        END: AgiState.CLOSED,
        VIOLATION: AgiState.ERROR,
    },
    AgiState.IDLE: {
        AgiSignal.COMMAND: AgiState.AWAIT_REPLY,
        AgiSignal.HANGUP: AgiState.IDLE,
        END: AgiState.CLOSED,
        VIOLATION: AgiState.ERROR,
    },
    AgiState.AWAIT_REPLY: {
        AgiSignal.TRYING: AgiState.AWAIT_REPLY,
        AgiSignal.REPLY: AgiState.IDLE,
        AgiSignal.USAGE: AgiState.IN_USAGE,
        AgiSignal.HANGUP: AgiState.AWAIT_REPLY,
        END: AgiState.CLOSED,
        VIOLATION: AgiState.ERROR,
    },
    AgiState.IN_USAGE: {
        AgiSignal.REPLY: AgiState.IDLE,
        AgiSignal.HANGUP: AgiState.IN_USAGE,
        VIOLATION: AgiState.ERROR,
    },
    AgiState.CLOSED: {},
    AgiState.ERROR: {},
}
"""State → signal → next state. A signal that is missing is not possible there."""


@dataclass(frozen=True, slots=True)
class Request:
    """A call asks for us. `env` holds the description, keyed by names such as `agi_uniqueid`."""

    env: Mapping[str, str]

    @property
    def script(self) -> str:
        """The path asked for, without leading slash and query: `ivr` of `agi://host/ivr?a=b`."""
        return self.env.get("agi_network_script", "").partition("?")[0]

    @property
    def query(self) -> dict[str, str]:
        """The query behind the path, percent-decoded; of a repeated name the first value."""
        text = self.env.get("agi_network_script", "").partition("?")[2]
        return dict(reversed(parse_qsl(text, keep_blank_values=True)))

    @property
    def args(self) -> tuple[str, ...]:
        """The arguments `agi_arg_1`, `agi_arg_2`, … given behind the address."""
        found: list[str] = []
        while (arg := self.env.get(f"agi_arg_{len(found) + 1}")) is not None:
            found.append(arg)
        return tuple(found)


@dataclass(frozen=True, slots=True)
class Result:
    """The reply to the command.

    `code` 200: carried out; `result` is what stands behind `result=` (it may be empty, and `-1`
    usually tells that the channel is gone), `data` the text in parentheses, `extra` the words
    behind. Other codes: `text` is the explanation, and `usage` the lines of a `520`.
    """

    code: int
    result: str = ""
    data: str | None = None
    extra: Mapping[str, str] = field(default_factory=dict, hash=False)
    text: str = ""
    usage: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether the command was known and carried out."""
        return self.code == 200

    @property
    def endpos(self) -> int | None:
        """Where playing or recording stopped, in samples; None if not told."""
        value = self.extra.get("endpos", "")
        return int(value) if value.isascii() and value.isdigit() and len(value) < 20 else None


@dataclass(frozen=True, slots=True)
class HungUp:
    """The caller has hung up. The reply that is due, if any, still comes."""


@dataclass(frozen=True, slots=True)
class ConnectionClosed:
    """Asterisk has closed, between two lines."""


AgiEvent = Request | Result | HungUp | ConnectionClosed


class AgiConnection(Connection[AgiState, AgiEvent]):
    """One FastAGI session seen from the server."""

    def __init__(self) -> None:
        super().__init__(TRANSITIONS, AgiState.ENVIRONMENT)
        self._env: dict[str, str] = {}
        self._env_size = 0
        self._usage: list[str] = []

    def send_command(self, name: str, *args: str) -> bytes:
        """Give the bytes of one command; each argument arrives as one word.

        Raises `LocalProtocolError` before the request, while a reply is due, after the end, and
        for all that `pbx.wire.agi_command.encode_command` refuses.
        """
        self._check()
        data = encode_command(name, args, max_command(self._env.get("agi_version", "")))
        self._step(AgiSignal.COMMAND)
        return data

    def _pull(self) -> AgiEvent | None:
        while (raw := self._input.take(b"\n", MAX_LINE, "a line")) is not None:
            if b"\0" in raw:
                raise RemoteProtocolError("a line holds NUL")
            line = decode_text(raw)
            event: AgiEvent | None
            if line == _HANGUP:
                self._step(AgiSignal.HANGUP)
                event = HungUp()
            elif self._state is AgiState.ENVIRONMENT:
                event = self._environment(line, len(raw) + 1)
            elif self._state is AgiState.AWAIT_REPLY:
                event = self._reply(line)
            elif self._state is AgiState.IN_USAGE:
                event = self._in_usage(line)
            else:
                raise RemoteProtocolError("a line came that nothing asked for")
            if event is not None:
                return event
        return None

    def _environment(self, line: str, size: int) -> Request | None:
        if not line and self._env:
            self._step(AgiSignal.REQUEST)
            return Request(MappingProxyType(self._env))
        self._env_size += size
        if self._env_size > MAX_ENVIRONMENT or len(self._env) >= MAX_ENVIRONMENT_LINES:
            raise RemoteProtocolError("the description of the call is too long")
        match = _VARIABLE.fullmatch(line)
        if match is None:
            raise RemoteProtocolError("the description of the call holds a line that is not AGI's")
        name, value = match.groups()
        if name in self._env:
            # Asterisk names each once; a second one has come in by a line feed in a value.
            raise RemoteProtocolError("the description of the call names a variable twice")
        self._env[name] = value
        return None

    def _reply(self, line: str) -> Result | None:
        match = _REPLY.fullmatch(line)
        if match is None:
            raise RemoteProtocolError("a reply does not begin with a code")
        code, mark, text = int(match[1]), match[2], match[3] or ""
        if code < 200:
            self._step(AgiSignal.TRYING)
            return None
        if mark == "-":
            if code != 520:
                raise RemoteProtocolError("a reply of this code has but one line")
            self._usage = [text]
            self._step(AgiSignal.USAGE)
            return None
        if code == 200:
            result = _result(text)
        elif 500 <= code < 600:
            result = Result(code, text=text)
        else:
            raise RemoteProtocolError("a reply has a code that AGI does not know")
        self._step(AgiSignal.REPLY)
        return result

    def _in_usage(self, line: str) -> Result | None:
        if line == "520" or line.startswith("520 "):
            explanation, *usage = self._usage
            self._usage = []
            self._step(AgiSignal.REPLY)
            return Result(520, text=explanation, usage=tuple(usage))
        if len(self._usage) > MAX_USAGE_LINES:
            raise RemoteProtocolError(f"a usage has more than {MAX_USAGE_LINES} lines")
        self._usage.append(line)
        return None

    def _at_end(self) -> ConnectionClosed:
        if self._env and self._state is AgiState.ENVIRONMENT:
            raise RemoteProtocolError("the peer closed within the description of the call")
        return ConnectionClosed()


def _result(text: str) -> Result:
    """Read what follows `200 `: `result=<value>[ (<text>)][ <name>=<value>]…`."""
    if not text.startswith("result="):
        raise RemoteProtocolError("a reply has no result")
    value, _, rest = text.removeprefix("result=").partition(" ")
    data: str | None = None
    if rest.startswith("("):
        # The last one: the text is a variable's value and may hold parentheses of its own.
        end = rest.rfind(")")
        if end < 0:
            raise RemoteProtocolError("a reply has a parenthesis that does not close")
        data, rest = rest[1:end], rest[end + 1 :]
    extra = {}
    for word in rest.split(" "):
        name, equals, what = word.partition("=")
        if equals:
            extra[name] = what
    return Result(200, value, data, MappingProxyType(extra), text)
