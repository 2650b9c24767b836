"""Static checks: each fault is found, at its place, and a sound flow has none."""

from __future__ import annotations

from pathlib import Path

import pytest

from ivr.flow.check import Context, check
from ivr.flow.load import parse

HEAD = "sala: 1\nstart: a\nnodes:\n"
END = "  h: {type: hangup}\n"


def menu(name: str, keys: str, timeout: str, invalid: str = "h") -> str:
    return (
        f"  {name}: {{type: menu, prompt: p, keys: {{{keys}}}, "
        f"invalid: {{next: {invalid}}}, timeout: {{next: {timeout}}}}}\n"
    )


CASES = [
    (
        "  a: {type: goto, next: hh}\n" + END,
        [
            "4:25 error there is no node `hh`; did you mean `h`?",
            "5:6 warning no caller can come to node `h`",
        ],
    ),
    ("  a: {type: goto, next: a}\n", ["nothing happens: a → a"]),
    (
        "  a: {type: goto, next: b}\n  b: {type: goto, next: a}\n",
        ["nothing happens: a → b → a"],
    ),
    ("  a: {type: play, prompt: p, next: a}\n", ["from node `a` no way leads"]),
    (menu("a", "1: a", "a", "a"), ["from node `a` no way leads", "goes round for ever: a → a"]),
    (menu("a", "1: h", "a") + END, ["a caller who keys nothing goes round for ever: a → a"]),
    (menu("a", "1: h, 12: h", "h") + END, ["4:40 warning key 1 begins 12 too"]),
    (
        "  a: {type: queue, queue: sale, failed: h}\n" + END,
        ["4:27 error there is no queue `sale`; did you mean `sales`?"],
    ),
    (
        "  a: {type: play, prompt: [p, pp], next: h}\n" + END,
        ["4:27 error there is no prompt `pp` in en; did you mean `p`?"],
    ),
    (
        "  a: {type: say, text: {th: ก}, next: h}\n" + END,
        ["no text in the flow's own language, en"],
    ),
]


@pytest.mark.parametrize(("nodes", "expected"), CASES, ids=range(len(CASES)))
def test_fault_is_found(nodes: str, expected: list[str]) -> None:
    flow = parse((HEAD + nodes).encode(), alias="x", file="x.yaml")
    found = [
        f"{p.line}:{p.column} {p.severity} {p.message}"
        for p in check(flow, Context(queues={"sales"}, prompts={"en": {"p"}}))
    ]
    assert len(found) == len(expected), found
    for part in set(expected):
        assert sum(part in told for told in found) == expected.count(part), found


def test_start_and_failed_are_checked() -> None:
    flow = parse(
        b"sala: 1\nstart: x\nfailed: y\nnodes:\n  h: {type: hangup}\n", alias="x", file="x.yaml"
    )
    assert [str(p).partition(" ")[0] for p in check(flow)] == [
        "x.yaml:2:8:",
        "x.yaml:3:9:",
        "x.yaml:5:6:",
    ]


def test_sample_is_sound() -> None:
    path = Path("ivr/flows/main.yaml")
    flow = parse(path.read_bytes(), alias="main", file=str(path))
    assert check(flow, Context(queues={"sales", "support", "billing"})) == []
