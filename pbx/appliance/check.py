"""Is a rendered configuration sane? Asked before Asterisk sees it.

Asterisk skips a line it does not understand and goes on, so a broken edit would take a queue off
the air quietly. This reads the files as Asterisk's own parser does (comments, `#include`,
sections, `key = value`) and the dialplan's `exten` lines on top, and tells every problem by file
and line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pbx.appliance.template import read_text
from pbx.errors import ApplianceError

_SECTION = re.compile(r"^\[([^\]\[]+)\](\((.*)\))?\s*$")
_INCLUDE = re.compile(r"^#(include|tryinclude)\s+(?:\"([^\"]+)\"|<([^>]+)>|(\S+))\s*$", re.I)
_PRIORITY = re.compile(r"^(\d+|n|s|hint)([+-]\d+)?(\(\w[\w-]*\))?(\+\d+)?$", re.I)
_DIALPLAN_KEYS = frozenset(
    {"include", "ignorepat", "switch", "lswitch", "eswitch", "autohints", "hint"}
)
_NOT_CONTEXTS = frozenset({"general", "globals"})


@dataclass(slots=True)
class _Reader:
    """Walks one tree of files, as `#include` joins them."""

    folder: Path
    sources: Mapping[str, Path]
    problems: list[str] = field(default_factory=list)
    open: list[Path] = field(default_factory=list)

    def say(self, file: Path, line: int, what: str) -> None:
        self.problems.append(f"{self.sources.get(file.name, file)}:{line}: {what}")

    def lines(self, file: Path) -> Iterator[tuple[Path, int, str]]:
        """Yield what is left of each line without comments, with included files in place."""
        self.open.append(file)
        in_comment = False
        comment_from = 0
        for number, raw in enumerate(read_text(file).splitlines(), 1):
            text, was_open = _uncomment(raw, in_comment)
            if was_open and not in_comment:
                comment_from = number
            in_comment = was_open
            text = text.strip()
            if not text:
                continue
            if text.startswith("#"):
                yield from self._directive(file, number, text)
            else:
                yield file, number, text
        if in_comment:
            self.say(file, comment_from, "the comment that begins with ;-- is never ended by --;")
        self.open.pop()

    def _directive(self, file: Path, number: int, text: str) -> Iterator[tuple[Path, int, str]]:
        match = _INCLUDE.match(text)
        if match is None:
            self.say(file, number, f"not a directive Sala allows: {text.split()[0]}")
            return
        name = match[2] or match[3] or match[4]
        found = sorted(self.folder.glob(name)) if not Path(name).is_absolute() else []
        if Path(name).is_absolute():
            found = [Path(name)] if Path(name).is_file() else []
        if not found and match[1].lower() == "include":
            self.say(file, number, f"the file it includes is not there: {name}")
        for one in found:
            if one in self.open:
                self.say(file, number, f"{name} includes itself")
            else:
                yield from self.lines(one)


def _uncomment(raw: str, in_comment: bool) -> tuple[str, bool]:
    """Strip comments from a line; `;--` opens a block (unless `;---`), `--;` closes it."""
    kept: list[str] = []
    at = 0
    while at < len(raw):
        if in_comment:
            end = raw.find("--;", at)
            if end < 0:
                return "".join(kept), True
            at, in_comment = end + 3, False
        elif raw[at] == "\\" and raw[at + 1 : at + 2] == ";":
            kept.append(";")
            at += 2
        elif raw[at] == ";":
            if raw.startswith(";--", at) and raw[at + 3 : at + 4] != "-":
                at, in_comment = at + 3, True
            else:
                break
        else:
            kept.append(raw[at])
            at += 1
    return "".join(kept), in_comment


def unbalanced(text: str) -> str | None:
    """Tell which bracket of an application call has no partner, None if all have.

    `${…}` and `$[…]` nest as Asterisk counts them, also within quotes; parentheses count outside
    quotes only.
    """
    stack: list[str] = []
    quoted = False
    at = 0
    while at < len(text):
        two = text[at : at + 2]
        char = text[at]
        if char == "\\":
            at += 2
            continue
        if two in ("${", "$["):
            stack.append(two)
            at += 2
            continue
        top = stack[-1] if stack else ""
        if char == '"':
            quoted = not quoted
        elif (char == "{" and top in ("${", "{")) or (char == "[" and top in ("$[", "[")):
            stack.append(char)
        elif (char == "}" and top in ("${", "{")) or (char == "]" and top in ("$[", "[")):
            stack.pop()
        elif char == "(" and not quoted:
            stack.append(char)
        elif char == ")" and not quoted:
            if top != "(":
                return top or char
            stack.pop()
        at += 1
    return stack[-1] if stack else None


def _check_exten(value: str) -> str | None:
    """Check `pattern,priority,application(data)`; return what is wrong."""
    pattern, _, rest = value.partition(",")
    if pattern.count("[") != pattern.count("]"):
        return f"the pattern {pattern} has an unbalanced bracket"
    if not pattern.strip():
        return "exten without an extension"
    return _check_step(rest)


def _check_step(rest: str) -> str | None:
    """Check `priority,application(data)`; return what is wrong."""
    priority, comma, call = (part.strip() for part in rest.partition(","))
    if not _PRIORITY.match(priority):
        return f"not a priority: {priority!r} (a number, n or hint, with an optional (label))"
    if not comma or not call:
        return "there is no application after the priority"
    if priority.lower() == "hint":
        return None
    if bracket := unbalanced(call):
        return f"the bracket {bracket} has no partner"
    if not re.match(r"^\w+\s*(\(.*\))?$", call):
        return f"not an application: {call.split('(')[0]!r}"
    return None


def check_dialplan(folder: Path, sources: Mapping[str, Path], name: str) -> list[str]:
    """List the problems of the dialplan that begins in `folder/name`."""
    reader = _Reader(folder, sources)
    section: str | None = None
    extension: str | None = None
    for file, number, text in reader.lines(folder / name):
        if text.startswith("["):
            section, extension = _section(reader, file, number, text), None
            continue
        key, _, value = _pair(text)
        if not key:
            reader.say(file, number, f"neither a [context] nor key = value: {text[:40]}")
        elif section is None:
            reader.say(file, number, f"{key} stands outside a context")
        elif section.lower() in _NOT_CONTEXTS or key.lower() in _DIALPLAN_KEYS:
            continue
        elif key.lower() == "exten":
            extension = value.partition(",")[0]
            if wrong := _check_exten(value):
                reader.say(file, number, wrong)
        elif key.lower() == "same":
            if extension is None:
                reader.say(file, number, "same stands before any exten of its context")
            elif wrong := _check_step(value):
                reader.say(file, number, wrong)
        else:
            reader.say(file, number, f"not a word of the dialplan: {key}")
    return reader.problems


def check_settings(folder: Path, sources: Mapping[str, Path], name: str) -> list[str]:
    """List the problems of an ordinary configuration file, `folder/name`."""
    reader = _Reader(folder, sources)
    section: str | None = None
    for file, number, text in reader.lines(folder / name):
        if text.startswith("["):
            section = _section(reader, file, number, text)
        elif not _pair(text)[0]:
            reader.say(file, number, f"neither a [section] nor key = value: {text[:40]}")
        elif section is None:
            reader.say(file, number, f"{_pair(text)[0]} stands outside a section")
    return reader.problems


def _pair(text: str) -> tuple[str, str, str]:
    key, equals, value = text.partition("=")
    if not equals:
        return "", "", ""
    return key.strip(), equals, value.removeprefix(">").strip()


def _section(reader: _Reader, file: Path, number: int, text: str) -> str:
    match = _SECTION.match(text)
    if match is None:
        reader.say(file, number, f"unbalanced bracket in the section's name: {text[:40]}")
        return text.strip("[]")
    return match[1]


def check_folder(folder: Path, sources: Mapping[str, Path]) -> None:
    """Check a rendered folder; `ApplianceError` lists every problem, one a line.

    `sources` names the file an admin edits for each rendered one.
    """
    problems: list[str] = []
    included: set[str] = set()
    for path in sorted(folder.glob("*.conf")):
        for match in re.finditer(r"^\s*#\w+\s+[\"<]?([^\">\s]+)", read_text(path), re.MULTILINE):
            included.update(one.name for one in folder.glob(match[1].lstrip("/")))
    for path in sorted(folder.glob("*.conf")):
        if path.name == "extensions.conf":
            problems += check_dialplan(folder, sources, path.name)
        elif path.name not in included:
            problems += check_settings(folder, sources, path.name)
    if problems:
        raise ApplianceError("\n".join(dict.fromkeys(problems)))
