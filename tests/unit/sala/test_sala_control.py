"""The control socket: a round trip of everything, and every way to say no."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from acd.handover import HandoverRefused
from acd.router.events import Wanted
from crm.errors import DatabaseUnavailable
from sala.control import ControlClient, ControlServer, wait_for_service
from sala.errors import AlreadyRunning, ServiceRefused, ServiceUnreachable
from sala.handing import Verb
from sala.ordering import CallbackRefused


class FakeService:
    def __init__(self) -> None:
        self.wanted: list[tuple[str, Wanted, str]] = []
        self.handed: list[tuple[Verb, str, bool]] = []
        self.faults: list[str] = []
        self.reloads = 0

    def status(self) -> dict[str, Any]:
        return {"agents": [{"agent": "1001"}], "calls": []}

    async def reload(self) -> list[str]:
        self.reloads += 1
        return self.faults

    async def agent_wants(self, agent: str, wanted: Wanted, reason: str) -> None:
        if agent == "boom":
            raise RuntimeError("a secret inside")
        if agent == "away":
            raise DatabaseUnavailable
        if agent != "1001":
            raise KeyError(agent)
        self.wanted.append((agent, wanted, reason))

    async def call(self, interaction: str, verb: Verb, to: str, *, keep_place: bool) -> None:
        if interaction != "i1":
            raise LookupError(interaction)
        if to == "9":
            raise HandoverRefused("there is no agent 9")
        self.handed.append((verb, to, keep_place))

    async def callbacks(self, queue: str, customer: str, interaction: str) -> list[dict[str, Any]]:
        return [{"queue": queue, "customer": customer, "interaction": interaction}]

    async def add_callback(self, wish: Mapping[str, Any]) -> dict[str, Any]:
        if wish.get("interaction") == "gone":
            raise LookupError("there is no call gone")
        if wish.get("number") == "911":
            raise CallbackRefused("the number cannot be called")
        return {"callback": "c1", "answer": "promised"}

    async def change_callback(self, callback: str, number: str) -> str:
        if callback != "c1":
            raise LookupError(callback)
        return number


@pytest.fixture
def service() -> FakeService:
    return FakeService()


@pytest.fixture
async def path(service: FakeService, tmp_path: Path) -> AsyncIterator[Path]:
    path = tmp_path / "control.sock"
    server = ControlServer(service, path)
    await server.start()
    yield path
    await server.stop()
    assert not path.exists()


@pytest.fixture
async def client(path: Path) -> AsyncIterator[ControlClient]:
    async with ControlClient(path) as client:
        yield client


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def test_only_the_owner_may_open_it(path: Path) -> None:
    assert mode(path) == 0o600


async def test_status_tells_the_services_own_and_its_process(client: ControlClient) -> None:
    assert await client.status() == {
        "pid": os.getpid(),
        "agents": [{"agent": "1001"}],
        "calls": [],
    }


async def test_agents(client: ControlClient) -> None:
    assert await client.agents() == [{"agent": "1001"}]


async def test_presence_reaches_the_service(client: ControlClient, service: FakeService) -> None:
    await client.agent_wants("1001", Wanted.PAUSED, "lunch")
    assert service.wanted == [("1001", Wanted.PAUSED, "lunch")]


async def test_an_unknown_agent_is_404(client: ControlClient) -> None:
    with pytest.raises(ServiceRefused, match="there is no agent 9") as refused:
        await client.agent_wants("9", Wanted.AVAILABLE)
    assert (refused.value.status, refused.value.exit_status) == (404, 2)


async def test_a_call_is_handed_on(client: ControlClient, service: FakeService) -> None:
    await client.call("i1", Verb.TRANSFER, "support", keep_place=True)
    await client.call("i1", Verb.HOLD)
    assert service.handed == [(Verb.TRANSFER, "support", True), (Verb.HOLD, "", False)]


@pytest.mark.parametrize(
    ("call", "to", "status", "why"),
    [
        ("i2", "", 404, "there is no call i2"),
        ("i1", "9", 409, "no agent 9"),
        ("i1", "9" * 41, 400, "40"),
    ],
)
async def test_what_cannot_be_done_with_a_call(
    client: ControlClient, call: str, to: str, status: int, why: str
) -> None:
    with pytest.raises(ServiceRefused, match=why) as refused:
        await client.call(call, Verb.TRANSFER, to)
    assert (refused.value.status, refused.value.exit_status) == (status, 2)


async def test_a_fault_of_ours_tells_nothing_of_its_inside(client: ControlClient) -> None:
    with pytest.raises(ServiceRefused, match="its log tells why") as refused:
        await client.agent_wants("boom", Wanted.AVAILABLE)
    assert (refused.value.status, refused.value.exit_status) == (500, 1)


async def test_that_the_database_is_away_is_said(client: ControlClient) -> None:
    with pytest.raises(ServiceRefused, match="the database is away") as refused:
        await client.agent_wants("away", Wanted.AVAILABLE)
    assert refused.value.status == 503


async def test_reload_gives_faults_back(client: ControlClient, service: FakeService) -> None:
    await client.reload()
    service.faults = ["main.yaml:3:1: no"]
    with pytest.raises(ServiceRefused, match=r"main\.yaml:3:1: no") as refused:
        await client.reload()
    assert refused.value.status == 422
    assert service.reloads == 2


@pytest.mark.parametrize(
    ("method", "url", "body", "status"),
    [
        ("POST", "/agents/1001/presence", b"{", 400),
        ("POST", "/agents/1001/presence", b"[]", 400),
        ("POST", "/agents/1001/presence", b"{}", 400),
        ("POST", "/agents/1001/presence", b'{"wanted":"asleep"}', 400),
        ("POST", "/agents/1001/presence", b'{"wanted":"paused","reason":1}', 400),
        ("POST", "/agents/1001/presence", b'{"wanted":"paused","reason":"%s"}' % (b"x" * 65), 400),
        ("POST", "/agents/1001/presence", b"x" * 100_000, 413),
        ("GET", "/nothing", b"", 404),
        ("DELETE", "/status", b"", 405),
    ],
)
async def test_every_wrong_request_gets_an_error_in_json(
    path: Path, service: FakeService, method: str, url: str, body: bytes, status: int
) -> None:
    connector = aiohttp.UnixConnector(path=str(path))
    async with (
        aiohttp.ClientSession(connector=connector) as session,
        session.request(method, f"http://sala{url}", data=body) as response,
    ):
        assert response.status == status
        assert (await response.json())["error"]
    assert not service.wanted


async def test_nobody_there(tmp_path: Path) -> None:
    async with ControlClient(tmp_path / "none.sock") as client:
        with pytest.raises(ServiceUnreachable, match="sala up"):
            await client.status()


async def test_a_dead_services_socket_is_taken_over(service: FakeService, tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    dead = await asyncio.start_unix_server(lambda reader, writer: None, path)
    dead.close()
    await dead.wait_closed()
    if not path.exists():
        path.touch()
    server = ControlServer(service, path)
    await server.start()
    async with asyncio.timeout(5):
        await wait_for_service(path)
    await server.stop()


async def test_a_live_services_socket_is_not(path: Path, service: FakeService) -> None:
    with pytest.raises(AlreadyRunning):
        await ControlServer(service, path).start()
    async with ControlClient(path) as client:
        assert await client.status()


async def test_callbacks_are_listed_promised_and_changed(client: ControlClient) -> None:
    asked = {"queue": "sales", "customer": "a b&c", "interaction": "i1"}
    assert await client.callbacks(**asked) == [asked]
    wish = {"number": "+14155550123", "queue": "sales", "due_ms": 5}
    assert await client.add_callback(wish) == {"callback": "c1", "answer": "promised"}
    await client.change_callback("c1", "+14155550124")
    await client.change_callback("c1")
    for wrong, status in (
        ({"number": "911"}, 409),
        ({"interaction": "gone"}, 404),
        ({"number": 5}, 400),
        ({"due_ms": True}, 400),
        ({"due_ms": "5"}, 400),
        ({"number": "1" * 100}, 400),
        ({"sql": "x"}, 400),
    ):
        with pytest.raises(ServiceRefused) as refused:
            await client.add_callback(wrong)
        assert refused.value.status == status
    for callback, number in (("c2", ""), ("c1", "1" * 50)):
        with pytest.raises(ServiceRefused):
            await client.change_callback(callback, number)
