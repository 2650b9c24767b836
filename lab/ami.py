"""Orders to the world's PBX and events from it, through panoramisk's AMI manager.

panoramisk is the field's stock client and so an independent peer; what it lacks is put around it
here: a time-out on every action, no CR or LF in a value, and no exception let into its callbacks.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from panoramisk import Manager

from lab.errors import WorldError

logger = logging.getLogger(__name__)

Value = str | Sequence[str]
_ACCEPTED = "Authentication accepted"
"""What Asterisk answers to a login (`main/manager.c`); panoramisk's flag was seen unset then."""
ACTION_S = 12.0
"""Longest wait for the reply to one action."""


@dataclass(frozen=True, slots=True)
class Moment:
    """One instant on two clocks: `wall`, seconds since the epoch, and `mono`, `time.monotonic`."""

    wall: float
    mono: float

    @classmethod
    def now(cls) -> Moment:
        """Read both clocks."""
        return cls(time.time(), time.monotonic())

    @classmethod
    def at(cls, wall: float) -> Moment:
        """Tell an instant known by the wall clock of this machine, such as a PBX's event."""
        return cls(wall, wall - time.time() + time.monotonic())

    def since(self, other: Moment) -> float:
        """Seconds from `other` to this."""
        return self.mono - other.mono


@dataclass(frozen=True, slots=True)
class AmiEvent:
    """One event: its name, its headers (names in lower case) and when the PBX raised it."""

    name: str
    headers: Mapping[str, str]
    when: Moment

    def get(self, header: str) -> str:
        """Give a header, or the empty text."""
        return self.headers.get(header, "")


class AmiLink:
    """A logged-in link. `on_event` is called for every event, in order."""

    def __init__(self, port: int, secret: str, on_event: Callable[[AmiEvent], None]) -> None:
        self._on_event = on_event
        self._port = port
        self._manager = Manager(
            host="127.0.0.1",
            port=port,
            username="lab",
            secret=secret,
            ping_delay=3600,
            log=logging.getLogger(f"{__name__}.panoramisk"),
            on_disconnect=self._disconnected,
        )
        self._manager.register_event("*", self._dispatch)
        self._closing = False

    async def open(self, within: float = 10.0) -> None:
        """Connect and log in, trying again while the PBX is still starting."""
        deadline = time.monotonic() + within
        # The port is tried first: panoramisk itself tries again only every two seconds.
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", self._port)
            except OSError as error:
                if time.monotonic() > deadline:
                    raise WorldError(f"AMI port {self._port} does not open: {error}") from error
                await asyncio.sleep(0.02)
            else:
                writer.close()
                await writer.wait_closed()
                break
        try:
            async with asyncio.timeout(within):
                await self._manager.connect()
                await asyncio.sleep(0)
                reply = await self._manager.authenticated_future
        except (TimeoutError, OSError) as error:
            raise WorldError("the world's PBX does not take the AMI login") from error
        if _ACCEPTED not in reply.message:
            # A secret is made for each PBX: another's may have got the port.
            raise WorldError(f"a PBX refused the login at AMI port {self._port}: {reply.message}")

    async def act(
        self, action: str, within: float = ACTION_S, **fields: Value
    ) -> Mapping[str, Any]:
        """Send one action and give its reply.

        Raises `WorldError` when it is refused or not answered in time. The time-out is ours:
        panoramisk would wait for ever.
        """
        reply = await self._send(action, fields, within, as_list=False)
        if reply.response not in {"Success", "Follows", "Goodbye"}:
            raise WorldError(f"{action} was refused: {reply.message or reply.response}")
        headers: Mapping[str, Any] = reply
        return headers

    async def list(self, action: str, within: float = ACTION_S, **fields: Value) -> list[AmiEvent]:
        """Send an action that is answered by a list, and give the list's events."""
        replies = await self._send(action, fields, within, as_list=True)
        return [_event(reply) for reply in replies[1:-1]]

    async def command(self, line: str, within: float = ACTION_S) -> str:
        """Run a command of the PBX's own console and give what it printed."""
        reply = await self.act("Command", within, Command=line)
        output = reply.get("Output", "")
        return output if isinstance(output, str) else "\n".join(output)

    def close(self) -> None:
        """Hang up the link for good."""
        self._closing = True
        if self._manager.protocol is not None:
            self._manager.close()

    async def _send(
        self, action: str, fields: Mapping[str, Value], within: float, *, as_list: bool
    ) -> Any:
        for name, value in fields.items():
            for text in (value,) if isinstance(value, str) else value:
                if any(character in text for character in "\r\n\0"):
                    raise WorldError(f"{action}: {name} holds a line end or NUL")
        try:
            async with asyncio.timeout(within):
                return await self._manager.send_action(
                    {"Action": action, **fields}, as_list=as_list
                )
        except TimeoutError as error:
            raise WorldError(f"{action} was not answered within {within:g} s") from error

    def _dispatch(self, _manager: object, message: Any) -> None:
        try:
            self._on_event(_event(message))
        except Exception:  # an exception here would drop panoramisk's link
            logger.exception("an event could not be taken", extra={"action": "lab.event"})

    def _disconnected(self, _manager: object, _error: object) -> None:
        if not self._closing:
            logger.warning("the AMI link is lost", extra={"action": "lab.ami_lost"})


def _event(message: Any) -> AmiEvent:
    headers = {
        name.lower(): value if isinstance(value, str) else ",".join(value)
        for name, value in message.items()
        if name != "content"
    }
    stamp = headers.get("timestamp")
    when = Moment.at(float(stamp)) if stamp else Moment.now()
    return AmiEvent(headers.get("event", ""), headers, when)
