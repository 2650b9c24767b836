"""A bounded buffer that cuts a byte stream at a terminator."""

from __future__ import annotations

from pbx.errors import RemoteProtocolError


class Splitter:
    """Collects bytes and gives back the pieces between terminators.

    A piece may be fed in any number of parts: every byte is searched once, so that a peer who
    sends byte by byte costs no more than linear time. What is waiting for its terminator never
    outgrows the limit by more than the data of one `feed`, because `take` raises first.
    """

    __slots__ = ("_buffer", "_searched")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._searched = 0

    def __len__(self) -> int:
        return len(self._buffer)

    def feed(self, data: bytes) -> None:
        """Append bytes as they came."""
        self._buffer += data

    def clear(self) -> None:
        """Forget everything."""
        self._buffer.clear()
        self._searched = 0

    def starts_with(self, prefix: bytes) -> bool:
        """Tell whether the bytes not yet taken begin with `prefix`."""
        return self._buffer.startswith(prefix)

    def may_start_with(self, prefix: bytes) -> bool:
        """Tell whether the bytes not yet taken begin, as far as they go, like `prefix`."""
        return prefix.startswith(self._buffer[: len(prefix)])

    def skip(self, count: int) -> None:
        """Drop bytes from the front."""
        del self._buffer[:count]
        self._searched = 0

    def since_last(self, terminator: bytes) -> int:
        """Count the bytes behind the last `terminator`, or all of them where there is none."""
        found = self._buffer.rfind(terminator)
        return len(self._buffer) - (found + len(terminator) if found >= 0 else 0)

    def take(self, terminator: bytes, limit: int, what: str) -> bytearray | None:
        """Remove and return the piece before the next `terminator`, which is dropped.

        None when there is none yet. Raises `RemoteProtocolError`, naming `what`, when the piece
        has, or is bound to have, more than `limit` bytes. The outcome does not depend on how the
        bytes were cut when fed.
        """
        buffer = self._buffer
        tail = len(terminator) - 1
        found = buffer.find(terminator, max(0, self._searched - tail))
        if found < 0:
            self._searched = len(buffer)
            if len(buffer) - tail > limit:
                raise RemoteProtocolError(f"{what} has more than {limit} bytes")
            return None
        if found > limit:
            raise RemoteProtocolError(f"{what} has more than {limit} bytes")
        piece = buffer[:found]
        del buffer[: found + tail + 1]
        self._searched = 0
        return piece
