"""Ways to feed a codec, so that every table is run through all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from pbx.errors import RemoteProtocolError

BANNER = b"Asterisk Call Manager/11.0.0\r\n"


def events_of(connection: Any, parts: Iterable[bytes]) -> list[Any]:
    """Feed parts one by one; a protocol error becomes the last event, by its class."""
    found: list[Any] = []
    try:
        for part in parts:
            connection.receive_data(part)
            found.extend(connection)
    except RemoteProtocolError:
        found.append(RemoteProtocolError)
    return found


def cuts_of(data: bytes, end: bool = True) -> Iterator[list[bytes]]:
    """Whole, byte by byte, and in two at every place; then the end of the stream."""
    tail = [b""] if end else []
    yield [data, *tail]
    yield [*(data[at : at + 1] for at in range(len(data))), *tail]
    for at in range(1, len(data)):
        yield [data[:at], data[at:], *tail]


def assert_events(make: Callable[[], Any], data: bytes, expected: list[Any]) -> None:
    for parts in cuts_of(data):
        assert events_of(make(), parts) == expected, parts


def feed_for_ever(connection: Any, part: bytes, bound: int) -> None:
    """Feed one part until the codec has had enough; no more than `bound` bytes may pile up."""
    for _ in range(10 * bound // len(part)):
        connection.receive_data(part)
        assert connection.next_event() is None
        assert len(connection._input) <= bound + len(part)
