"""Fields: text on its way out, and header blocks on their way in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import repeat
from operator import contains
from typing import overload

from pbx.errors import LocalProtocolError, RemoteProtocolError

_COLONS = repeat(":")


def encode_text(text: str, what: str) -> bytes:
    """Encode one field as UTF-8.

    Raises `LocalProtocolError`, naming `what` but never the text, if it holds CR, LF or NUL,
    any of which would end the field early and let its rest pass for something else, or a lone
    surrogate.
    """
    if "\n" in text or "\r" in text or "\0" in text:
        raise LocalProtocolError(f"{what} holds CR, LF or NUL")
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise LocalProtocolError(f"{what} holds a lone surrogate") from None


def decode_text(raw: bytes | bytearray) -> str:
    """Decode what a peer sent. Bytes that are not UTF-8 become U+FFFD, never an error."""
    return raw.decode("utf-8", "replace")


class Headers:
    """An immutable block of `Name: value` lines in the order they came.

    Names may repeat. They are found in any case, though soonest in the peer's own. The lines are
    checked when they come and cut when first asked for: of most messages only the name is read.
    """

    __slots__ = ("_first", "_folded", "_lines", "_pairs")

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        self._lines: list[str] | None = None
        self._pairs: list[tuple[str, str]] = list(pairs)
        # Reversed, so that of repeated names the first value stays.
        self._first: dict[str, str] = dict(self._pairs[::-1])
        self._folded: dict[str, list[str]] | None = None

    @classmethod
    def parse(cls, text: str) -> Headers:
        """Read one or more lines joined by CR LF; at most one space after a colon is dropped.

        Raises `RemoteProtocolError` for a line without a colon or without a name.
        """
        lines = text.split("\r\n")
        if not all(map(contains, lines, _COLONS)):
            raise RemoteProtocolError("a header has no colon")
        if "\r\n:" in text or text[0] == ":":
            raise RemoteProtocolError("a header has no name")
        headers = cls.__new__(cls)
        headers._lines = lines
        headers._folded = None
        return headers

    def __getitem__(self, name: str) -> str:
        value = self.get(name)
        if value is None:
            raise KeyError(name)
        return value

    @overload
    def get(self, name: str) -> str | None: ...

    @overload
    def get(self, name: str, default: str) -> str: ...

    def get(self, name: str, default: str | None = None) -> str | None:
        """Give the first value of `name`, or `default`."""
        self._cut()
        value = self._first.get(name)
        if value is None:
            values = self._index().get(name.casefold())
            return default if values is None else values[0]
        return value

    def getall(self, name: str) -> list[str]:
        """Give every value of `name` in order; empty if there is none."""
        return list(self._index().get(name.casefold(), ()))

    def variables(self, name: str) -> dict[str, str]:
        """Read every `name: key=value` as one mapping, such as `ChanVariable` or `Variable`.

        Of a repeated key the first value stays; a value without `=` is left out.
        """
        found: dict[str, str] = {}
        for value in self.getall(name):
            key, equals, text = value.partition("=")
            if equals:
                found.setdefault(key, text)
        return found

    def items(self) -> list[tuple[str, str]]:
        """Give all names and values in order, repeated names included."""
        self._cut()
        return self._pairs.copy()

    def __contains__(self, name: str) -> bool:
        return self.get(name) is not None

    def __iter__(self) -> Iterator[str]:
        return (name for name, _ in self.items())

    def __len__(self) -> int:
        return len(self.items())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Headers) and self.items() == other.items()

    def __hash__(self) -> int:
        return hash(tuple(self.items()))

    def __repr__(self) -> str:
        # Values may be phone numbers or digits, which no log may hold.
        return f"<Headers {', '.join(self)}>"

    def _index(self) -> dict[str, list[str]]:
        if self._folded is None:
            folded: dict[str, list[str]] = {}
            for name, value in self.items():
                folded.setdefault(name.casefold(), []).append(value)
            self._folded = folded
        return self._folded

    def _cut(self) -> None:
        if self._lines is not None:
            self._pairs = [
                (name, value.removeprefix(" "))
                for name, _, value in [line.partition(":") for line in self._lines]
            ]
            self._first = dict(self._pairs[::-1])
            self._lines = None
