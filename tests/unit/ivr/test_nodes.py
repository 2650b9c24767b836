"""Each node and each of its exits, on paper."""

from __future__ import annotations

from typing import Any

import pytest

from crm.calendars import Calendar
from ivr.flow.actions import Collect, HangUp, RecordVoice
from ivr.flow.frame import Facts, World
from ivr.flow.interpreter import Interpreter
from ivr.flow.model import FlowDocument
from ivr.flow.stage import Run, Stage
from pbx.port import Cause

OUT = {"next": "ok", "failed": "bad"}
ENDS = ("ok", "bad", "none", "late", "wrong", "locked", "other")
RETRY = {"retries": 1}


def document(nodes: dict[str, Any], **fields: Any) -> FlowDocument:
    ends = {name: {"type": "queue", "queue": name, "failed": "end"} for name in ENDS}
    return FlowDocument.model_validate(
        {
            "sala": 1,
            "start": "a",
            "nodes": {**ends, "end": {"type": "hangup"}, **nodes},
            **fields,
        }
    )


def play(nodes: dict[str, Any], *steps: str, facts: Facts | None = None, **fields: Any) -> Run:
    answers = fields.pop("answers", None)
    world = fields.pop("world", None)
    now_ms = fields.pop("now_ms", 0)
    flow = document(nodes, **fields)
    stage = Stage(flow, facts=facts, world=world, now_ms=now_ms, answers=answers)
    return stage.play(steps)


# --- digits ----------------------------------------------------------------------------------

COLLECT = {
    "type": "collect",
    "prompt": "number",
    "into": "x",
    "max_digits": 8,
    "next": "ok",
    "invalid": {"prompt": "wrong", "next": "wrong", **RETRY},
    "timeout": {"prompt": "silent", "next": "late", **RETRY},
}


def collected(*steps: str, **fields: Any) -> Run:
    return play({"a": {**COLLECT, **fields}}, *steps, variables={"x": "string"})


def test_collect_takes_digits_by_terminator_length_and_time_out() -> None:
    assert collected("1234#").queue == "ok"
    assert collected("12345678").queue == "ok"
    assert collected("12").queue == "ok"


def test_collect_retries_and_exits() -> None:
    assert collected("silence", "silence").queue == "late"
    assert collected("#", "#").queue == "wrong"
    run = collected("1#", "123#", min_digits=3)
    assert (run.queue, run.heard) == ("ok", ["number", "wrong", "number"])


@pytest.mark.parametrize(
    ("digits", "right"),
    [("79927398713", True), ("79927398710", False), ("0", True), ("18", True), ("81", False)],
)
def test_collect_luhn(digits: str, right: bool) -> None:
    run = collected(f"{digits}#", f"{digits}#", checksum="luhn", max_digits=16)
    assert run.queue == ("ok" if right else "wrong")


def test_collect_pattern_is_of_the_whole() -> None:
    assert collected("66123#", pattern="66[0-9]{3}").queue == "ok"
    assert collected("661234#", "166123#", pattern="66[0-9]{3}").queue == "wrong"
    assert collected("66123#", pattern="11|66123").queue == "ok"


def test_hostile_pattern_takes_no_time() -> None:
    run = collected("1" * 31 + "#", "silence", "silence", pattern="(1+)+2", max_digits=32)
    assert run.queue == "late"


def test_secret_digits_are_marked_and_not_shown() -> None:
    flow = document({"a": {**COLLECT, "secret": True}}, variables={"x": "secret"})
    walk = Interpreter(flow)
    action = walk.start()
    assert isinstance(action, Collect)
    assert action.secret
    stage = Stage(flow)
    stage.play(["4711#"])
    assert stage.variables() == []


# --- recordings ------------------------------------------------------------------------------

VOICEMAIL = {
    "type": "voicemail",
    "mailbox": "office",
    "prompt": "speak",
    "next": "ok",
    "empty": "none",
    "failed": "bad",
}
REVIEW = {"prompt": "keep-it", "tries": 2}


