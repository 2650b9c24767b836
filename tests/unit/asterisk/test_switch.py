"""The Asterisk adapter's order of things, against an AMI server in the test's hand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio
from fake_ami import FakeAmi

from pbx.asterisk import legs as legs_module, switch as switch_module
from pbx.asterisk.switch import AsteriskSwitch
from pbx.errors import LocalProtocolError
from pbx.port import (
    CallEnded,
    Caller,
    CallState,
    Cause,
    LegAnswered,
    LegEnded,
    LegRinging,
    SwitchBack,
    SwitchEvent,
    SwitchLost,
)

NOBODY = Caller("+12025550143", 'A "Name" <x>')


class Ear:
    """A handler that only hears."""

    def __init__(self) -> None:
        self.events: list[SwitchEvent] = []
        self._news = asyncio.Event()

    def event(self, event: SwitchEvent) -> None:
        self.events.append(event)
        self._news.set()

    async def saw(self, wanted: Callable[[SwitchEvent], bool]) -> SwitchEvent:
        async with asyncio.timeout(5):
            while not (found := [e for e in self.events if wanted(e)]):
                self._news.clear()
                await self._news.wait()
        return found[0]

    def legs(self) -> list[LegEnded]:
        return [e for e in self.events if isinstance(e, LegEnded)]


@pytest_asyncio.fixture
async def server() -> AsyncIterator[FakeAmi]:
    server = FakeAmi()
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
def ear() -> Ear:
    return Ear()


@pytest_asyncio.fixture
async def switch(server: FakeAmi, ear: Ear, tmp_path: Path) -> AsyncIterator[AsteriskSwitch]:
    switch = AsteriskSwitch(
        host="127.0.0.1",
        ami_port=server.port,
        user="sala",
        secret="secret",
        agi_port=0,
        recordings=tmp_path,
    )
    await switch.start(ear)  # type: ignore[arg-type]
    await ear.saw(lambda e: isinstance(e, SwitchBack))
    yield switch
    await switch.stop()


def ring(switch: AsteriskSwitch, offer: str = "o1", address: str = "1001") -> None:
    switch.ring(offer, address, "c1", ring_ms=9000, caller=NOBODY, carry={"interaction": "i1"})


async def test_a_ring_goes_to_a_context_of_ours_and_names_no_application(
    server: FakeAmi, switch: AsteriskSwitch
) -> None:
    ring(switch)
    sent = await server.saw("Originate")
    assert {k: sent[k] for k in ("Channel", "Context", "Exten", "Priority", "Async")} == {
        "Channel": "PJSIP/1001",
        "Context": "sala-agent",
        "Exten": "s",
        "Priority": "1",
        "Async": "true",
    }
    assert sent["ChannelId"] == "sala-o1"
    assert sent["CallerID"] == '"A Name x" <+12025550143>'
    assert not {"Application", "Data"} & set(sent)


@pytest.mark.parametrize("address", ["", "1001&PJSIP/9", "a b", "x\r\nApplication: System", "é"])
async def test_an_address_can_be_nothing_else(
    server: FakeAmi, switch: AsteriskSwitch, address: str
) -> None:
    with pytest.raises(LocalProtocolError):
        ring(switch, address=address)
    assert "Originate" not in server.names()


async def test_a_rings_way(server: FakeAmi, switch: AsteriskSwitch, ear: Ear) -> None:
    ring(switch)
    await server.saw("Originate")
    server.event("Newstate", Uniqueid="sala-o1", ChannelStateDesc="Ringing")
    server.event("Newstate", Uniqueid="sala-o1", ChannelStateDesc="Up")
    server.event("Hangup", Uniqueid="sala-o1", Cause="16")
    await ear.saw(lambda e: isinstance(e, LegEnded))
    assert ear.events[1:] == [
        LegRinging("o1"),
        LegAnswered("o1"),
        LegEnded("o1", Cause.NORMAL, answered=True),
    ]


@pytest.mark.parametrize("order", ["hangup first", "response first"])
async def test_a_failed_ring_ends_once_with_the_channels_own_cause(
    server: FakeAmi, switch: AsteriskSwitch, ear: Ear, order: str
) -> None:
    ring(switch)
    await server.saw("Originate")

    def hangup() -> None:
        server.event("Hangup", Uniqueid="sala-o1", Cause="17")

    def response() -> None:
        server.event("OriginateResponse", Response="Failure", Reason="0", Uniqueid="sala-o1")

    for tell in (hangup, response) if order == "hangup first" else (response, hangup):
        tell()
    ring(switch, "o2")
    server.event("Hangup", Uniqueid="sala-o2", Cause="19")
    await ear.saw(lambda e: isinstance(e, LegEnded) and e.offer == "o2")
    assert ear.legs()[0] == LegEnded("o1", Cause.BUSY, answered=False)
    assert len(ear.legs()) == 2


async def test_a_ring_without_a_channel_is_unreachable(
    server: FakeAmi, switch: AsteriskSwitch, ear: Ear, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(legs_module, "NO_CHANNEL_S", 0.01)
    ring(switch)
    await server.saw("Originate")
    server.event("OriginateResponse", Response="Failure", Reason="0", Uniqueid="sala-o1")
    ended = await ear.saw(lambda e: isinstance(e, LegEnded))
    assert ended == LegEnded("o1", Cause.UNREACHABLE, answered=False)


async def test_a_refused_ring_has_failed(server: FakeAmi, switch: AsteriskSwitch, ear: Ear) -> None:
    server.refuse = {"Originate"}
    ring(switch)
    ended = await ear.saw(lambda e: isinstance(e, LegEnded))
    assert ended == LegEnded("o1", Cause.FAILED, answered=False)


async def test_a_ring_cancelled_before_its_channel_is_there_is_ended_when_it_is(
    server: FakeAmi, switch: AsteriskSwitch, ear: Ear
) -> None:
    ring(switch)
    switch.cancel("o1")
    await server.saw("Hangup")
    server.event("Newstate", Uniqueid="sala-o1", ChannelStateDesc="Ringing")
    sent = await server.saw("Hangup", 2)
    assert sent["Channel"] == "sala-o1"


async def test_a_ring_whose_link_breaks_is_not_sent_again(
    server: FakeAmi, switch: AsteriskSwitch, ear: Ear
) -> None:
    server.silent = {"Originate"}
    ring(switch)
    await server.saw("Originate")
    server.drop()
    await ear.saw(lambda e: isinstance(e, SwitchLost))
    await ear.saw(lambda e: isinstance(e, SwitchBack) and e is not ear.events[0])
    assert server.names().count("Originate") == 1
    assert ear.legs() == []


async def test_a_ring_while_the_link_is_down_fails_at_once(
    server: FakeAmi, switch: AsteriskSwitch, ear: Ear
) -> None:
    await server.stop()
    await ear.saw(lambda e: isinstance(e, SwitchLost))
    ring(switch)
    ended = await ear.saw(lambda e: isinstance(e, LegEnded))
    assert ended == LegEnded("o1", Cause.FAILED, answered=False)


async def test_a_channel_that_outlives_its_caller_is_ended(
    server: FakeAmi, switch: AsteriskSwitch, ear: Ear, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(switch_module, "GHOST_S", 0.01)
    server.event("HangupRequest", Uniqueid="c1")
    assert (await server.saw("Hangup"))["Channel"] == "c1"
    server.event("Hangup", Uniqueid="c1", Cause="16")
    ended = await ear.saw(lambda e: isinstance(e, CallEnded))
    assert ended == CallEnded("c1", Cause.NORMAL, by_caller=True)


async def test_what_happens_while_the_floor_is_listed_comes_after_it(
    server: FakeAmi, switch: AsteriskSwitch, ear: Ear
) -> None:
    waits = [("Variable", "SALA_CARRY=interaction=i1&queue=q"), ("Variable", "SALA_STATE=wait")]
    talks = [("ChannelStateDesc", "Up"), ("Variable", "SALA_CARRY=interaction=i1")]
    server.status = [
        [("Uniqueid", "c1"), ("CallerIDNum", "+12025550143"), *waits],
        [("Uniqueid", "sala-o1"), ("Channel", "PJSIP/a-b-0000000a"), *talks],
        [("Uniqueid", "x"), ("Variable", "SALA_CARRY=(null)")],
    ]
    server.silent = {"PJSIPShowContacts"}
    server.drop()
    await ear.saw(lambda e: isinstance(e, SwitchLost))
    asked = await server.saw("PJSIPShowContacts", 2)
    ear.events.clear()
    server.event("Hangup", Uniqueid="sala-o1", Cause="16")
    token = ("ActionID", asked["ActionID"])
    server.send(("Response", "Error"), token, ("Message", "No Contacts found"))
    await ear.saw(lambda e: isinstance(e, LegEnded))
    back, ended = ear.events
    assert isinstance(back, SwitchBack)
    assert [(c.call, c.state, c.carried["interaction"]) for c in back.floor.calls] == [
        ("c1", CallState.WAITING, "i1")
    ]
    assert [(leg.offer, leg.address, leg.answered) for leg in back.floor.legs] == [
        ("o1", "a-b", True)
    ]
    assert ended == LegEnded("o1", Cause.NORMAL, answered=True)
