"""Expressions and texts with values: typed, without loops, and nothing of values in messages."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, strategies as st

from ivr.flow import expressions, texts
from ivr.flow.expressions import ExpressionFailed, ExpressionWrong, Scope

SCOPE: Scope = (("account.balance", "double"), ("n", "int"), ("pin", "secret"), ("t", "string"))
VALUES = {"account.balance": 2.5, "n": 3, "pin": "4711", "t": "x"}


@pytest.mark.parametrize(
    ("expression", "kind", "value"),
    [
        ("n + 1", "int", 4),
        ("account.balance * 2.0", "double", 5.0),
        ("t + '!'", "string", "x!"),
        ("n in [1, 2, 3] && !(t == '')", "bool", True),
        ("t.startsWith('x') ? 'a' : 'b'", "string", "a"),
        ("size(pin)", "int", 4),
    ],
)
def test_evaluates_with_a_type(expression: str, kind: str, value: object) -> None:
    assert expressions.check(expression, "any", SCOPE) == kind
    assert expressions.evaluate(expression, VALUES, SCOPE) == value


@pytest.mark.parametrize(
    ("expression", "told"),
    [
        ("n + 'a'", "found no matching overload for '+' applied to '(int, string)'"),
        ("nobody", "undeclared reference to 'nobody'"),
        ("account", "undeclared reference to 'account'"),
        ("account.nothing", "undeclared reference"),
        ("n +", "Syntax error"),
        ("[1, 2].all(x, x > 0)", "undeclared reference"),
        ("[1].map(x, [1].map(y, y))", "undeclared reference"),
        ("__import__('os')", "undeclared reference"),
        ("t.__class__", "cannot be the operand of a select"),
        ("(" * 60 + "n" + ")" * 60, "nested too deep"),
        ("[n]", "gives list"),
        ("null", "gives null"),
    ],
)
def test_wrong_expressions_are_told_in_one_line(expression: str, told: str) -> None:
    with pytest.raises(ExpressionWrong) as wrong:
        expressions.check(expression, "any", SCOPE)
    assert told in str(wrong.value)
    assert "\n" not in str(wrong.value)


def test_type_wanted() -> None:
    with pytest.raises(ExpressionWrong, match="gives int, not bool"):
        expressions.check("n", "bool", SCOPE)


@pytest.mark.parametrize("expression", ["n / 0", "int(pin + 'x')", "double(pin + 'x')", "n % 0"])
def test_failures_tell_no_values(expression: str) -> None:
    with pytest.raises(ExpressionFailed) as failed:
        expressions.evaluate(expression, VALUES, SCOPE)
    assert "4711" not in str(failed.value)


def test_work_is_bounded_by_length() -> None:
    scope: Scope = (("t", "string"),)
    doubled = "(" * 20 + "t" + " + t)" * 20
    begun = time.monotonic()
    with pytest.raises(ExpressionFailed):
        expressions.evaluate(doubled, {"t": "x" * 4_000}, scope)
    with pytest.raises(ExpressionFailed):
        expressions.matches("(" * 1_000, "1")
    expressions.matches("(a|aa)+$", "a" * 4_000 + "b")
    assert time.monotonic() - begun < 2


@given(st.text(max_size=60))
def test_any_text_is_an_expression_or_is_refused(text: str) -> None:
    try:
        expressions.check(text, "any", SCOPE)
        expressions.evaluate(text, VALUES, SCOPE)
    except (ExpressionWrong, ExpressionFailed):
        pass


@given(st.text("{}:abcnumber digits0 .", max_size=40))
def test_any_text_is_split_or_refused(text: str) -> None:
    try:
        parts = texts.split(text)
    except texts.TextWrong:
        return
    assert all(part for part in parts)


def test_names_are_found_outside_of_strings() -> None:
    assert set(expressions.names("a.b + size(c) + 'pin' + \"x.y\"")) == {"a.b", "a", "size", "c"}


def test_split() -> None:
    assert texts.split("You owe {amount:thb account.balance}, by {date t}.") == (
        "You owe",
        texts.Value("amount", "THB", "account.balance"),
        "by",
        texts.Value("date", "", "t"),
    )
    for wrong in ("{n}", "{amount n}", "{date:x t}", "{words t}", "{", "}", "{number {n}}"):
        with pytest.raises(texts.TextWrong):
            texts.split(wrong)
