"""Flow files: what is read, and what is said of a faulty one."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from ivr.errors import FlowInvalid
from ivr.flow import document
from ivr.flow.load import Flow, parse
from ivr.flow.nodes import MenuNode, QueueNode, SayNode
from ivr.flow.parts import Recorded, Text

HEAD = "sala: 1\nstart: a\nnodes:\n"  # three lines
SAMPLE = Path("ivr/flows/main.yaml")


def faults(content: str | bytes) -> list[str]:
    data = content.encode() if isinstance(content, str) else content
    with pytest.raises(FlowInvalid) as caught:
        parse(data, alias="x", file="x.yaml")
    return [f"{p.line}:{p.column} {p.message}" for p in caught.value.problems]


def flow(nodes: str) -> Flow:
    return parse((HEAD + nodes).encode(), alias="x", file="x.yaml")


def test_sample_is_read() -> None:
    content = SAMPLE.read_bytes()
    sample = parse(content, alias="main", file=str(SAMPLE))
    assert sample.version == hashlib.sha256(content).hexdigest()[:12]
    menu = sample.document.nodes["choose"]
    assert isinstance(menu, MenuNode)
    assert menu.keys == {
        "1": "connect_sales",
        "2": "connect_support",
        "3": "connect_billing",
        "0": "choose",
        "8": "thai",
        "9": "indonesian",
    }
    assert (menu.first_digit_s, menu.invalid.retries) == (5.0, 1)


def test_scalars_stay_as_typed() -> None:
    read = flow(
        "  a: {type: queue, queue: 0600, failed: no}\n"
        "  no: {type: say, text: 1.50, next: m}\n"
        "  m:\n"
        "    type: menu\n"
        "    prompt: [hello, {say: {en: Hi, th: สวัสดี}}]\n"
        "    keys: {010: a, '*': a, '#': a}\n"
        "    invalid: {next: a}\n"
        "    timeout: {next: a, retries: 0}\n"
    ).document.nodes
    assert isinstance(read["a"], QueueNode)
    assert isinstance(read["no"], SayNode)
    assert isinstance(read["m"], MenuNode)
    assert read["a"].queue == "0600"
    assert read["no"].items == (Text(say="1.50"),)
    assert list(read["m"].keys) == ["010", "*", "#"]
    assert (read["m"].invalid.retries, read["m"].timeout.retries) == (2, 0)
    assert read["m"].prompt[0] == Recorded(prompt="hello")


def test_text_is_chosen_by_language() -> None:
    text = Text.model_validate({"say": {"en": "Hi", "th": "สวัสดี"}})
    assert text.choose("th", "en") == ("th", "สวัสดี")
    assert text.choose("id", "en") == ("en", "Hi")
    assert text.choose("id", "de") == ("en", "Hi")
    assert Text(say="Hi").choose("th", "en") == ("en", "Hi")


HANG = "  h: {type: hangup}\n"

FAULTS = [
    ("sala: 2\nstart: h\nnodes:\n" + HANG, ["1:7 `sala`: input should be less than or equal"]),
    (
        "start: h\ntitel: x\nnodes:\n" + HANG,
        ["1:1 the flow needs `sala`", "2:1 the flow has no `titel`; did you mean `title`?"],
    ),
    (
        HEAD + "  a: {type: mneu}\n",
        ["4:13 node `a` has an unknown type `mneu`; did you mean `menu`"],
    ),
    (HEAD + "  a: {type: zzz}\n", ["4:13 node `a` has an unknown type `zzz`: use one of play"]),
    (HEAD + "  a: {prompt: b}\n", ["4:3 node `a` needs `type`: one of play, say, menu"]),
    (HEAD + "  a: 5\n", ["4:6 `a` must be a mapping"]),
    (HEAD + "  a:\n", ["4:5 `a` must be a mapping (`name: value` lines), not nothing"]),
    (HEAD + "  a: {type: play, prompt: b}\n", ["4:3 node `a` (play) needs `next`"]),
    (
        HEAD + "  a:\n    type: play\n    promt: b\n    next: a\n",
        ["4:3 node `a` (play) needs `prompt`", "6:5 node `a` (play) has no `promt`; did you mean"],
    ),
    (HEAD + "  a: {type: play, prompt: Hi there, next: a}\n", ["4:27 `Hi there` is not a prompt"]),
    (HEAD + "  a: {type: say, text: '...', next: a}\n", ["4:24 `...` is not a text that can be"]),
    (
        HEAD + "  a: {type: say, text: {english: Hi}, next: a}\n",
        ["4:25 `english` is not a language"],
    ),
    (HEAD + "  a: {type: say, text: {}, next: a}\n", ["4:24 `text`: dictionary should have at"]),
    (
        HEAD + "  a:\n    type: menu\n    prompt: p\n    keys: {1: a, x: a, 2: 'b c'}\n"
        "    invalid: {retries: lots, next: a}\n",
        [
            "4:3 node `a` (menu) needs `timeout`",
            "7:18 `x` is not a menu key",
            "7:27 `b c` is not a node's name",
            "8:24 `retries` must be a whole number, not `lots`",
        ],
    ),
    (
        HEAD + "  a:\n    type: menu\n    prompt: p\n    keys: {1: a, 1: b}\n"
        "    invalid: {next: a}\n    timeout: {next: a}\n",
        ["7:18 `1` stands here twice, first on line 7"],
    ),
    (HEAD + "  a: {type: queue, queue: s}\n", ["4:3 node `a` (queue) needs `failed`"]),
    (HEAD + "  a: {type: hangup, cause: nomal}\n", ["4:28 `cause`: input should be 'normal'"]),
    (HEAD + "  a: {type: goto, next: [a]}\n", ["4:25 `next` must be text, not a list of 1"]),
    (HEAD + "  'a b': {type: hangup}\n", ["4:3 `a b` is not a node's name"]),
    ("sala: 1\nstart: a\nnodes: {}\n", ["3:8 `nodes`: dictionary should have at least 1"]),
    ("", ["1:1 the file is empty"]),
    ("# only a comment\n", ["1:1 the file is empty"]),
    ("- a\n", ["1:1 the file must be a mapping"]),
    ("sala: 1\n\tstart: a\n", ["2:1 wrong YAML: "]),
    ("sala: [1\n", ["2:1 wrong YAML: "]),
    ("sala: 1\n---\nsala: 1\n", ["2:1 wrong YAML: "]),
    ("a: *b\n", ["1:4 wrong YAML: found undefined alias"]),
    ("a: !!python/object:os.system x\n", ["1:4 tag `tag:yaml.org,2002:python/object:o"]),
    ("? [a]\n: b\n", ["1:3 a key must be a plain word or number"]),
    ("a: b\nc: \x07\n", ["2:4 a character U+0007 may not stand here"]),
    ("ü: b\nc: d\n".encode("latin-1"), ["1:1 not UTF-8: byte 0xfc"]),
    ("a: b\nc: ü\n".encode("latin-1"), ["2:4 not UTF-8: byte 0xfc"]),
    ("a: b\n".encode("utf-16"), ["1:1 not UTF-8: byte 0xff"]),
    ("a: " + "x" * document.MAX_BYTES, ["1:1 the file is larger than 1024 KiB"]),
    ("a: " + "[" * 30 + "]" * 30, ["1:23 nested more than 20 deep"]),
    ("[" * 100_000, ["1:21 nested more than 20 deep"]),
    ("- a\n" * 60_000, ["49998:3 more than 50000 values"]),
]


@pytest.mark.parametrize(("content", "expected"), FAULTS, ids=range(len(FAULTS)))
def test_every_fault_is_told_with_its_place(content: str | bytes, expected: list[str]) -> None:
    found = faults(content)
    assert len(found) == len(expected), found
    for told, start in zip(found, expected, strict=True):
        assert told.startswith(start), (told, start)
        assert "\n" not in told


def test_alias_bomb_is_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    assert [told.partition(" ")[2] for told in faults("\n".join(lines))] == [
        "aliases make this file too large or refer to themselves"
    ]


def test_alias_to_itself_is_refused() -> None:
    assert len(faults("a: &a [*a]\n")) == 1


def test_anchors_may_be_used() -> None:
    read = flow("  a: &a {type: play, prompt: p, next: h}\n  b: *a\n" + HANG).document
    assert read.nodes["a"] == read.nodes["b"]


def test_too_many_nodes_are_refused() -> None:
    nodes = "".join(f"  n{n}: {{type: hangup}}\n" for n in range(10_000))
    assert faults(HEAD + nodes)[0].startswith("4:3 `nodes`: dictionary should have at most 1000")


def test_message_holds_no_control_characters_of_the_file() -> None:
    told = faults(HEAD + '  a: {type: "x\\n\\e[31m"}\n')[0]
    assert "\x1b" not in told
    assert "\n" not in told
