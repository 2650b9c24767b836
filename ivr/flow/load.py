"""A flow file's bytes → `Flow`, or every fault in it with its place."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from ivr.errors import FlowInvalid
from ivr.flow import document, model, nodes, parts
from ivr.flow.document import Document, Path, Place
from ivr.flow.problems import Problem, Severity, excerpt, nearest

VERSION_LENGTH = 12


@dataclass(frozen=True, slots=True)
class Flow:
    """One immutable version of a flow.

    `version` is the first 12 hex digits of the SHA-256 of the file's content, so equal content
    is the same version wherever it lies; `uses` names the versions of its subflows by alias, and
    counts for it once there are any.
    """

    alias: str
    version: str
    document: model.FlowDocument
    content: bytes
    file: str
    source: Document
    uses: Mapping[str, str] = field(default_factory=dict)

    @property
    def language(self) -> str:
        """The flow's own language."""
        return self.document.language

    def problem(
        self, path: Path, message: str, severity: Severity = Severity.ERROR, code: str = ""
    ) -> Problem:
        """Return a problem at the value under `path` of the file."""
        return Problem(self.file, *find(self.source, path, key=False), message, severity, code)


def version_of(content: bytes, uses: Mapping[str, str] | None = None) -> str:
    """Return the version that a file of this content has, with these versions of its subflows."""
    pins = "".join(f"\n{alias}={version}" for alias, version in sorted((uses or {}).items()))
    return hashlib.sha256(content + pins.encode()).hexdigest()[:VERSION_LENGTH]


def parse(content: bytes, *, alias: str, file: str, uses: Mapping[str, str] | None = None) -> Flow:
    """Read a flow; `file` is the name used in messages.

    Raises FlowInvalid with all faults of the schema at once. What goes beyond the schema, such as
    exits that lead nowhere, is for `check`.
    """
    source = document.parse(content, file)
    problems = list(source.problems)
    parsed = None
    if not problems:
        try:
            parsed = model.FlowDocument.model_validate(source.value)
        except ValidationError as error:
            problems = [_problem(detail, source, file) for detail in error.errors()]
    if parsed is None:
        raise FlowInvalid(sorted(set(problems), key=lambda p: (p.line, p.column, p.message)))
    return Flow(alias, version_of(content, uses), parsed, content, file, source, dict(uses or {}))


def find(source: Document, path: Path, *, key: bool) -> Place:
    """Return the place of the deepest part of `path` that stands in the file."""
    best: Path = ()
    value: Any = source.value
    for step in path:
        inside = (isinstance(value, dict) and step in value) or (
            isinstance(value, list) and isinstance(step, int) and step < len(value)
        )
        if inside:
            value = value[step]
            best = (*best, step)
    if key and best in source.keys:
        return source.keys[best]
    return source.values.get(best, (1, 1))


def _problem(detail: ErrorDetails, source: Document, file: str) -> Problem:
    loc: Path = detail["loc"]
    on_key = loc[-1:] == ("[key]",)
    if on_key:
        loc = loc[:-1]
    elif loc[:1] == ("nodes",) and len(loc) > 2:
        # pydantic puts the node's type, by which it chose the model, behind the node's name
        loc = loc[:2] + loc[3:]
    loc = tuple(step for step in loc if step not in parts.FORM_TAGS)
    kind = detail["type"]
    if kind == "union_tag_invalid":
        return Problem(
            file, *find(source, (*loc, "type"), key=False), _message(detail, loc, source)
        )
    at_key = on_key or kind in {"missing", "extra_forbidden", "union_tag_not_found"}
    place = find(source, loc, key=at_key)
    return Problem(file, *place, _message(detail, loc, source))


def _message(detail: ErrorDetails, loc: Path, source: Document) -> str:
    kind = detail["type"]
    context = detail.get("ctx", {})
    field = f"`{excerpt(loc[-1])}`" if loc else "the file"
    owner = _owner(loc[:-1], source)
    got = "nothing" if detail["input"] is None else f"`{excerpt(detail['input'])}`"
    if kind == "missing":
        return f"{owner} needs {field}{_hint(str(loc[-1]))}"
    if kind == "extra_forbidden":
        return f"{owner} has no {field}{nearest(str(loc[-1]), _fields(loc[:-1], source))}"
    if kind == "union_tag_not_found":
        return f"{_owner(loc, source)} needs `type`: one of {', '.join(nodes.NODE_TYPES)}"
    if kind == "union_tag_invalid":
        tag = str(context.get("tag", ""))
        known = nearest(tag, nodes.NODE_TYPES) or f": use one of {', '.join(nodes.NODE_TYPES)}"
        return f"{_owner(loc, source)} has an unknown type `{excerpt(tag)}`{known}"
    if kind == "string_pattern_mismatch":
        return f"{got} is not {_PATTERNS[str(context['pattern'])]}"
    if kind == "one_of":
        return f"{_owner(loc, source)} needs exactly one of {context['fields']}"
    if kind in {"model_type", "model_attributes_type", "dict_type"}:
        return f"{field} must be a mapping (`name: value` lines), not {got}"
    if kind in {"string_type", "int_type", "float_type", "bool_type", "bool_parsing"} | {
        "int_parsing",
        "float_parsing",
    }:
        return f"{field} must be {_KINDS[kind.partition('_')[0]]}, not {_shape(detail['input'])}"
    return f"{field}: {detail['msg'][:1].lower()}{detail['msg'][1:]}, not {_shape(detail['input'])}"


