"""Who calls: what of an INVITE becomes the caller's number and name, and what never does.

An AMI user with every right to listen and no filter sees all that Asterisk tells of a call, from
its channel's first event on. Nothing a caller sends may end a line there.
"""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from port_house import PROJECT, SECRET, House, house

from lab.sip import RawCall
from pbx.port import Call, Caller

FLASHES = 60
WATCHER = """
[watcher]
secret = only-for-this-test
deny = 0.0.0.0/0.0.0.0
permit = 127.0.0.1/255.255.255.255
read = all
write = system,call,reporting
"""
HOSTILE = b"%0d%0aInjected%3a%20yes%0d%0a"
SENDERS = {
    "From": (b'"x" <sip:1%b@lab.invalid>' % HOSTILE, b""),
    "From-name": (b'"a\rInjected: yes\r" <sip:2@lab.invalid>', b""),
    "PAI": (b"<sip:3@lab.invalid>", b"P-Asserted-Identity: <sip:3%b@lab.invalid>\r\n" % HOSTILE),
    "PAI-tel": (b"<sip:4@lab.invalid>", b"P-Asserted-Identity: <tel:4%b>\r\n" % HOSTILE),
    "PAI-folded": (b"<sip:4@x>", b"P-Asserted-Identity: <sip:5\r\n Injected: yes\r\n @x>\r\n"),
    "RPID": (b"<sip:6@lab.invalid>", b"Remote-Party-ID: <sip:6%b@x>;screen=yes\r\n" % HOSTILE),
    "Privacy": (b"<sip:7@lab.invalid>", b"Privacy: id\r\n Injected: yes\r\n"),
    "others": (
        b"<sip:8@lab.invalid>",
        b"".join(
            name + b": <sip:9%b@lab.invalid>;reason=%b\r\n" % (HOSTILE, HOSTILE)
            for name in (b"Diversion", b"History-Info", b"Referred-By", b"P-Preferred-Identity")
        )
        + b"User-Agent: lab\r\n Injected: yes\r\n"
        + b"Reason: SIP;cause=%b;text=%b\r\n" % (HOSTILE, HOSTILE)
        + b"Subject: %b\r\nAlert-Info: <http://%b>\r\n" % (HOSTILE, HOSTILE),
    ),
}


