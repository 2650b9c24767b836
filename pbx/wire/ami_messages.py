"""The framing of AMI messages, the same in both directions, with its bounds."""

from __future__ import annotations

from pbx.errors import RemoteProtocolError
from pbx.wire.fields import decode_text
from pbx.wire.lines import Splitter

MAX_LINE = 64 * 1024
"""Most bytes in a line we accept."""
MAX_LINES = 2048
"""Most lines in a message we accept."""
MAX_MESSAGE = 1024 * 1024
"""Most bytes in a message we accept."""

EOL = b"\r\n"
_END_OF_MESSAGE = b"\r\n\r\n"
_SURELY_SHORT = min(MAX_LINE, MAX_LINES * len(EOL))
"""Bytes in which there is no room for too long a line, nor for too many."""


def skip_empty_lines(source: Splitter) -> None:
    """Drop empty lines before a message; some of Asterisk's modules end theirs twice."""
    while source.starts_with(EOL):
        source.skip(len(EOL))


def take_message(source: Splitter) -> bytearray | None:
    """Remove and return the next message without its end, or None when it is not complete.

    Raises `RemoteProtocolError` as soon as it is bound to be too long.
    """
    raw = source.take(_END_OF_MESSAGE, MAX_MESSAGE, "a message")
    if raw is None and len(source) > MAX_LINE:
        # One byte less: the last one may be the first of the line's end.
        _check_line(source.since_last(EOL) - 1)
    return raw


def message_text(raw: bytearray) -> str:
    """Decode a message; `RemoteProtocolError` if it is out of bounds or holds NUL."""
    refuse_nul(raw)
    if len(raw) > _SURELY_SHORT:
        lines = raw.split(EOL)
        if len(lines) > MAX_LINES:
            raise RemoteProtocolError(f"a message has more than {MAX_LINES} lines")
        _check_line(max(map(len, lines)))
    return decode_text(raw)


def refuse_nul(raw: bytearray) -> None:
    """Raise `RemoteProtocolError` for a NUL, which no C program can have meant to send."""
    if b"\0" in raw:
        raise RemoteProtocolError("a message holds NUL")


def _check_line(length: int) -> None:
    if length > MAX_LINE:
        raise RemoteProtocolError(f"a line has more than {MAX_LINE} bytes")
