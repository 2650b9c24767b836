"""HTTP look-ups, webhooks and named queries against real servers on loopback."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from crm.database import Database
from crm.errors import CrmError
from ivr.errors import LookupFailed
from ivr.flow.nodes import Http
from ivr.lookups import FAILURES, MAX_BODY, OPEN_S, HttpService, NamedQueries, query_names

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

PATIENT_MS = 10_000
"""For what is answered, however busy the machine is."""


class Server:
    """A service outside whose behaviour a test sets."""

    def __init__(self) -> None:
        self.handler: Handler = self.well
        self.requests: list[tuple[str, dict[str, str], bytes, dict[str, str]]] = []
        self.host = ""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        query, headers = dict(request.query), dict(request.headers)
        self.requests.append((request.method, query, await request.read(), headers))
        return await self.handler(request)

    async def well(self, _: web.Request) -> web.StreamResponse:
        return web.json_response({"balance": 1.5})

    def answers(self, status: int = 200, body: bytes = b"{}", **headers: str) -> None:
        async def handler(_: web.Request) -> web.StreamResponse:
            return web.Response(status=status, body=body, headers=headers)

        self.handler = handler


@pytest.fixture
async def outside() -> AsyncIterator[Server]:
    here = Server()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", here.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    here.host = f"127.0.0.1:{runner.addresses[0][1]}"
    yield here
    await runner.cleanup()


@pytest.fixture
async def service(outside: Server) -> AsyncIterator[HttpService]:
    one = HttpService([outside.host], secret="s3cret")
    yield one
    await one.close()


def http(outside: Server, **fields: Any) -> Http:
    return Http(url=f"http://{outside.host}/accounts", **fields)


async def test_gets_json(outside: Server, service: HttpService) -> None:
    found = await service.fetch(http(outside), {"n": "4 7", "yes": True}, {}, timeout_ms=PATIENT_MS)
    assert found == {"balance": 1.5}
    assert outside.requests[0][:2] == ("GET", {"n": "4 7", "yes": "true"})


async def test_posts_json(outside: Server, service: HttpService) -> None:
    await service.fetch(http(outside, method="POST"), {}, {"pin": "4711"}, timeout_ms=PATIENT_MS)
    method, query, body, headers = outside.requests[0]
    assert (method, query, json.loads(body)) == ("POST", {}, {"pin": "4711"})
    assert headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("status", [404, 410])
async def test_what_is_not_there_is_missing(
    outside: Server, service: HttpService, status: int
) -> None:
    outside.answers(status)
    assert await service.fetch(http(outside), {}, {}, timeout_ms=PATIENT_MS) is None


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (500, b"{}", "status 500"),
        (302, b"{}", "status 302"),
        (200, b"no json", "no JSON"),
        (200, b"[1]", "no JSON object"),
        (200, b"[" * 30_000, "no JSON"),
        (200, b'{"a": "' + b"x" * MAX_BODY + b'"}', "more than 64 KiB"),
        (200, b"\xff\xfe{", "no JSON"),
    ],
)
async def test_wrong_answers_fail(
    outside: Server, service: HttpService, status: int, body: bytes, told: str
) -> None:
    outside.answers(status, body, Location="http://127.0.0.1:1/")
    with pytest.raises(LookupFailed, match=told):
        await service.fetch(http(outside, retries=0), {}, {}, timeout_ms=PATIENT_MS)


async def test_tries_again(outside: Server, service: HttpService) -> None:
    async def second_time(_: web.Request) -> web.StreamResponse:
        return web.json_response({}, status=200 if len(outside.requests) > 1 else 503)

    outside.handler = second_time
    assert await service.fetch(http(outside, retries=1), {}, {}, timeout_ms=PATIENT_MS) == {}
    assert len(outside.requests) == 2


async def test_time_out_is_for_all_tries(outside: Server, service: HttpService) -> None:
    async def hang(_: web.Request) -> web.StreamResponse:
        await asyncio.Event().wait()  # until the one who asked has had enough
        return web.json_response({})

    outside.handler = hang
    begun = asyncio.get_running_loop().time()
    with pytest.raises(LookupFailed, match="did not answer in time"):
        await service.fetch(http(outside, retries=3), {}, {}, timeout_ms=1_000)
    assert asyncio.get_running_loop().time() - begun < 10
    assert len(outside.requests) <= 1  # the first took all of the time


async def test_circuit_opens_and_tries_again_after_a_while(outside: Server) -> None:
    now = 0.0
    service = HttpService([outside.host], clock=lambda: now)
    outside.answers(500)

    async def fetch() -> None:
        await service.fetch(http(outside, retries=0), {}, {}, timeout_ms=PATIENT_MS)

    for _ in range(FAILURES):
        with pytest.raises(LookupFailed, match="status 500"):
            await fetch()
    with pytest.raises(LookupFailed, match="left alone"):
        await fetch()
    assert len(outside.requests) == FAILURES
    now = OPEN_S
    with pytest.raises(LookupFailed, match="status 500"):
        await fetch()
    with pytest.raises(LookupFailed, match="left alone"):
        await fetch()
    now = 2 * OPEN_S
    outside.answers(200)
    await fetch()
    await fetch()
    await service.close()


async def test_hosts_that_are_not_allowed_are_not_asked(outside: Server) -> None:
    service = HttpService(["crm.example.com"])
    with pytest.raises(LookupFailed, match="is not allowed"):
        await service.fetch(http(outside), {}, {}, timeout_ms=PATIENT_MS)
    assert outside.requests == []


async def test_nobody_there_fails(service: HttpService) -> None:
    one = HttpService(["127.0.0.1:1"])
    with pytest.raises(LookupFailed):
        await one.fetch(Http(url="http://127.0.0.1:1/x", retries=0), {}, {}, timeout_ms=PATIENT_MS)
    await one.close()


async def test_webhook_is_signed_and_chooses_among_targets(
    outside: Server, service: HttpService
) -> None:
    outside.answers(200, b'{"next": "sales"}')
    url = f"http://{outside.host}/route"
    targets = ["sales", "support"]
    asked = await service.ask("i-1", url, {"n": 1}, targets, timeout_ms=PATIENT_MS)
    assert asked == "sales"
    _, _, body, headers = outside.requests[0]
    assert json.loads(body) == {"interaction": "i-1", "data": {"n": 1}, "targets": targets}
    digest = hmac.new(b"s3cret", body, hashlib.sha256).hexdigest()
    assert headers["Sala-Signature"] == f"sha256={digest}"
    for wrong in (b'{"next": "elsewhere"}', b"{}", b'{"next": ["sales"]}'):
        outside.answers(200, wrong)
        with pytest.raises(LookupFailed, match="names none"):
            await service.ask("i-1", url, {}, targets, timeout_ms=PATIENT_MS)


# --- SQL -------------------------------------------------------------------------------------


@pytest.fixture
def queries(tmp_path: Path, database: Database) -> NamedQueries:
    folder = tmp_path / "queries"
    folder.mkdir()
    (folder / "one.sql").write_text("SELECT $1::text AS name, 1.5::numeric AS rate, NULL AS no")
    (folder / "none.sql").write_text("SELECT 1 WHERE false")
    (folder / "slow.sql").write_text("SELECT pg_sleep(20)")
    (folder / "writes.sql").write_text("DELETE FROM customers")
    (folder / "wrong.sql").write_text("SELECT nothing FROM nowhere")
    return NamedQueries(tmp_path, database)


async def test_named_query_gives_its_first_row(queries: NamedQueries) -> None:
    found = await queries.row("one", ["'; DROP TABLE customers; --"], timeout_ms=PATIENT_MS)
    assert found == {"name": "'; DROP TABLE customers; --", "rate": 1.5, "no": None}
    assert await queries.row("none", [], timeout_ms=PATIENT_MS) is None


@pytest.mark.parametrize(
    ("query", "timeout_ms", "state"),
    [("slow", 200, "57014"), ("writes", PATIENT_MS, "25006"), ("wrong", PATIENT_MS, "42P01")],
)
async def test_queries_that_hang_write_or_are_wrong_are_refused_by_the_database(
    queries: NamedQueries, query: str, timeout_ms: int, state: str
) -> None:
    """By SQLSTATE: of one that hangs, the flow's time is over, and not the driver's ten seconds."""
    with pytest.raises(CrmError, match=rf"\[{state}\]$"):
        await queries.row(query, [], timeout_ms=timeout_ms)


@pytest.mark.parametrize("query", ["nothing", "../secrets", "one.sql"])
async def test_unknown_queries_fail(queries: NamedQueries, query: str) -> None:
    with pytest.raises(LookupFailed, match="there is no query"):
        await queries.row(query, [], timeout_ms=200)


async def test_sample_query(database: Database) -> None:
    flows = Path("ivr/flows")
    assert query_names(flows) == {"account_balance"}
    sample = NamedQueries(flows, database)
    found = await sample.row("account_balance", ["4539578763621486"], timeout_ms=PATIENT_MS)
    assert found == {
        "customer": "customer-4539",
        "balance": 1234.5,
        "booked": "2026-11-20",
        "movements": 3,
    }
    assert await sample.row("account_balance", ["1"], timeout_ms=PATIENT_MS) is None
