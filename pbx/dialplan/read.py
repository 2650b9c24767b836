"""Reads `extensions.conf` and the files it includes, with the place of everything.

What is read: contexts, `exten =>`, `same =>`, `include =>`, labels, priorities `n`, `n+2`, `s`
and `hint`, `#include` and `#tryinclude`. Variables stay as they are written. After the manual:
docs.asterisk.org, Configuration, Dialplan.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

GENERATED = "sala-globals.conf"
"""Included by the shipped dialplan; written when the configuration is rendered."""
MAX_BYTES = 4 * 1024 * 1024
MAX_DEPTH = 10
"""Files that include each other."""
MAX_LINE = 8191
"""Characters of a line that Asterisk reads."""
MAX_NESTED = 100

_CONTEXT = re.compile(r"\[([^\]\s]+)\]\s*(\(.*\))?")
_SETTING = re.compile(r"([A-Za-z]+)\s*=>?\s*(.*)")
_INCLUDE = re.compile(r"#(include|tryinclude)\s+[\"<]?([^\">]+)[\">]?\s*")
_PRIORITY = re.compile(r"(\d+|n(?:\+\d+)?|s|hint)\s*(?:\(([^()]+)\))?")
_APPLICATION = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)\s*(?:\((.*)\))?\s*", re.DOTALL)


_RECORD = frozenset({"MixMonitor", "Monitor"})
_TO_THE_FLOW = frozenset({"from-trunk", "sala-in", "sala-caller", "sala-ivr"})
"""The contexts that a caller passes on the way to a flow."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong at a line; a warning is no error."""

    file: str
    line: int
    message: str
    warning: bool = False

    def __str__(self) -> str:
        kind = "warning: " if self.warning else ""
        return f"{self.file}:{self.line}: {kind}{self.message}"


@dataclass(frozen=True, slots=True)
class Step:
    """One priority: `application(data)`."""

    file: str
    line: int
    priority: int
    application: str
    data: str
    label: str = ""


@dataclass(slots=True)
class Extension:
    """One extension of a context; `pattern` as written, `_` in front and all."""

    pattern: str
    steps: dict[int, Step] = field(default_factory=dict)

    @property
    def ordered(self) -> list[Step]:
        """Its steps by priority."""
        return [self.steps[priority] for priority in sorted(self.steps)]


@dataclass(slots=True)
class Context:
    """One context: extensions by pattern, and the contexts it includes, with their place."""

    name: str
    extensions: dict[str, Extension] = field(default_factory=dict)
    includes: list[tuple[str, str, int]] = field(default_factory=list)


@dataclass(slots=True)
class Dialplan:
    """All contexts by name, and what could not be read."""

    contexts: dict[str, Context] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)


def read(path: Path) -> Dialplan:
    """Read a file and what it includes. Faults are in the result; nothing is raised for them."""
    reader = _Reader()
    reader.file(path, 0)
    return reader.plan


def records(path: Path) -> bool:
    """Tell whether a dialplan records callers before a flow has them (`MixMonitor`, `Monitor`)."""
    contexts = read(path).contexts
    return any(
        step.application in _RECORD
        for name in _TO_THE_FLOW & contexts.keys()
        for extension in contexts[name].extensions.values()
        for step in extension.steps.values()
    )


