"""Texts with values in them.

    Your balance is {amount:THB account.balance}, and {number orders} orders are open.

A value stands in braces: how it is said, a colon and a detail where that way needs one, then an
expression. The words around are rendered ahead of time, as is each word a value may be made of
(`ivr.flow.saying`), so nothing is synthesised while a caller waits.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

KINDS = {
    "number": ("int", "double"),
    "digits": ("string", "int"),
    "amount": ("double", "int"),
    "date": ("timestamp", "string"),
    "time": ("timestamp", "string"),
}
"""How a value may be said, and which types it may have. Strings are dates as ISO 8601 has them."""

_VALUE = re.compile(r"\{([a-z]+)(?::([A-Za-z]+))?\s+([^{}]+?)\s*\}")


@dataclass(frozen=True, slots=True)
class Value:
    """A value in a text: `kind` of `KINDS`, a detail (a currency), and an expression."""

    kind: str
    detail: str
    expression: str


class TextWrong(ValueError):  # noqa: N818
    """A text whose braces hold no value."""


@lru_cache(maxsize=4_096)
def split(text: str) -> tuple[str | Value, ...]:
    """Return words and values in their order; words that cannot be spoken are left out.

    Raises TextWrong.
    """
    parts: list[str | Value] = []
    end = 0
    for found in _VALUE.finditer(text):
        _words(text[end : found.start()], parts)
        kind, detail, expression = found[1], found[2] or "", found[3]
        if kind not in KINDS:
            raise TextWrong(f"`{{{kind} …}}`: a value is said as {', '.join(KINDS)}")
        if (kind == "amount") != bool(detail):
            need = "needs a currency, as {amount:USD …}" if kind == "amount" else "takes no detail"
            raise TextWrong(f"`{{{kind} …}}` {need}")
        parts.append(Value(kind, detail.upper(), expression))
        end = found.end()
    _words(text[end:], parts)
    return tuple(parts)


def has_values(text: str) -> bool:
    """Tell whether a text holds anything in braces."""
    return "{" in text or "}" in text


def _words(text: str, parts: list[str | Value]) -> None:
    if "{" in text or "}" in text:
        raise TextWrong("a brace that holds no value; write {number …}, {digits …} and so on")
    if re.search(r"\w", text):
        parts.append(text.strip().lstrip(",.;:!? "))
