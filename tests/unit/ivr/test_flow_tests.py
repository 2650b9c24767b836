"""Flow tests, the simulator, the difference in callers' terms, the JSON Schema; and the samples."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ivr.errors import FlowInvalid
from ivr.flow import schema, testing
from ivr.flow.check import Context, check
from ivr.flow.diff import diff
from ivr.flow.frame import World
from ivr.flow.load import Flow, parse
from ivr.flow.nodes import NODE_TYPES
from ivr.flow.stage import Stage
from ivr.library import parse_all
from ivr.shelf import calendars, flow_files, read
from ivr.simulator import simulate

FLOWS = Path("ivr/flows")
FLOW = """\
sala: 1
start: menu
variables: {pin: secret}
nodes:
  menu:
    type: menu
    prompt: [hello, menu]
    keys: {1: sales, 2: pin, 3: round, 4: find}
    invalid: {next: end, retries: 1}
    timeout: {next: end, retries: 0}
  sales: {type: queue, queue: sales, failed: end}
  pin:
    type: collect
    prompt: {say: PIN please}
    into: pin
    secret: true
    max_digits: 4
    next: sales
    invalid: {next: end}
    timeout: {next: end}
  round: {type: goto, next: round}
  find:
    type: lookup
    customer: {}
    into: c
    fields: {vip: bool, age: int}
    next: sales
    missing: end
    failed: end
  end: {type: hangup}
