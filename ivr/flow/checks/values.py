"""Checks of expressions and variables: types, and what is secret."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ivr.flow import expressions, texts
from ivr.flow.checks.context import Context
from ivr.flow.checks.speech import heard
from ivr.flow.expressions import ExpressionWrong
from ivr.flow.load import Flow
from ivr.flow.nodes import (
    CollectNode,
    EventNode,
    IdentifyNode,
    QueueNode,
    RecordNode,
    SetNode,
    SubflowNode,
    TagNode,
    TransferNode,
    WebhookNode,
)
from ivr.flow.parts import Path, Text
from ivr.flow.problems import Problem, Severity, nearest


def expression(flow: Flow, context: Context) -> Iterator[Problem]:
    """Expressions that do not compile, or whose type is not the one needed."""
    scope = expressions.scope_of(flow.document)
    variables = expressions.variables_of(flow.document)
    for name, node in flow.document.nodes.items():
        for path, text, wanted in node.expressions():
            if isinstance(node, SetNode):
                wanted = variables.get(str(path[-1]), wanted)
            elif isinstance(node, SubflowNode):
                wanted = _given(node, context).get(str(path[-1]), wanted)
            wanted = "string" if wanted == "secret" else wanted
            try:
                expressions.check(text, wanted, scope)
            except ExpressionWrong as error:
                yield flow.problem(("nodes", name, *path), f"`{text}`: {error}")


def unknown_variable(flow: Flow, context: Context) -> Iterator[Problem]:
    """Variables that are set but not declared, or of the wrong type for what sets them."""
    declared: Mapping[str, str] = flow.document.variables
    for name, node in flow.document.nodes.items():
        for path, variable, kinds in _written(node, context):
            if variable not in declared:
                hint = nearest(variable, declared)
                yield flow.problem(
                    ("nodes", name, *path), f"`variables` declares no `{variable}`{hint}"
                )
            elif kinds and declared[variable] not in kinds:
                yield flow.problem(
                    ("nodes", name, *path),
                    f"`{variable}` is declared {declared[variable]}, not {' or '.join(kinds)}",
                )


def _written(node: object, context: Context) -> Iterator[tuple[Path, str, tuple[str, ...]]]:
    match node:
        case CollectNode():
            yield ("into",), node.into, ("string", "secret")
        case RecordNode():
            yield ("into",), node.into, ("string",)
        case SetNode():
            yield from ((("values", name), name, ()) for name in node.values)
        case SubflowNode():
            theirs = _given(node, context)
            for mine, from_ in node.take.items():
                yield ("take", mine), mine, (theirs[from_],) if from_ in theirs else ()


def _given(node: SubflowNode, context: Context) -> Mapping[str, str]:
    flow = (context.flows or {}).get(node.flow)
    return {} if flow is None else flow.document.variables


def secret_told(flow: Flow, context: Context) -> Iterator[Problem]:
    """Secrets that would be heard, stored, sent on, or kept where they are not secret."""
    variables = expressions.variables_of(flow.document)
    secrets = {name for name, kind in variables.items() if kind == "secret"}
    tellers = (TagNode, EventNode, WebhookNode, TransferNode, QueueNode)
    for name, node in flow.document.nodes.items():
        for path, text, _wanted in node.expressions():
            if not secrets.intersection(expressions.names(text)):
                continue
            kept = True
            if isinstance(node, SetNode):
                kept = str(path[-1]) in secrets
            elif isinstance(node, SubflowNode):
                kept = _given(node, context).get(str(path[-1])) == "secret"
            if isinstance(node, tellers) or not kept:
                yield flow.problem(("nodes", name, *path), f"`{text}` tells a secret")
    for place, item in heard(flow):
        said = item.all(flow.language) if isinstance(item, Text) else ()
        for _language, text in said:
            try:
                values = [part for part in texts.split(text) if isinstance(part, texts.Value)]
            except texts.TextWrong:
                continue
            if any(secrets.intersection(expressions.names(v.expression)) for v in values):
                yield flow.problem(place, "the text tells a secret")


def secret_kept(flow: Flow, _: Context) -> Iterator[Problem]:
    """Secret digits in a variable that is not secret, or the other way round."""
    declared = flow.document.variables
    for name, node in flow.document.nodes.items():
        if isinstance(node, CollectNode) and node.into in declared:
            if node.secret and declared[node.into] != "secret":
                yield flow.problem(
                    ("nodes", name, "into"),
                    f"the digits are secret: declare `{node.into}: secret` under `variables`",
                )
            elif not node.secret and declared[node.into] == "secret":
                yield flow.problem(
                    ("nodes", name, "into"), f"`{node.into}` is secret: write `secret: true` here"
                )


def secret_recorded(flow: Flow, context: Context) -> Iterator[Problem]:
    """Secret digits on a call that is being recorded: their tones would be on the recording."""
    if not context.recorded:
        return
    for name, node in flow.document.nodes.items():
        if isinstance(node, IdentifyNode) or (isinstance(node, CollectNode) and node.secret):
            yield flow.problem(
                ("nodes", name), f"node `{name}` takes secret digits while the call is recorded"
            )


def unset_variable(flow: Flow, _context: Context) -> Iterator[Problem]:
    """Variables that are read but that nothing sets, and those that nothing reads."""
    document = flow.document
    used = {
        name
        for node in document.nodes.values()
        for _, e, _ in node.expressions()
        for name in expressions.names(e)
    }
    for _, item in heard(flow):
        for _, text in item.all(flow.language) if isinstance(item, Text) else ():
            used |= set(expressions.names(text))
    written = {
        variable for node in document.nodes.values() for _, variable, _ in _written(node, Context())
    }
    for name in document.variables:
        if name not in used and name not in written:
            yield flow.problem(
                ("variables", name), f"nothing uses the variable `{name}`", Severity.WARNING
            )
