"""Checks of where a flow leads: targets, dead ends, loops."""

from __future__ import annotations

from collections.abc import Iterator

from ivr.flow.checks.context import Context
from ivr.flow.load import Flow
from ivr.flow.model import FlowDocument
from ivr.flow.nodes import (
    ENDS,
    CallbackNode,
    CollectNode,
    EventNode,
    GotoNode,
    IdentifyNode,
    LanguageNode,
    MenuNode,
    Node,
    PlayNode,
    QueueNode,
    RecordNode,
    SayNode,
    SetNode,
    SurveyNode,
    TagNode,
    VoicemailNode,
)
from ivr.flow.parts import Path
from ivr.flow.problems import Problem, Severity, nearest


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


def unknown_node(flow: Flow, _: Context) -> Iterator[Problem]:
    """Exits that lead to no node."""
    document = flow.document
    references: list[tuple[Path, str]] = [(("start",), document.start)]
    if document.failed is not None:
        references.append((("failed",), document.failed))
    for name, node in document.nodes.items():
        references.extend((("nodes", name, *path), target) for path, target in node.exits())
    for path, target in references:
        if target not in document.nodes:
            hint = nearest(target, document.nodes)
            yield flow.problem(path, f"there is no node `{target}`{hint}")


def unreachable(flow: Flow, _: Context) -> Iterator[Problem]:
    """Nodes to which no caller can come."""
    reached = reachable(flow.document)
    for name in flow.document.nodes:
        if name not in reached:
            yield flow.problem(
                ("nodes", name), f"no caller can come to node `{name}`", Severity.WARNING
            )


def silent_loop(flow: Flow, _: Context) -> Iterator[Problem]:
    """Loops that go round at once, without anything heard or asked."""
    nodes = flow.document.nodes
    kinds = (GotoNode, SetNode, TagNode, EventNode, LanguageNode)
    reported: set[str] = set()
    for name in nodes:
        trail: list[str] = []
        here: str | None = name
        while here is not None and here not in trail:
            node = nodes.get(here)
            trail.append(here)
            here = node.next if isinstance(node, kinds) else None
        if here is not None and not reported.intersection(trail):
            loop = trail[trail.index(here) :]
            reported.update(trail)
            way = " → ".join([*loop, here])
            yield flow.problem(("nodes", here), f"a loop in which nothing happens: {way}")


def dead_end(flow: Flow, context: Context) -> Iterator[Problem]:
    """Nodes from which no way leads to a queue or to an end."""
    nodes = flow.document.nodes
    leads = {name for name, node in nodes.items() if isinstance(node, (*ENDS, QueueNode))}
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
    looping = {p.message for p in silent_loop(flow, context)}
    for name in reachable(flow.document):
        if name not in leads and not any(_in_loop(name, told) for told in looping):
            yield flow.problem(
                ("nodes", name), f"from node `{name}` no way leads to a queue or to the call's end"
            )


def _in_loop(name: str, told: str) -> bool:
    return name in told.partition(": ")[2].split(" → ")


def _silent_exit(node: Node | None) -> str | None:
    """Where a silent line goes from a node; None: it ends, waits, or depends on more than keys."""
    match node:
        case MenuNode() | CollectNode() | IdentifyNode():
            return node.timeout.next
        case SurveyNode():
            return node.unanswered
        case CallbackNode():
            return node.declined
        case RecordNode() | VoicemailNode():
            return node.empty
        case PlayNode() | SayNode() | GotoNode() | SetNode() | TagNode() | EventNode():
            return node.next
        case LanguageNode():
            return node.next
        case _:
            return None


_ASKING = (
    MenuNode,
    CollectNode,
    IdentifyNode,
    SurveyNode,
    CallbackNode,
    RecordNode,
    VoicemailNode,
)


def unattended_loop(flow: Flow, _: Context) -> Iterator[Problem]:
    """Loops that a silent line would walk for ever: by time-outs alone."""
    nodes = flow.document.nodes
    reported: set[str] = set()
    for name in nodes:
        trail: list[str] = []
        here: str | None = name
        while here is not None and here not in trail:
            trail.append(here)
            here = _silent_exit(nodes.get(here))
        if here is None or reported.intersection(trail):
            continue
        reported.update(trail)
        loop = trail[trail.index(here) :]
        asking = [step for step in loop if isinstance(nodes[step], _ASKING)]
        if asking:
            way = " → ".join([*loop, here])
            exit_ = ("timeout", "next") if hasattr(nodes[asking[0]], "timeout") else ()
            yield flow.problem(
                ("nodes", asking[0], *exit_),
                f"a caller who keys nothing goes round for ever: {way}",
            )
