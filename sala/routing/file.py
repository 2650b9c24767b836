"""Reads a routing file, and lays it onto a floor.

Only sections that stand in the file are managed. What a file names is as the file says: a field
that is left out has its default. What it does not name stays, unless `prune`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from acd import policy
from acd.policy.faults import Wrong, nearest, place
from crm import calendars
from crm.floor import unselected, unserved
from crm.records import Agent, CalendarSource, EntryPoint, Floor, FloorPolicy, Queue, Selection
from ivr.flow import document as yaml_file
from ivr.flow.problems import Problem
from sala.errors import UserError
from sala.routing import fields
from sala.routing.document import SECTIONS, VERSION

MAX_BYTES, MAX_VALUES = 16 << 20, 1_000_000
"""Ten thousand agents with all they can do are a tenth of it."""


@dataclass(frozen=True, slots=True)
class RoutingFile:
    """A file, read: values by section, and where they stand."""

    file: str
    sections: Mapping[str, Any]
    _source: yaml_file.Document

    def onto(self, floor: Floor, *, prune: bool = False) -> Floor:
        """Return the floor as this file wants it. Raises UserError with every fault of a field."""
        found = _Laying(self, floor, prune)
        wanted = found.floor()
        if found.faults:
            raise self.wrong(found.faults)
        return wanted

    def wrong(self, faults: Iterable[policy.Fault]) -> UserError:
        """Return the error that tells faults by file and line."""
        problems = [self._problem(fault) for fault in faults]
        problems.sort(key=lambda problem: (problem.line, problem.column))
        return UserError("\n".join([*dict.fromkeys(map(str, problems)), "nothing was changed"]))

    def _problem(self, fault: policy.Fault) -> Problem:
        for length in range(len(fault.path), 0, -1):
            path = fault.path[:length]
            at = self._source.keys.get(path) or self._source.values.get(path)
            if at is not None:
                return Problem(self.file, *at, f"{place(fault.path)}: {fault.message}")
        # What is wrong stands elsewhere, and becomes so by this file.
        return Problem(self.file, 1, 1, f"{place(fault.path)}: {fault.message}")


def read(path: Path) -> RoutingFile:
    """Read a file. Raises UserError for one that cannot be read, or is none."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None
    return parse(content, str(path))


def parse(content: bytes, file: str) -> RoutingFile:
    """Read a file's bytes. Raises UserError with every fault."""
    source = yaml_file.parse(content, file, max_bytes=MAX_BYTES, max_values=MAX_VALUES)
    if source.problems:
        raise UserError("\n".join([*map(str, source.problems), "nothing was changed"]))
    value = source.value
    if not isinstance(value, dict):
        raise UserError(f"{file}:1:1: error: the file must be a mapping with `version: {VERSION}`")
    found = RoutingFile(file, value, source)
    faults = [
        policy.Fault((key,), f"there is no such section{nearest(key, SECTIONS)}")
        for key in value
        if key not in ("version", *SECTIONS)
    ]
    if value.get("version") != VERSION:
        given = value.get("version")
        what = "is not known to this Sala" if given else "is missing"
        faults.append(policy.Fault(("version",), f"{what}; write `version: {VERSION}`"))
    if faults:
        raise found.wrong(faults)
    return found


