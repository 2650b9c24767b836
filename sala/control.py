"""The control socket: how commands speak with the running service.

HTTP with JSON over a unix socket of mode 0600 in the state folder. Whoever may open the socket is
the admin; there is no other sign-in.

====== ========================= ================================ ==============================
GET    /status                   —                                the service's `status()`, `pid`
GET    /agents                   —                                `{"agents": […]}` of it
POST   /agents/{id}/presence     `{"wanted", "reason"}`           `{"agent", "wanted"}`
POST   /calls/{id}/{verb}        `{"to", "keep_place"}`           `{"call", "verb"}`
GET    /callbacks                —                                `{"callbacks": […]}`: open ones
POST   /callbacks                `{"number", "queue", …}`         `{"callback", "answer"}`
POST   /callbacks/{id}/number    `{"number"}`                     `{"callback", "number"}`
POST   /callbacks/{id}/cancel    `{}`                             `{"callback"}`
POST   /reload                   —                                `{"faults": []}`
====== ========================= ================================ ==============================

A verb is hold, resume, transfer, consult, complete, cancel or conference; transfer and consult have
a `to`, an agent, a queue or a number.

A callback may have a `due_ms` (a time; else in its turn), an `agent` whose own it is, a `language`,
and the `interaction` that it is for; with that, number, queue and agent are those of the call.
Its `answer` is promised, or found: the customer has one already, and keeps it. Those listed are
narrowed by `?queue=` and `?customer=`.

Errors are `{"error": text}` with a status of 400 (the request), 404 (no such agent or call), 409
(it cannot be done as things stand), 422 (what was to be reloaded has `faults`, and nothing was
changed), 503 (the database is away) or 500.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlencode

import aiohttp
import orjson
from aiohttp import web

from acd.handover import HandoverRefused
from acd.router.events import Wanted
from crm.errors import DatabaseUnavailable
from sala.errors import AlreadyRunning, SalaError, ServiceRefused, ServiceUnreachable
from sala.handing import Verb

log = logging.getLogger(__name__)

BODY_BYTES = 64 * 1024
REASON_CHARACTERS = 64
TO_CHARACTERS = 40
_CALLBACK_TEXTS = ("number", "queue", "agent", "language", "interaction")


class Controlled(Protocol):
    """What the control socket asks of the service."""

    def status(self) -> dict[str, Any]:
        """Tell how everything is, in values JSON knows."""

    async def reload(self) -> list[str]:
        """Take changed flows and configuration in; return faults (then nothing was changed)."""

    async def agent_wants(self, agent: str, wanted: Wanted, reason: str) -> None:
        """Log an agent in or out, pause or resume. Raises `LookupError` for an unknown agent."""

    async def call(self, interaction: str, verb: Verb, to: str, *, keep_place: bool) -> None:
        """Hand a call on. Raises `LookupError` for an unknown call, `HandoverRefused`."""

    async def callbacks(self, queue: str, customer: str, interaction: str) -> list[dict[str, Any]]:
        """List open callbacks; of a queue, of a customer or an interaction's (empty: all)."""

    async def add_callback(self, wish: Mapping[str, Any]) -> dict[str, Any]:
        """Promise a callback. Raises `CallbackRefused`, `LookupError` for an unknown call."""

    async def change_callback(self, callback: str, number: str) -> str:
        """Have another number called; empty: cancel. Raises `CallbackRefused`, `LookupError`."""


def _json(content: object, status: int = 200) -> web.Response:
    return web.Response(
        body=orjson.dumps(content, default=str, option=orjson.OPT_NON_STR_KEYS),
        status=status,
        content_type="application/json",
    )