def test_voicemail() -> None:
    run = play({"a": VOICEMAIL}, "speak 5")
    assert (run.queue, run.voicemail, run.heard) == ("ok", "office", ["speak"])
    assert play({"a": VOICEMAIL}, "silence").queue == "none"
    assert play({"a": VOICEMAIL}, "speak 0.5").queue == "none"
    assert play({"a": VOICEMAIL}, "speak 5", answers={"a": ["failed"]}).queue == "bad"


def test_review_lets_speak_again_and_keeps_the_last() -> None:
    nodes = {"a": {**VOICEMAIL, "review": REVIEW}}
    assert play(nodes, "speak 5", "1").voicemail == "office"
    assert play(nodes, "speak 5", "silence").voicemail == "office"
    run = play(nodes, "speak 5", "2", "speak 5")
    assert (run.voicemail, run.queue) == ("office", "ok")


def test_record_keeps_the_name() -> None:
    node = {k: v for k, v in VOICEMAIL.items() if k != "mailbox"}
    nodes = {
        "a": {**node, "type": "record", "into": "x", "next": "b"},
        "b": {"type": "tag", "tags": {"take": "x"}, **OUT},
    }
    assert play(nodes, "speak 5", variables={"x": "string"}).tags == {"take": "recording-1"}


def test_recording_begins_after_its_prompt_was_heard() -> None:
    walk = Interpreter(document({"a": VOICEMAIL}))
    from ivr.flow.actions import Broken, Played

    first = walk.start()
    assert isinstance(walk.resume(Played()), RecordVoice)
    assert first.node == "a"
    assert walk.resume(Broken()).node == "bad"


# --- conditions ------------------------------------------------------------------------------


def test_branch_takes_the_first_that_holds() -> None:
    def way(tries: int) -> str:
        nodes = {
            "s": {"type": "set", "values": {"x": str(tries)}, "next": "a", "failed": "bad"},
            "a": {
                "type": "branch",
                "cases": [{"when": "x > 5", "next": "other"}, {"when": "x > 2", "next": "ok"}],
                "otherwise": "none",
                "failed": "bad",
            },
        }
        return play(nodes, variables={"x": "int"}, start="s").queue

    assert [way(9), way(4), way(1)] == ["other", "ok", "none"]


@pytest.mark.parametrize("value", ["1 / 0", "int(caller.number)", "9223372036854775807 + 1"])
def test_expression_that_fails_takes_the_failed_exit(value: str) -> None:
    node = {"type": "set", "values": {"x": value}, **OUT}
    assert play({"a": node}, variables={"x": "int"}).queue == "bad"


def test_set_sees_what_was_before() -> None:
    nodes = {
        "a": {"type": "set", "values": {"x": "y + 1", "y": "x + 5"}, "next": "b", "failed": "bad"},
        "b": {"type": "tag", "tags": {"x": "x", "y": "y"}, **OUT},
    }
    assert play(nodes, variables={"x": "int", "y": "int"}).tags == {"x": 1, "y": 5}


def test_hours() -> None:
    from datetime import date

    nine_to_five = (((9 * 60, 17 * 60),),) * 5 + ((), ())
    office = Calendar("office", "UTC", nine_to_five, {date(1970, 1, 2): "Boxing"})
    node = {"type": "hours", "calendar": "office", "open": "ok", "closed": "none", "failed": "bad"}
    world = World({"office": office})
    hour = 3_600_000
    assert play({"a": node}, world=world, now_ms=10 * hour).queue == "ok"
    assert play({"a": node}, world=world, now_ms=8 * hour).queue == "none"
    assert play({"a": node}, world=world, now_ms=34 * hour).queue == "none"
    apart = {"a": {**node, "holiday": "other"}}
    assert play(apart, world=world, now_ms=34 * hour).queue == "other"
    assert play({"a": node}).queue == "bad"


def test_language_is_heard_from_there_on_and_kept() -> None:
    nodes = {
        "a": {"type": "say", "text": {"en": "Hi", "th": "ก"}, "next": "l"},
        "l": {"type": "language", "language": "th", "next": "b"},
        "b": {"type": "say", "text": {"en": "Hi", "th": "ก"}, "next": "ok"},
    }
    run = play(nodes)
    assert (run.heard, run.language, run.kept_language) == (["Hi", "ก"], "th", "th")
    kept = play(nodes, facts=Facts(language="th"), languages=["en", "th"])
    assert kept.heard == ["ก", "ก"]
    assert play(nodes, facts=Facts(language="de"), languages=["en", "th"]).heard[0] == "Hi"