class Watcher:
    """All that Asterisk tells by AMI, as bytes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self.seen = bytearray()

    @classmethod
    async def log_in(cls, port: int) -> Watcher:
        watcher = cls(*await asyncio.open_connection("127.0.0.1", port))
        await watcher.act("Login", Username="watcher", Secret=SECRET)
        return watcher

    async def act(self, action: str, **fields: str) -> None:
        lines = [f"Action: {action}", *(f"{name}: {value}" for name, value in fields.items())]
        self._writer.write("\r\n".join([*lines, "", ""]).encode())
        await self._writer.drain()

    async def until(self, pattern: bytes, count: int = 1, within: float = 10.0) -> None:
        """Read until so many lines match."""
        async with asyncio.timeout(within):
            while len(re.findall(pattern, self.seen, re.MULTILINE)) < count:
                data = await self._reader.read(65536)
                assert data, "Asterisk closed the link"
                self.seen += data

    def injected(self) -> list[bytes]:
        """The lines that a caller made."""
        return re.findall(rb"^.*^Injected.*$", self.seen, re.MULTILINE)

    def close(self) -> None:
        self._writer.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def at(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    home = tmp_path_factory.mktemp("identity")
    configs = home / "sip_configs"
    shutil.copytree(PROJECT / "sip_configs", configs)
    manager = configs / "asterisk" / "manager.conf"
    text = re.sub("^disabledevents.*$", "", manager.read_text(), flags=re.MULTILINE)
    manager.write_text(text + WATCHER)
    async with house(home, home / "media", configs) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="module")
async def watcher(at: House) -> AsyncIterator[Watcher]:
    watcher = await Watcher.log_in(at.ami_port)
    await watcher.until(rb"^Message: Authentication accepted")
    yield watcher
    watcher.close()


def raw(at: House) -> RawCall:
    return RawCall(at.sip, ("caller", SECRET))


async def who(at: House, sender: bytes, headers: bytes = b"") -> Caller:
    """Call, and tell who the call is from, as the port tells it."""
    told: list[Caller] = []

    async def script(call: Call) -> None:
        told.append(call.caller)
        await call.hang_up()

    at.handler.script, at.handler.done = script, asyncio.Queue()
    async with raw(at) as call:
        await call.invite(b"600", sender=sender, headers=headers)
    await at.handler.finished()
    return told[0]


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(("sender", "headers"), SENDERS.values(), ids=SENDERS)
async def test_no_event_holds_a_line_of_the_callers(
    at: House, watcher: Watcher, sender: bytes, headers: bytes
) -> None:
    async def script(call: Call) -> None:
        await call.hang_up()

    at.handler.script = script
    async with raw(at) as call:
        await call.invite(b"600", sender=sender, headers=headers, within=3)
    await watcher.act("Status")
    await watcher.until(rb"^Event: StatusComplete")
    await watcher.act("CoreShowChannels")
    await watcher.until(rb"^Event: CoreShowChannelsComplete")
    assert watcher.injected() == []


@pytest.mark.asyncio(loop_scope="module")
async def test_a_call_taken_back_at_once_leaves_nothing_either(at: House, watcher: Watcher) -> None:
    async def script(call: Call) -> None:
        await call.hang_up()

    at.handler.script = script
    for _ in range(FLASHES):
        async with raw(at) as call:
            await call.flash(b"600", sender=SENDERS["From"][0], headers=SENDERS["PAI"][1])
    await watcher.until(rb"^Event: Hangup\r", FLASHES)
    assert watcher.injected() == []


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    ("contact", "headers"),
    [
        (b"<sip:x%b@127.0.0.1:9>" % HOSTILE, b""),
        (b"<sip:x@127.0.0.1:9;a=%b?b=%b>" % (HOSTILE, HOSTILE), b""),
        (b"<sip:x@127.0.0.1:9>", b"User-Agent: a\r\n Injected: yes\r\n"),
        (b"<sip:x@127.0.0.1:9>", b"Path: <sip:a%b@127.0.0.1:9;lr>\r\n" % HOSTILE),
        (b"<sip:x@127.0.0.1:9>", b"Path: <sip:a@127.0.0.1:9;lr>\r\n Injected: yes\r\n"),
    ],
    ids=["user", "parameters", "agent", "path", "path-folded"],
)
async def test_no_event_holds_a_line_of_a_phones(
    at: House, watcher: Watcher, contact: bytes, headers: bytes
) -> None:
    async with RawCall(at.sip, ("1002", SECRET)) as phone:
        assert await phone.register(contact, headers=headers + b"Supported: path\r\n") == 200
    await watcher.until(rb"^Event: ContactStatus\r")
    for listing in ("PJSIPShowContacts", "PJSIPShowAors"):
        await watcher.act(listing)
    await watcher.until(rb"^Event: (Contact|Aor)ListComplete", 2)
    assert b"URI: sip:x" in watcher.seen
    assert watcher.injected() == []


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    ("sender", "headers", "number", "name"),
    [
        (b'"Lab" <sip:+14155550100@lab.invalid>', b"", "+14155550100", "Lab"),
        (b"<sip:4155550100@lab.invalid>", b"", "4155550100", ""),
        (b"sip:+14155550100@lab.invalid", b"", "+14155550100", ""),
        (b"<sip:+14155550100;npdi@lab.invalid;user=phone>", b"", "+14155550100", ""),
        (b"<sips:%2b14155550100:word@lab.invalid:5061>", b"", "+14155550100", ""),
        (b'"\xe0\xb8\xaa\xe0\xb8\xa1, \xc3\xa9" <sip:12@x>', b"", "12", "\u0e2a\u0e21, \u00e9"),
        (b'"a <b> \\"c\\" d\\\\e" <sip:12@x>', b"", "12", "a"),
        (b'"a \\"c\\" d\\\\e" <sip:12@x>', b"", "12", "a c de"),
        (b'"\xff\xfeN\xc3" <sip:12@x>', b"", "12", "N"),
        (b"Plain Words <sip:12@x>", b"", "12", "Plain Words"),
        (b'"Anonymous" <sip:anonymous@anonymous.invalid>', b"", None, "Anonymous"),
        (b"<sip:10.0.0.5>", b"", None, ""),
        (b"<sip:10.0.0.5:5060;user=phone>", b"", None, ""),
        (b"<sip:12@x>", b"P-Asserted-Identity: <sip:34@x>\r\n", "34", ""),
        (b"<sip:12@x>", b'P-Asserted-Identity: "N"<sip:34@x>, <tel:+34>\r\n', "+34", "N"),
        (
            b"<sip:12@x>",
            b"P-Asserted-Identity: <tel:+1-415-555-0100;ext=1>\r\n",
            "+14155550100",
            "",
        ),
        (b"<sip:12@x>", b"P-Asserted-Identity: tel:34\r\n", "34", ""),
        (b"<sip:12@x>", b"P-Asserted-Identity: <sip:carrier.invalid>\r\n", "12", ""),
        (b"<sip:12@x>", b"P-Asserted-Identity: \r\n", "12", ""),
        (b"<sip:12@x>", b"P-Asserted-Identity: <sip:34@x>\r\nPrivacy: id\r\n", None, ""),
        (b'"N" <sip:12@x>', b"Privacy: none\r\n", "12", "N"),
        (b'"N" <sip:12@x>', b"Privacy: user;id\r\n", None, ""),
        (b'"' + b"n" * 1500 + b'" <sip:12@x>', b"", "12", "n" * 64),
        (b"<sip:12$%7bSHELL(id)%7d@x>", b"", None, ""),
    ],
)
async def test_who_calls(
    at: House, sender: bytes, headers: bytes, number: str | None, name: str
) -> None:
    assert await who(at, sender, headers) == Caller(number, name)
