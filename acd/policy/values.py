"""Single values as an admin writes them: durations, numbers, choices, lists of names.

YAML's scalars come as text, JSON's as what they are: both are taken.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

from .faults import Wrong, nearest, shown

_DURATION = re.compile(
    r"(-)?(?:(\d{1,6})h)?\s*(?:(\d{1,7})m(?!s))?\s*(?:(\d{1,9})(?:\.(\d{1,3}))?s)?\s*"
    r"(?:(\d{1,12})ms)?",
    re.ASCII,
)
_UNITS = (("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1))
_TRUE, _FALSE = ("true", "yes", "on"), ("false", "no", "off")


def duration(value: Any) -> int:
    """Read a time such as `20s`, `1m30s`, `1.5s`, `500ms`, `2h` or `-10s`; return milliseconds."""
    text = str(value).strip()
    if text in ("0", "-0"):
        return 0
    found = _DURATION.fullmatch(text)
    if isinstance(value, bool) or found is None or not any(found.groups()[1:]):
        hint = f"; write {text}s, {text}m or {text}ms" if text.isdigit() else ""
        raise Wrong(f"{shown(value)} is no time, such as 20s, 1m30s or 500ms{hint}")
    minus, hours, minutes, seconds, fraction, rest = found.groups(default="")
    ms = int(hours or 0) * 3_600_000 + int(minutes or 0) * 60_000 + int(seconds or 0) * 1_000
    ms += int((fraction or "0").ljust(3, "0")) + int(rest or 0)
    return -ms if minus else ms


def written(ms: int) -> str:
    """Write a time as `duration` reads it: `90_500` is `1m30s500ms`."""
    text, left = "", abs(ms)
    for unit, size in _UNITS:
        count, left = divmod(left, size)
        if count:
            text += f"{count}{unit}"
    return f"-{text}" if ms < 0 else text or "0"


def number(value: Any, least: int, most: int, what: str = "a number") -> int:
    """Read a whole number within bounds."""
    given = int(value) if isinstance(value, str) and re.fullmatch(r"\d{1,12}", value) else value
    if isinstance(given, bool) or not isinstance(given, int) or not least <= given <= most:
        raise Wrong(f"{what} from {least} to {most} is needed, not {shown(value)}")
    return given


def boolean(value: Any) -> bool:
    """Read yes or no."""
    if isinstance(value, bool):
        return value
    if str(value).lower() in (*_TRUE, *_FALSE):
        return str(value).lower() in _TRUE
    raise Wrong(f"true or false is needed, not {shown(value)}")


def choice(value: Any, known: Collection[str], what: str) -> str:
    """Read one of some words."""
    word = str(value)
    if word in known:
        return word
    raise Wrong(f"unknown {what} {shown(value)}{nearest(word, known)}; known: {', '.join(known)}")


def word(value: Any, what: str = "a name") -> str:
    """Read a name."""
    if isinstance(value, bool) or not isinstance(value, str | int) or str(value).strip() == "":
        raise Wrong(f"{what} is needed, not {'nothing' if value is None else shown(value)}")
    return str(value).strip()


def words(value: Any, what: str = "a name") -> tuple[str, ...]:
    """Read a name, or a list of names."""
    if value is None:
        return ()
    return tuple(word(one, what) for one in (value if isinstance(value, list | tuple) else [value]))


def mapping(value: Any, known: Collection[str], what: str) -> dict[str, Any]:
    """Read a mapping that may have these keys alone."""
    if not isinstance(value, dict):
        raise Wrong(f"{what} must be a mapping, not {shown(value)}")
    for key in value:
        if key not in known:
            hint = nearest(str(key), known) or f"; known: {', '.join(known)}"
            raise Wrong(f"{what} has no {shown(key)}{hint}", (str(key),))
    return value