def test_tags_and_events_come_along_with_the_next_action() -> None:
    nodes = {
        "a": {"type": "tag", "tags": {"vip": "true", "n": "1 + 1"}, "next": "b", "failed": "bad"},
        "b": {"type": "event", "event": "came", "data": {"who": "caller.number"}, **OUT},
    }
    run = play(nodes, facts=Facts(number="+12025550143"))
    assert (run.tags, run.events, run.queue) == ({"vip": True, "n": 2}, ["came"], "ok")


# --- outside ---------------------------------------------------------------------------------

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


def test_identify_without_a_subject_asks_nothing() -> None:
    run = play({"a": IDENTIFY})
    assert (run.queue, run.heard) == ("other", [])


def test_callback() -> None:
    node = {
        "type": "callback",
        "queue": "sales",
        "prompt": "offer",
        "accepted": "ok",
        "declined": "none",
        "failed": "bad",
    }
    facts = Facts(number="+12025550143")
    run = play({"a": node}, "1", facts=facts)
    assert (run.queue, run.callback) == ("ok", "+12025550143")
    assert play({"a": node}, "2", facts=facts).queue == "none"
    assert play({"a": node}, "silence", "9", facts=facts).queue == "none"
    assert play({"a": node}, "9", "1", facts=facts).queue == "ok"
    assert play({"a": node}).queue == "bad"
    for refusal in ("refused", "failed"):
        assert play({"a": node}, "1", facts=facts, answers={"a": [refusal]}).queue == "bad"


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


# --- subflows --------------------------------------------------------------------------------

PAY = {
    "sala": 1,
    "start": "ask",
    "variables": {"amount": "int", "done": "bool"},
    "nodes": {
        "ask": {
            "type": "menu",
            "prompt": "pay",
            "keys": {"1": "yes", "2": "no", "3": "odd", "4": "broken"},
            "invalid": {"next": "no", "retries": 0},
            "timeout": {"next": "no", "retries": 0},
        },
        "yes": {"type": "set", "values": {"done": "amount > 5"}, "next": "paid", "failed": "no"},
        "paid": {"type": "return", "exit": "paid"},
        "no": {"type": "return", "exit": "left"},
        "odd": {"type": "return", "exit": "odd"},
        "broken": {"type": "goto", "next": "nowhere"},
    },
}
CALLS = {
    "type": "subflow",
    "flow": "pay",
    "give": {"amount": "x + 1"},
    "take": {"paid": "done"},
    "returns": {"paid": "b", "left": "none"},
    "failed": "bad",
}


def with_pay(*steps: str, **node: Any) -> Run:
    pay = FlowDocument.model_validate(PAY)
    nodes = {
        "s": {"type": "set", "values": {"x": "5"}, "next": "a", "failed": "bad"},
        "a": {**CALLS, **node},
        "b": {"type": "tag", "tags": {"paid": "paid"}, **OUT},
    }
    world = World(flow=lambda alias: pay if alias == "pay" else None)
    return play(nodes, *steps, world=world, start="s", variables={"x": "int", "paid": "bool"})


def test_subflow_gives_takes_and_returns() -> None:
    run = with_pay("1")
    assert (run.queue, run.tags) == ("ok", {"paid": True})
    assert run.path == ["s", "a", "a.ask", "a.yes", "a.paid", "b", "ok"]
    assert with_pay("2").queue == "none"


def test_subflow_that_breaks_takes_the_failed_exit() -> None:
    assert with_pay("3").queue == "bad"  # an exit that leads nowhere
    assert with_pay("4").queue == "bad"  # a node that is not there
    assert with_pay(flow="gone").queue == "bad"
    assert with_pay(give={"nothing": "1"}).queue == "bad"
    assert with_pay(give={"amount": "'text'"}).queue == "bad"
    assert with_pay("1", take={"x": "done"}).queue == "bad"


