"""Nodes that ask the world outside, and nodes that lead out of the flow."""

from __future__ import annotations

from typing import Any

import pytest
from node_flows import OUT, RETRY, document, play

from ivr.flow.actions import EnterQueue, SendCode
from ivr.flow.frame import Facts
from ivr.flow.interpreter import Interpreter
from ivr.flow.outcomes import Broken, Refused, Verdict

LOOKUP = {
    "type": "lookup",
    "customer": {},
    "into": "c",
    "fields": {"age": "int", "rate": "double", "name": "string"},
    "next": "b",
    "missing": "none",
    "failed": "bad",
}

FOUND = {"age": 3, "rate": 2, "name": "Ann", "more": [1]}


@pytest.mark.parametrize(
    ("answer", "queue"),
    [
        (FOUND, "ok"),
        ({**FOUND, "age": 3.0}, "ok"),
        ({**FOUND, "age": "3"}, "bad"),
        ({**FOUND, "age": 3.5}, "bad"),
        ({**FOUND, "age": True}, "bad"),
        ({**FOUND, "age": 2**70}, "bad"),
        ({**FOUND, "name": None}, "bad"),
        ({"age": 3}, "bad"),
        ("missing", "none"),
        ("failed", "bad"),
    ],
)
def test_lookup(answer: Any, queue: str) -> None:
    nodes = {
        "a": LOOKUP,
        "b": {"type": "tag", "tags": {"who": "c.name + string(c.age)"}, **OUT},
    }
    run = play(nodes, answers={"a": [answer]})
    assert run.queue == queue
    assert run.tags == ({"who": "Ann3"} if queue == "ok" else {})


IDENTIFY = {
    "type": "identify",
    "subject": "caller.number",
    "prompt": "pin",
    "wrong": "wrong-pin",
    "tries": 2,
    "next": "ok",
    "refused": "wrong",
    "locked": "locked",
    "unknown": "other",
    "failed": "bad",
    "timeout": {"next": "late", **RETRY},
}


@pytest.mark.parametrize(
    ("verdicts", "steps", "queue"),
    [
        (["proved"], ["1234"], "ok"),
        (["wrong", "proved"], ["1111", "1234"], "ok"),
        (["wrong"], ["1111", "2222"], "wrong"),
        (["locked"], ["1234"], "locked"),
        (["unknown"], ["1234"], "other"),
        (["failed"], ["1234"], "bad"),
        (["nonsense", "proved"], ["1234", "1234"], "ok"),
        ([], ["silence", "silence"], "late"),
        ([], ["12#", "1#"], "wrong"),
        ([], ["12*4", "12*4"], "wrong"),
    ],
)
def test_identify(verdicts: list[str], steps: list[str], queue: str) -> None:
    facts = Facts(number="+12025550143")
    assert play({"a": IDENTIFY}, *steps, facts=facts, answers={"a": verdicts}).queue == queue


SEND = {"url": "https://codes.example/send", "data": {"number": "caller.number"}}


def test_identify_by_a_code_that_is_sent() -> None:
    facts = Facts(number="+12025550143")
    otp = {**IDENTIFY, "method": "otp", "send": SEND}
    assert play({"a": otp}, "1234", facts=facts, answers={"a": ["proved"]}).queue == "ok"
    walk = Interpreter(document({"a": otp}), facts=facts)
    asked = walk.start()
    assert isinstance(asked, SendCode)
    assert (asked.subject, asked.digits, asked.url) == ("+12025550143", 4, SEND["url"])
    assert (asked.data, asked.timeout_ms) == ({"number": "+12025550143"}, 5_000)
    for outcome, queue in (
        (Refused(), "other"),
        (Verdict("locked"), "locked"),
        (Broken(), "bad"),
    ):
        walk = Interpreter(document({"a": otp}), facts=facts)
        walk.start()
        action = walk.resume(outcome)
        assert isinstance(action, EnterQueue)
        assert action.queue == queue


@pytest.mark.parametrize("fields", [{"method": "otp"}, {"send": SEND}])
def test_a_code_needs_a_way_and_a_pin_has_none(fields: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="needs `send` with `method: otp`"):
        document({"a": {**IDENTIFY, **fields}})


def test_identify_without_a_subject_asks_nothing() -> None:
    run = play({"a": IDENTIFY})
    assert (run.queue, run.heard) == ("other", [])


def test_transfer() -> None:
    for way in ({"number": "'+12025550143'"}, {"sip": "sip:a@b.example"}, {"agent": "1001"}):
        run = play({"a": {"type": "transfer", "failed": "bad", **way}})
        assert run.ends == "transferred"
        assert run.transfer.lstrip("+")[:3] in {"120", "sip", "100"}
    node = {"type": "transfer", "number": "caller.number", "failed": "bad"}
    assert play({"a": node}).queue == "bad"
    assert play({"a": node}, facts=Facts("+1"), answers={"a": ["refused"]}).queue == "bad"


def test_webhook_chooses_among_targets_alone() -> None:
    node = {"type": "webhook", "url": "https://h/x", "targets": ["ok", "other"], "failed": "bad"}
    assert play({"a": node}, answers={"a": ["other"]}).queue == "other"
    for answer in ("none", "nowhere", "failed", ""):
        assert play({"a": node}, answers={"a": [answer]}).queue == "bad"


def test_queue_bears_priority_and_criteria() -> None:
    node = {
        "type": "queue",
        "queue": "sales",
        "priority": "dialled == '600' ? 5 : 1",
        "criteria": [{"skills": {"thai": 3}, "for_s": 20}, {"skills": {}}],
        "failed": "bad",
    }
    run = play({"a": node}, facts=Facts(dialled="600"))
    assert (run.priority, run.criteria) == (5, [{"thai": 3}, {}])


def test_keys_while_waiting_lead_out_of_the_queue() -> None:
    nodes = {"a": {"type": "queue", "queue": "sales", "keys": {"1": "ok"}, "failed": "bad"}}
    assert play(nodes, "9").queue == "sales"
    assert play(nodes, "1").queue == "ok"
    walk = Interpreter(document(nodes))
    assert walk.key("a", "9") is None
    assert walk.key("ok", "1") is None
    action = walk.key("a", "1")
    assert action is not None
    assert action.node == "ok"
