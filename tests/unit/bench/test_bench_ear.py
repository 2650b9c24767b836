"""An ear hears when another prompt begins, and nothing of the one it hears already."""

import select
import socket
import struct

from lab.bench.ear import Ear

HOST = "127.0.0.1"
HEAD = struct.pack("!BBHII", 0x80, 0, 1, 160, 1)


def came(ear: Ear, within_ms: int) -> bool:
    """Whether there is anything to take."""
    poll = select.poll()
    poll.register(ear.socket, select.POLLIN)
    return bool(poll.poll(within_ms))


def test_only_another_prompt_is_heard() -> None:
    ear = Ear(HOST)
    with ear.socket, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as pbx:
        for byte in (0x91, 0x12, 0x91):
            pbx.sendto(HEAD + bytes([byte]) * 160, (HOST, ear.port))
            assert came(ear, 5000)
            assert ear.listen()
            assert ear.heard == byte
            pbx.sendto(HEAD + bytes([byte]) * 160, (HOST, ear.port))
            # The kernel drops a packet as it is sent: loopback has no way in between.
            assert not came(ear, 0)


def test_keys_and_scraps_are_no_prompt() -> None:
    ear = Ear(HOST)
    with ear.socket, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as pbx:
        for packet in (b"", HEAD, bytes([0x80, 101]) + HEAD[2:] + bytes(160)):
            pbx.sendto(packet, (HOST, ear.port))
            assert came(ear, 5000)
            assert not ear.listen()
    assert ear.heard == -1


def test_when_it_began_is_the_kernels_time() -> None:
    ear = Ear(HOST)
    with ear.socket, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as pbx:
        pbx.sendto(HEAD + bytes(160), (HOST, ear.port))
        assert came(ear, 5000)
        assert ear.listen()
    assert ear.since_ns > 1_600_000_000 * 10**9
