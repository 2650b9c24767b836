"""The bundled Asterisk runs with Sala's own configuration, and is what we say it is."""

import asyncio
import dataclasses
import hashlib
import re
import socket
from pathlib import Path

import psutil
import pytest

from lab import ports
from lab.sip import RawCall
from pbx.appliance import (
    Account,
    Instance,
    Layout,
    Plan,
    data_folder,
    ensure,
    music_on_hold,
    render,
)
from pbx.errors import ApplianceError

REPOSITORY = Path(__file__).parents[2]
IDLE_LIMIT = 45_000_000
DIALPLAN = """\
#include "sala-globals.conf"
[from-trunk]
exten => _X!,1,Answer(,i)
 same => n,WaitExten(20,m(default))
[from-agents]
include => from-trunk
"""


def said(what: str, done: float | None) -> None:
    """Take progress and say nothing."""


class House:
    """A rendered instance in a folder of its own."""

    def __init__(self, folder: Path, version: tuple[int, int, int] | None = None) -> None:
        self.pbx = ensure(said)
        self.layout = Layout.of(folder / "asterisk")
        self.dialplan = folder / "dialplans/asterisk/extensions.conf"
        self.dialplan.parent.mkdir(parents=True)
        self.dialplan.write_text(DIALPLAN)
        self.music = folder / "media/moh"
        music_on_hold(self.pbx, self.music, said)
        sip, ami = ports.free(2)
        self.version = version or self.pbx.version
        self.plan = Plan(
            ami_secret="only-for-this-test",
            sip_port=sip,
            ami_port=ami,
            accounts=[
                Account("1001", "agent", "one"),
                Account("caller", "caller", "two"),
                Account("trunk-1", "trunk", host="192.0.2.7"),
            ],
            globals={"SALA_TICK": "20"},
        )
        self.instance = Instance(self.pbx, self.render())

    def render(self) -> Path:
        return render(
            dataclasses.replace(self.pbx, version=self.version),
            self.layout,
            self.plan,
            sip_configs=REPOSITORY / "sip_configs",
            dialplans=self.dialplan.parent.parent,
            data=data_folder(self.pbx, said),
            music=self.music,
        )

    def logged(self) -> list[str]:
        text = (self.layout.log / "messages").read_text()
        return [line for line in text.splitlines() if re.search(r"\b(ERROR|WARNING)\b", line)]


@pytest.fixture
async def house(tmp_path):
    house = House(tmp_path)
    await house.instance.start()
    try:
        await house.instance.wait_ready()
        yield house
    finally:
        await house.instance.stop()


