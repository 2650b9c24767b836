"""Checks of a dialplan: what callers could misuse, what is not there, what is never reached.

Each is a function (dialplan, applications there are) → faults. The reasons:

* What a caller chooses (`${EXTEN}` of a pattern that ends in `.` or `!`, their number and name,
  SIP headers) may hold `&`, `,` or quotes: in `Dial` it dials more than was meant, in an expression
  or `System` it runs. `FILTER()` around it makes it plain.
* Applications and functions that run programs or read files have no place in a PBX's dialplan.
* `Bridge()` looks calls up by the beginning of an id, and by whole names.
* An application that no loaded module brings ends the call where it stands.
* A priority behind a gap, or behind an unconditional jump, is never run.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path

from pbx.dialplan.applications import CORE, HOME
from pbx.dialplan.match import extension_of, matches
from pbx.dialplan.read import Context, Dialplan, Extension, Fault, Step, read

SINKS = frozenset(
    {
        "ChanSpy", "ChannelRedirect", "Dial", "Exec", "ExecIf", "ExtenSpy", "Macro", "MixMonitor",
        "Originate", "Page", "RetryDial", "SendDTMF", "System", "Transfer", "TryExec", "TrySystem",
    }
)  # fmt: skip
"""Applications whose arguments are more than text."""
RUNS = {
    "System": "runs programs",
    "TrySystem": "runs programs",
    "Exec": "runs any application",
    "TryExec": "runs any application",
    "ExternalIVR": "runs programs",
    "ReadFile": "reads files",
    "Reload": "reloads modules",
}
SPIES = {
    "ChanSpy": "lets a caller listen to calls",
    "ExtenSpy": "lets a caller listen to calls",
    "DISA": "gives callers a dial tone",
    "Originate": "makes calls",
}
FUNCTIONS = {
    "SHELL": "runs programs",
    "FILE": "reads and writes files",
    "EVAL": "evaluates text as dialplan",
    "CURL": "asks any host",
    "REALTIME": "reads and writes configuration",
    "AST_CONFIG": "reads configuration, secrets included",
}
ENDS = frozenset({"Busy", "Congestion", "Goto", "Hangup", "Return"})
"""Applications behind which the next priority is not run."""
SPECIAL = frozenset({"s", "i", "t", "T", "h", "o", "a", "e", "fax"})
_OUTSIDE = re.compile(
    r"EXTEN|CALLERID\((num|name|all|ani|dnid|ani-num|ani-name|ani-all)\)|PJSIP_HEADER\(.*\)"
    r"|CONNECTEDLINE\((num|name|all)\)|REDIRECTING\(.*\)|CDR\((src|clid|dst)\)"
    r"|CHANNEL\((callid|pjsip,.*)\)|SIPDOMAIN|SIPCALLID",
    re.IGNORECASE | re.DOTALL,
)
_MAKES_PLAIN = frozenset({"FILTER", "MD5", "SHA1", "LEN", "ISNULL", "EXISTS", "REGEX", "URIENCODE"})
_LABEL = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")

Check = Callable[[Dialplan, Collection[str]], Iterator[Fault]]


def check(path: Path, applications: Collection[str]) -> list[Fault]:
    """Read a dialplan and return all its faults by place.

    `applications`: those there are (`pbx.dialplan.applications.available`).
    """
    plan = read(path)
    found = [*plan.faults]
    for one in CHECKS:
        found += one(plan, applications)
    return sorted(set(found), key=lambda fault: (fault.file, fault.line, fault.message))


# --- what callers choose ---------------------------------------------------------------------


def unfiltered(plan: Dialplan, _: Collection[str]) -> Iterator[Fault]:
    """What a caller chooses, unfiltered in a place where it is more than text."""
    for _context, extension, step in _steps(plan):
        for name, within in _variables(step.data):
            base = re.split(r"[:]", name, maxsplit=1)[0] if name.startswith("EXTEN") else name
            if not _OUTSIDE.fullmatch(base) or _MAKES_PLAIN.intersection(within):
                continue
            if base == "EXTEN" and not _open(extension.pattern):
                continue
            where = f"`{step.application}()`" if step.application in SINKS else ""
            if "$[" in within:
                where = "an expression"
            if where:
                safe = "FILTER(0-9,${" + name + "})"
                yield _fault(step, f"${{{name}}} is a caller's own in {where}: write ${{{safe}}}")


def dangerous(plan: Dialplan, _: Collection[str]) -> Iterator[Fault]:
    """Applications and functions that run programs, read files, or listen to calls."""
    for _context, _extension, step in _steps(plan):
        if (what := RUNS.get(step.application)) is not None:
            yield _fault(step, f"{step.application}() {what}: use AGI to a service of yours")
        if (what := SPIES.get(step.application)) is not None:
            message = f"{step.application}() {what}: see that only staff can reach it"
            yield replace(_fault(step, message), warning=True)
        if step.application == "ExecIf":
            inner = re.findall(r"[?:]\s*([A-Za-z]+)\s*\(", step.data)
            for name in inner:
                if name in RUNS:
                    yield _fault(step, f"{name}() {RUNS[name]}: use AGI to a service of yours")
        for name, _within in _variables(step.data):
            function = re.match(r"([A-Z_]+)\(", name)
            if function is not None and function[1] in FUNCTIONS:
                yield _fault(step, f"{function[1]}() {FUNCTIONS[function[1]]}")
        if step.application in ("Set", "MSet"):
            function = re.match(r"\s*([A-Z_]+)\(", step.data)
            if function is not None and function[1] in ("FILE", "EVAL", "REALTIME"):
                yield _fault(step, f"{function[1]}() {FUNCTIONS[function[1]]}")


# --- what is not there -----------------------------------------------------------------------


def pulled_by_id(plan: Dialplan, _: Collection[str]) -> Iterator[Fault]:
    """Calls that are pulled by their id: `Bridge()` takes any call whose id begins like that."""
    for _context, _extension, step in _steps(plan):
        if step.application == "Bridge" and "${SALA_CALLER}" in _arguments(step.data)[0]:
            whom = "${IMPORT(${SALA_CALLER},CHANNEL(name))}"
            if _arguments(step.data)[0] != whom:
                yield _fault(step, f"another call's id may begin alike: write Bridge({whom},…)")


def missing_application(plan: Dialplan, applications: Collection[str]) -> Iterator[Fault]:
    """Applications that no loaded module brings."""
    by_lower = {name.lower(): name for name in (*CORE, *HOME)}
    there = {name.lower() for name in applications}
    for _context, _extension, step in _steps(plan):
        name = step.application
        if name.lower() in there:
            continue
        known = by_lower.get(name.lower())
        if known is not None:
            module = HOME.get(known, "")
            yield _fault(step, f"{known}() needs `load = {module}.so` in modules.conf")
            continue
        close = get_close_matches(name.lower(), by_lower, n=1)
        hint = f"; did you mean {by_lower[close[0]]}?" if close else ""
        yield _fault(step, f"there is no application {name}{hint}")


def missing_target(plan: Dialplan, _: Collection[str]) -> Iterator[Fault]:
    """Jumps to contexts, extensions and priorities that are not there."""
    for context, extension, step in _steps(plan):
        for target in _targets(step):
            if "${" in ",".join(target) or "$[" in ",".join(target):
                continue
            *path, place = target
            there: Context | None = context
            if len(path) == 2:
                there = plan.contexts.get(path[0])
                if there is None:
                    yield _fault(step, f"there is no context {path[0]}{_near(path[0], plan)}")
                    continue
            exten = path[-1] if path else extension.pattern
            found = extension_of(plan, there, exten) if path else extension
            if found is None:
                yield _fault(step, f"context {there.name if there else ''} has no {exten}")
            elif not _has(found, place):
                yield _fault(step, f"`{found.pattern}` has no priority or label {place}")
    for context in plan.contexts.values():
        for name, file, line in context.includes:
            if name not in plan.contexts and "${" not in name:
                yield Fault(file, line, f"there is no context {name}{_near(name, plan)}")


# --- what is never reached -------------------------------------------------------------------


def unreachable(plan: Dialplan, _: Collection[str]) -> Iterator[Fault]:
    """Priorities that are never run."""
    for context, extension, _first in _firsts(plan):
        jumped = _jumped(plan, context, extension)
        expected = 1
        ended = False
        for step in extension.ordered:
            reached = str(step.priority) in jumped or (step.label and step.label in jumped)
            if step.priority != expected and not reached:
                why = (
                    "no priority 1, so it never starts"
                    if expected == 1
                    else f"no priority {expected} before it"
                )
                yield _fault(step, f"`{extension.pattern}` has {why}")
                break
            if ended and not reached:
                yield _fault(step, f"is never run: {_before(extension, step)} goes elsewhere")
                break
            ended = step.application in ENDS
            expected = step.priority + 1


CHECKS: tuple[Check, ...] = (
    unfiltered,
    dangerous,
    pulled_by_id,
    missing_application,
    missing_target,
    unreachable,
)


# --- how it is done --------------------------------------------------------------------------


def _steps(plan: Dialplan) -> Iterator[tuple[Context, Extension, Step]]:
    for context in plan.contexts.values():
        for extension in context.extensions.values():
            for step in extension.ordered:
                yield context, extension, step


def _firsts(plan: Dialplan) -> Iterator[tuple[Context, Extension, Step]]:
    for context in plan.contexts.values():
        for extension in context.extensions.values():
            if extension.steps:
                yield context, extension, extension.ordered[0]


def _fault(step: Step, message: str) -> Fault:
    return Fault(step.file, step.line, message)


def _open(pattern: str) -> bool:
    """Tell whether a pattern matches texts of a caller's choosing."""
    return pattern.startswith("_") and pattern.endswith((".", "!"))


