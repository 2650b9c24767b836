"""The flows in use: the current one by alias, any past one by version.

A call is pinned to the version it began with. So each version that ever was current is kept, in
memory for this process and as `<state>/flows/<version>.yaml` for the next.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path

from ivr.errors import FlowInvalid, FlowUnknown
from ivr.flow import load
from ivr.flow.check import Context, check
from ivr.flow.document import MAX_BYTES
from ivr.flow.load import Flow
from ivr.flow.parts import NAME_PATTERN, Text
from ivr.flow.problems import Problem, Severity, excerpt
from ivr.prompts import Progress, PromptStore

_VERSION = re.compile(rf"[0-9a-f]{{{load.VERSION_LENGTH}}}")


class Library:
    """All flows of `folder` (`<alias>.yaml`). Empty until the first `reload`.

    `queues` gives the names of the queues there are, or None where that is not known.
    """

    def __init__(
        self,
        folder: Path,
        state: Path,
        prompts: PromptStore,
        *,
        queues: Callable[[], Collection[str] | None] = lambda: None,
    ) -> None:
        self._folder = folder
        self._kept = state / "flows"
        self._prompts = prompts
        self._queues = queues
        self._current: dict[str, Flow] = {}
        self._versions: dict[str, Flow] = {}
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
        """Return the flow version and node that a call carries; None if it carries none we have."""
        version, node = carried.get("version"), carried.get("node")
        if not version or not node:
            return None
        try:
            flow = self.version(version)
        except FlowUnknown:
            return None
        return (flow, node) if node in flow.document.nodes else None

    async def reload(self, progress: Progress | None = None) -> list[Problem]:
        """Read prompts and flows, check them, render what is new, then use them, all or nothing.

        Returns warnings. Raises FlowInvalid with every error found, or SpeechError; then nothing
        has changed.
        """
        async with self._lock:
            flows, warnings = await self._read(progress)
            self._kept.mkdir(parents=True, exist_ok=True)
            for flow in flows:
                self._keep(flow)
            self._versions.update({flow.version: flow for flow in flows})
            self._current = {flow.alias: flow for flow in flows}
            return warnings

    async def _read(self, progress: Progress | None) -> tuple[list[Flow], list[Problem]]:
        problems: list[Problem] = []
        catalogue = None
        try:
            catalogue = self._prompts.read()
        except FlowInvalid as error:
            problems.extend(error.problems)
        flows: list[Flow] = []
        for path in self._files():
            try:
                flows.append(_load(path))
            except FlowInvalid as error:
                problems.extend(error.problems)
        queues = self._queues()
        texts: list[tuple[str, str]] = []
        for flow in flows:
            known = catalogue.ids(flow.language) if catalogue else None
            problems.extend(check(flow, Context(queues, known)))
            problems.extend(self._voiceless(flow))
            texts.extend(_texts(flow))
        errors = [problem for problem in problems if problem.severity is Severity.ERROR]
        if errors or catalogue is None:
            raise FlowInvalid(errors)
        await self._prompts.prepare(catalogue, texts, progress)
        return flows, problems

    def _files(self) -> list[Path]:
        if not self._folder.is_dir():
            raise FlowInvalid([Problem(str(self._folder), 1, 1, "there is no such folder")])
        return sorted(self._folder.glob("*.yaml"))

    def _voiceless(self, flow: Flow) -> Iterator[Problem]:
        for path, text in _places(flow):
            languages = [flow.language] if isinstance(text.say, str) else list(text.say)
            for language in languages:
                if why := self._prompts.speaks(language):
                    yield flow.problem(path, why)

    def _keep(self, flow: Flow) -> None:
        path = self._kept / f"{flow.version}.yaml"
        if not path.exists():
            new = path.with_suffix(".new")
            new.write_bytes(flow.content)
            new.replace(path)

    def _recall(self, version: str) -> Flow:
        path = self._kept / f"{version}.yaml"
        if _VERSION.fullmatch(version) and path.is_file():
            content = path.read_bytes()
            try:
                flow = load.parse(content, alias=version, file=str(path))
            except FlowInvalid as error:
                raise FlowUnknown(f"version {version} cannot be read any more: {error}") from None
            if flow.version == version:
                return flow
        raise FlowUnknown(f"there is no flow version `{excerpt(version)}`")


def _load(path: Path) -> Flow:
    if not re.match(NAME_PATTERN, path.stem):
        what = "a flow file is named after its alias: letters, digits, `_`, `-`"
        raise FlowInvalid([Problem(str(path), 1, 1, what)])
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise FlowInvalid([Problem(str(path), 1, 1, f"cannot be read: {error.strerror}")]) from None
    return load.parse(content, alias=path.stem, file=str(path))


def _places(flow: Flow) -> Iterator[tuple[tuple[str, ...], Text]]:
    for name, node in flow.document.nodes.items():
        for path, items in node.audio():
            for item in items:
                if isinstance(item, Text):
                    yield ("nodes", name, *path), item


def _texts(flow: Flow) -> Iterator[tuple[str, str]]:
    """Yield (language, text) of all that the flow may speak."""
    for _, text in _places(flow):
        if isinstance(text.say, str):
            yield flow.language, text.say
        else:
            yield from text.say.items()
