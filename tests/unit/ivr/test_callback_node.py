"""The `callback` node: the number said back, another typed in, one that waits, a time chosen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from node_flows import play

from ivr.flow.behaviour.recall import (
    CANCELLED,
    CANNOT,
    CHANGED,
    CONFIRM,
    CONFIRM_ONLY,
    ENTER,
    KEEPS,
    MOST_PLACE,
    NO_TIME,
    NUMBER,
    PROMPTS,
    TIME,
    TIME_CHOOSE,
    TIME_PROMPTS,
    WAITS,
    WAITS_AT,
    WAITS_CHOOSE,
    pieces,
)
from ivr.flow.document import parse
from ivr.flow.frame import Facts
from ivr.flow.stage import Run
from ivr.saying import say

OWN = Facts(number="+12025550143")
DIGITS = "one two zero two five five five zero one four three"
OTHER = "14155550123"


def calls(*steps: str, facts: Facts = OWN, answers: Any = None, **node: Any) -> Run:
    nodes = {
        "a": {
            "type": "callback",
            "queue": "sales",
            "prompt": "offer",
            "accepted": "ok",
            "declined": "none",
            "failed": "bad",
            **node,
        }
    }
    return play(nodes, *steps, facts=facts, answers={"a": answers} if answers else None)


def test_the_number_is_said_back_and_promised_once_it_is_confirmed() -> None:
    run = calls("1", "1")
    assert (run.queue, run.callback) == ("ok", "+12025550143")
    assert run.heard == ["offer", NUMBER, DIGITS, CONFIRM]
    assert calls("1", confirm=False).callback == "+12025550143"
    assert calls("1", "1", typed=False).heard[-1] == CONFIRM_ONLY


@pytest.mark.parametrize(
    "steps", [("2",), ("silence", "9"), ("1", "silence", "silence"), ("1", "9", "7")]
)
def test_who_declines_or_keys_nothing_is_promised_nothing(steps: tuple[str, ...]) -> None:
    run = calls(*steps)
    assert (run.queue, run.callback) == ("none", "")


def test_another_number_is_typed_in_and_said_back() -> None:
    run = calls("1", "2", f"{OTHER}#", "1")
    assert (run.queue, run.callback) == ("ok", OTHER)
    assert run.heard[4:7] == [ENTER, NUMBER, "one four one five five five five zero one two three"]
    assert calls("1", "2", "silence", "silence").queue == "none"
    assert calls("1", "2", typed=False).queue == "none"


def test_a_withheld_number_must_be_typed_in() -> None:
    run = calls("1", f"{OTHER}#", "1", facts=Facts())
    assert (run.callback, run.heard[1]) == (OTHER, ENTER)
    assert calls(facts=Facts(), typed=False).queue == "bad"


def test_numbers_that_cannot_be_called_are_refused_a_few_times() -> None:
    run = calls("1", "12#", "911#", facts=Facts())
    assert (run.queue, run.callback) == ("bad", "")
    assert run.heard == ["offer", ENTER, CANNOT, ENTER, CANNOT]
    run = calls("1", "12#", f"{OTHER}#", "1", facts=Facts())
    assert run.callback == OTHER


@pytest.mark.parametrize("answer", ["refused", "failed"])
def test_what_cannot_be_promised_is_not(answer: str) -> None:
    assert calls("1", "1", answers=[answer]).queue == "bad"
    run = calls("1", "1", answers=[answer], unstored="late")
    assert run.queue == ("late" if answer == "failed" else "bad")
    assert run.callback == ""


def test_one_that_waits_is_kept_changed_or_cancelled() -> None:
    waits = [{"place": "3"}]
    run = calls("1", "1", answers=waits)
    assert run.queue == "ok"
    assert run.heard[1:] == [WAITS_AT, "three", WAITS_CHOOSE, KEEPS]
    run = calls("1", "2", f"{OTHER}#", "1", answers=waits)
    assert (run.queue, run.callback, run.heard[-1]) == ("ok", OTHER, CHANGED)
    run = calls("1", "3", answers=waits)
    assert (run.queue, run.callback, run.heard[-1]) == ("none", "", CANCELLED)
    run = calls("1", "silence", "silence", answers=waits)
    assert (run.queue, run.heard[-1]) == ("ok", KEEPS)
    assert calls("1", answers=[{"place": str(MOST_PLACE + 1)}]).heard[1] == WAITS


def test_what_waits_for_another_s_number_is_not_told() -> None:
    run = calls("1", f"{OTHER}#", "1", facts=Facts(), answers=[{"place": "3"}, "done"])
    assert WAITS_AT not in run.heard


def test_a_time_is_chosen_in_the_caller_s_own_zone() -> None:
    run = calls("1", "1", "2", "1", when="chosen")
    assert (run.queue, run.callback) == ("ok", "+12025550143")
    assert run.heard.count(TIME_CHOOSE) == 2
    day = " ".join(say("date", "1970-01-01", "en"))
    assert run.heard[4:6] == [TIME, day]
    assert calls("1", "1", "3", when="chosen").queue == "bad"  # no other day
    assert calls("1", "1", *("2" * 6), when="chosen").heard[-1] == NO_TIME
    assert calls("1", "1", "silence", "silence", when="chosen").queue == "none"


@pytest.mark.parametrize("language", ["en", "th", "id"])
def test_all_that_may_be_said_is_there_in_each_language(language: str) -> None:
    there = parse(Path(f"media/prompts/{language}.yaml").read_bytes(), language).value
    assert {*PROMPTS, *TIME_PROMPTS} <= there.keys()
    ready = pieces(language, chosen=True)
    for kind, value in (
        ("digits", "0123456789"),
        ("number", MOST_PLACE),
        ("date", "2026-11-30"),
        ("time", "2026-11-30T17:45:00+00:00"),
    ):
        assert set(say(kind, value, language)) <= ready
