"""Encoding rows as JSON that Postgres takes."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from typing import Any

import orjson

_DEEPEST = 100


def encode(row: Any) -> bytes:
    """Return a row (dataclass, mapping, plain values) as JSON in UTF-8. Never raises.

    Postgres's text and jsonb hold neither NUL nor lone surrogates, and callers' names and headers
    may bring them: they become U+FFFD. What JSON cannot say (sets, bytes) is said by `repr`.
    """
    try:
        encoded = orjson.dumps(row)
    except TypeError:
        pass
    else:
        if b"\\u0000" not in encoded:
            return encoded
    return json.dumps(_clean(row, 0), ensure_ascii=False, allow_nan=False).encode()


def _clean(value: Any, depth: int) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, str):
        whole = value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        return whole.replace("\0", "\ufffd")
    if depth >= _DEEPEST:
        return "\u2026"
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = dataclasses.fields(value)
        return {field.name: _clean(getattr(value, field.name), depth + 1) for field in fields}
    if isinstance(value, Mapping):
        return {_clean(str(key), depth): _clean(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(item, depth + 1) for item in value]
    return _clean(repr(value), depth)
