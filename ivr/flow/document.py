"""YAML text → plain values that remember where each of them stood.

Scalars are kept as written: what is a number is decided by the schema, not by the look of the
text, so a key `010`, a language `no` and a queue `600` stay what the admin typed. Only a plain
`null`, `~` or nothing is None.

Bounds keep a hostile or broken file from costing more than a moment: size, depth, and the count
of values after aliases are expanded (the "billion laughs" file).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import yaml

from ivr.flow.problems import Problem, excerpt

MAX_BYTES = 1 << 20
MAX_DEPTH = 20
MAX_VALUES = 50_000

Value = str | None | list["Value"] | dict[str, "Value"]
Path = tuple[str | int, ...]
Place = tuple[int, int]

_Loader: type = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# YAML 1.2, section 5.1: all that is neither this nor tab, LF, CR is not printable.
_UNPRINTABLE = re.compile(
    "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
_NULLS = frozenset(("", "~", "null", "Null", "NULL"))
_CORE = "tag:yaml.org,2002:"
_TAGS = frozenset(
    _CORE + name
    for name in ("str", "int", "float", "bool", "null", "timestamp", "merge", "value", "map", "seq")
)


@dataclass(slots=True)
class Document:
    """A parsed file: its value, and where keys and values stand (line and column from 1)."""

    value: Value = None
    keys: dict[Path, Place] = field(default_factory=dict)
    values: dict[Path, Place] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def parse(
    data: bytes, file: str, *, max_bytes: int = MAX_BYTES, max_values: int = MAX_VALUES
) -> Document:
    """Parse `data`; faults are listed in `problems` under the name `file`, and nothing is raised.

    With problems, `value` may be incomplete and is not to be used.
    """
    return _Parser(file, max_bytes, max_values).parse(data)


class _Parser:
    def __init__(self, file: str, max_bytes: int, max_values: int) -> None:
        self._file = file
        self._max_bytes = max_bytes
        self._max_values = max_values
        self._document = Document()
        self._count = 0
        self._full = False

    def parse(self, data: bytes) -> Document:
        text = self._decode(data)
        if text is not None and self._within_bounds(text):
            try:
                root = yaml.compose(text, Loader=_Loader)
            except yaml.YAMLError as error:
                self._yaml_error(error)
            else:
                if root is None:
                    self._problem((1, 1), "the file is empty")
                else:
                    self._document.value = self._convert(root, (), 1)
        return self._document

    def _decode(self, data: bytes) -> str | None:
        if len(data) > self._max_bytes:
            self._problem((1, 1), f"the file is larger than {self._max_bytes // 1024} KiB")
            return None
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            before = data[: error.start]
            line = before.count(b"\n") + 1
            column = len(before.rpartition(b"\n")[2].decode("utf-8", "replace")) + 1
            self._problem(
                (line, column), f"not UTF-8: byte 0x{data[error.start]:02x}; save the file as UTF-8"
            )
            return None
        if found := _UNPRINTABLE.search(text):
            line = text.count("\n", 0, found.start()) + 1
            column = found.start() - (text.rfind("\n", 0, found.start()) + 1) + 1
            self._problem((line, column), f"a character U+{ord(found[0]):04X} may not stand here")
            return None
        return text

    def _within_bounds(self, text: str) -> bool:
        # Events come one by one without recursion, so depth can be judged before composing.
        depth = count = 0
        try:
            for event in yaml.parse(text, Loader=_Loader):
                if isinstance(event, yaml.CollectionStartEvent):
                    depth += 1
                elif isinstance(event, yaml.CollectionEndEvent):
                    depth -= 1
                    continue
                count += 1
                if depth > MAX_DEPTH or count > self._max_values:
                    what = (
                        f"nested more than {MAX_DEPTH} deep"
                        if depth > MAX_DEPTH
                        else f"more than {self._max_values} values"
                    )
                    self._problem(_place(event.start_mark), what)
                    return False
        except yaml.YAMLError as error:
            self._yaml_error(error)
            return False
        return True

    def _convert(self, node: yaml.Node, path: Path, depth: int) -> Value:
        here = _place(node.start_mark)
        self._document.values[path] = here
        self._count += 1
        if self._full or self._count > self._max_values or depth > MAX_DEPTH:
            if not self._full:
                self._full = True
                self._problem(here, "aliases make this file too large or refer to themselves")
            return None
        if node.tag not in _TAGS:
            self._problem(here, f"tag `{excerpt(node.tag)}` is not allowed")
            return None
        if isinstance(node, yaml.ScalarNode):
            plain_null = not node.style and node.value in _NULLS
            return None if plain_null else str(node.value)
        if isinstance(node, yaml.SequenceNode):
            return [
                self._convert(item, (*path, index), depth + 1)
                for index, item in enumerate(node.value)
            ]
        return self._mapping(node, path, depth)

    def _mapping(self, node: yaml.Node, path: Path, depth: int) -> dict[str, Value]:
        result: dict[str, Value] = {}
        for key_node, value_node in node.value:
            place = _place(key_node.start_mark)
            if not isinstance(key_node, yaml.ScalarNode):
                self._problem(place, "a key must be a plain word or number")
                continue
            key = str(key_node.value)
            if key in result:
                first = self._document.keys[*path, key][0]
                self._problem(place, f"`{excerpt(key)}` stands here twice, first on line {first}")
                continue
            self._document.keys[*path, key] = place
            result[key] = self._convert(value_node, (*path, key), depth + 1)
        return result

    def _yaml_error(self, error: yaml.YAMLError) -> None:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        why = getattr(error, "problem", None) or getattr(error, "reason", None) or "wrong YAML"
        self._problem(_place(mark), f"wrong YAML: {excerpt(why, 120)}")

    def _problem(self, place: Place, message: str) -> None:
        self._document.problems.append(Problem(self._file, *place, message))


def _place(mark: Any) -> Place:
    """Return the place of a mark, of either of the parsers' two classes."""
    return (mark.line + 1, mark.column + 1) if mark else (1, 1)