class Ami:
    """Just enough of AMI to log in by challenge and read packets."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def packet(self) -> dict[str, str]:
        async with asyncio.timeout(5):
            text = (await self.reader.readuntil(b"\r\n\r\n")).decode()
        return dict(re.findall(r"^([\w-]+): ?(.*?)\r$", text, re.MULTILINE))

    async def send(self, **headers: str) -> None:
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self.writer.write(f"{lines}\r\n".encode())
        await self.writer.drain()

    async def answer(self, **headers: str) -> dict[str, str]:
        await self.send(**headers, ActionID="asked")
        while True:
            packet = await self.packet()
            if packet.get("ActionID") == "asked" and "Response" in packet:
                return packet

    @classmethod
    async def log_in(cls, house: House) -> "Ami":
        ami = cls(*await asyncio.open_connection("127.0.0.1", house.plan.ami_port))
        assert (await ami.reader.readline()).startswith(b"Asterisk Call Manager/")
        challenge = (await ami.answer(Action="Challenge", AuthType="MD5"))["Challenge"]
        key = hashlib.md5((challenge + house.plan.ami_secret).encode()).hexdigest()
        answer = await ami.answer(Action="Login", AuthType="MD5", Username="sala", Key=key)
        assert answer["Response"] == "Success"
        return ami

    def close(self) -> None:
        self.writer.close()


def listening(pid: int) -> set[tuple[str, str, int]]:
    """List the sockets a process listens on: protocol, address, port."""
    inodes = set()
    for handle in Path(f"/proc/{pid}/fd").iterdir():
        try:
            target = str(handle.readlink())
        except FileNotFoundError:
            continue
        if match := re.match(r"socket:\[(\d+)\]", target):
            inodes.add(match[1])
    found = set()
    for table, family in (("tcp", 4), ("tcp6", 6), ("udp", 4), ("udp6", 6)):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            state, inode = fields[3], fields[9]
            if inode not in inodes or (table.startswith("tcp") and state != "0A"):
                continue
            address, port = fields[1].split(":")
            raw = bytes.fromhex(address)
            if family == 4:
                host = socket.inet_ntop(socket.AF_INET, raw[::-1])
            else:
                host = socket.inet_ntop(socket.AF_INET6, raw)
            found.add((table, host, int(port, 16)))
    return found


async def test_it_starts_quietly_and_small_and_stops_whole(house):
    instance = house.instance
    assert house.logged() == []
    pid = instance.pid
    assert pid
    rss = instance.rss()
    print(f"idle: {rss / 1e6:.1f} MB resident")
    assert rss <= IDLE_LIMIT
    await instance.stop()
    assert instance.pid is None
    assert not psutil.pid_exists(pid)
    assert not instance.control.exists()
    assert house.logged() == []


async def test_exactly_the_listed_modules_run(house):
    text = (REPOSITORY / "sip_configs/asterisk/modules.conf").read_text()
    listed = set(re.findall(r"^load = (\S+)", text, re.MULTILINE))
    shown = await house.instance.rx("module show")
    running = {
        line.split()[0] for line in shown.splitlines() if ".so " in line and " Running " in line
    }
    assert running == listed


async def test_it_listens_on_loopback_alone(house):
    plan = house.plan
    found = listening(house.instance.pid)
    # The SIP library opens one socket a family to ask name servers, bound to no address, and reads
    # nothing there but answers. It serves nobody, its port changes with each start, and it can
    # neither be switched off nor bound (docs/threat-model.md).
    client = {one for one in found if one[0] in ("udp", "udp6") and one[1] in ("0.0.0.0", "::")}
    assert sorted((kind, host) for kind, host, _ in client) in (
        [("udp", "0.0.0.0")],
        [("udp", "0.0.0.0"), ("udp6", "::")],
    )
    assert not {port for _, _, port in client} & {plan.sip_port, plan.ami_port}
    assert found - client == {
        ("tcp", "127.0.0.1", plan.ami_port),
        ("tcp", "127.0.0.1", plan.sip_port),
        ("udp", "127.0.0.1", plan.sip_port),
    }


async def test_speech_of_a_call_listens_where_sip_does(house):
    before = listening(house.instance.pid)
    async with RawCall(("127.0.0.1", house.plan.sip_port), ("caller", "two")) as call:
        assert await call.invite(b"5") == 200
        opened = listening(house.instance.pid) - before
    assert {(kind, host) for kind, host, _ in opened} == {("udp", "127.0.0.1")}
    speech = range(house.plan.rtp_first, house.plan.rtp_last + 1)
    assert all(port in speech for _, _, port in opened)


async def test_the_ami_user_may_do_what_sala_needs_and_no_more(house):
    ami = await Ami.log_in(house)
    try:
        for action in ({"Action": "Ping"}, {"Action": "Setvar", "Variable": "X", "Value": "1"}):
            assert (await ami.answer(**action))["Response"] == "Success"
        assert (await ami.answer(Action="Status"))["EventList"] == "start"
        reloaded = await ami.answer(Action="Reload", Module="pbx_config.so")
        assert reloaded["Response"] == "Success"
        for action in (
            {"Action": "Command", "Command": "core show version"},
            {"Action": "UpdateConfig", "SrcFilename": "a.conf", "DstFilename": "a.conf"},
        ):
            assert (await ami.answer(**action))["Message"] == "Permission denied"
        seen = await ami.answer(Action="GetConfig", Filename="manager.conf")
        assert seen["Response"] == "Error"
    finally:
        ami.close()


async def test_a_wrong_secret_is_refused(house):
    house.plan = dataclasses.replace(house.plan, ami_secret="wrong")
    with pytest.raises(AssertionError):
        await Ami.log_in(house)


async def ring_nobody(ami: Ami) -> list[str]:
    """Ring a phone that is not there, and list the events that come of it."""
    await ami.send(
        Action="Originate",
        Channel="PJSIP/1001",
        Context="from-trunk",
        Exten="5",
        Priority="1",
        Async="true",
        ActionID="rung",
    )
    events: list[str] = []
    while "OriginateResponse" not in events:
        packet = await ami.packet()
        if "Event" in packet:
            events.append(packet["Event"])
    return events


@pytest.mark.parametrize("version", [None, (20, 6, 0)], ids=["by name", "by regex"])
async def test_only_the_listed_events_leave_the_pbx(tmp_path, version):
    house = House(tmp_path, version)
    await house.instance.start()
    try:
        await house.instance.wait_ready()
        ami = await Ami.log_in(house)
        try:
            # Asterisk greets each one who logs in with this, whatever the filters.
            assert (await ami.packet())["Event"] == "FullyBooted"
            await house.instance.reload("dialplan", "sip")
            assert await ring_nobody(ami) == ["OriginateResponse"]
        finally:
            ami.close()
    finally:
        await house.instance.stop()


async def test_an_edit_takes_effect_by_reload(house):
    house.dialplan.write_text(DIALPLAN + "[mine]\nexten => 1,1,Answer(,i)\n")
    house.render()
    await house.instance.reload()
    assert "mine" in await house.instance.rx("dialplan show mine")
    assert house.logged() == []


async def test_a_second_one_in_the_same_folder_is_refused(house):
    other = Instance(house.pbx, house.layout.conf)
    with pytest.raises(ApplianceError, match="already runs"):
        await other.start()


async def test_a_running_one_can_be_found_and_stopped(house):
    other = Instance(house.pbx, house.layout.conf)
    assert other.find() == house.instance.pid
    await other.stop()
    assert other.pid is None
    assert await house.instance.wait() is not None


async def test_one_that_cannot_start_says_why(tmp_path):
    house = House(tmp_path)
    (house.layout.etc / "manager.conf").unlink()
    (house.layout.etc / "modules.conf").write_text("[modules]\nautoload=no\nrequire = none.so\n")
    await house.instance.start()
    with pytest.raises(ApplianceError, match="ended while starting"):
        await house.instance.wait_ready()
    assert house.instance.pid is None
