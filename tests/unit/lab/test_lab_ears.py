"""What a leg hears is there as soon as it came, in order, whatever the pieces it comes in."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import numpy as np
import pytest

from lab.ears import Ears

HOST = "127.0.0.1"
LEG = "lab-912345-7"


class Place:
    """Ears, and a PBX that connects to them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ears = Ears(folder)
        self.port = self.ears.open(HOST)
        self.listens = True
        self.opened: list[socket.socket] = []

    def connect(self, leg: str = LEG, seconds: int = 0) -> socket.socket:
        wire = self.stranger()
        wire.sendall(b"\x01\x00\x10" + bytes.fromhex(f"{Ears.number(leg):020d}{seconds:012d}"))
        return wire

    def stranger(self) -> socket.socket:
        wire = socket.create_connection((HOST, self.port))
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        wire.setblocking(False)
        self.opened.append(wire)
        return wire

    def heard(self, leg: str = LEG, since: int = 0) -> list[int]:
        return [round(one * 32768) for one in self.ears.heard(leg, since).tolist()]


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    made = Place(tmp_path)
    yield made
    if made.listens:
        made.ears.close()
    for wire in made.opened:
        wire.close()


def sound(*samples: int) -> bytes:
    return struct.pack("!BH", 0x10, 2 * len(samples)) + struct.pack(f"<{len(samples)}h", *samples)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not holds():
            await asyncio.sleep(0.01)


async def closed(wire: socket.socket) -> bytes:
    """All that comes until the other side closes."""
    loop = asyncio.get_running_loop()
    parts = []
    async with asyncio.timeout(5):
        while part := await loop.sock_recv(wire, 100):
            parts.append(part)
    return b"".join(parts)


async def test_the_last_packet_is_heard_though_no_more_come(place: Place) -> None:
    assert place.heard() == []
    place.connect().sendall(sound(1, 2, 3))
    await until(lambda: place.heard() == [1, 2, 3])
    assert place.heard(since=2) == [3]
    assert place.heard(since=9) == []


async def test_messages_may_be_split_anywhere_and_keys_are_no_sound(place: Place) -> None:
    wire = place.connect()
    for byte in sound(1, -2) + b"\x03\x00\x015" + sound(3):
        wire.send(bytes([byte]))
        place.heard()
    await until(lambda: place.heard() == [1, -2, 3])


async def test_what_is_heard_goes_on_from_one_connection_to_the_next(place: Place) -> None:
    for number in range(5):
        wire = place.connect()
        wire.sendall(sound(number))
        wire.close()
    await until(lambda: place.heard() == [0, 1, 2, 3, 4])


async def test_legs_are_told_apart_as_the_dialplan_numbers_them(place: Place) -> None:
    phone = "1763822944.15"
    place.connect(phone).sendall(sound(7))
    place.connect().sendall(sound(8))
    await until(lambda: (place.heard(phone), place.heard()) == ([7], [8]))


async def test_a_connection_ends_after_its_seconds(place: Place) -> None:
    wire = place.connect(seconds=1)
    wire.sendall(sound(1))
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(5):
        assert await loop.sock_recv(wire, 100) == b"\x00\x00\x00"
    wire.sendall(sound(2))
    wire.close()
    await until(lambda: place.heard() == [1, 2])


async def test_sound_nobody_asks_for_is_taken_too(place: Place) -> None:
    wire = place.connect()
    packet = sound(*range(160))
    # More than the kernel keeps.
    async with asyncio.timeout(20):
        for _ in range(5000):
            await asyncio.get_running_loop().sock_sendall(wire, packet)
    await until(lambda: len(place.heard()) == 5000 * 160)
    assert (np.reshape(place.heard()[-320:], (2, 160)) == np.arange(160)).all()


@pytest.mark.parametrize(
    "said", [b"", b"GET / HTTP/1.1\r\nHost: there\r\n\r\n", b"GET /", b"\x10\x00\x02\x00\x00" * 9]
)
async def test_a_stranger_is_not_listened_to(place: Place, said: bytes) -> None:
    wire = place.stranger()
    wire.sendall(said)
    wire.shutdown(socket.SHUT_WR)
    with contextlib.suppress(ConnectionResetError):
        assert await closed(wire) == b""
    assert list(place.folder.iterdir()) == []


async def test_what_was_heard_is_kept_when_the_world_ends(place: Place) -> None:
    wire = place.connect()
    wire.sendall(sound(4))
    await until(lambda: place.heard() == [4])
    wire.sendall(sound(5))
    place.ears.close()
    place.listens = False
    assert place.heard() == [4, 5]
    assert await closed(wire) == b""
