"""One AMI link to one Asterisk: log in, keep alive, reconnect, and never send a command twice.

An action is written once. When the link breaks before its answer came, the one who asked gets
`LinkDown`; whether Asterisk did it is found out by the resynchronisation that follows every
login, not by sending it again.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import cast

from pbx.errors import LinkDown, LocalProtocolError, RemoteProtocolError, SwitchError
from pbx.wire.ami import AmiConnection, Banner, ConnectionClosed, Event, Response
from pbx.wire.ami_actions import challenge_key

log = logging.getLogger(__name__)

Headers = Sequence[tuple[str, str]]

ACTION_S = 5.0
"""How long an action's answer may take."""
PING_S = 10.0
"""How often a silent link is tried."""
BACKOFF_S = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
"""Pauses between attempts to connect; the last one repeats."""
HIGH_WATER = 8 * 1024 * 1024
"""Most bytes of unsent actions before the link counts as stuck."""


class _Wire(asyncio.Protocol):
    """The socket's side: bytes to events, one by one, in the loop's own turn."""

    def __init__(self, link: AmiLink, events: frozenset[str]) -> None:
        self._link = link
        self.codec = AmiConnection(events)
        self.transport: asyncio.Transport | None = None
        self.greeted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.closed: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.heard = asyncio.get_running_loop().time()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self.heard = asyncio.get_running_loop().time()
        try:
            self.codec.receive_data(data)
            for item in self.codec:
                self._take(item)
        except (RemoteProtocolError, LocalProtocolError) as violation:
            self.fail(f"protocol: {violation}")

    def _take(self, item: object) -> None:
        match item:
            case Event():
                self._link._event(item)
            case Response():
                self._link._response(item)
            case Banner():
                if not self.greeted.done():
                    self.greeted.set_result(None)
            case ConnectionClosed():
                self.fail("closed by Asterisk")

    def connection_lost(self, exc: Exception | None) -> None:
        self.fail(str(exc) if exc else "closed")

    def fail(self, why: str) -> None:
        """End this connection, once."""
        if not self.closed.done():
            self.closed.set_result(why)
        if not self.greeted.done():
            self.greeted.set_exception(LinkDown(why))
            self.greeted.exception()
        if self.transport is not None:
            self.transport.abort()


