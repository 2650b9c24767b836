"""Static checks of one flow: faults that the schema cannot see.

Each check is a function (flow, context) → problems, listed in `CHECKS`; it is pure and looks at
the whole flow. Errors keep a flow from being used, warnings do not.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from ivr.flow.load import Flow
from ivr.flow.model import FlowDocument, GotoNode, HangupNode, MenuNode, QueueNode, Recorded, Text
from ivr.flow.problems import Problem, Severity, nearest


@dataclass(frozen=True, slots=True)
class Context:
    """What is known of the world around a flow; None means not known, so not checked."""

    queues: Collection[str] | None = None
    prompts: Collection[str] | None = None
    """Ids of prompts that can be heard in the flow's language."""


def check(flow: Flow, context: Context | None = None) -> list[Problem]:
    """Return all problems of `flow`, in the order of the file."""
    known = context or Context()
    found = {problem for one in CHECKS for problem in one(flow, known)}
    return sorted(found, key=lambda p: (p.line, p.column, p.message))


def reachable(document: FlowDocument) -> set[str]:
    """Return the names of the nodes a caller can come to."""
    seen: set[str] = set()
    ahead = [document.start] + ([document.failed] if document.failed else [])
    while ahead:
        name = ahead.pop()
        if name in seen or name not in document.nodes:
            continue
        seen.add(name)
        ahead.extend(target for _, target in document.nodes[name].exits())
    return seen


def _targets(flow: Flow, _: Context) -> Iterator[Problem]:
    document = flow.document
    references: list[tuple[tuple[str, ...], str]] = [(("start",), document.start)]
    if document.failed is not None:
        references.append((("failed",), document.failed))
    for name, node in document.nodes.items():
        references.extend((("nodes", name, *path), target) for path, target in node.exits())
    for path, target in references:
        if target not in document.nodes:
            hint = nearest(target, document.nodes)
            yield flow.problem(path, f"there is no node `{target}`{hint}")


def _unreachable(flow: Flow, _: Context) -> Iterator[Problem]:
    reached = reachable(flow.document)
    for name in flow.document.nodes:
        if name not in reached:
            yield flow.problem(
                ("nodes", name), f"no caller can come to node `{name}`", Severity.WARNING
            )


def _silent_loops(flow: Flow, _: Context) -> Iterator[Problem]:
    nodes = flow.document.nodes
    reported: set[str] = set()
    for name in nodes:
        trail: list[str] = []
        here: str | None = name
        while here is not None and here not in trail:
            node = nodes.get(here)
            trail.append(here)
            here = node.next if isinstance(node, GotoNode) else None
        if here is not None and not reported.intersection(trail):
            loop = trail[trail.index(here) :]
            reported.update(trail)
            way = " → ".join([*loop, here])
            yield flow.problem(("nodes", here), f"a loop in which nothing happens: {way}")


def _endless(flow: Flow, _: Context) -> Iterator[Problem]:
    """Find nodes from which no way leads to a caller's choice or to an end."""
    nodes = flow.document.nodes
    leads = {name for name, node in nodes.items() if isinstance(node, HangupNode | QueueNode)}
    before: dict[str, list[str]] = {}
    for name, node in nodes.items():
        for _path, target in node.exits():
            before.setdefault(target, []).append(name)
            if target not in nodes:
                leads.add(name)
    ahead = list(leads)
    while ahead:
        for name in before.get(ahead.pop(), ()):
            if name not in leads:
                leads.add(name)
                ahead.append(name)
    for name in reachable(flow.document):
        if name not in leads:
            yield flow.problem(
                ("nodes", name), f"from node `{name}` no way leads to a queue or to the call's end"
            )


def _unattended(flow: Flow, _: Context) -> Iterator[Problem]:
    """Find loops that a silent line would walk for ever: by time-outs alone."""
    nodes = flow.document.nodes
    reported: set[str] = set()
    for name in nodes:
        trail: list[str] = []
        here: str | None = name
        while here is not None and here not in trail:
            node = nodes.get(here)
            trail.append(here)
            if isinstance(node, MenuNode):
                here = node.timeout.next
            elif node is None or isinstance(node, HangupNode | QueueNode):
                here = None
            else:
                here = node.next
        if here is None or reported.intersection(trail):
            continue
        reported.update(trail)
        loop = trail[trail.index(here) :]
        menus = [step for step in loop if isinstance(nodes[step], MenuNode)]
        if menus:
            way = " → ".join([*loop, here])
            yield flow.problem(
                ("nodes", menus[0], "timeout", "next"),
                f"a caller who keys nothing goes round for ever: {way}",
            )


def _keys(flow: Flow, _: Context) -> Iterator[Problem]:
    for name, node in flow.document.nodes.items():
        if not isinstance(node, MenuNode):
            continue
        for key in node.keys:
            longer = [other for other in node.keys if other != key and other.startswith(key)]
            if longer:
                yield flow.problem(
                    ("nodes", name, "keys", key),
                    f"key {key} begins {', '.join(longer)} too: it takes effect only after "
                    f"{node.next_digit_s:g} s or a terminator",
                    Severity.WARNING,
                )


def _queues(flow: Flow, context: Context) -> Iterator[Problem]:
    if context.queues is None:
        return
    for name, node in flow.document.nodes.items():
        if isinstance(node, QueueNode) and node.queue not in context.queues:
            hint = nearest(node.queue, context.queues)
            yield flow.problem(("nodes", name, "queue"), f"there is no queue `{node.queue}`{hint}")


def _prompts(flow: Flow, context: Context) -> Iterator[Problem]:
    for name, node in flow.document.nodes.items():
        for path, items in node.audio():
            for item in items:
                match item:
                    case Recorded(prompt=prompt):
                        if context.prompts is not None and prompt not in context.prompts:
                            hint = nearest(prompt, context.prompts)
                            yield flow.problem(
                                ("nodes", name, *path),
                                f"there is no prompt `{prompt}` in {flow.language}{hint}",
                            )
                    case Text(say=dict(texts)) if flow.language not in texts:
                        yield flow.problem(
                            ("nodes", name, *path),
                            f"no text in the flow's own language, {flow.language}",
                        )


CHECKS: tuple[Callable[[Flow, Context], Iterator[Problem]], ...] = (
    _targets,
    _unreachable,
    _silent_loops,
    _endless,
    _unattended,
    _keys,
    _queues,
    _prompts,
)
