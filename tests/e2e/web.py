"""A host outside that flows ask, and that is told their events."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from types import TracebackType
from typing import Any

from aiohttp import web

SECRET = "kept between the two of us"


class Web:
    """`/customer` answers, `/next` chooses the first target, `/hang` never answers.

    `/held` answers once `release` is set; `/code` takes a code that is to be sent.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self.asked: list[str] = []
        self.codes: dict[str, list[str]] = {}
        """By number, those to be sent."""
        self.events: list[dict[str, Any]] = []
        self.release = asyncio.Event()
        self._hung = asyncio.Event()
        app = web.Application()
        app.router.add_get("/customer", self._customer)
        app.router.add_post("/next", self._next)
        app.router.add_post("/events", self._event)
        app.router.add_post("/code", self._code)
        app.router.add_get("/held", self._held)
        app.router.add_route("*", "/hang", self._hang)
        self._runner = web.AppRunner(app, shutdown_timeout=1)

    async def __aenter__(self) -> Web:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._hung.set()
        await self._runner.cleanup()

    async def _customer(self, request: web.Request) -> web.Response:
        self.asked.append(request.query["caller"])
        return web.json_response({"name": "Ann", "level": 3})

    async def _next(self, request: web.Request) -> web.Response:
        return web.json_response({"next": (await self._signed(request))["targets"][0]})

    async def _event(self, request: web.Request) -> web.Response:
        self.events.append(await self._signed(request))
        return web.Response()

    async def _code(self, request: web.Request) -> web.Response:
        asked = await self._signed(request)
        self.codes.setdefault(asked["data"]["number"], []).append(asked["code"])
        return web.json_response({})

    async def _hang(self, request: web.Request) -> web.Response:
        self.asked.append("hang")
        await self._hung.wait()
        return web.Response()

    async def _held(self, request: web.Request) -> web.Response:
        self.asked.append(request.query["caller"])
        await self.release.wait()
        return web.json_response({"name": "Ann"})

    async def _signed(self, request: web.Request) -> dict[str, Any]:
        body = await request.read()
        signed = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        assert request.headers["Sala-Signature"] == f"sha256={signed}"
        found: dict[str, Any] = json.loads(body)
        return found
