"""Checks of keys and codes."""

from __future__ import annotations

from collections.abc import Iterator

from ivr.flow import expressions
from ivr.flow.checks.context import Context
from ivr.flow.load import Flow
from ivr.flow.nodes import CallbackNode, CollectNode, MenuNode, QueueNode, RecordNode, VoicemailNode
from ivr.flow.problems import Problem, Severity


def key_shadows(flow: Flow, _: Context) -> Iterator[Problem]:
    """Keys that begin a longer one, so that they take effect late."""
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


def key_twice(flow: Flow, _: Context) -> Iterator[Problem]:
    """Keys that mean two things at once."""
    for name, node in flow.document.nodes.items():
        match node:
            case CallbackNode() if node.accept == node.decline:
                yield flow.problem(
                    ("nodes", name, "decline"), f"key {node.accept} both accepts and declines"
                )
            case RecordNode() | VoicemailNode() if (
                node.review and node.review.accept == node.review.again
            ):
                yield flow.problem(
                    ("nodes", name, "review", "again"),
                    f"key {node.review.accept} both keeps the recording and asks for another",
                )


def key_long(flow: Flow, _: Context) -> Iterator[Problem]:
    """Codes of several digits where one key alone is taken."""
    for name, node in flow.document.nodes.items():
        single: list[tuple[tuple[str, ...], str]] = []
        match node:
            case QueueNode():
                single = [(("keys", key), key) for key in node.keys]
            case CallbackNode():
                single = [(("accept",), node.accept), (("decline",), node.decline)]
            case RecordNode() | VoicemailNode() if node.review:
                keys = node.review.accept, node.review.again
                single = [
                    (("review", f), k) for f, k in zip(("accept", "again"), keys, strict=True)
                ]
        for path, key in single:
            if len(key) > 1:
                yield flow.problem(("nodes", name, *path), f"one key is taken here, not {key}")


def collect_unfit(flow: Flow, _: Context) -> Iterator[Problem]:
    """Digits that can never be right, or never be ended."""
    for name, node in flow.document.nodes.items():
        if not isinstance(node, CollectNode):
            continue
        place = ("nodes", name)
        if node.min_digits > node.max_digits:
            yield flow.problem(
                (*place, "min_digits"),
                f"at least {node.min_digits} digits are asked for, at most {node.max_digits}",
            )
        if node.pattern is not None:
            try:
                expressions.matches(node.pattern, "")
            except expressions.ExpressionFailed:
                yield flow.problem(
                    (*place, "pattern"), "the pattern is no regular expression (RE2)"
                )
