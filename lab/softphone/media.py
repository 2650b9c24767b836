"""The sound of one call: RTP with µ-law, sent by the clock and taken down as it comes."""

from __future__ import annotations

import asyncio
import secrets
import struct

import numpy as np

from lab import audio

_STEP_S = 0.02
_SAMPLES = 160
_QUIET = b"\xff" * _SAMPLES
_HEADER = struct.Struct("!BBHII")


class Media(asyncio.DatagramProtocol):
    """Speaks and listens. Sends quiet when there is nothing to say, as telephones do."""

    def __init__(self) -> None:
        self._transport: asyncio.DatagramTransport | None = None
        self._to: tuple[str, int] | None = None
        self._source = secrets.randbits(32)
        # As RFC 3550 has it, both begin anywhere.
        self._number = secrets.randbits(15)
        self._at = secrets.randbits(31)
        self._say = b""
        self._heard = bytearray()
        self._timer: asyncio.TimerHandle | None = None
        self._due = 0.0
        self.muted = False
        """Whether nothing is sent, as while the other side is on hold."""

    async def open(self) -> int:
        """Open a port; gives its number."""
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(
            lambda: self, local_addr=("127.0.0.1", 0)
        )
        port: int = self._transport.get_extra_info("sockname")[1]
        return port

    def send_to(self, where: tuple[str, int]) -> None:
        """Begin to send, or send elsewhere from now on."""
        self._to = where
        if self._timer is None:
            self._due = asyncio.get_running_loop().time()
            self._step()

    def close(self) -> None:
        """Be silent for good."""
        if self._timer is not None:
            self._timer.cancel()
        if self._transport is not None:
            self._transport.close()
        self._transport = None

    def say(self, sound: audio.Sound) -> audio.Sound:
        """Start to say a sound; gives it back as it is sent."""
        code = audio.to_ulaw(sound)
        self._say = code.tobytes()
        return audio.from_ulaw(code)

    def heard(self, since: int = 0) -> audio.Sound:
        """Give all that was heard, behind the first `since` samples."""
        return audio.from_ulaw(np.frombuffer(bytes(self._heard[since:]), np.uint8))

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Take a packet down. They come in order: all is loopback."""
        if len(data) > _HEADER.size and data[1] & 0x7F == 0:
            self._heard += data[_HEADER.size :]

    def _step(self) -> None:
        if self._transport is None:
            return
        loop = asyncio.get_running_loop()
        while self._due <= loop.time():
            self._due += _STEP_S
            if self.muted or self._to is None:
                continue
            chunk, self._say = self._say[:_SAMPLES], self._say[_SAMPLES:]
            header = _HEADER.pack(0x80, 0, self._number, self._at, self._source)
            self._number = (self._number + 1) & 0xFFFF
            self._at = (self._at + _SAMPLES) & 0xFFFFFFFF
            self._transport.sendto(header + chunk.ljust(_SAMPLES, _QUIET[:1]), self._to)
        self._timer = loop.call_at(self._due, self._step)
