"""The FastAGI server: Asterisk's dialplan asks, a handler answers.

A connection is one request about one call. It is bounded in size and in the time it may take to
say what it wants, so that probes, half-open connections and garbage cost nothing but themselves.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Awaitable, Callable, Iterator
from typing import cast

from pbx.errors import CallGone, LocalProtocolError, RemoteProtocolError, SwitchError
from pbx.wire.agi import AgiConnection, ConnectionClosed, HungUp, Request, Result

log = logging.getLogger(__name__)

REQUEST_S = 5.0
"""How long a connection may take to describe its call."""
MAX_SILENT = 256
"""Most connections that have not yet described a call; the oldest is dropped for a new one."""

GATHER_BYTES = 384
"""Somewhat less than a request has. Asterisk writes one line by line, about 25 of them: so that
each does not wake us, the system tells of a connection's first bytes when so many are there, or
its end (`SO_RCVLOWAT`, socket(7))."""
GATHER_S = 0.02
"""A shorter request is told of after this long."""

Handle = Callable[["AgiSession"], Awaitable[None]]


class AgiSession(asyncio.Protocol):
    """One FastAGI connection."""

    def __init__(self, server: FastAgiServer) -> None:
        self._server = server
        self._codec = AgiConnection()
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[Result] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._hung_up = False
        self._closed = False
        self._gathering = True
        self.request: Request | None = None

    @property
    def hung_up(self) -> bool:
        """Whether the caller is known to be gone."""
        return self._hung_up or self._closed

    async def command(self, name: str, *args: str) -> Result:
        """Send one command and wait for its reply, as long as it takes.

        Raises `CallGone` when the caller has hung up or the connection ended, `SwitchError` when
        Asterisk does not know the command, `LocalProtocolError` for what may not be sent.
        """
        if self.hung_up or self._transport is None:
            raise CallGone("the caller has hung up")
        data = self._codec.send_command(name, *args)
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(data)
        try:
            result = await self._answer
        finally:
            self._answer = None
        if result.code == 511 or (result.result == "-1" and self.hung_up):
            raise CallGone("the caller has hung up")
        if not result.ok:
            raise SwitchError(f"Asterisk did not carry out {name}: {result.text}")
        return result

    def close(self) -> None:
        """End the request; the dialplan goes on."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        if self._transport is not None:
            self._transport.close()
        self._fail_answer()

    # --- asyncio.Protocol -------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(GATHER_S, self._gathered)
        self._server.opened(self)

    def data_received(self, data: bytes) -> None:
        if self._gathering:
            self._gathered()
        try:
            self._codec.receive_data(data)
            for item in self._codec:
                self._take(item)
        except (RemoteProtocolError, LocalProtocolError) as violation:
            self._violation(str(violation))

    def _take(self, item: object) -> None:
        match item:
            case Request():
                self.request = item
                if self._timer is not None:
                    self._timer.cancel()
                self._server.requested(self)
            case Result():
                if self._answer is not None and not self._answer.done():
                    self._answer.set_result(item)
            case HungUp():
                self._hung_up = True
            case ConnectionClosed():
                self.close()

    def _gathered(self) -> None:
        """From here on, be told of every byte."""
        self._gathering = False
        if self._timer is None or self._transport is None:
            return
        self._timer.cancel()
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(REQUEST_S, self._violation, "no request in time")
        its: socket.socket = self._transport.get_extra_info("socket")
        its.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 1)

    def connection_lost(self, exc: Exception | None) -> None:
        self.close()
        self._server.ended(self)

    def _violation(self, why: str) -> None:
        log.warning("FastAGI connection refused", extra={"action": "agi_refused", "why": why})
        self.close()
        if self._transport is not None:
            self._transport.abort()

    def _fail_answer(self) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(CallGone("the call's connection has ended"))


class FastAgiServer:
    """Listens on loopback and runs `handle` for each request, in a task of its own."""

    def __init__(self, handle: Handle) -> None:
        self._handle = handle
        self._server: asyncio.Server | None = None
        self._silent: dict[AgiSession, None] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._sessions: set[AgiSession] = set()
        self._noted: set[str] | None = None

    async def start(self, host: str, port: int) -> int:
        """Listen; gives the port (the system's choice for 0). Raises OSError if it is taken."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: AgiSession(self), host, port, backlog=512, reuse_address=True
        )
        for listening in self._server.sockets:
            # What is accepted inherits it.
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, GATHER_BYTES)
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Stop listening and end every request; calls stay with the dialplan."""
        if self._server is not None:
            self._server.close()
        for session in list(self._sessions):
            session.close()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._server is not None:
            await self._server.wait_closed()
            self._server = None

    def opened(self, session: AgiSession) -> None:
        """A connection was made."""
        self._sessions.add(session)
        self._silent[session] = None
        if len(self._silent) > MAX_SILENT:
            oldest = next(iter(self._silent))
            del self._silent[oldest]
            oldest.close()

    @contextlib.contextmanager
    def noting(self) -> Iterator[set[str]]:
        """Note which calls (by unique id) have a request at any time within."""
        noted = self._noted = {_call_of(one) for one in self._sessions if one.request is not None}
        try:
            yield noted
        finally:
            self._noted = None

    def requested(self, session: AgiSession) -> None:
        """A connection has described its call."""
        self._silent.pop(session, None)
        if self._noted is not None:
            self._noted.add(_call_of(session))
        task = asyncio.get_running_loop().create_task(self._run(session))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def ended(self, session: AgiSession) -> None:
        """A connection is gone."""
        self._silent.pop(session, None)
        self._sessions.discard(session)

    async def _run(self, session: AgiSession) -> None:
        try:
            await self._handle(session)
        except CallGone:
            pass
        except Exception:
            # One call's fault must not reach another; the dialplan goes on as with no service.
            log.exception("call handler failed", extra={"action": "agi_handler_failed"})
        finally:
            session.close()


def _call_of(session: AgiSession) -> str:
    return "" if session.request is None else session.request.env.get("agi_uniqueid", "")