def test_return_of_a_flow_by_itself_ends_the_call() -> None:
    action = Interpreter(document({"a": {"type": "return", "exit": "x"}})).start()
    assert isinstance(action, HangUp)
    assert action.cause is Cause.NORMAL


def test_flow_that_calls_itself_ends() -> None:
    flow = document(
        {"a": {"type": "subflow", "flow": "me", "returns": {"x": "ok"}, "failed": "bad"}}
    )
    stage = Stage(flow, world=World(flow=lambda _: flow))
    assert stage.begin().queue == "bad"


# --- rejoining -------------------------------------------------------------------------------


def test_rejoins_within_a_subflow_with_its_variables() -> None:
    pay = FlowDocument.model_validate(PAY)
    world = World(flow=lambda _: pay)
    flow = document(
        {
            "s": {"type": "set", "values": {"x": "5"}, "next": "a", "failed": "bad"},
            "a": CALLS,
            "b": {"type": "tag", "tags": {"paid": "paid"}, **OUT},
        },
        start="s",
        variables={"x": "int", "paid": "bool"},
    )
    first = Interpreter(flow, world=world)
    asked = first.start()
    again = Interpreter(flow, world=world)
    again.restore(first.state())
    assert again.start(asked.node) == Collect(
        "a.ask",
        ("a.ask",),
        asked.items,
        "en",  # type: ignore[union-attr]
    )
    without = Interpreter(flow, world=world)
    assert without.start(asked.node).path == ("a", "a.ask")


def test_state_holds_no_secret_and_fits_into_facts() -> None:
    from ivr.flow import state

    flow = document({"a": COLLECT}, variables={"x": "string", "pin": "secret", "long": "string"})
    walk = Interpreter(flow)
    assert walk.state() == ""
    frame = walk._frame
    frame.set("x", "hello ก")
    frame.set("pin", "4711")
    again = Interpreter(flow)
    again.restore(walk.state())
    assert again.variables() == [("x", "hello ก")]
    assert "4711" not in str(state.unpack(walk.state()))
    import random

    frame.set("long", "".join(chr(random.Random(1).randrange(33, 9_000)) for _ in range(3_000)))
    facts = state.facts(walk.state())
    assert all(len(value) <= 128 for value in facts.values())
    again.restore(state.of_facts(facts))
    assert ("x", "hello ก") in again.variables()


@pytest.mark.parametrize("packed", ["x", "AAAA", "eJyLjgUAARUAuQ", "", "ก"])
def test_state_that_is_none_is_ignored(packed: str) -> None:
    walk = Interpreter(document({"a": COLLECT}, variables={"x": "string"}))
    walk.restore(packed)
    assert walk.start().node == "a"


@pytest.mark.parametrize("keys", ["12345678#", "12345678"])
def test_a_terminator_behind_a_complete_number_is_no_wrong_key(keys: str) -> None:
    menu = {
        "type": "menu",
        "prompt": "choose",
        "keys": {"1": "ok"},
        "invalid": {"retries": 0, "next": "wrong"},
        "timeout": {"retries": 0, "next": "late"},
    }
    collect = {**COLLECT, "type": "collect", "next": "b"}
    identify = {
        "type": "identify",
        "subject": "'c-1'",
        "prompt": "pin",
        "digits": 4,
        "tries": 1,
        "next": "ok",
        "refused": "wrong",
        "locked": "locked",
        "unknown": "other",
        "failed": "bad",
        "timeout": {"retries": 0, "next": "late"},
    }
    declared = {"x": "string"}
    pin = {"a": collect, "b": identify}
    run = play(pin, keys, "4711", variables=declared, answers={"b": ["proved"]})
    assert run.queue == "ok"
    assert play(pin, f"{keys.rstrip('#')}##", variables=declared).queue == "wrong"
    run = play({"a": collect, "b": menu}, keys, "1", variables=declared)
    assert run.queue == "ok"
    own = {**menu, "keys": {"#": "other", "1": "ok"}}
    assert play({"a": collect, "b": own}, keys, "#", variables=declared).queue == "other"
