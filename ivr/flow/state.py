"""A walk's variables in a form that a call can carry (`pbx.port.Call.carry`).

JSON, deflated, base64url: letters, digits, `-`, `_`. Split into facts `state_a`, `state_b` … of at
most 128 characters, of which a call carries at most `MAX_CHUNKS`: a walk that knows more than that
rejoins with the rest at their first values.
"""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from collections.abc import Iterable, Mapping

from ivr.flow.expressions import Scalar

CHUNK = 128
MAX_CHUNKS = 4
_MAX_BYTES = 64 * 1024
_NAMES = [f"state_{letter}" for letter in "abcd"[:MAX_CHUNKS]]

FrameState = tuple[str, str, dict[str, Scalar]]
"""A flow's alias (empty for the one the call began in), its node (that of the last
is empty), its variables."""


def pack(language: str, frames: Iterable[FrameState]) -> str:
    """Return a walk's state as text; the longest values are left out until it can be carried."""
    rows = [(alias, at, dict(variables)) for alias, at, variables in frames]
    while True:
        packed = _encode([language, rows])
        values = [(len(str(v)), name, row) for _, _, row in rows for name, v in row.items()]
        if len(packed) <= CHUNK * MAX_CHUNKS or not values:
            return packed if len(packed) <= CHUNK * MAX_CHUNKS else ""
        _, name, row = max(values, key=lambda value: (value[0], value[1]))
        del row[name]


def unpack(packed: str) -> tuple[str, list[FrameState]] | None:
    """Return (language, frames) of a packed state, or None if it is none."""
    try:
        inflate = zlib.decompressobj()
        raw = base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4))
        language, rows = json.loads(inflate.decompress(raw, _MAX_BYTES))
        frames = [(str(alias), str(at), dict(found)) for alias, at, found in rows]
    except (ValueError, TypeError, binascii.Error, zlib.error, RecursionError):
        return None
    return (language, frames) if isinstance(language, str) and frames else None


def facts(packed: str) -> dict[str, str]:
    """Return a packed state as facts to carry; those no longer needed are empty."""
    return {name: packed[n * CHUNK : (n + 1) * CHUNK] for n, name in enumerate(_NAMES)}


def of_facts(carried: Mapping[str, str]) -> str:
    """Return the packed state that a call carries; empty if none."""
    return "".join(carried.get(name, "") for name in _NAMES)


def _encode(value: object) -> str:
    raw = json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
    return base64.urlsafe_b64encode(zlib.compress(raw, 9)).decode().rstrip("=")


def language(carried: Mapping[str, str]) -> str:
    """Return the language of the walk that a call carries; empty if none is known."""
    found = unpack(of_facts(carried))
    return found[0] if found is not None else ""
