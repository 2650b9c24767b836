"""A socket that listens to a prompt of one byte, and hears only when another one begins.

Five hundred callers get 25,000 packets a second. All but a few are the prompt that is heard
already, so the kernel drops them (a classic BPF program on each socket): what listens must not take
the processor from what it measures.
"""

from __future__ import annotations

import ctypes
import socket
import struct

_SO_TIMESTAMPNS = 35
_SO_ATTACH_FILTER = 26
_LENGTH, _LESS, _TO_INDEX, _BYTE_AT, _IF_EQUAL, _RETURN = 0x80, 0x14, 0x07, 0x50, 0x15, 0x06
"""Operations of BPF, as in linux/bpf_common.h."""
_ALL = 0xFFFFFFFF


class Ear:
    """One UDP socket at `host`. `heard` is the byte heard now, -1 before anything was."""

    def __init__(self, host: str) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self.socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self.socket.bind((host, 0))
        self.port: int = self.socket.getsockname()[1]
        self.heard = -1
        self.since_ns = 0
        """When it began, by the kernel, in ns of the wall clock."""

    def listen(self) -> bool:
        """Take what has come; tell whether another prompt is heard now than before."""
        changed = False
        while True:
            try:
                packet, ancillary, _, _ = self.socket.recvmsg(2048, 64)
            except BlockingIOError:
                return changed
            if len(packet) < 20 or packet[1] & 0x7F or packet[-1] == self.heard:
                continue
            # The end of a packet is of its newest sound.
            self.heard = packet[-1]
            seconds, nanos = struct.unpack("qq", ancillary[0][2])
            self.since_ns = seconds * 1_000_000_000 + nanos
            self._be_deaf_to(self.heard)
            changed = True

    def _be_deaf_to(self, byte: int) -> None:
        program = b"".join(
            struct.pack("HBBI", *step)
            for step in (
                (_LENGTH, 0, 0, 0),
                (_LESS, 0, 0, 1),
                (_TO_INDEX, 0, 0, 0),
                (_BYTE_AT, 0, 0, 0),
                (_IF_EQUAL, 0, 1, byte),
                (_RETURN, 0, 0, 0),
                (_RETURN, 0, 0, _ALL),
            )
        )
        steps = ctypes.create_string_buffer(program, len(program))
        head = struct.pack("HL", len(program) // 8, ctypes.addressof(steps))
        self.socket.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, head)
