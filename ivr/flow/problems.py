"""One fault in a file an admin wrote, with its place."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum


class Severity(StrEnum):
    """An error keeps a file from being used; a warning does not."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Problem:
    """A fault at `line` and `column` (both from 1) of `file`; `code` names its check."""

    file: str
    line: int
    column: int
    message: str
    severity: Severity = Severity.ERROR
    code: str = ""

    def __str__(self) -> str:
        code = f" [{self.code}]" if self.code else ""
        return f"{self.file}:{self.line}:{self.column}: {self.severity}: {self.message}{code}"


def nearest(word: str, known: Iterable[str]) -> str:
    """Return `; did you mean …?` naming the known word most like `word`, or nothing."""
    close = get_close_matches(word, list(known), n=1)
    return f"; did you mean `{close[0]}`?" if close else ""


def excerpt(value: object, limit: int = 40) -> str:
    """Return a user's value fit for a one-line message: printable and at most `limit` long."""
    text = "".join(c if c.isprintable() else "�" for c in str(value))
    return text if len(text) <= limit else text[: limit - 1] + "…"