def _variables(data: str) -> Iterator[tuple[str, frozenset[str]]]:
    """Yield each `${…}` with the functions, and `$[`, that stand around it."""
    at, none = 0, frozenset[str]()
    while at < len(data):
        if not data.startswith(("${", "$["), at):
            at += 1
            continue
        end = _end(data, at + 2, "}" if data[at + 1] == "{" else "]")
        inner = data[at + 2 : end]
        if data[at + 1] == "[":
            yield from _variables_in(inner, frozenset({"$["}))
        else:
            yield inner, none
            function = re.match(r"([A-Za-z_]+)\(", inner)
            yield from _variables_in(inner, frozenset({function[1].upper()}) if function else none)
        at = end + 1


def _variables_in(text: str, within: frozenset[str]) -> Iterator[tuple[str, frozenset[str]]]:
    for name, further in _variables(text):
        yield name, within | further


def _end(data: str, at: int, close: str) -> int:
    """Return where a `${` or `$[` that opened before `at` is closed; the end if it is not."""
    depth, opening = 1, "{" if close == "}" else "["
    for place in range(at, len(data)):
        if data[place] == opening:
            depth += 1
        elif data[place] == close:
            depth -= 1
            if depth == 0:
                return place
    return len(data)


def _arguments(data: str) -> list[str]:
    """Split at commas outside of parentheses and braces."""
    parts, depth, begin = [], 0, 0
    for at, char in enumerate(data):
        if char in "({[":
            depth += 1
        elif char in ")}]":
            depth -= 1
        elif char == "," and depth == 0:
            parts.append(data[begin:at])
            begin = at + 1
    return [part.strip() for part in (*parts, data[begin:])]


