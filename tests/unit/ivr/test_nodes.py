"""What each node of a flow does."""

from __future__ import annotations

from typing import Any

import pytest
from node_flows import OUT, RETRY, document, play

from crm.calendars import Calendar
from ivr.flow.actions import Collect, RecordVoice
from ivr.flow.frame import Facts, World
from ivr.flow.interpreter import Interpreter
from ivr.flow.stage import Run, Stage

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
    from ivr.flow.outcomes import Broken, Played

    first = walk.start()
    assert isinstance(walk.resume(Played()), RecordVoice)
    assert first.node == "a"
    assert walk.resume(Broken()).node == "bad"


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