@web.middleware
async def _as_json(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    try:
        return await handler(request)
    except web.HTTPException as error:
        return _json({"error": error.text or error.reason}, error.status)
    except SalaError as error:
        return _json({"error": str(error)}, 409)
    except DatabaseUnavailable:
        return _json({"error": "the database is away; nothing was changed"}, 503)
    except Exception:
        log.exception("control request failed", extra={"action": "control", "path": request.path})
        return _json({"error": "the service failed at this; its log tells why"}, 500)


class ControlServer:
    """Serves the control socket for one service."""

    def __init__(self, service: Controlled, path: Path) -> None:
        self._service = service
        self._path = path
        app = web.Application(middlewares=[_as_json], client_max_size=BODY_BYTES)
        app.router.add_get("/status", self._status)
        app.router.add_get("/agents", self._agents)
        app.router.add_post("/agents/{agent}/presence", self._presence)
        app.router.add_post("/calls/{call}/{verb}", self._call)
        app.router.add_get("/callbacks", self._callbacks)
        app.router.add_post("/callbacks", self._add_callback)
        app.router.add_post("/callbacks/{callback}/{verb}", self._change_callback)
        app.router.add_post("/reload", self._reload)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=2.0)
        self._inode: int | None = None

    async def claim(self) -> None:
        """Clear a dead service's socket away. Raises `AlreadyRunning` when a live one answers."""
        with contextlib.suppress(ServiceUnreachable):
            async with ControlClient(self._path, timeout_s=2.0) as client:
                await client.status()
            raise AlreadyRunning(f"a service already answers on {self._path}")
        self._path.unlink(missing_ok=True)

    async def start(self) -> None:
        """Bind the socket. Raises `AlreadyRunning` when another service answers there."""
        await self.claim()
        await self._runner.setup()
        old = os.umask(0o177)
        try:
            await web.UnixSite(self._runner, self._path).start()
        finally:
            os.umask(old)
        self._inode = self._path.stat().st_ino

    async def stop(self) -> None:
        """Close the socket and what is open on it."""
        await self._runner.cleanup()
        with contextlib.suppress(FileNotFoundError):
            if self._path.stat().st_ino == self._inode:
                self._path.unlink()

    async def _status(self, request: web.Request) -> web.Response:
        return _json({"pid": os.getpid(), **self._service.status()})

    async def _agents(self, request: web.Request) -> web.Response:
        return _json({"agents": self._service.status().get("agents", [])})

    async def _presence(self, request: web.Request) -> web.Response:
        agent = request.match_info["agent"]
        body = await _body(request)
        try:
            wanted = Wanted(str(body.get("wanted")))
        except ValueError as error:
            choices = ", ".join(Wanted)
            raise web.HTTPBadRequest(text=f"wanted must be one of {choices}") from error
        reason = body.get("reason", "")
        if not isinstance(reason, str) or len(reason) > REASON_CHARACTERS:
            raise web.HTTPBadRequest(
                text=f"reason must be a text of at most {REASON_CHARACTERS} characters"
            )
        try:
            await self._service.agent_wants(agent, wanted, reason)
        except LookupError as error:
            raise web.HTTPNotFound(text=f"there is no agent {agent}") from error
        return _json({"agent": agent, "wanted": wanted})

    async def _call(self, request: web.Request) -> web.Response:
        call, body = request.match_info["call"], await _body(request)
        try:
            verb = Verb(request.match_info["verb"])
        except ValueError as error:
            choices = ", ".join(Verb)
            raise web.HTTPBadRequest(text=f"what to do must be one of {choices}") from error
        to, keep_place = body.get("to", ""), body.get("keep_place", False)
        if not isinstance(to, str) or len(to) > TO_CHARACTERS or not isinstance(keep_place, bool):
            raise web.HTTPBadRequest(
                text=f"to must be a text of at most {TO_CHARACTERS} characters, "
                "keep_place true or false"
            )
        try:
            await self._service.call(call, verb, to, keep_place=keep_place)
        except LookupError as error:
            raise web.HTTPNotFound(text=f"there is no call {call}") from error
        except HandoverRefused as refusal:
            return _json({"error": str(refusal)}, 409)
        return _json({"call": call, "verb": verb})

    async def _callbacks(self, request: web.Request) -> web.Response:
        asked = [request.query.get(key, "") for key in ("queue", "customer", "interaction")]
        found = await self._service.callbacks(*asked)
        return _json({"callbacks": found})

    async def _add_callback(self, request: web.Request) -> web.Response:
        wish = await _body(request)
        kinds = {**dict.fromkeys(_CALLBACK_TEXTS, str), "due_ms": int}
        for key, value in wish.items():
            kind = kinds.get(key)
            if kind is None or not isinstance(value, kind) or isinstance(value, bool):
                raise web.HTTPBadRequest(
                    text=f"a callback has texts {', '.join(_CALLBACK_TEXTS)} and a number due_ms"
                )
            if isinstance(value, str) and len(value) > TO_CHARACTERS * 2:
                raise web.HTTPBadRequest(text=f"{key} is too long")
        try:
            return _json(await self._service.add_callback(wish))
        except LookupError as error:
            raise web.HTTPNotFound(text=str(error)) from error

    async def _change_callback(self, request: web.Request) -> web.Response:
        callback, verb = request.match_info["callback"], request.match_info["verb"]
        number = (await _body(request)).get("number", "") if verb == "number" else ""
        if verb not in ("number", "cancel") or not isinstance(number, str):
            raise web.HTTPBadRequest(text="what to do must be number (with a number) or cancel")
        if verb == "number" and not 1 <= len(number) <= TO_CHARACTERS:
            raise web.HTTPBadRequest(text="a number is needed")
        try:
            number = await self._service.change_callback(callback, number)
        except LookupError as error:
            raise web.HTTPNotFound(text=f"there is no open callback {callback}") from error
        return _json({"callback": callback, "number": number})

    async def _reload(self, request: web.Request) -> web.Response:
        faults = await self._service.reload()
        if faults:
            return _json({"error": "\n".join(faults), "faults": faults}, 422)
        return _json({"faults": []})


