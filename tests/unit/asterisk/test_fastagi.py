"""The FastAGI server among probes, half-open connections, garbage and callers who leave."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from pbx.asterisk import fastagi
from pbx.asterisk.call import AgiCall
from pbx.asterisk.fastagi import AgiSession, FastAgiServer
from pbx.errors import CallGone, LinkDown, LocalProtocolError, SwitchError
from pbx.port import Audio, Cause, Digits, DigitsEnd, SayNumber
from pbx.wire.agi_command import OLD_MAX_COMMAND
from pbx.wire.ami import Response

ENVIRONMENT = (
    "agi_network: yes\nagi_network_script: ivr\nagi_request: agi://127.0.0.1/ivr\n"
    "agi_channel: PJSIP/caller-00000001\nagi_uniqueid: 1700000000.1\n"
    "agi_callerid: +14155550123\nagi_calleridname: A Caller\n"
    "agi_arg_1: 600\nagi_arg_2: allowed\nagi_arg_3: interaction=i1&queue=q\nagi_arg_4: \n\n"
)


class Peer:
    """Asterisk's side of one connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def command(self) -> str:
        return (await asyncio.wait_for(self.reader.readline(), 5)).decode().rstrip("\n")

    def say(self, text: str) -> None:
        self.writer.write(text.encode())

    async def closed(self) -> None:
        with contextlib.suppress(ConnectionError):
            assert await asyncio.wait_for(self.reader.read(), 5) == b""