def _targets(step: Step) -> Iterator[tuple[str, ...]]:
    match step.application:
        case "Goto":
            yield tuple(_arguments(step.data))
        case "Gosub":
            *path, last = _arguments(step.data)
            yield (*path, re.sub(r"\(.*\)$", "", last, flags=re.DOTALL))
        case "GotoIf" | "GosubIf":
            _, _, ways = _condition(step.data)
            for way in ways:
                parts = _arguments(way)
                parts[-1] = re.sub(r"\(.*\)$", "", parts[-1], flags=re.DOTALL)
                yield tuple(parts)


def _condition(data: str) -> tuple[str, str, list[str]]:
    depth = 0
    for at, char in enumerate(data):
        if char in "({[":
            depth += 1
        elif char in ")}]":
            depth -= 1
        elif char == "?" and depth == 0:
            yes, _, no = data[at + 1 :].partition(":")
            return data[:at], "?", [way for way in (yes.strip(), no.strip()) if way]
    return data, "", []


def _has(extension: Extension, place: str) -> bool:
    if place.isdigit():
        return int(place) in extension.steps
    if place in ("n", "s") or not _LABEL.fullmatch(place):
        return True
    return any(step.label == place for step in extension.steps.values())


def _jumped(plan: Dialplan, context: Context, extension: Extension) -> set[str]:
    """Return the priorities and labels of an extension that something jumps to."""
    found: set[str] = set()
    for here, from_, step in _steps(plan):
        for target in _targets(step):
            *path, place = target
            if not path:
                meant = here is context and from_ is extension
            elif "${" in ",".join(path) or path[-1] == extension.pattern:
                meant = True
            else:
                pattern = extension.pattern
                meant = pattern.startswith("_") and matches(pattern[1:], path[-1])
            if meant:
                found.add(place)
        for word in re.findall(r"\^([A-Za-z0-9_]+)(?=[)^]|$)", step.data):
            found.add(word)  # F(context^exten^priority) of Dial and Bridge
    return found


def _before(extension: Extension, step: Step) -> str:
    earlier = [one for one in extension.ordered if one.priority < step.priority]
    return f"{earlier[-1].application}() at line {earlier[-1].line}"


def _near(name: str, plan: Dialplan) -> str:
    close = get_close_matches(name, plan.contexts, n=1)
    return f"; did you mean {close[0]}?" if close else ""