class _Reader:
    def __init__(self) -> None:
        self.plan = Dialplan()
        self._context: Context | None = None
        self._extension: Extension | None = None
        self._last = 0
        self._other = False
        """Whether this is [general] or [globals], which hold settings."""

    def file(self, path: Path, depth: int) -> None:
        try:
            raw = path.read_bytes()
            if len(raw) > MAX_BYTES:
                self._fault(path, 1, f"is larger than {MAX_BYTES // 1024 // 1024} MiB")
                return
            text = raw.decode("utf-8")
        except OSError as error:
            self._fault(path, 1, f"cannot be read: {error.strerror}")
            return
        except UnicodeDecodeError:
            self._fault(path, 1, "is not UTF-8 text")
            return
        for number, line in _lines(text):
            if len(line) > MAX_LINE:
                self._fault(path, number, f"is longer than {MAX_LINE} characters")
                continue
            included = _INCLUDE.fullmatch(line)
            if included is None:
                self._line(path, number, line)
                continue
            inner = path.parent / included[2].strip()
            if depth >= MAX_DEPTH:
                self._fault(path, number, f"files include each other more than {MAX_DEPTH} deep")
            elif inner.is_file():
                self.file(inner, depth + 1)
            elif included[1] == "include" and inner.name != GENERATED:
                self._fault(path, number, f"there is no file {inner.name} to include")

    def _line(self, path: Path, number: int, line: str) -> None:
        if named := _CONTEXT.fullmatch(line):
            self._other = named[1] in ("general", "globals")
            self._context = self.plan.contexts.setdefault(named[1], Context(named[1]))
            self._extension = None
            return
        setting = _SETTING.fullmatch(line)
        if setting is None:
            self._fault(path, number, "is neither a context, a setting nor an #include")
            return
        if self._other:
            return
        if self._context is None:
            self._fault(path, number, "stands before the first [context]")
            return
        key, value = setting[1].lower(), setting[2].strip()
        match key:
            case "exten":
                pattern, _, rest = value.partition(",")
                pattern = pattern.partition("/")[0].strip()
                found = self._context.extensions.setdefault(pattern, Extension(pattern))
                self._extension, self._last = found, max(found.steps, default=0)
                self._step(path, number, rest)
            case "same":
                if self._extension is None:
                    self._fault(path, number, "`same` stands before the first `exten`")
                    return
                self._step(path, number, value)
            case "include":
                name = value.partition(",")[0].strip()
                self._context.includes.append((name, str(path), number))
            case "switch" | "lswitch" | "eswitch" | "ignorepat" | "autohints":
                pass
            case _:
                self._fault(path, number, f"`{key}` is no setting of a context")

    def _step(self, path: Path, number: int, text: str) -> None:
        where, comma, what = text.partition(",")
        named = _PRIORITY.fullmatch(where.strip())
        if named is None or not comma:
            self._fault(path, number, "write: priority, application(arguments)")
            return
        assert self._extension is not None
        if named[1] == "hint":
            return
        if named[1].isdigit():
            priority = int(named[1])
        elif named[1] == "s":
            priority = self._last
        else:
            priority = self._last + int(named[1].partition("+")[2] or 1)
        self._last = priority
        application = _APPLICATION.fullmatch(what.strip())
        if application is None or not _balanced(application[2] or ""):
            what = f"its parentheses or braces do not match, or nest more than {MAX_NESTED} deep"
            self._fault(path, number, what)
            return
        if priority in self._extension.steps:
            first = self._extension.steps[priority]
            self._fault(
                path,
                number,
                f"priority {priority} of `{self._extension.pattern}` stands at line {first.line} "
                "already; Asterisk takes the first",
            )
            return
        self._extension.steps[priority] = Step(
            str(path), number, priority, application[1], application[2] or "", named[2] or ""
        )

    def _fault(self, path: Path, line: int, message: str) -> None:
        self.plan.faults.append(Fault(str(path), line, message))


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield lines that hold something, without comments (`;`, and blocks `;--` to `--;`)."""
    block = False
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw
        if block:
            if "--;" not in line:
                continue
            block, line = False, line.partition("--;")[2]
        if line.lstrip().startswith(";--") and not line.lstrip().startswith(";---"):
            block = "--;" not in line
            continue
        line = re.sub(r"(?<!\\);.*", "", line).strip()
        if line:
            yield number, line


def _balanced(text: str) -> bool:
    pairs = {")": "(", "}": "{", "]": "["}
    open_: list[str] = []
    quoted = False
    for at, char in enumerate(text):
        if char == '"' and (at == 0 or text[at - 1] != "\\"):
            quoted = not quoted
        # Within quotes, as in patterns, single parentheses are text; variables never are.
        elif quoted and char in "()[]":
            continue
        elif char in "({[":
            open_.append(char)
            if len(open_) > MAX_NESTED:
                return False
        elif char in pairs and (not open_ or open_.pop() != pairs[char]):
            return False
    return not open_
