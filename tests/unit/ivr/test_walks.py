"""Laws of any flow made of any nodes, whatever comes back: it asks or ends, and never raises."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings, strategies as st

from ivr.flow.actions import Action, Collect, Ended, HangUp, Play
from ivr.flow.check import check
from ivr.flow.document import Document
from ivr.flow.frame import Facts, World
from ivr.flow.interpreter import FAILED_STEPS, MAX_STEPS, Interpreter
from ivr.flow.load import Flow
from ivr.flow.model import FlowDocument
from ivr.flow.nodes import NODE_TYPES
from ivr.flow.outcomes import (
    Broken,
    CallerGone,
    Directed,
    Done,
    Found,
    Keyed,
    NotFound,
    Outcome,
    Played,
    Refused,
    Spoke,
    Talked,
    Verdict,
)
from pbx.port import Digits, DigitsEnd

names = st.sampled_from([f"n{n}" for n in range(6)])
targets = st.sampled_from([*(f"n{n}" for n in range(6)), "nowhere"])
prompts = st.sampled_from(["p", {"say": "Hi"}, {"say": "{number x}"}, {"say": "{digits t}"}])
numbers = st.sampled_from(["x", "x + 1", "1 / x", "int(t)", "'no'", "nothing", "size(t)"])
texts = st.sampled_from(["t", "caller.number", "s", "string(x)", "x", "'+1'", "''"])
truths = st.sampled_from(["x > 1", "t == ''", "1 / x == 1", "x", "caller.known"])
retry = st.fixed_dictionaries({"next": targets, "retries": st.integers(0, 2)})
key = st.sampled_from("019*#")


def node(kind: str, **fields: Any) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({"type": st.just(kind), **fields})


def exits(*fields: str) -> dict[str, Any]:
    return dict.fromkeys(fields, targets)


digits = {"prompt": prompts, "invalid": retry, "timeout": retry}
voice = {"prompt": prompts, "review": st.none() | st.just({"prompt": "p"})}
KINDS = {
    "play": node("play", prompt=prompts, barge_in=st.booleans(), **exits("next", "failed")),
    "say": node("say", text=st.sampled_from(["Hi", "{date now}"]), **exits("next", "failed")),
    "menu": node("menu", keys=st.dictionaries(key, targets, min_size=1), **digits),
    "collect": node(
        "collect",
        into=st.sampled_from(["t", "s", "x", "nothing"]),
        max_digits=st.integers(1, 6),
        min_digits=st.integers(1, 6),
        pattern=st.sampled_from([None, "[0-9]+", "("]),
        checksum=st.sampled_from([None, "luhn"]),
        **digits,
        **exits("next"),
    ),
    "record": node("record", into=st.just("t"), **voice, **exits("next", "empty", "failed")),
    "voicemail": node(
        "voicemail", mailbox=st.just("m"), **voice, **exits("next", "empty", "failed")
    ),
    "branch": node(
        "branch",
        cases=st.lists(
            st.fixed_dictionaries({"when": truths, "next": targets}), min_size=1, max_size=2
        ),
        **exits("otherwise", "failed"),
    ),
    "set": node("set", values=st.fixed_dictionaries({"x": numbers}), **exits("next", "failed")),
    "hours": node("hours", calendar=st.just("c"), **exits("open", "closed", "failed")),
    "lookup": node(
        "lookup",
        sql=st.fixed_dictionaries({"query": st.just("q"), "values": st.lists(texts, max_size=1)}),
        into=st.just("f"),
        fields=st.just({"n": "int"}),
        **exits("next", "missing", "failed"),
    ),
    "identify": node(
        "identify",
        subject=texts,
        method=st.just("otp"),
        send=st.just({"url": "https://h/x", "data": {"to": "caller.number"}}),
        prompt=prompts,
        timeout=retry,
        **exits("next", "refused", "locked", "unknown", "failed"),
    ),
    "language": node("language", language=st.just("th"), **exits("next")),
    "queue": node(
        "queue",
        queue=st.just("q"),
        priority=st.none() | numbers,
        keys=st.dictionaries(key, targets, max_size=2),
        after=st.none() | targets,
        **exits("failed"),
    ),
    "callback": node(
        "callback",
        queue=st.just("q"),
        prompt=prompts,
        number=texts,
        **exits("accepted", "declined", "failed"),
    ),
    "transfer": node("transfer", number=texts, **exits("failed")),
    "survey": node(
        "survey",
        survey=st.just("s"),
        questions=st.just({"a": {"prompt": "p"}, "b": {"prompt": "p", "keys": "12"}}),
        **exits("next", "unanswered"),
    ),
    "tag": node("tag", tags=st.fixed_dictionaries({"a": texts}), **exits("next", "failed")),
    "event": node("event", event=st.just("e"), **exits("next", "failed")),
    "webhook": node(
        "webhook",
        url=st.just("https://h/"),
        targets=st.lists(targets, min_size=1, max_size=2),
        **exits("failed"),
    ),
    "subflow": node(
        "subflow",
        flow=st.sampled_from(["me", "gone"]),
        give=st.dictionaries(st.just("x"), numbers, max_size=1),
        returns=st.just({"done": "n0"}),
        **exits("failed"),
    ),
    "return": node("return", exit=st.sampled_from(["done", "odd"])),
    "goto": node("goto", **exits("next")),
    "hangup": node("hangup"),
}
flows = st.builds(
    lambda found, start, failed: FlowDocument.model_validate(
        {
            "sala": 1,
            "start": start,
            "failed": failed,
            "variables": {"x": "int", "t": "string", "s": "secret"},
            "nodes": found,
        }
    ),
    st.dictionaries(names, st.one_of(*KINDS.values()), min_size=1, max_size=6),
    names,
    st.none() | targets,
)
keyed = st.builds(
    lambda text, end: Keyed(Digits(text, end)),
    st.text("0123456789*#", max_size=6),
    st.sampled_from(DigitsEnd),
)
outcomes: st.SearchStrategy[Outcome] = st.one_of(
    keyed,
    keyed,
    st.builds(Spoke, st.just("r"), st.integers(0, 9_000)),
    st.builds(Found, st.just({"n": 1}) | st.just({"n": "x"}) | st.just({})),
    st.builds(Verdict, st.sampled_from(["proved", "wrong", "locked", "unknown", "?"])),
    st.builds(Directed, targets),
    st.sampled_from([Played(), Talked(), Refused(), Broken(), CallerGone(), Done(), NotFound()]),
)


def test_every_kind_of_node_is_there() -> None:
    assert set(KINDS) == set(NODE_TYPES)


def walked(document: FlowDocument, told: list[Outcome]) -> list[Action]:
    world = World(flow=lambda alias: document if alias == "me" else None)
    walk = Interpreter(document, facts=Facts("+12025550143"), world=world)
    actions = [walk.start()]
    for outcome in told:
        last = actions[-1]
        # Prompts are mostly heard to their end, so that walks go far.
        fit = Played() if isinstance(last, Play) and isinstance(outcome, Keyed) else outcome
        actions.append(walk.resume(fit))
    return actions


@settings(max_examples=400)
@given(flows, st.lists(outcomes, max_size=25))
def test_any_flow_asks_or_ends(document: FlowDocument, told: list[Outcome]) -> None:
    actions = walked(document, told)
    assert sum(len(action.path) for action in actions) <= MAX_STEPS + FAILED_STEPS + 8
    ended = False
    for action in actions:
        assert not ended or isinstance(action, Ended)
        ended = ended or isinstance(action, HangUp | Ended)
        if isinstance(action, Collect | Play):
            assert len(action.items) <= 40
        if not isinstance(action, Ended):
            assert action.node
    assert actions == walked(document, told)


@settings(max_examples=200)
@given(flows, st.lists(outcomes, max_size=10))
def test_any_state_is_carried_and_brought_back(document: FlowDocument, told: list[Outcome]) -> None:
    world = World(flow=lambda alias: document if alias == "me" else None)
    walk = Interpreter(document, world=world)
    action = walk.start()
    for outcome in told:
        action = walk.resume(outcome)
    again = Interpreter(document, world=world)
    again.restore(walk.state())
    assert again.variables() == walk.variables()
    assert again.language == walk.language
    if isinstance(action, Collect) and action.node:
        assert again.start(action.node).path[:1] == (action.node,)


@settings(max_examples=200)
@given(flows)
def test_any_flow_can_be_checked(document: FlowDocument) -> None:
    flow = Flow("me", "0" * 12, document, b"", "f.yaml", Document())
    found = check(flow)
    assert found == check(flow)
    assert all(problem.code for problem in found)