async def _body(request: web.Request) -> Mapping[str, Any]:
    try:
        body = orjson.loads(await request.read())
    except orjson.JSONDecodeError as error:
        raise web.HTTPBadRequest(text="the body is not JSON") from error
    if not isinstance(body, dict):
        raise web.HTTPBadRequest(text="the body must be an object")
    return body


class ControlClient:
    """Speaks with the service; an async context.

    Every method raises `ServiceUnreachable` when none answers in time, and `ServiceRefused` with
    the service's own words when it says no.
    """

    def __init__(self, path: Path, *, timeout_s: float = 5.0) -> None:
        self._path = path
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> ControlClient:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.UnixConnector(path=str(self._path)), timeout=self._timeout
        )
        return self

    async def __aexit__(self, *exception: object) -> None:
        if self._session:
            await self._session.close()

    async def status(self) -> dict[str, Any]:
        """Ask how everything is."""
        return await self._ask("GET", "/status")

    async def agents(self) -> list[dict[str, Any]]:
        """Ask who is there, and in which presence."""
        agents: list[dict[str, Any]] = (await self._ask("GET", "/agents"))["agents"]
        return agents

    async def agent_wants(self, agent: str, wanted: Wanted, reason: str = "") -> None:
        """Log an agent in or out, pause or resume."""
        body = {"wanted": wanted, "reason": reason}
        await self._ask("POST", f"/agents/{agent}/presence", body)

    async def call(
        self, interaction: str, verb: Verb, to: str = "", *, keep_place: bool = False
    ) -> None:
        """Hand a call on."""
        body = {"to": to, "keep_place": keep_place}
        await self._ask("POST", f"/calls/{interaction}/{verb}", body)

    async def callbacks(
        self, queue: str = "", customer: str = "", interaction: str = ""
    ) -> list[dict[str, Any]]:
        """Ask which callbacks are open."""
        asked = {"queue": queue, "customer": customer, "interaction": interaction}
        query = urlencode(asked)
        found: list[dict[str, Any]] = (await self._ask("GET", f"/callbacks?{query}"))["callbacks"]
        return found

    async def add_callback(self, wish: Mapping[str, Any]) -> dict[str, Any]:
        """Have a callback promised; return `callback` and `answer`."""
        return await self._ask("POST", "/callbacks", dict(wish))

    async def change_callback(self, callback: str, number: str = "") -> None:
        """Have another number called; empty: cancel."""
        verb = "number" if number else "cancel"
        await self._ask("POST", f"/callbacks/{callback}/{verb}", {"number": number})

    async def reload(self) -> None:
        """Have changed flows and configuration taken in."""
        await self._ask("POST", "/reload")

    async def _ask(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        assert self._session is not None, "use it as a context"
        data = None if body is None else orjson.dumps(body)
        try:
            async with self._session.request(method, f"http://sala{path}", data=data) as response:
                content = orjson.loads(await response.read())
                status = response.status
        except (aiohttp.ClientError, OSError, TimeoutError, orjson.JSONDecodeError) as error:
            raise ServiceUnreachable(
                "no service answers in this state folder; start it with: sala up"
            ) from error
        if not isinstance(content, dict):
            raise ServiceUnreachable(f"what answers on {self._path} is no Sala service")
        if status >= 400:
            raise ServiceRefused(str(content.get("error", "refused")), status=status)
        return content


async def wait_for_service(path: Path) -> None:
    """Wait until a service answers on the socket; bound it with a time-out of your own."""
    while True:
        with contextlib.suppress(ServiceUnreachable):
            async with ControlClient(path) as client:
                await client.status()
            return
        await asyncio.sleep(0.05)
