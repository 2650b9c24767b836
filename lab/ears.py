"""What the legs of the world hear, packet by packet as it comes: the PBX's AudioSocket.

A file that the PBX writes is written in blocks of a third of a second or more. The last block stays
unwritten as long as nothing more is heard, and a PBX that waits for a key sends nothing at all: the
end of what it said before would be missing.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import socket
import struct
import threading
from collections.abc import Callable
from pathlib import Path

from lab import audio

_HEAD = struct.Struct("!BH")
_UUID, _AUDIO, _HANG_UP = 0x01, 0x10, 0x00
"""Kinds of messages (Asterisk, AudioSocket protocol)."""
_UUID_BYTES = 16
_EVERY_S = 1.0
"""How often sound is taken that nobody asks for; the kernel keeps several times as much."""
_ROOM = 1 << 20


class _Wire:
    """One connection: what a leg hears from one thing it says to the next."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.rest = b""
        self.over = False

    def take(self) -> list[tuple[int, bytes]]:
        """Read the messages that have come in whole: their kinds and bodies."""
        parts = [self.rest]
        while not self.over:
            try:
                data = self.connection.recv(1 << 16)
            except BlockingIOError:
                break
            except OSError:
                data = b""
            parts.append(data)
            self.over = not data
        buffer, at = b"".join(parts), 0
        found: list[tuple[int, bytes]] = []
        while len(buffer) - at >= _HEAD.size:
            kind, length = _HEAD.unpack_from(buffer, at)
            if len(buffer) - at - _HEAD.size < length:
                break
            at += _HEAD.size
            found.append((kind, buffer[at : at + length]))
            at += length
        self.rest = buffer[at:]
        return found

    def close(self) -> None:
        self.over = True
        self.connection.close()


class Ears:
    """Takes down what each leg hears in a file of its own: 16-bit, 8 kHz, `folder/NUMBER`.

    The PBX connects once for all that a leg says, and names the leg by a UUID of decimal digits:
    its number (see `number`) in the first twenty, the whole seconds after which the connection is
    to end, if not 0, in the last twelve.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._new: dict[socket.socket, bytes] = {}
        self._wires: dict[int, list[_Wire]] = {}
        self._timers: set[asyncio.TimerHandle] = set()
        self._lock = threading.Lock()

    def open(self, address: str) -> int:
        """Begin to listen; gives the port."""
        self._listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _ROOM)
        self._listening.setblocking(False)
        self._listening.bind((address, 0))
        self._listening.listen(1024)
        asyncio.get_running_loop().add_reader(self._listening, self._accept)
        self._later(_EVERY_S, self._take_all)
        port: int = self._listening.getsockname()[1]
        return port

    def close(self) -> None:
        """Hear nothing any more."""
        loop = asyncio.get_running_loop()
        for timer in self._timers:
            timer.cancel()
        for waiting in (self._listening, *self._new):
            loop.remove_reader(waiting)
            waiting.close()
        with self._lock:
            for number in list(self._wires):
                self._take(number)
            for wires in self._wires.values():
                for wire in wires:
                    wire.close()
            self._wires.clear()

    @staticmethod
    def number(leg_id: str) -> int:
        """Give the number of a leg: the digits of its unique id, as the dialplan makes it."""
        return int("0" + "".join(one for one in leg_id if one in "0123456789"))

    def heard(self, leg_id: str, since: int = 0) -> audio.Sound:
        """Give what a leg has heard until now, behind the first `since` samples. In any thread."""
        number = self.number(leg_id)
        with self._lock:
            self._take(number)
        return audio.read_pcm(self._folder / str(number), since)

    # --- connections ----------------------------------------------------------------------------

    def _accept(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while True:
                connection, _ = self._listening.accept()
                connection.setblocking(False)
                self._new[connection] = b""
                asyncio.get_running_loop().add_reader(connection, self._greet, connection)
                self._greet(connection)

    def _greet(self, connection: socket.socket) -> None:
        """Learn whose connection it is; from then on it is read when somebody asks."""
        size = _HEAD.size + _UUID_BYTES
        try:
            more = connection.recv(size - len(self._new[connection]))
        except BlockingIOError:
            return
        except OSError:
            more = b""
        seen = self._new[connection] + more
        if more and len(seen) < size:
            self._new[connection] = seen
            return
        asyncio.get_running_loop().remove_reader(connection)
        del self._new[connection]
        digits = seen[_HEAD.size :].hex()
        known = len(seen) == size and _HEAD.unpack_from(seen) == (_UUID, _UUID_BYTES)
        if not known or not digits.isdecimal():
            connection.close()
            return
        wire = _Wire(connection)
        with self._lock:
            self._wires.setdefault(int(digits[:20]), []).append(wire)
        if seconds := int(digits[20:]):
            self._later(seconds, functools.partial(self._end, wire))

    def _end(self, wire: _Wire) -> None:
        with self._lock, contextlib.suppress(OSError):
            if not wire.over:
                wire.connection.send(_HEAD.pack(_HANG_UP, 0))

    def _later(self, seconds: float, what: Callable[[], None]) -> None:
        def now() -> None:
            self._timers.discard(timer)
            what()

        timer = asyncio.get_running_loop().call_later(seconds, now)
        self._timers.add(timer)

    # --- sound ----------------------------------------------------------------------------------

    def _take_all(self) -> None:
        with self._lock:
            for number in list(self._wires):
                self._take(number)
        self._later(_EVERY_S, self._take_all)

    def _take(self, number: int) -> None:
        wires = self._wires.get(number, [])
        sound = [body for wire in wires for kind, body in wire.take() if kind == _AUDIO]
        if sound:
            with (self._folder / str(number)).open("ab") as file:
                file.write(b"".join(sound))
        for wire in [one for one in wires if one.over]:
            wire.close()
            wires.remove(wire)
        if not wires:
            self._wires.pop(number, None)
