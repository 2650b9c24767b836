"""Our AGI codec beside panoramisk's FastAGI server, over real sockets.

One scripted Asterisk talks to both: the same description of a call, the same replies. Both have to
send the same bytes and to understand the same.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from panoramisk.fast_agi import Application
from panoramisk.utils import parse_agi_result

from pbx.errors import RemoteProtocolError
from pbx.wire.agi import AgiConnection, Request, Result

ENV = (
    "agi_network: yes\nagi_network_script: ivr\nagi_request: agi://127.0.0.1/ivr\n"
    "agi_channel: PJSIP/caller-00000001\nagi_language: en\nagi_uniqueid: 1700000000.1\n"
    "agi_callerid: 15551234567\nagi_calleridname: Zoë: ไทย\nagi_accountcode: \n"
    "agi_threadid: 140000000000000\nagi_arg_1: menu\nagi_arg_2: \n\n"
).encode()

# Command as one of plain words, and the reply to it.
SCRIPT = [
    ("ANSWER", (), b"200 result=0\n"),
    ("GET DATA", ("menu", "5000", "1"), b"200 result= (timeout)\n"),
    ("GET DATA", ("menu", "5000", "4"), b"200 result=12 (timeout)\n"),
    ("GET VARIABLE", ("SALA_CALL",), b"200 result=1 (i-17)\n"),
    ("RECORD FILE", ("x", "wav", "5000"), b"200 result=35 (dtmf) endpos=8000\n"),
    ("CONTROL STREAM FILE", ("menu", "1"), b"200 result=49 endpos=1234\n"),
    ("EXEC", ("Gosub", "sala"), b"100 result=0 Trying...\n200 result=0\n"),
    ("NONSENSE", (), b"510 Invalid or unknown command\n"),
    ("SAY DIGITS", (), b"520-Invalid command syntax.  Proper usage follows:\nUsage: SAY DIGITS\n"),
]


async def asterisk(port: int) -> list[bytes]:
    """Call a FastAGI server as Asterisk does; give the commands it sent."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(ENV)
    commands = []
    for _, _, reply in SCRIPT:
        commands.append(await reader.readline())
        writer.write(reply)
        if reply.startswith(b"520-") and b"520 " not in reply:
            writer.write(b"520 End of proper usage.\n")
    assert await reader.read() == b""
    writer.close()
    return commands


async def call(serve: Any) -> list[bytes]:
    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        async with asyncio.timeout(20):
            return await asterisk(listener.sockets[0].getsockname()[1])
    finally:
        listener.close()
        await listener.wait_closed()


async def test_both_servers_speak_and_understand_alike():
    ours: list[Any] = []
    theirs: list[Any] = []

    async def our_server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = AgiConnection()

        async def event() -> Any:
            while (found := connection.next_event()) is None:
                connection.receive_data(await reader.read(7))
            return found

        ours.append(await event())
        for name, args, _ in SCRIPT:
            writer.write(connection.send_command(name, *args))
            ours.append(await event())
        writer.close()

    async def their_route(request: Any) -> None:
        theirs.append(request.headers)
        for name, args, _ in SCRIPT:
            theirs.append(await request.send_command(" ".join([name, *args])))

    application = Application(loop=asyncio.get_running_loop())
    application.add_route("ivr", their_route)

    commands = await call(our_server)
    assert commands == await call(application.handler)
    assert len(commands) == len(SCRIPT)

    request, *results = ours
    env, *replies = theirs
    assert isinstance(request, Request)
    assert dict(request.env) == dict(env)
    assert len(results) == len(replies) == len(SCRIPT)
    for result, reply in zip(results, replies, strict=True):
        assert_alike(result, reply)


def assert_alike(result: Result, reply: dict[str, Any]) -> None:
    assert result.code == reply["status_code"]
    if result.ok:
        # It loses the text behind an empty result.
        data = (result.data or "") if result.result else ""
        assert reply["result"] == (result.result, data)
        if result.endpos is not None:
            assert reply["endpos"] == (str(result.endpos), "")
    elif result.code == 510:
        assert reply["error"] == "AGIInvalidCommand"
    else:
        assert reply["error"] == "AGIUsageError"
        assert reply["msg"] == f"520-{result.text}" + "".join(f"{u}\n" for u in result.usage)


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("200 result=-1", "AGIAppError"),
        ("511 Command Not Permitted on a dead channel", "AGIUnknownError"),
        ("HANGUP", "AGIResultHangup"),
    ],
)
def test_what_is_an_error_to_it_is_told_by_us(line, error):
    connection = AgiConnection()
    connection.receive_data(ENV)
    list(connection)
    connection.send_command("ANSWER")
    connection.receive_data(line.encode() + b"\n")
    (event,) = connection
    assert parse_agi_result(line)["error"] == error
    assert not isinstance(event, Result) or event.result == "-1" or not event.ok


@pytest.mark.parametrize("line", ["", "nonsense", "600 x", "2 result=1"])
def test_what_it_cannot_read_we_refuse(line):
    connection = AgiConnection()
    connection.receive_data(ENV)
    list(connection)
    connection.send_command("ANSWER")
    connection.receive_data(line.encode() + b"\n")
    with pytest.raises(RemoteProtocolError):
        connection.next_event()