"""


def flow(text: str = FLOW) -> Flow:
    return parse(text.encode(), alias="main", file="main.yaml")


def faults(then: str, when: str = "[1]", given: str = "{}") -> list[str]:
    text = f"tests:\n  t:\n    given: {given}\n    when: {when}\n    then: {then}\n"
    suite = testing.parse(text.encode(), file="main.test.yaml")
    return list(testing.run(flow(), suite.tests["t"], "t", World()).faults)


def test_what_is_as_wanted_passes() -> None:
    assert faults("{heard: [hello, menu], path: [menu, sales], queue: sales, ends: queued}") == []
    assert faults("{ends: hung up}", "[9, 9]") == []
    assert faults("{ends: asked, at: menu}", "[]") == []
    assert faults("{ends: caller gone}", "[hang up]") == []
    assert faults("{queue: sales}", "[24711]") == []  # keyed ahead
    assert faults("{queue: sales}", "[4]", "{answers: {find: {vip: true, age: 3}}}") == []
    assert faults("{ends: hung up}", "[4]", "{answers: {find: {vip: maybe, age: 3}}}") == []


@pytest.mark.parametrize(
    ("then", "told"),
    [
        ("{queue: support}", "queue: support was wanted, sales came"),
        ("{heard: [menu, hello]}", "heard: no hello (in this order) among: hello, menu"),
        ("{not_heard: menu}", "heard: menu, which was not to be heard"),
        ("{path: [sales, menu]}", "path: no menu (in this order) among: menu, sales"),
        ("{tags: {vip: yes}}", "tags: {'vip': 'yes'} was wanted, nothing came"),
    ],
)
def test_what_is_not_is_told(then: str, told: str) -> None:
    assert faults(then) == [told]


def test_loops_and_answers_that_are_not_given_are_told() -> None:
    assert faults("{}", "[3]") == ["the flow goes on without end and was cut"]
    (told,) = faults("{}", "[4]")
    assert told.startswith("node find asks outside")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "1:1: error: the file is empty"),
        ("tests: {}\n", "1:8: error: `tests`"),
        ("tests:\n  a: {when: [1]}\n", "2:6: error: `then`: field required"),
        ("tests:\n  a: {then: {quue: x}}\n", "2:20: error: `quue`: extra inputs"),
        ("tests:\n  a: {when: [1, jump], then: {}}\n", "2:17: error: `jump` is no step"),
        ("tests:\n  a: {given: {at: noon}, then: {}}\n", "2:19: error: `at`"),
    ],
)
def test_faults_of_test_files_have_their_place(text: str, told: str) -> None:
    with pytest.raises(FlowInvalid) as wrong:
        testing.parse(text.encode(), file="t.yaml")
    assert told in str(wrong.value)


def test_coverage() -> None:
    coverage = testing.Coverage.of(flow().document)
    coverage.add(["menu", "sales"])
    assert coverage.nodes["sales"]
    assert not coverage.nodes["pin"]
    assert coverage.share("nodes") == 2 / 6
    assert "menu → pin" in coverage.missed
    assert "menu → sales" not in coverage.missed


# --- samples ---------------------------------------------------------------------------------

STORED, FAULTS = parse_all([read(path) for path in flow_files(FLOWS)])


@pytest.mark.parametrize("sample", STORED, ids=lambda sample: sample.alias)
def test_samples_are_sound_and_their_tests_pass_and_cover_all(sample: Flow) -> None:
    assert FAULTS == []
    known = calendars(FLOWS)
    context = Context(
        queues={"sales", "support", "billing"},
        calendars=known,
        flows={one.alias: one for one in STORED},
        queries={"account_balance"},
        hosts=(),
    )
    assert check(sample, context) == []
    path = FLOWS / f"{sample.alias}.test.yaml"
    coverage = testing.Coverage.of(sample.document)
    for name, case in testing.parse(path.read_bytes(), file=str(path)).tests.items():
        result = testing.run(sample, case, name, World(known))
        assert result.faults == (), name
        coverage.add(result.run.path)
    assert coverage.missed == []


# --- the simulator ---------------------------------------------------------------------------


def told(*lines: str, echo: bool = False) -> list[str]:
    out: list[str] = []
    simulate(Stage(flow().document), lines, out.append, echo=echo)
    return out


def test_simulator_shows_what_is_heard_and_where() -> None:
    assert told("1", "hang up") == [
        "  [menu]",
        "♪ hello",
        "♪ menu",
        "  a key?",
        "  [sales]",
        "  waits in queue sales: talk, a key, hang up?",
        "= the caller has hung up",
    ]
    assert told("what?")[4].startswith("  ? digits")
    assert told("", "path")[-1] == "= the flow has hung up"
    assert (
        told("3")[-1] == "= the flow is broken, and has hung up; cut: the flow goes on without end"
    )


def test_simulator_shows_no_secret() -> None:
    lines = told("2", "4711", "vars", echo=True)
    assert "> ••••" in lines
    assert not any("4711" in line for line in lines)


# --- differences -----------------------------------------------------------------------------


def changed(old: str, new: str, ways: Any = None) -> list[str]:
    assert old in FLOW
    return diff(flow().document, flow(FLOW.replace(old, new)).document, ways)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("2: pin,", "2: sales,", "key 2 on menu now goes to sales (before: pin); 7 calls went so"),
        ("2: pin,", "2: pin, 5: end,", "key 5 on menu now goes to end"),
        ("2: pin, ", "", "key 2 on menu no longer goes to pin; 7 calls went so"),
        (
            "invalid: {next: end, retries: 1}",
            "invalid: {next: sales, retries: 1}",
            "a wrong key on menu, tried too often, now goes to sales (before: end); 0 calls",
        ),
        ("retries: 0}", "retries: 3}", "menu: timeout is now {'retries': 3, 'next': 'end'}"),
        ("[hello, menu]", "[hello]", "at menu callers now hear prompt hello"),
        ("PIN please", "Your PIN", 'at pin callers now hear "Your PIN"'),
        ("start: menu", "start: sales", "callers now begin at sales (before: menu)"),
        ("sala: 1", "sala: 1\nlanguages: [en, th]", "callers are now served in th too"),
        ("queue: sales", "queue: support", "sales: queue is now support (before: sales)"),
        ("end: {type: hangup}", "end: {type: goto, next: menu}", "end is now a goto"),
        ("  end:", "  more: {type: hangup}\n  end:", "new: more (hangup)"),
    ],
)
def test_difference_is_told_in_callers_terms(old: str, new: str, told: str) -> None:
    lines = changed(old, new, {("menu", "pin"): 7})
    assert lines[0].startswith(told), lines
    assert len(lines) == 1


def test_nothing_changed_is_nothing_told() -> None:
    assert diff(flow().document, flow("# other\n" + FLOW).document) == []


# --- the schema ------------------------------------------------------------------------------


def test_schema_has_every_node() -> None:
    parts = schema.flow_schema()["$defs"]
    typed = [
        part["properties"]["type"]
        for part in parts.values()
        if "EXITS" not in part and "type" in part.get("properties", {})
    ]
    kinds = {one["const"] for one in typed}
    assert kinds == set(NODE_TYPES)


def test_schema_lets_one_prompt_stand_bare() -> None:
    prompt = schema.flow_schema()["$defs"]["PlayNode"]["properties"]["prompt"]
    listed, bare = prompt["anyOf"]
    assert (listed["type"], listed["minItems"], listed["maxItems"]) == ("array", 1, 20)
    assert {"type": "string"} in bare["anyOf"]
    assert "maxLength" not in prompt
