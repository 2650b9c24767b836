"""Named queries: `crm/sql/queries/*.sql`, loaded once.

A file holds blocks, each opened by a line `-- name: <name>`; what follows up to the next such line
is one statement. Names are unique over all files.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType

_NAME = re.compile(r"^-- name: ([a-z][a-z0-9_]*)[ \t]*\n", re.MULTILINE)


def parse(text: str) -> dict[str, str]:
    """Split a file's text into its named statements. Raises ValueError for a malformed one."""
    head, *rest = _NAME.split(text)
    if any(line and not line.startswith("--") for line in map(str.strip, head.splitlines())):
        raise ValueError("SQL stands before the first '-- name:' line")
    found: dict[str, str] = {}
    for name, statement in zip(rest[::2], rest[1::2], strict=True):
        if name in found:
            raise ValueError(f"query {name} is there twice")
        if not statement.strip():
            raise ValueError(f"query {name} is empty")
        found[name] = statement.strip().rstrip(";")
    return found


@cache
def load() -> Mapping[str, str]:
    """Return all queries by name."""
    found: dict[str, str] = {}
    for file in sorted((files("crm") / "sql" / "queries").iterdir(), key=lambda file: file.name):
        if not file.name.endswith(".sql"):
            continue
        for name, statement in parse(file.read_text(encoding="utf-8")).items():
            if name in found:
                raise ValueError(f"{file.name}: query {name} is in another file already")
            found[name] = statement
    return MappingProxyType(found)
