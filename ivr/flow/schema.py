"""The flow language as JSON Schema (draft 2020-12), for editors."""

from __future__ import annotations

from typing import Any

from ivr.flow.model import SCHEMA_VERSION, FlowDocument
from ivr.flow.testing import Suite


def flow_schema() -> dict[str, Any]:
    """Return the schema of flow files.

    Editors read YAML with types, where our parser keeps all scalars as written. So what is text
    here may be a number there (a key `1`, a queue `600`), and what is a list of one may stand bare.
    """
    return _finished(FlowDocument.model_json_schema(), f"Sala flow, version {SCHEMA_VERSION}")


def test_schema() -> dict[str, Any]:
    """Return the schema of flow tests' files."""
    return _finished(Suite.model_json_schema(), "Sala flow tests")


def _finished(schema: dict[str, Any], title: str) -> dict[str, Any]:
    loosened: dict[str, Any] = _loosened(schema)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **loosened, "title": title}


def _loosened(part: Any) -> Any:
    if isinstance(part, list):
        return [_loosened(one) for one in part]
    if not isinstance(part, dict):
        return part
    loose = {key: _loosened(value) for key, value in part.items() if key != "discriminator"}
    if loose.get("type") == "string" and "enum" not in loose and "const" not in loose:
        loose["type"] = ["string", "number", "boolean"]
    if loose.get("type") == "array" and "items" in loose:
        for limit in ("min", "max"):  # which stand for items, by whatever name
            if f"{limit}Length" in loose:
                loose[f"{limit}Items"] = loose.pop(f"{limit}Length")
        moved = loose.keys() & {"type", "items", "minItems", "maxItems"}
        only = {key: loose.pop(key) for key in sorted(moved)}
        bare = only["items"]
        if "oneOf" in bare or "anyOf" in bare:  # prompts: an id may stand for `{prompt: id}`
            bare = {"anyOf": [bare, {"type": "string"}]}
            only["items"] = bare
        return {**loose, "anyOf": [only, bare]}
    return loose