def _shape(value: object) -> str:
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list | tuple):
        return f"a list of {len(value)}"
    return "nothing" if value is None else f"`{excerpt(value)}`"


_KINDS = {"string": "text", "int": "a whole number", "float": "a number", "bool": "true or false"}


def _pattern(annotated: Any) -> str:
    """Return the pattern of an annotated string."""
    (found,) = [m.pattern for m in annotated.__metadata__[0].metadata if hasattr(m, "pattern")]
    return str(found)


_PATTERNS = {
    parts.NAME_PATTERN: "a node's name: a letter, then letters, digits, `_`, `-`, at most 64",
    parts.PROMPT_PATTERN: "a prompt's id: small letters, digits, `_`, `-`, at most 64 "
    "(for words to be spoken write `{say: …}`)",
    parts.QUEUE_PATTERN: "a name: letters, digits, `_`, `-`, at most 64",
    parts.VARIABLE_PATTERN: "a variable's name: a small letter, then small letters, digits, `_`, "
    "at most 32",
    parts.DIGITS_PATTERN: "made of the keys 0-9, `*`, `#` alone",
    _pattern(nodes.Url): "an address such as https://host/path, without values in its host",
    _pattern(nodes.SipAddress): "a SIP address such as sip:name@host",
    r"^[0-9]+$": "a row of digits, such as 12345",
    parts.KEY_PATTERN: "a menu key: one to four of 0-9, `*`, `#` (quote `*` and `#`)",
    parts.LANGUAGE_PATTERN: "a language: a code such as en, th, id or pt-BR",
    r"\w": "a text that can be spoken: it has no letter or digit",
}

_HINTS = {
    "next": "the node that comes next",
    "failed": "the node for callers for whom it cannot be done",
    "missing": "the node for callers of whom nothing is found",
    "otherwise": "the node for callers for whom no condition holds",
    "empty": "the node for callers who say nothing",
    "closed": "the node for callers outside opening hours",
    "declined": "the node for callers who want no callback",
    "locked": "the node for callers whose tries are used up for now",
    "refused": "the node for callers who were wrong too often",
    "unknown": "the node for callers who cannot be proved",
    "unanswered": "the node for callers who answered nothing",
    "into": "the variable that takes it",
    "invalid": "what happens on a wrong key, with its `next`",
    "timeout": "what happens when no key comes, with its `next`",
    "sala": f"the version of the flow language, now {model.SCHEMA_VERSION}",
    "start": "the node at which callers begin",
}


_PARTS: dict[str, type[parts.Part]] = {
    "invalid": parts.Retry,
    "timeout": parts.Retry,
    "review": nodes.Review,
    "cases": nodes.Case,
    "criteria": nodes.RoutingStep,
    "questions": nodes.Question,
    "http": nodes.Http,
    "sql": nodes.Sql,
    "customer": nodes.Record,
}


def _hint(field: str) -> str:
    return f": {_HINTS[field]}" if field in _HINTS else ""


def _node_type(path: Path, source: Document) -> type[parts.Part] | None:
    value: Any = source.value
    for step in path[:2]:
        value = value[step] if isinstance(value, dict) and step in value else None
    kind = value.get("type") if isinstance(value, dict) else None
    return nodes.NODE_TYPES.get(kind) if isinstance(kind, str) else None


def _fields(path: Path, source: Document) -> list[str]:
    """Return the keys that may stand in the mapping at `path`."""
    if not path:
        return list(model.FlowDocument.model_fields)
    if len(path) == 2 and (node := _node_type(path, source)):
        return list(node.model_fields)
    name = path[-2] if isinstance(path[-1], int) or path[-2] == "questions" else path[-1]
    inner = _PARTS.get(str(name))
    return list(inner.model_fields) if inner else ["prompt", "say"]


def _owner(path: Path, source: Document) -> str:
    """Name the mapping at `path` in the admin's words."""
    if len(path) < 2:
        return "the flow"
    node = _node_type(path, source)
    kind = f" ({node.model_fields['type'].annotation.__args__[0]})" if node else ""  # type: ignore[union-attr]
    inner = f", `{path[2]}`" if len(path) > 2 else ""
    return f"node `{excerpt(path[1])}`{kind}{inner}"