class House:
    """A server whose handler hands each call to the test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.calls: asyncio.Queue[AgiCall] = asyncio.Queue()
        self.server = FastAgiServer(self._handle)
        self.leave = asyncio.Event()
        self.peers: list[Peer] = []
        self.port = 0
        self.aside: asyncio.Future[Response] | None = None
        self.carried: list[str] = []

    async def _handle(self, session: AgiSession) -> None:
        self.calls.put_nowait(AgiCall(session, self.folder, aside=self._aside))
        await self.leave.wait()

    def _aside(self, carry: str) -> asyncio.Future[Response] | None:
        self.carried.append(carry)
        return self.aside

    async def connect(self) -> Peer:
        peer = Peer(*await asyncio.open_connection("127.0.0.1", self.port))
        self.peers.append(peer)
        return peer

    async def call(self) -> tuple[AgiCall, Peer]:
        peer = await self.connect()
        peer.say(ENVIRONMENT)
        return await asyncio.wait_for(self.calls.get(), 5), peer


@pytest_asyncio.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    house = House(tmp_path)
    house.port = await house.server.start("127.0.0.1", 0)
    yield house
    await house.server.stop()
    for peer in house.peers:
        peer.writer.close()
    assert not house.server._tasks


async def test_a_call_is_described(house: House) -> None:
    call, _ = await house.call()
    assert (call.id, call.dialled, call.address) == ("1700000000.1", "600", None)
    assert (call.caller.number, call.caller.name) == ("+14155550123", "A Caller")
    assert call.carried == {"interaction": "i1", "queue": "q"}


async def test_calls_that_ask_meanwhile_are_noted(house: House) -> None:
    await house.call()
    with house.server.noting() as noted:
        assert noted == {"1700000000.1"}
        peer = await house.connect()
        peer.say(ENVIRONMENT.replace("1700000000.1", "1700000000.2"))
        await asyncio.wait_for(house.calls.get(), 5)
    await house.call()
    assert noted == {"1700000000.1", "1700000000.2"}


async def test_a_port_probe_costs_nothing(house: House) -> None:
    probe = await house.connect()
    probe.writer.close()
    call, _ = await house.call()
    assert call.id


@pytest.mark.parametrize(
    "garbage",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00",
        b"agi_x: " + b"y" * 9000,
        b"\0" * 50,
        b"\n",
    ],
)
async def test_garbage_is_shown_the_door(
    house: House, garbage: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fastagi, "REQUEST_S", 0.2)  # for what could still become a line
    peer = await house.connect()
    peer.writer.write(garbage)
    await peer.closed()
    assert house.calls.empty()


async def test_a_silent_connection_is_closed(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fastagi, "REQUEST_S", 0.05)
    peer = await house.connect()
    await peer.closed()


async def test_many_silent_connections_do_not_keep_callers_out(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fastagi, "MAX_SILENT", 8)
    silent = [await house.connect() for _ in range(20)]
    call, _ = await house.call()
    assert call.id
    await silent[0].closed()


async def test_a_handlers_fault_ends_its_call_alone(tmp_path: Path) -> None:
    async def fault(session: AgiSession) -> None:
        raise RuntimeError("a bug")

    server = FastAgiServer(fault)
    port = await server.start("127.0.0.1", 0)
    try:
        for _ in range(2):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(ENVIRONMENT.encode())
            assert await asyncio.wait_for(reader.read(), 5) == b""
            writer.close()
    finally:
        await server.stop()


async def test_to_wait_is_one_command(house: House) -> None:
    call, peer = await house.call()
    await call.answer()
    await call.carry({"entered": "17"})
    waiting = asyncio.create_task(call.wait())
    assert await peer.command() == (
        "EXEC MSet SALA_NEXT=wait,SALA_CARRY=interaction=i1&queue=q&entered=17,SALA_AFTER="
    )
    peer.say("200 result=0\n")
    await waiting
    await peer.closed()


async def test_what_was_put_off_goes_before_the_first_prompt(house: House) -> None:
    call, peer = await house.call()
    await call.answer()
    await call.carry({"node": "menu"})
    playing = asyncio.create_task(call.play([Audio("/m/a"), Audio("/m/b")]))
    seen = []
    for _ in range(3):
        seen.append(await peer.command())
        peer.say("200 result=0\n")
    await playing
    assert seen == [
        "EXEC Answer ,i",
        "EXEC MSet SALA_CARRY=interaction=i1&queue=q&node=menu",
        "EXEC Playback /m/a&/m/b",
    ]


async def test_what_is_carried_is_set_beside_the_commands_and_before_the_last(
    house: House,
) -> None:
    house.aside = asyncio.get_running_loop().create_future()
    call, peer = await house.call()
    await call.carry({"node": "menu"})
    asking = asyncio.create_task(call.collect([], max_digits=1, first_ms=1, next_ms=1))
    assert await peer.command() == 'GET DATA "" 1 1'
    peer.say("200 result=2\n")
    await asking
    assert house.carried == ["interaction=i1&queue=q&node=menu"]
    waiting = asyncio.create_task(call.wait())
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(peer.reader.readline(), 0.05)
    house.aside.set_result(Response("s1", True, "Variable Set", {}))
    assert (await peer.command()).startswith("EXEC MSet SALA_NEXT=wait,SALA_CARRY=interaction")
    peer.say("200 result=0\n")
    await waiting


@pytest.mark.parametrize("lost", [True, False])
async def test_what_was_not_set_beside_is_set_before_the_call_goes(
    house: House, lost: bool
) -> None:
    house.aside = asyncio.get_running_loop().create_future()
    if lost:
        house.aside.set_exception(LinkDown("closed"))
    else:
        house.aside.set_result(Response("s1", False, "No such channel", {}))
    call, peer = await house.call()
    await call.carry({"node": "menu"}, now=True)
    ending = asyncio.create_task(call.hang_up())
    assert await peer.command() == "EXEC MSet SALA_CARRY=interaction=i1&queue=q&node=menu"
    peer.say("200 result=0\n")
    assert (await peer.command()).startswith("EXEC MSet SALA_NEXT=end")
    peer.say("200 result=0\n")
    await ending


@pytest.mark.parametrize(
    ("reply", "digits"),
    [
        ("200 result=2", Digits("2", DigitsEnd.COMPLETE)),
        ("200 result= (timeout)", Digits("", DigitsEnd.TIMEOUT)),
        ("200 result=", Digits("#", DigitsEnd.COMPLETE)),
    ],
)
async def test_a_menu_is_one_command(house: House, reply: str, digits: Digits) -> None:
    call, peer = await house.call()
    asking = asyncio.create_task(
        call.collect([Audio("/m/a")], max_digits=1, first_ms=5000, next_ms=5000, terminators="")
    )
    assert await peer.command() == "GET DATA /m/a 5000 1"
    peer.say(f"{reply}\n")
    assert await asking == digits


async def test_first_and_next_time_outs_differ(house: House) -> None:
    call, peer = await house.call()
    asking = asyncio.create_task(
        call.collect([Audio("/m/a")], max_digits=4, first_ms=5000, next_ms=1500)
    )
    assert await peer.command() == "GET DATA /m/a 5000 1"
    peer.say("200 result=1\n")
    assert await peer.command() == 'GET DATA "" 1500 3'
    peer.say("200 result=2 (timeout)\n")
    assert await asking == Digits("12", DigitsEnd.TIMEOUT)


async def test_a_key_during_a_number_begins_the_input(house: House) -> None:
    call, peer = await house.call()
    asking = asyncio.create_task(
        call.collect([SayNumber(12)], max_digits=3, first_ms=5000, next_ms=2000)
    )
    assert (await peer.command()).startswith("SAY NUMBER 12 ")
    peer.say("200 result=52\n")
    assert await peer.command() == 'GET DATA "" 2000 2'
    peer.say("200 result=56\n")
    assert await asking == Digits("456", DigitsEnd.COMPLETE)


async def test_many_recordings_fit_the_line_of_an_old_asterisk(house: House) -> None:
    call, peer = await house.call()
    names = [f"/m/{number:0>90}" for number in range(40)]
    playing = asyncio.create_task(call.play([Audio(name) for name in names]))
    played: list[str] = []
    while len(played) < len(names):
        line = await peer.command()
        assert len(line) <= OLD_MAX_COMMAND
        played += line.removeprefix("EXEC Playback ").split("&")
        peer.say("200 result=0\n")
    await playing
    assert played == names


@pytest.mark.parametrize("ending", ["HANGUP\n200 result=-1\n", "511 Command Not Permitted\n"])
async def test_a_hang_up_while_a_prompt_plays(house: House, ending: str) -> None:
    call, peer = await house.call()
    playing = asyncio.create_task(call.play([Audio("/m/a")]))
    await peer.command()
    peer.say(ending)
    with pytest.raises(CallGone):
        await playing


async def test_a_connection_cut_while_a_prompt_plays(house: House) -> None:
    call, peer = await house.call()
    playing = asyncio.create_task(call.play([Audio("/m/a")]))
    await peer.command()
    peer.writer.transport.abort()
    with pytest.raises(CallGone):
        await playing


async def test_a_command_that_the_pbx_does_not_know(house: House) -> None:
    call, peer = await house.call()
    playing = asyncio.create_task(call.play([Audio("/m/a")]))
    await peer.command()
    peer.say("510 Invalid or unknown command\n")
    with pytest.raises(SwitchError):
        await playing


async def test_a_sip_address_has_a_way_of_its_own(house: House) -> None:
    call, peer = await house.call()
    sending = asyncio.create_task(call.transfer("sip:front.desk@pbx-2.example:5070"))
    assert await peer.command() == (
        "EXEC MSet SALA_NEXT=sip,SALA_TO=sip:front.desk@pbx-2.example:5070"
    )
    peer.say("200 result=0\n")
    await sending


@pytest.mark.parametrize(
    "address",
    [
        "sip:desk@pbx.example,SALA_CAUSE=1",
        "sip:desk&PJSIP/trunk-out@pbx.example",
        "sip:${SHELL(id)}@pbx.example",
        "sip:desk@pbx.example;transport=tls",
        "sip:desk@pbx.example?Replaces=x",
        "sip:desk@pbx.example\r\nEXEC",
        "sip:@pbx.example",
        "sip:desk@",
        "sip:a@b@c",
        "sips:desk@pbx.example",
        "SIP/desk",
    ],
)
async def test_a_hostile_sip_address_is_not_sent(house: House, address: str) -> None:
    call, peer = await house.call()
    with pytest.raises(LocalProtocolError):
        await call.transfer(address)
    sending = asyncio.create_task(call.hang_up())
    assert (await peer.command()).startswith("EXEC MSet SALA_NEXT=end")
    peer.say("200 result=0\n")
    await sending


async def test_hanging_up_says_why(house: House) -> None:
    call, peer = await house.call()
    ending = asyncio.create_task(call.hang_up(Cause.UNALLOCATED))
    assert await peer.command() == "EXEC MSet SALA_NEXT=end,SALA_CAUSE=1"
    peer.say("200 result=0\n")
    await ending
    with pytest.raises(LocalProtocolError):
        await call.wait()


@pytest.mark.parametrize("name", ["/m/a&/etc/passwd", "/m/a,skip", "/m/${SHELL(id)}", '/m/"a'])
async def test_a_prompts_name_cannot_be_more_than_a_name(house: House, name: str) -> None:
    call, _ = await house.call()
    with pytest.raises(LocalProtocolError):
        await call.play([Audio(name)])


@pytest.mark.parametrize("value", ["a b", "a,b", "a&b", "a\nb", "x" * 129, "é"])
async def test_a_call_carries_plain_facts_only(house: House, value: str) -> None:
    call, _ = await house.call()
    with pytest.raises(LocalProtocolError):
        await call.carry({"node": value})
