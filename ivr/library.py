"""The flows in use: the current one by alias, any past one by version.

A call is pinned to the version it began with, and so to those of its subflows. So each version that
ever was current is kept, in memory for this process and as `<state>/flows/<version>.yaml` for the
next (with `<version>.json` where it uses others).
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from crm.calendars import Calendar
from ivr.errors import FlowInvalid, FlowUnknown
from ivr.flow import load, texts
from ivr.flow.behaviour.recall import pieces
from ivr.flow.check import Context, check
from ivr.flow.frame import World
from ivr.flow.load import Flow
from ivr.flow.model import FlowDocument
from ivr.flow.nodes import CallbackNode, QueueNode, SubflowNode
from ivr.flow.parts import Path as Place, Text
from ivr.flow.problems import Problem, Severity, excerpt
from ivr.prompts import Catalogue, Progress, PromptStore
from ivr.saying import CURRENCIES, vocabulary
from ivr.shelf import Shelf, Stored

_VERSION = re.compile(rf"[0-9a-f]{{{load.VERSION_LENGTH}}}")


class Library:
    """All flows of a shelf. Empty until the first `reload`.

    `context` tells what is known of the floor; its calendars count beside those of the shelf.
    """

    def __init__(
        self,
        shelf: Shelf,
        state: Path,
        prompts: PromptStore,
        *,
        context: Callable[[], Context] = Context,
    ) -> None:
        self._shelf = shelf
        self._kept = state / "flows"
        self._prompts = prompts
        self._context = context
        self._current: dict[str, Flow] = {}
        self._versions: dict[str, Flow] = {}
        self._calendars: dict[str, Calendar] = {}
        self._lock = asyncio.Lock()

    @property
    def flows(self) -> Mapping[str, Flow]:
        """The current flows by alias."""
        return self._current

    def current(self, alias: str) -> Flow:
        """Return the flow that new calls take. Raises FlowUnknown."""
        try:
            return self._current[alias]
        except KeyError:
            raise FlowUnknown(f"there is no flow `{excerpt(alias)}`") from None

    def version(self, version: str) -> Flow:
        """Return one immutable version, from disk if this process never had it.

        Raises FlowUnknown.
        """
        if version not in self._versions:
            self._versions[version] = self._recall(version)
        return self._versions[version]

    def pinned(self, carried: Mapping[str, str]) -> tuple[Flow, str] | None:
        """Return the flow version and node that a call carries; None if it carries none we have.

        The node may be one of a subflow, `<node>.<node>`.
        """
        version, node = carried.get("version"), carried.get("node")
        if not version or not node:
            return None
        try:
            flow = self.version(version)
        except FlowUnknown:
            return None
        return (flow, node) if node.partition(".")[0] in flow.document.nodes else None

    def world(self, flow: Flow) -> World:
        """Return what a flow refers to by name: calendars as they are, subflows as pinned."""

        def subflow(alias: str) -> FlowDocument | None:
            try:
                return self.version(flow.uses[alias]).document
            except (KeyError, FlowUnknown):
                return None

        return World(self._calendars, subflow)

    async def reload(self, progress: Progress | None = None) -> list[Problem]:
        """Read prompts and flows, check them, render what is new, then use them, all or nothing.

        Returns warnings. Raises FlowInvalid with every error found, or SpeechError; then nothing
        has changed.
        """
        async with self._lock:
            flows, pinned, opened, warnings = await self._read(progress)
            self._kept.mkdir(parents=True, exist_ok=True)
            for flow in (*flows, *pinned):
                self._keep(flow)
            self._versions.update({flow.version: flow for flow in (*pinned, *flows)})
            self._current = {flow.alias: flow for flow in flows}
            self._calendars = opened
            return warnings

    async def _read(
        self, progress: Progress | None
    ) -> tuple[list[Flow], list[Flow], dict[str, Calendar], list[Problem]]:
        problems: list[Problem] = []
        catalogue, opened = None, {}
        try:
            catalogue = self._prompts.read()
            opened = await self._shelf.calendars()
        except FlowInvalid as error:
            problems.extend(error.problems)
        stored: list[Stored] = []
        try:
            stored = await self._shelf.current()
        except FlowInvalid as error:
            problems.extend(error.problems)
        flows, faults = parse_all(stored)
        pinned, more = parse_all(await self._shelf.pinned())
        problems += [*faults, *more]
        found: list[Problem] = []
        context = self._context()
        for flow in flows:
            found += check_one(flow, context, catalogue, opened, flows)
            found += self._voiceless(flow)
        if not self._shelf.strict:
            found = [replace(problem, severity=Severity.WARNING) for problem in found]
        problems += found
        errors = [problem for problem in problems if problem.severity is Severity.ERROR]
        if errors or catalogue is None:
            raise FlowInvalid(errors)
        said = [one for flow in (*flows, *pinned) for one in spoken(flow)]
        await self._prompts.prepare(catalogue, said, progress)
        return flows, pinned, {**(context.calendars or {}), **opened}, problems

    def _voiceless(self, flow: Flow) -> Iterator[Problem]:
        for path, text in _places(flow):
            for language, _ in text.all(flow.language):
                if why := self._prompts.speaks(language):
                    yield flow.problem(path, why)

    def _keep(self, flow: Flow) -> None:
        path = self._kept / f"{flow.version}.yaml"
        if path.exists():
            return
        if flow.uses:
            path.with_suffix(".json").write_text(json.dumps(dict(flow.uses)), encoding="utf-8")
        new = path.with_suffix(".new")
        new.write_bytes(flow.content)
        new.replace(path)

    def _recall(self, version: str) -> Flow:
        path = self._kept / f"{version}.yaml"
        if _VERSION.fullmatch(version) and path.is_file():
            content = path.read_bytes()
            try:
                uses = json.loads(path.with_suffix(".json").read_bytes())
            except (OSError, ValueError):
                uses = {}
            try:
                flow = load.parse(content, alias=version, file=str(path), uses=uses)
            except FlowInvalid as error:
                raise FlowUnknown(f"version {version} cannot be read any more: {error}") from None
            if flow.version == version:
                return flow
        raise FlowUnknown(f"there is no flow version `{excerpt(version)}`")


def parse_all(stored: Sequence[Stored]) -> tuple[list[Flow], list[Problem]]:
    """Read flows; those whose `uses` is not given use each other as they are."""
    problems: list[Problem] = []
    flows: dict[str, Flow] = {}
    loose: set[str] = set()
    done: list[Flow] = []
    for one in stored:
        try:
            flow = load.parse(one.content, alias=one.alias, file=one.file, uses=one.uses)
        except FlowInvalid as error:
            problems.extend(error.problems)
            continue
        if one.uses is None:
            flows[flow.alias] = flow
            loose.add(flow.alias)
        else:
            done.append(flow)
    pins: dict[str, dict[str, str]] = {}
    return [*done, *(_pinned(flow, flows, pins, ()) for flow in flows.values())], problems


def _pinned(
    flow: Flow, flows: Mapping[str, Flow], pins: dict[str, dict[str, str]], within: tuple[str, ...]
) -> Flow:
    """Return a flow with the versions of all that it uses, subflows of subflows included."""
    if flow.alias not in pins:
        uses: dict[str, str] = {}
        for node in flow.document.nodes.values():
            # What leads back to itself is an error of its own, and must only end here.
            if not isinstance(node, SubflowNode) or node.flow in (*within, flow.alias):
                continue
            if (called := flows.get(node.flow)) is not None:
                below = _pinned(called, flows, pins, (*within, flow.alias))
                uses |= {**below.uses, node.flow: below.version}
        pins[flow.alias] = uses
    uses = pins[flow.alias]
    return replace(flow, uses=uses, version=load.version_of(flow.content, uses))


def check_one(
    flow: Flow,
    context: Context,
    catalogue: Catalogue | None,
    opened: Mapping[str, Calendar],
    flows: Sequence[Flow],
) -> list[Problem]:
    """Check a flow among the prompts, calendars and flows that lie beside it."""
    known = None
    if catalogue is not None:
        known = {language: catalogue.ids(language) for language in flow.document.served}
    return check(
        flow,
        replace(
            context,
            prompts=known,
            calendars={**(context.calendars or {}), **opened},
            flows={one.alias: one for one in flows},
        ),
    )


def _places(flow: Flow) -> Iterator[tuple[Place, Text]]:
    for name, node in flow.document.nodes.items():
        for path, items in node.audio():
            for item in items:
                if isinstance(item, Text):
                    yield ("nodes", name, *path), item


def _values_said(flow: Flow) -> Iterator[tuple[str, str]]:
    """Yield the words of values that talks of callbacks say, by language."""
    nodes = flow.document.nodes.values()
    if not any(isinstance(node, QueueNode | CallbackNode) for node in nodes):
        return
    chosen = any(isinstance(node, CallbackNode) and node.when == "chosen" for node in nodes)
    for language in flow.document.served:
        for piece in sorted(pieces(language, chosen=chosen)):
            yield language, piece


def spoken(flow: Flow) -> Iterator[tuple[str, str]]:
    """Yield (language, text) of all that the flow may speak, words of values included."""
    yield from _values_said(flow)
    for _, text in _places(flow):
        for language, words in text.all(flow.language):
            if not texts.has_values(words):
                yield language, words
                continue
            try:
                parts = texts.split(words)
            except texts.TextWrong:
                continue  # a fault of its own
            for part in parts:
                if isinstance(part, str):
                    yield language, part
                elif not part.detail or part.detail in CURRENCIES:
                    for piece in sorted(vocabulary(language, part.kind, part.detail)):
                        yield language, piece