class _Laying:
    """Lays a file onto a floor, and collects faults."""

    def __init__(self, file: RoutingFile, floor: Floor, prune: bool) -> None:
        self._file = file
        self._floor = floor
        self._prune = prune
        self.faults: list[policy.Fault] = []

    def floor(self) -> Floor:
        """The floor as it is to be; only to be used without faults."""
        now = self._floor
        wanted = replace(
            now,
            skills=self._names("skills"),
            languages=self._names("languages"),
            sites=self._names("sites"),
            policy=self._policy(),
            calendars=self._many("calendars", now.calendars, lambda one: one.name, self._calendar),
            queues=self._many("queues", now.queues, lambda one: one.name, self._queue),
            agents=self._many("agents", now.agents, lambda one: one.id, self._agent),
            selections=self._many(
                "selections", now.selections, lambda one: one.name, self._selection
            ),
            entry_points=self._many(
                "numbers", now.entry_points, lambda one: one.number, self._number
            ),
        )
        return self._unreferred(wanted)

    def _names(self, section: str) -> tuple[str, ...]:
        there: tuple[str, ...] = getattr(self._floor, section)
        if section not in self._file.sections:
            return there
        given = self._file.sections[section]
        if given is not None and not isinstance(given, list):
            self._fault((section,), "a list of names is needed")
            return there
        named = []
        for index, name in enumerate(given or ()):
            if isinstance(name, str) and name:
                named.append(name)
            else:
                self._fault((section, index), "a name is needed")
        return tuple(sorted({*named, *(() if self._prune else there)}))

    def _policy(self) -> FloorPolicy:
        if "floor" not in self._file.sections:
            return self._floor.policy
        found: FloorPolicy = self._fields(("floor",), FloorPolicy(), self._file.sections["floor"])
        return found

    def _many(
        self,
        section: str,
        there: tuple[Any, ...],
        name: Callable[[Any], str],
        read_: Callable[[str, Any], Any],
    ) -> tuple[Any, ...]:
        if section not in self._file.sections:
            return there
        given = self._file.sections[section]
        if given is not None and not isinstance(given, dict):
            self._fault((section,), "a mapping of names is needed")
            return there
        found = {} if self._prune else {name(one): one for one in there}
        for key, value in (given or {}).items():
            found[key] = read_(key, value)
        return tuple(found[key] for key in sorted(found))

    def _calendar(self, name: str, value: Any) -> CalendarSource:
        path = ("calendars", name)
        calendars.read(name, value, lambda below, message: self._fault((*path, *below), message))
        return CalendarSource(name, value if isinstance(value, dict) else {})

    def _queue(self, name: str, value: Any) -> Queue:
        found: Queue = self._fields(("queues", name), Queue(name), value)
        return found

    def _agent(self, name: str, value: Any) -> Agent:
        agent: Agent = self._fields(("agents", name), Agent(name, name, name), value)
        for known in self._floor.agents:
            if known.id == name:
                return replace(
                    agent, wanted=known.wanted, reason=known.reason, since_ms=known.since_ms
                )
        return agent

    def _selection(self, name: str, value: Any) -> Selection:
        found: Selection = self._fields(("selections", name), Selection(name), value)
        return found

    def _number(self, name: str, value: Any) -> EntryPoint:
        if not isinstance(value, str) or not value:
            self._fault(("numbers", name), "the alias of a flow is needed")
            return EntryPoint(name, "")
        return EntryPoint(name, value)

    def _fields(self, path: policy.Path, plain: Any, value: Any) -> Any:
        known = {field.name: field for field in fields.of(plain)}
        if value is not None and not isinstance(value, dict):
            self._fault(path, f"a mapping is needed; known: {', '.join(known)}")
            return plain
        found: dict[str, Any] = {}
        for key, given in (value or {}).items():
            if key not in known:
                hint = nearest(key, known) or f"; known: {', '.join(known)}"
                self._fault((*path, key), f"there is no such field{hint}")
                continue
            if given is None:
                continue
            try:
                found |= fields.changes(known[key], given)
            except Wrong as fault:
                self._fault((*path, key, *fault.below), str(fault))
        return replace(plain, **found)

    def _unreferred(self, wanted: Floor) -> Floor:
        """Let agents and selections that the file does not name forget queues that it prunes."""
        gone = {one.name for one in self._floor.queues} - {one.name for one in wanted.queues}
        agents, selections = self._named("agents"), self._named("selections")
        return replace(
            wanted,
            agents=tuple(one if one.id in agents else unserved(one, gone) for one in wanted.agents),
            selections=tuple(
                one if one.name in selections else unselected(one, gone)
                for one in wanted.selections
            ),
        )

    def _named(self, section: str) -> frozenset[str]:
        return frozenset(self._file.sections.get(section) or ())

    def _fault(self, path: policy.Path, message: str) -> None:
        self.faults.append(policy.Fault(path, message))
