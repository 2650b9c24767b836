"""Expressions: typed, without side effects, without loops.

They are written in the Common Expression Language (CEL, cel.dev), compiled and type-checked by its
authors' own implementation (`cel_expr_python`). Its macros, the only loops it has, are off; regular
expressions are RE2. So the work of an expression is bounded by its length and that of its values,
and no time-out is needed. docs/adr/0020-expressions.md tells why CEL.

What an expression sees is a `Scope`: names with types. `caller.number` is one name; there are no
objects.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, TypeAlias

from cel_expr_python import cel

from ivr.flow.model import FlowDocument
from ivr.flow.nodes import LookupNode

Scalar: TypeAlias = str | int | float | bool
Scope: TypeAlias = tuple[tuple[str, str], ...]
"""(name, type) pairs: the types of `parts.ValueType`, and `timestamp`."""

MAX_TEXT = 4_000
"""Characters of a string result; what is longer fails."""

GIVEN: dict[str, str] = {
    "caller.number": "string",
    "caller.known": "bool",
    "customer.id": "string",
    "customer.name": "string",
    "customer.language": "string",
    "dialled": "string",
    "language": "string",
    "now": "timestamp",
}
"""What every flow knows. `caller.number` is empty when withheld."""

ZERO: Mapping[str, Scalar] = {"string": "", "secret": "", "int": 0, "double": 0.0, "bool": False}

_TYPES = {
    "string": cel.Type.STRING,
    "secret": cel.Type.STRING,
    "int": cel.Type.INT,
    "double": cel.Type.DOUBLE,
    "bool": cel.Type.BOOL,
    "timestamp": cel.Type.TIMESTAMP,
}
_NAMES = {"STRING": "string", "INT": "int", "DOUBLE": "double", "BOOL": "bool"} | {
    "TIMESTAMP": "timestamp"
}
_CONFIG = cel.NewEnvConfigFromYaml("stdlib:\n  disable_macros: true\n")
_PLACE = re.compile(r"<input>:(-?\d+):(-?\d+): (.*)")
_STRINGS = re.compile(r"""r?"(?:[^"\\]|\\.)*"|r?'(?:[^'\\]|\\.)*'""")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\s*\.\s*[A-Za-z_][A-Za-z0-9_]*)*")


class ExpressionWrong(ValueError):  # noqa: N818
    """An expression that does not compile, or whose type is not the one wanted."""


class ExpressionFailed(Exception):  # noqa: N818
    """An expression that compiled could not be evaluated, such as a division by zero.

    The message names no values.
    """


def scope_of(document: FlowDocument) -> Scope:
    """Return what the expressions of a flow see."""
    return tuple(sorted({**GIVEN, **variables_of(document)}.items()))


def variables_of(document: FlowDocument) -> dict[str, str]:
    """Return all that a flow's run may set: declared variables, and the fields of look-ups."""
    found: dict[str, str] = dict(document.variables)
    for node in document.nodes.values():
        if isinstance(node, LookupNode):
            found.update({f"{node.into}.{name}": kind for name, kind in node.fields.items()})
    return found


def kind_of(expression: str, scope: Scope) -> str:
    """Return the type of an expression's value. Raises ExpressionWrong."""
    return _compiled(expression, scope)[1]


def check(expression: str, wanted: str, scope: Scope) -> str:
    """Check that an expression compiles to the wanted type (`any`: one that a variable may have).

    Returns its type. Raises ExpressionWrong.
    """
    kind = kind_of(expression, scope)
    if kind == wanted or (wanted == "any" and kind in ZERO):
        return kind
    if wanted == "any":
        wanted = "string, int, double or bool"
    raise ExpressionWrong(f"gives {kind}, not {wanted}")


def evaluate(expression: str, values: Mapping[str, Any], scope: Scope) -> Any:
    """Return an expression's value: str, int, float, bool or an aware datetime.

    `values` must hold a value for each name of `scope`. Raises ExpressionFailed.
    """
    try:
        program, _ = _compiled(expression, scope)
    except ExpressionWrong as error:
        raise ExpressionFailed(str(error)) from None
    result = program.eval(data=values)
    if result.type() == cel.Type.ERROR:
        raise ExpressionFailed(str(result.plain_value()).partition(":")[0].lower())
    value = result.plain_value()
    if isinstance(value, str) and len(value) > MAX_TEXT:
        raise ExpressionFailed("the text is too long")
    return value.replace(tzinfo=value.tzinfo or UTC) if isinstance(value, datetime) else value


def matches(pattern: str, text: str) -> bool:
    """Tell whether the whole of `text` matches an RE2 pattern. Raises ExpressionFailed."""
    scope: Scope = (("p", "string"), ("t", "string"))
    return bool(evaluate("t.matches(p)", {"p": f"^(?:{pattern})$", "t": text}, scope))


def names(expression: str) -> Iterator[str]:
    """Yield the names an expression mentions, without judging whether they exist."""
    for found in _NAME.finditer(_STRINGS.sub(" ", expression)):
        name = re.sub(r"\s", "", found[0])
        yield name
        while "." in name:
            name = name.rpartition(".")[0]
            yield name


@lru_cache(maxsize=4_096)
def _compiled(expression: str, scope: Scope) -> tuple[cel.Expression, str]:
    try:
        program = _environment(scope).compile(expression)
    except RuntimeError as error:
        raise ExpressionWrong(_told(str(error))) from None
    kind = program.return_type().name()
    return program, _NAMES.get(kind, kind.lower())


@lru_cache(maxsize=256)
def _environment(scope: Scope) -> cel.Env:
    known = {name: _TYPES[kind] for name, kind in scope}
    return cel.NewEnv(config=_CONFIG, variables=known)


def _told(error: str) -> str:
    """Return the compiler's first complaint in one line."""
    found = _PLACE.search(error)
    if found is None:
        return "is nested too deep" if "recursion" in error else error.splitlines()[0]
    what = found[3].replace(" (in container '')", "").replace(" [INVALID_ARGUMENT]", "")
    what = re.sub(r"_([^_']+)_(?:([^_']+)_)?", r"\1\2", what)
    what = what.split(", expecting {")[0].split(" expecting {")[0]
    return f"{what} (at character {found[2]})" if found[2] != "-1" else what
