"""What a change of a flow means for callers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ivr.flow.actions import Heard
from ivr.flow.model import FlowDocument
from ivr.flow.nodes import BranchNode, Node
from ivr.flow.parts import Item, Path, Recorded

Ways = Mapping[tuple[str, str], int]
"""By (node, next node), how many calls went so."""


def diff(old: FlowDocument, new: FlowDocument, ways: Ways | None = None) -> list[str]:
    """Return one line for each difference callers can notice, and then for the others.

    With `ways` (of the old version) the lines tell how many calls took the way that changes.
    """
    return [*_header(old, new), *_nodes(old, new, ways or {})]


def _header(old: FlowDocument, new: FlowDocument) -> Iterator[str]:
    if old.start != new.start:
        yield f"callers now begin at {new.start} (before: {old.start})"
    if old.failed != new.failed:
        yield (
            f"when the flow breaks, callers now go to {new.failed or 'the end'} "
            f"(before: {old.failed or 'the end'})"
        )
    for language in new.served:
        if language not in old.served:
            yield f"callers are now served in {language} too"
    for language in old.served:
        if language not in new.served:
            yield f"callers are no longer served in {language}"
    for name in ("language", "timezone", "title"):
        if getattr(old, name) != getattr(new, name):
            yield f"{name} is now {getattr(new, name)} (before: {getattr(old, name)})"


def _nodes(old: FlowDocument, new: FlowDocument, ways: Ways) -> Iterator[str]:
    for name, node in new.nodes.items():
        before = old.nodes.get(name)
        if before is None:
            yield f"new: {name} ({_kind(node)})"
        elif type(before) is not type(node):
            yield f"{name} is now a {_kind(node)} (before: a {_kind(before)})"
        elif before != node:
            yield from _node(name, before, node, ways)
    for name, node in old.nodes.items():
        if name not in new.nodes:
            calls = sum(count for (one, _), count in ways.items() if one == name)
            yield f"gone: {name} ({_kind(node)}){_told(calls, ways)}"


def _node(name: str, before: Node, now: Node, ways: Ways) -> Iterator[str]:
    was, leads = dict(before.exits()), dict(now.exits())
    for path, target in leads.items():
        if path not in was:
            yield f"{_exit(path, name, now)} now goes to {target}"
        elif was[path] != target:
            calls = _told(ways.get((name, was[path]), 0), ways)
            yield f"{_exit(path, name, now)} now goes to {target} (before: {was[path]}){calls}"
    for path, target in was.items():
        if path not in leads:
            calls = _told(ways.get((name, target), 0), ways)
            yield f"{_exit(path, name, before)} no longer goes to {target}{calls}"
    heard, hear = dict(before.audio()), dict(now.audio())
    for path in dict.fromkeys((*heard, *hear)):
        if heard.get(path) != hear.get(path):
            place = name if path in {("prompt",), ("text",)} else f"{name} ({_dotted(path)})"
            yield f"at {place} callers now hear {_items(hear.get(path))}"
    told = {path[0] for path in (*leads, *was, *heard, *hear)}
    for field in type(now).model_fields:
        one, other = getattr(before, field), getattr(now, field)
        if one != other and (field not in told or _plain(one) != _plain(other)):
            yield f"{name}: {field} is now {_shown(other)} (before: {_shown(one)})"


def _plain(value: Any) -> Any:
    """Return what of a part is neither an exit nor audio."""
    if isinstance(value, Mapping | str) or not hasattr(value, "model_dump"):
        return None
    left = set(value.EXITS) | set(value.AUDIO)
    return {name: part for name, part in value.model_dump().items() if name not in left}


def _exit(path: Path, name: str, node: Node) -> str:
    match path:
        case ("keys", key):
            return f"key {key} on {name}"
        case ("invalid", *_):
            return f"a wrong key on {name}, tried too often,"
        case ("timeout", *_):
            return f"silence on {name}"
        case ("next",):
            return f"after {name} a caller"
        case ("cases", int(index), *_) if isinstance(node, BranchNode):
            return f"on {name}, when {node.cases[index].when}, a caller"
        case ("failed",):
            return f"a caller for whom {name} fails"
        case _:
            return f"{_dotted(path)} on {name}"


def _items(items: tuple[Item, ...] | None) -> str:
    return ", ".join(map(_item, items)) if items else "nothing"


def _item(item: Item | Heard) -> str:
    if isinstance(item, Recorded):
        return f"prompt {item.prompt}"
    texts = dict(item.all("")) if hasattr(item, "all") else {}
    return " / ".join(f'"{text}"' for text in texts.values())


def _told(calls: int, ways: Ways) -> str:
    return f"; {calls} calls went so" if ways else ""


def _kind(node: Node) -> str:
    return str(getattr(node, "type", "node"))


def _dotted(path: Path) -> str:
    return ".".join(map(str, path))


def _shown(value: Any) -> str:
    return str(value.model_dump(exclude_defaults=True) if hasattr(value, "model_dump") else value)
