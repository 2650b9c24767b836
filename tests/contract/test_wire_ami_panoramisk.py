"""Our AMI codec against panoramisk, a client that knows nothing of ours, over a real socket.

Its known faults are kept out of the way: text is sent in one write (it loses UTF-8 cut between
packets) and `Originate` has `Async` (without it the link drops).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import pytest
from panoramisk import Manager
from panoramisk.message import Message

from pbx.wire.ami import AmiConnection, Banner, Event, Response
from pbx.wire.ami_server import Action, AmiServerConnection

Pairs = Sequence[tuple[str, str]]
Answer = Callable[[Action], Sequence[Pairs]]
SECRET = "a-secret"


def answer(action: Action) -> Sequence[Pairs]:
    """Answer as Asterisk does."""
    envelope = ("ActionID", action.action_id or "")
    match action.name:
        case "Login":
            if action.headers.get("Secret") != SECRET:
                return [
                    [("Response", "Error"), envelope, ("Message", "Authentication failed")],
                ]
            return [
                [("Response", "Success"), envelope, ("Message", "Authentication accepted")],
                [("Event", "FullyBooted"), ("Status", "Fully Booted")],
            ]
        case "Ping":
            return [[("Response", "Success"), envelope, ("Ping", "Pong")]]
        case "Command":
            return [
                [
                    ("Response", "Success"),
                    envelope,
                    ("Message", "Command output shown"),
                    ("Output", "first: line"),
                    ("Output", ""),
                    ("Output", "last line"),
                ]
            ]
        case "Originate":
            return [
                [("Response", "Success"), envelope, ("Message", "Originate successfully queued")],
                [
                    ("Event", "Newchannel"),
                    ("Channel", action.headers["Channel"]),
                    ("CallerIDName", "Zoë ไทย"),
                    *(("ChanVariable", v) for v in action.headers.getall("Variable")),
                ],
                [("Event", "OriginateResponse"), envelope, ("Response", "Success")],
            ]
        case _:
            return [[("Response", "Error"), envelope, ("Message", "Invalid/unknown command")]]


class Server:
    """An AMI server of our codec; keeps what it read and the bytes it wrote."""

    def __init__(self) -> None:
        self.actions: list[Action] = []
        self.sent = b""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = AmiServerConnection()
        self._write(writer, connection.send_banner())
        try:
            while data := await reader.read(4096):
                connection.receive_data(data)
                for action in connection:
                    assert isinstance(action, Action)
                    self.actions.append(action)
                    messages = [connection.send_message(pairs) for pairs in answer(action)]
                    self._write(writer, b"".join(messages))
        finally:
            writer.close()

    def _write(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        self.sent += data
        writer.write(data)


@asynccontextmanager
async def logged_in(secret: str = SECRET) -> AsyncIterator[tuple[Manager, Server]]:
    server = Server()
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    manager = Manager(
        loop=asyncio.get_running_loop(),
        host="127.0.0.1",
        port=listener.sockets[0].getsockname()[1],
        username="sala",
        secret=secret,
    )
    try:
        async with asyncio.timeout(20):
            connected = asyncio.Event()
            manager.on_connect = lambda _: connected.set()
            await manager.connect()
            await connected.wait()
            if manager.authenticated_future is not None:
                await manager.authenticated_future
            yield manager, server
    finally:
        manager.close()
        listener.close()
        await listener.wait_closed()


async def test_it_logs_in_and_pings():
    async with logged_in() as (manager, server):
        pong = await manager.send_action({"Action": "Ping"})
        assert manager.authenticated
        assert pong.success
        assert pong.ping == "Pong"
        login, ping = server.actions
        assert (login.name, ping.name) == ("Login", "Ping")
        assert login.headers["Username"] == "sala"
        assert ping.action_id == pong.actionid


async def test_it_sees_a_refused_login():
    async with logged_in("wrong") as (manager, server):
        assert not manager.authenticated
        assert server.sent.endswith(b"Message: Authentication failed\r\n\r\n")


async def test_it_reads_command_output():
    async with logged_in() as (manager, server):
        shown = await manager.send_action({"Action": "Command", "Command": "core show version"})
        assert shown.output == ["first: line", "", "last line"]
        assert server.actions[-1].headers["Command"] == "core show version"


async def test_it_originates_and_reads_repeated_headers():
    async with logged_in() as (manager, server):
        seen = asyncio.get_running_loop().create_future()
        manager.register_event("Newchannel", lambda _, event: seen.set_result(event))
        variables = ["SALA_OFFER=o-1", "SALA_NOTE=a: b=c"]
        responses = await manager.send_action(
            {
                "Action": "Originate",
                "Async": "true",
                "Channel": "PJSIP/1001",
                "Context": "sala-offer",
                "Variable": variables,
            }
        )
        assert [m.response for m in responses] == ["Success", "Success"]
        event = await seen
        assert event.chanvariable == variables
        assert event.calleridname == "Zoë ไทย"
        assert server.actions[-1].headers.getall("Variable") == variables


async def test_both_ends_of_ours_and_it_read_the_same_stream_alike():
    async with logged_in() as (manager, server):
        await manager.send_action({"Action": "Command", "Command": "core show version"})
        await manager.send_action(
            {"Action": "Originate", "Async": "true", "Channel": "PJSIP/1001", "Variable": ["A=1"]}
        )
    connection = AmiConnection()
    connection.receive_data(server.sent)
    banner, *messages = connection
    assert isinstance(banner, Banner)
    assert_alike(server.sent.partition(b"\r\n")[2], messages)


STREAMS = {
    "a list": b"Response: Success\r\nActionID: 1\r\nEventList: start\r\n\r\n"
    b"Event: Status\r\nActionID: 1\r\nVariable: A=1\r\nVariable: B=2\r\n\r\n"
    b"Event: StatusComplete\r\nActionID: 1\r\nItems: 1\r\n\r\n",
    "an error": b"Response: Error\r\nActionID: 2\r\nMessage: No such channel\r\n\r\n",
    "blank values": b"Event: Newstate\r\nAccountCode: \r\nExten:  x\r\nContext: a: b\r\n\r\n",
}


@pytest.mark.parametrize("stream", STREAMS.values(), ids=STREAMS)
def test_it_and_we_read_alike(stream):
    connection = AmiConnection()
    connection.receive_data(b"Asterisk Call Manager/11.0.0\r\n" + stream)
    _, *messages = connection
    assert_alike(stream, messages)


def assert_alike(stream, ours):
    theirs = [Message.from_line(text) for text in stream.decode().split("\r\n\r\n")[:-1]]
    assert len(ours) == len(theirs)
    for our, their in zip(ours, theirs, strict=True):
        values = {key: value for key, value in their.items() if key != "content"}
        assert {name: our.headers.getall(name) for name in our.headers} == {
            key: value if isinstance(value, list) else [value] for key, value in values.items()
        }
        assert our.action_id == their.action_id
        if isinstance(our, Event):
            assert our.name == their.event
        else:
            assert isinstance(our, Response)
            assert our.success == their.success
            assert our.message == their.message