class AmiLink:
    """A link that is either up, or on its way there.

    `on_event` gets every event that is no part of a list; `on_up` runs after each login, before
    the link counts as up for anyone else, and `on_down` when an up link is lost.
    """

    def __init__(
        self,
        host: str,
        port: int,
        user: str,
        secret: str,
        *,
        events: frozenset[str],
        on_event: Callable[[Event], None],
        on_up: Callable[[], Awaitable[None]],
        on_down: Callable[[str], None],
    ) -> None:
        self._address = (host, port)
        self._login_as = (user, secret)
        self._events = events
        self._on_event = on_event
        self._on_up = on_up
        self._on_down = on_down
        self._wire: _Wire | None = None
        self._ids = itertools.count(1)
        self._pending: dict[str, asyncio.Future[Response]] = {}
        self._lists: dict[str, tuple[str, list[Event], asyncio.Future[list[Event]]]] = {}
        self._task: asyncio.Task[None] | None = None
        self.up = False

    async def start(self) -> None:
        """Begin to connect, and to stay connected; returns at once."""
        self._task = asyncio.create_task(self._keep(), name="ami-link")

    async def stop(self) -> None:
        """Log off and stay down."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        if self._wire is not None:
            self._wire.fail("stopped")
            self._drop("stopped")

    # --- asking -----------------------------------------------------------------------------

    def send(
        self, name: str, headers: Headers = (), *, action_id: str | None = None
    ) -> asyncio.Future[Response]:
        """Write an action now; the future gives its answer.

        Raises `LinkDown` when it was not written, `LocalProtocolError` when it may not be. The
        future raises `LinkDown` when the link broke before the answer, `SwitchError` after
        `ACTION_S` without one. A refusal is a `Response` with `success` false.
        """
        wire = self._wire
        if wire is None or wire.transport is None or wire.closed.done():
            raise LinkDown("no link to Asterisk")
        if wire.transport.get_write_buffer_size() > HIGH_WATER:
            wire.fail("Asterisk does not read its manager socket")
            raise LinkDown("Asterisk does not read its manager socket")
        token = action_id or f"s{next(self._ids)}"
        data = wire.codec.send_action(name, headers, action_id=token)
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Response] = loop.create_future()
        self._pending[token] = answer
        timer = loop.call_later(ACTION_S, self._expire, token, name)
        answer.add_done_callback(lambda _: timer.cancel())
        wire.transport.write(data)
        return answer

    async def action(self, name: str, headers: Headers = ()) -> Response:
        """Send an action and wait; `SwitchError` with Asterisk's words if it is refused."""
        answer = await self.send(name, headers)
        if not answer.success:
            raise SwitchError(f"Asterisk refused {name}: {answer.message}")
        return answer

    async def list(self, name: str, complete: str, headers: Headers = ()) -> list[Event]:
        """Send an action that lists, and gather its events up to the one named `complete`."""
        token = f"l{next(self._ids)}"
        gathered: asyncio.Future[list[Event]] = asyncio.get_running_loop().create_future()
        self._lists[token] = (complete, [], gathered)
        try:
            answer = await self.send(name, headers, action_id=token)
            if not answer.success:
                return []  # Asterisk answers an empty list with an error
            async with asyncio.timeout(ACTION_S):
                return await gathered
        except TimeoutError:
            raise SwitchError(f"Asterisk did not finish {name} in {ACTION_S:g} s") from None
        finally:
            del self._lists[token]

    def _expire(self, token: str, name: str) -> None:
        answer = self._pending.pop(token, None)
        if answer is not None and not answer.done():
            answer.set_exception(SwitchError(f"Asterisk did not answer {name} in {ACTION_S:g} s"))
            answer.exception()

    # --- hearing ----------------------------------------------------------------------------

    def _response(self, response: Response) -> None:
        answer = self._pending.pop(response.action_id or "", None)
        if answer is not None and not answer.done():
            answer.set_result(response)

    def _event(self, event: Event) -> None:
        if event.action_id is not None and event.action_id in self._lists:
            complete, gathered, done = self._lists[event.action_id]
            if event.name != complete:
                gathered.append(event)
            elif not done.done():
                done.set_result(gathered)
            return
        self._on_event(event)

    # --- staying up -------------------------------------------------------------------------

    async def _keep(self) -> None:
        failures = 0
        while True:
            try:
                why = await self._run_once()
                failures = 0
            except (OSError, TimeoutError, SwitchError, RemoteProtocolError) as failure:
                why = str(failure) or type(failure).__name__
            if self.up:
                self.up = False
                self._on_down(why)
                log.warning("AMI link lost", extra={"action": "ami_lost", "why": why})
            elif failures in (0, 5) or failures % 60 == 0:
                log.info("no AMI link", extra={"action": "ami_unreachable", "why": why})
            self._drop(why)
            await asyncio.sleep(BACKOFF_S[min(failures, len(BACKOFF_S) - 1)])
            failures += 1

    async def _run_once(self) -> str:
        """One connection, from connect to its end; gives why it ended."""
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(ACTION_S):
            _, wire = await loop.create_connection(
                lambda: _Wire(self, self._events), *self._address
            )
            self._wire = wire
            await wire.greeted
        await self._login()
        await self._on_up()
        self.up = True
        log.info("AMI link up", extra={"action": "ami_up"})
        while not wire.closed.done():
            silent = loop.time() - wire.heard
            await asyncio.wait([wire.closed], timeout=max(PING_S - silent, 0.1))
            if not wire.closed.done() and loop.time() - wire.heard >= PING_S:
                await self.action("Ping")
        return wire.closed.result()

    async def _login(self) -> None:
        user, secret = self._login_as
        answer = await self.action("Challenge", [("AuthType", "MD5")])
        key = challenge_key(answer.headers.get("Challenge") or "", secret)
        await self.action("Login", [("AuthType", "MD5"), ("Username", user), ("Key", key)])

    def _drop(self, why: str) -> None:
        wire, self._wire = self._wire, None
        if wire is not None:
            wire.fail(why)
        pending, self._pending = self._pending, {}
        for answer in pending.values():
            if not answer.done():
                answer.set_exception(LinkDown(why))
                answer.exception()
        for _, _, gathered in self._lists.values():
            if not gathered.done():
                gathered.set_exception(LinkDown(why))
                gathered.exception()
