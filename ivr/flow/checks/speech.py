"""Checks of what callers hear."""

from __future__ import annotations

from collections.abc import Iterator
from zoneinfo import ZoneInfo

from ivr.flow import expressions, texts
from ivr.flow.checks.context import Context
from ivr.flow.expressions import ExpressionWrong
from ivr.flow.load import Flow
from ivr.flow.nodes import PlayNode, SayNode
from ivr.flow.parts import Item, Path, Recorded, Text
from ivr.flow.problems import Problem, nearest
from ivr.saying import CURRENCIES, words_of


def heard(flow: Flow) -> Iterator[tuple[Path, Item]]:
    """Yield all that a flow lets callers hear, with its place."""
    for name, node in flow.document.nodes.items():
        for path, items in node.audio():
            for item in items:
                yield ("nodes", name, *path), item


def missing_prompt(flow: Flow, context: Context) -> Iterator[Problem]:
    """Prompts that cannot be heard in a language the flow serves."""
    if context.prompts is None:
        return
    for path, item in heard(flow):
        if not isinstance(item, Recorded):
            continue
        without = [
            language
            for language in flow.document.served
            if item.prompt not in context.prompts.get(language, ())
        ]
        if without:
            known = {name for ids in context.prompts.values() for name in ids}
            hint = "" if item.prompt in known else nearest(item.prompt, known)
            yield flow.problem(
                path, f"there is no prompt `{item.prompt}` in {', '.join(without)}{hint}"
            )


def missing_text(flow: Flow, _: Context) -> Iterator[Problem]:
    """Texts that are not there in a language the flow serves."""
    for path, item in heard(flow):
        if not isinstance(item, Text) or (item.voice and isinstance(item.say, str)):
            continue
        there = dict(item.all(flow.language))
        if flow.language not in there:
            yield flow.problem(path, f"no text in the flow's own language, {flow.language}")
        elif without := [lang for lang in flow.document.served if lang not in there]:
            yield flow.problem(path, f"no text in {', '.join(without)}, which the flow serves")


def text_value(flow: Flow, _: Context) -> Iterator[Problem]:
    """Values in texts that cannot be said."""
    scope = expressions.scope_of(flow.document)
    for path, item in heard(flow):
        if not isinstance(item, Text):
            continue
        for language, text in item.all(flow.language):
            where = (*path, "say", language) if path[-1] == "prompt" else (*path, language)
            try:
                values = [part for part in texts.split(text) if isinstance(part, texts.Value)]
            except texts.TextWrong as error:
                yield flow.problem(where, str(error))
                continue
            if values and words_of(language) is None:
                yield flow.problem(where, f"values cannot be said in {language}")
            for value in values:
                if value.detail and value.detail not in CURRENCIES:
                    known = ", ".join(CURRENCIES)
                    yield flow.problem(
                        where, f"amounts in {value.detail} cannot be said; there are {known}"
                    )
                try:
                    kind = expressions.kind_of(value.expression, scope)
                except ExpressionWrong as error:
                    yield flow.problem(where, f"`{value.expression}`: {error}")
                    continue
                if kind not in texts.KINDS[value.kind]:
                    wanted = " or ".join(texts.KINDS[value.kind])
                    yield flow.problem(
                        where, f"`{value.expression}` gives {kind}; {value.kind} needs {wanted}"
                    )


def missing_exit(flow: Flow, _: Context) -> Iterator[Problem]:
    """Nodes that say values but do not tell where to go when one cannot be said."""
    for name, node in flow.document.nodes.items():
        if not isinstance(node, PlayNode | SayNode) or node.failed is not None:
            continue
        said = [text for item in node.items if isinstance(item, Text) for _, text in item.all("")]
        if any(map(texts.has_values, said)):
            yield flow.problem(
                ("nodes", name),
                f"node `{name}` says a value and so needs `failed`: "
                "the node for callers to whom it cannot be said",
            )


def unknown_timezone(flow: Flow, _: Context) -> Iterator[Problem]:
    """Time zones that do not exist."""
    try:
        ZoneInfo(flow.document.timezone)
    except (LookupError, ValueError, OSError):
        yield flow.problem(
            ("timezone",), "there is no such time zone; write one such as Asia/Bangkok"
        )
