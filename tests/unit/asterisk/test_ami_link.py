"""The AMI link under a server that dies, falls silent, or refuses."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from fake_ami import FakeAmi

from pbx.asterisk import link as link_module
from pbx.asterisk.link import AmiLink
from pbx.errors import LinkDown, LocalProtocolError, SwitchError
from pbx.wire.ami import Event


class Watcher:
    """What a link told."""

    def __init__(self) -> None:
        self.events: asyncio.Queue[Event] = asyncio.Queue()
        self.ups: asyncio.Queue[None] = asyncio.Queue()
        self.downs: asyncio.Queue[str] = asyncio.Queue()

    async def up(self) -> None:
        self.ups.put_nowait(None)


@pytest_asyncio.fixture
async def server() -> AsyncIterator[FakeAmi]:
    server = FakeAmi()
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
def watcher() -> Watcher:
    return Watcher()


@pytest_asyncio.fixture
async def link(server: FakeAmi, watcher: Watcher) -> AsyncIterator[AmiLink]:
    link = AmiLink(
        "127.0.0.1",
        server.port,
        "sala",
        "secret",
        events=frozenset({"Hangup", "Status", "StatusComplete"}),
        on_event=watcher.events.put_nowait,
        on_up=watcher.up,
        on_down=watcher.downs.put_nowait,
    )
    await link.start()
    await asyncio.wait_for(watcher.ups.get(), 5)
    yield link
    await link.stop()
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "ami-link"]


async def test_the_secret_never_goes_over_the_wire(server: FakeAmi, link: AmiLink) -> None:
    login = await server.saw("Login")
    assert "secret" not in login.values()
    assert login["AuthType"] == "MD5"
    expected = hashlib.md5(b"12345secret", usedforsecurity=False).hexdigest()
    assert login["Key"] == expected


async def test_only_wanted_events_come_out(
    server: FakeAmi, link: AmiLink, watcher: Watcher
) -> None:
    server.event("VarSet", Variable="x", Value="y")
    server.event("Hangup", Uniqueid="1")
    event = await asyncio.wait_for(watcher.events.get(), 5)
    assert (event.name, event.headers["Uniqueid"]) == ("Hangup", "1")


async def test_it_reconnects_and_says_so(server: FakeAmi, link: AmiLink, watcher: Watcher) -> None:
    server.drop()
    await asyncio.wait_for(watcher.downs.get(), 5)
    await asyncio.wait_for(watcher.ups.get(), 5)
    assert server.logins == 2


async def test_an_action_cut_off_is_never_sent_again(
    server: FakeAmi, link: AmiLink, watcher: Watcher
) -> None:
    server.silent = {"Hangup"}
    answer = link.send("Hangup", [("Channel", "x")])
    await server.saw("Hangup")
    server.drop()
    with pytest.raises(LinkDown):
        await answer
    await asyncio.wait_for(watcher.ups.get(), 5)
    await link.action("Ping")
    assert server.names().count("Hangup") == 1


async def test_nothing_is_queued_while_the_link_is_down(
    server: FakeAmi, link: AmiLink, watcher: Watcher
) -> None:
    await server.stop()
    await asyncio.wait_for(watcher.downs.get(), 5)
    with pytest.raises(LinkDown):
        link.send("Ping")


async def test_an_action_without_an_answer_times_out(
    server: FakeAmi, link: AmiLink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link_module, "ACTION_S", 0.05)
    server.silent = {"Redirect"}
    with pytest.raises(SwitchError, match="did not answer Redirect"):
        await link.action("Redirect", [("Channel", "x")])


async def test_a_refusal_is_told_in_the_peers_words(server: FakeAmi, link: AmiLink) -> None:
    server.refuse = {"Redirect"}
    with pytest.raises(SwitchError, match="refused Redirect: no"):
        await link.action("Redirect", [("Channel", "x")])


async def test_a_list_gathers_its_events_and_leaves_others(
    server: FakeAmi, link: AmiLink, watcher: Watcher
) -> None:
    server.status = [[("Uniqueid", "1")], [("Uniqueid", "2")]]
    found = await link.list("Status", "StatusComplete")
    assert [event.headers["Uniqueid"] for event in found] == ["1", "2"]
    assert watcher.events.empty()


async def test_a_list_cut_off_fails_instead_of_being_short(server: FakeAmi, link: AmiLink) -> None:
    server.silent = {"Status"}
    asking = asyncio.create_task(link.list("Status", "StatusComplete"))
    await server.saw("Status")
    server.send(("Event", "Status"), ("ActionID", "l1"), ("Uniqueid", "1"))
    server.drop()
    with pytest.raises(SwitchError):
        await asking


async def test_a_silent_link_is_tried_and_given_up(
    server: FakeAmi, link: AmiLink, watcher: Watcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link_module, "PING_S", 0.05)
    monkeypatch.setattr(link_module, "ACTION_S", 0.1)
    server.silent = {"Ping"}
    server.drop()  # the running wait still has the old interval
    await asyncio.wait_for(watcher.ups.get(), 5)
    assert "did not answer Ping" in await asyncio.wait_for(_last(watcher.downs, 2), 10)


async def _last(queue: asyncio.Queue[str], times: int) -> str:
    for _ in range(times - 1):
        await queue.get()
    return await queue.get()


@pytest.mark.parametrize(
    ("name", "headers"),
    [
        ("Originate", [("Channel", "x"), ("Application", "System")]),
        ("Originate", [("Channel", "x"), ("application", "System")]),
        ("Originate", [("Channel", "x\r\nApplication: System")]),
        ("Originate", [("Channel\r\nApplication", "System")]),
        ("Originate", [("Variable", "A=1\nApplication: System")]),
        ("UpdateConfig", []),
    ],
)
async def test_what_may_not_be_sent_is_not_written(
    server: FakeAmi, link: AmiLink, name: str, headers: list[tuple[str, str]]
) -> None:
    before = len(server.actions)
    with pytest.raises(LocalProtocolError):
        link.send(name, headers)
    await link.action("Ping")
    assert server.names()[before:] == ["Ping"]
