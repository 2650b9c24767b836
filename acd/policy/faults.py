"""Faults in what an admin wrote, and where they are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

Path = tuple[str | int, ...]
"""Keys and indexes (from 0) that lead to a value, such as ("queues", "sales", "steps", 0)."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with the value at `path`."""

    path: Path
    message: str

    def __str__(self) -> str:
        return f"{place(self.path)}: {self.message}" if self.path else self.message


def place(path: Path) -> str:
    """Say a place in words: `queue sales, step 1, criteria`."""
    parts: list[str] = []
    for index, part in enumerate(path):
        if isinstance(part, int) and parts:
            parts[-1] = f"{parts[-1].removesuffix('s')} {part + 1}"
        elif index == 1:
            parts[-1] = f"{parts[-1].removesuffix('s')} {part}"
        else:
            parts.append(str(part))
    return printable(", ".join(parts))


class Wrong(Exception):  # noqa: N818 - never leaves this package
    """A value cannot be read. `below` leads to its place within the value that is read."""

    def __init__(self, message: str, below: Path = ()) -> None:
        super().__init__(message)
        self.below = below


@dataclass(slots=True)
class Faults:
    """Collects faults; `at` gives a collector for a place below."""

    found: list[Fault] = field(default_factory=list)
    path: Path = ()

    def at(self, *keys: str | int) -> Faults:
        """Return a collector of the same list, for a place below."""
        return Faults(self.found, (*self.path, *keys))

    def note(self, message: str, below: Path = ()) -> None:
        """Note what is wrong here."""
        self.found.append(Fault((*self.path, *below), message))


def nearest(word: str, known: Iterable[str]) -> str:
    """Return ` (did you mean …?)` naming the known word most like `word`, or nothing."""
    close = get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f" (did you mean {close[0]!r}?)" if close else ""


def printable(value: Any) -> str:
    """Return a value as text that no terminal or log takes amiss."""
    return "".join(c if c.isprintable() else "\ufffd" for c in str(value))


def shown(value: Any) -> str:
    """Return a value fit for a one-line message."""
    text = printable(value)
    return repr(text if len(text) <= 40 else f"{text[:39]}…")
