"""The interpreter: its laws under any flow and any outcomes, and menus in detail."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hypothesis import given, settings, strategies as st

from ivr.flow.actions import Action, Collect, Ended, EnterQueue, HangUp, Play
from ivr.flow.gathering import MAX_GATHERED
from ivr.flow.interpreter import FAILED_STEPS, MAX_STEPS, Interpreter
from ivr.flow.load import parse
from ivr.flow.model import FlowDocument
from ivr.flow.outcomes import Broken, CallerGone, Keyed, Outcome, Played, Refused, Talked
from ivr.flow.parts import Recorded, Text
from pbx.port import Cause, Digits, DigitsEnd

SILENCE = Keyed(Digits("", DigitsEnd.TIMEOUT))
BOUND = MAX_STEPS + FAILED_STEPS


def keyed(digits: str, end: DigitsEnd = DigitsEnd.COMPLETE) -> Keyed:
    return Keyed(Digits(digits, end))


def flow(nodes: dict[str, Any], **fields: Any) -> FlowDocument:
    return FlowDocument.model_validate({"sala": 1, "start": "a", "nodes": nodes, **fields})


def play(next_: str, prompt: Any = "p", **fields: Any) -> dict[str, Any]:
    return {"type": "play", "prompt": prompt, "next": next_, **fields}


def goto(next_: str) -> dict[str, Any]:
    return {"type": "goto", "next": next_}


def menu(keys: dict[str, str], **fields: Any) -> dict[str, Any]:
    return {
        "type": "menu",
        "prompt": "menu",
        "keys": keys,
        "invalid": {"prompt": "wrong", "next": "bad"},
        "timeout": {"prompt": "silent", "next": "late"},
        **fields,
    }


END = {"type": "hangup"}
QUEUE = {"type": "queue", "queue": "sales", "failed": "h"}


def heard(action: Action) -> list[str]:
    assert isinstance(action, Play | Collect)
    return [item.prompt if isinstance(item, Recorded) else str(item.say) for item in action.items]


# --- laws ------------------------------------------------------------------------------------

names = st.sampled_from([f"n{n}" for n in range(8)])
targets = st.sampled_from([*(f"n{n}" for n in range(8)), "nowhere"])
prompts = st.sampled_from(["p", ["p", "q"], {"say": "Hi"}, {"say": {"en": "Hi", "th": "ก"}}])
spoken = {"prompt": prompts, "next": targets, "barge_in": st.booleans()}
retry = st.fixed_dictionaries({"next": targets, "retries": st.integers(0, 3)})
nodes = st.one_of(
    st.fixed_dictionaries({"type": st.just("play"), **spoken}),
    st.fixed_dictionaries({"type": st.just("say"), "text": st.just("Hi"), "next": targets}),
    st.fixed_dictionaries(
        {
            "type": st.just("menu"),
            "prompt": prompts,
            "keys": st.dictionaries(
                st.text("0123456789*#", min_size=1, max_size=4), targets, min_size=1, max_size=4
            ),
            "invalid": retry,
            "timeout": retry,
        }
    ),
    st.fixed_dictionaries(
        {"type": st.just("queue"), "queue": st.just("s"), "failed": targets, "after": targets}
    ),
    st.fixed_dictionaries({"type": st.just("goto"), "next": targets}),
    st.just(END),
)
flows = st.builds(
    lambda found, start, failed: FlowDocument.model_validate(
        {"sala": 1, "start": start, "failed": failed, "nodes": found}
    ),
    st.dictionaries(names, nodes, min_size=1, max_size=8),
    names,
    st.none() | targets,
)
digits = st.builds(
    Digits, st.text(max_size=5) | st.text("0123456789*#"), st.sampled_from(DigitsEnd)
)
outcomes: st.SearchStrategy[Outcome] = st.one_of(
    st.builds(Keyed, digits),
    st.sampled_from([Played(), Talked(), Refused(), Broken(), CallerGone()]),
)


def fitting(action: Action, told: Outcome) -> Outcome:
    """Let most outcomes fit, so that walks go far."""
    match action, told:
        case Play(), Keyed() | Refused():
            return Played()
        case Collect(), Played() | Talked() | Refused():
            return SILENCE
        case EnterQueue(), Played() | Keyed():
            return Talked()
    return told


@settings(max_examples=400)
@given(flows, st.lists(outcomes, max_size=30), st.booleans())
def test_any_flow_asks_or_ends(document: FlowDocument, told: list[Outcome], fit: bool) -> None:
    interpreter = Interpreter(document)
    action = interpreter.start()
    entered = len(action.path)
    for outcome in told:
        before = action
        action = interpreter.resume(fitting(action, outcome) if fit else outcome)
        entered += len(action.path)
        match action:
            case Play() | Collect():
                assert len(action.items) > 0
                assert action.node in document.nodes
            case EnterQueue():
                assert action.node in document.nodes
        if isinstance(before, HangUp | Ended):
            assert isinstance(action, Ended)
        if isinstance(outcome, CallerGone) and not fit:
            assert isinstance(action, Ended)
    assert entered <= BOUND


@settings(max_examples=150)
@given(flows, st.integers(0, 3))
def test_every_walk_ends(document: FlowDocument, habit: int) -> None:
    """A caller who never hangs up, whatever their habit, is let go in the end."""
    interpreter = Interpreter(document)
    action = interpreter.start()
    actions = 0
    while not isinstance(action, HangUp | Ended):
        actions += 1
        assert actions <= 10 * BOUND
        match action:
            case Play():
                action = interpreter.resume(Played())
            case EnterQueue():
                action = interpreter.resume(Talked() if habit % 2 else Refused())
            case Collect():
                node = document.nodes[action.node]
                key = next(iter(node.keys)) if habit > 1 else ""  # type: ignore[union-attr]
                end = DigitsEnd.COMPLETE if key else DigitsEnd.TIMEOUT
                action = interpreter.resume(keyed(key, end))


@settings(max_examples=150)
@given(flows, st.lists(outcomes, max_size=15), names)
def test_same_outcomes_give_same_actions(
    document: FlowDocument, told: list[Outcome], node: str
) -> None:
    def walk() -> list[Action]:
        interpreter = Interpreter(document, language="th")
        return [interpreter.start(node), *map(interpreter.resume, told)]

    assert walk() == walk()


# --- walking ---------------------------------------------------------------------------------


def test_what_precedes_a_menu_is_one_order_with_it() -> None:
    walk = Interpreter(
        flow({"a": play("b"), "b": goto("c"), "c": play("m", {"say": "Hi"}), "m": menu({"1": "h"})})
    )
    action = walk.start()
    assert isinstance(action, Collect)
    assert action.node == "m"
    assert action.path == ("a", "b", "c", "m")
    assert heard(action) == ["p", "Hi", "menu"]
    assert action.items[1] == Text(say="Hi")


def test_what_may_not_be_interrupted_is_played_by_itself() -> None:
    walk = Interpreter(
        flow({"a": play("b"), "b": play("m", "legal", barge_in=False), "m": menu({"1": "h"})})
    )
    first = walk.start()
    assert (heard(first), first.path) == (["p"], ("a",))
    second = walk.resume(Played())
    assert (heard(second), second.node, second.path) == (["legal"], "b", ("b",))
    third = walk.resume(Played())
    assert isinstance(third, Collect)
    assert heard(third) == ["menu"]


def test_what_precedes_a_queue_is_heard_before_it() -> None:
    walk = Interpreter(flow({"a": play("q"), "q": QUEUE, "h": END}))
    assert isinstance(walk.start(), Play)
    assert walk.resume(Played()) == EnterQueue("q", ("q",), "sales", resumes=False)
    assert walk.resume(Refused()) == HangUp("h", ("h",), Cause.NORMAL)
    assert walk.resume(Played()) == Ended("h")


def test_entry_that_is_a_queue_asks_for_nothing_else() -> None:
    assert Interpreter(flow({"a": QUEUE, "h": END})).start() == EnterQueue(
        "a", ("a",), "sales", resumes=False
    )


def test_gathering_is_bounded() -> None:
    walk = Interpreter(
        flow({f"n{n}": play(f"n{n + 1}") for n in range(20)} | {"n20": END, "a": goto("n0")})
    )
    action = walk.start()
    sizes = []
    while isinstance(action, Play):
        sizes.append(len(action.items))
        action = walk.resume(Played())
    assert sum(sizes) == 20
    assert max(sizes) == MAX_GATHERED


def test_after_the_talk() -> None:
    nodes = {"a": {**QUEUE, "after": "s"}, "s": play("h"), "b": QUEUE, "h": END}
    walk = Interpreter(flow(nodes))
    assert walk.start() == EnterQueue("a", ("a",), "sales", resumes=True)
    assert heard(walk.resume(Talked())) == ["p"]
    assert heard(Interpreter(flow(nodes)).after("a")) == ["p"]
    for node in ("b", "s", "gone"):
        assert Interpreter(flow(nodes)).after(node) == HangUp(node, (), Cause.NORMAL)


def test_rejoins_at_a_node() -> None:
    nodes = {"a": play("m"), "m": menu({"1": "h"}), "h": END}
    assert heard(Interpreter(flow(nodes)).start("m")) == ["menu"]
    assert heard(Interpreter(flow(nodes)).start("no-such-node")) == ["p", "menu"]


def test_endless_flow_is_cut_and_goes_to_the_failed_exit() -> None:
    nodes = {"a": goto("b"), "b": goto("a"), "q": QUEUE, "h": END}
    walk = Interpreter(flow(nodes, failed="q"))
    action = walk.start()
    assert isinstance(action, EnterQueue)
    assert walk.cut
    assert len(action.path) == MAX_STEPS + 1
    again = Interpreter(flow(nodes, failed="a"))
    assert isinstance(again.start(), HangUp)
    without = Interpreter(flow(nodes)).start()
    assert isinstance(without, HangUp)
    assert without.cause is Cause.FAILED


def test_what_cannot_be_done_goes_to_the_failed_exit() -> None:
    walk = Interpreter(flow({"a": play("h"), "q": QUEUE, "h": END}, failed="q"))
    walk.start()
    assert isinstance(walk.resume(Broken()), EnterQueue)
    assert not walk.cut
    assert walk.resume(Broken()) == HangUp("q", (), Cause.FAILED)


# --- menus -----------------------------------------------------------------------------------

MENU = {
    "a": menu({"1": "one", "*": "star"}),
    "one": {**QUEUE},
    "star": goto("a"),
    "bad": {**QUEUE, "queue": "bad"},
    "late": {**QUEUE, "queue": "late"},
    "h": END,
}


def queue_after(*told: Outcome, nodes: dict[str, Any] | None = None) -> str:
    walk = Interpreter(flow(nodes or MENU))
    action = walk.start()
    for outcome in told:
        assert isinstance(action, Collect)
        action = walk.resume(outcome)
    assert isinstance(action, EnterQueue), action
    return action.queue


def test_key_takes_its_exit() -> None:
    assert queue_after(keyed("1")) == "sales"
    assert queue_after(keyed("*"), keyed("1")) == "sales"


def test_retries_then_exits() -> None:
    wrong = keyed("9")
    assert queue_after(wrong, wrong, wrong) == "bad"
    assert queue_after(SILENCE, SILENCE, SILENCE) == "late"
    # each counts for itself
    assert queue_after(wrong, SILENCE, wrong, SILENCE, SILENCE) == "late"
    assert queue_after(wrong, SILENCE, wrong, SILENCE, wrong) == "bad"
    # and starts anew when the caller comes back to the menu
    assert queue_after(wrong, wrong, keyed("*"), wrong, wrong, keyed("1")) == "sales"


def test_retry_says_why_and_repeats_the_menu() -> None:
    walk = Interpreter(flow(MENU))
    first = walk.start()
    assert isinstance(first, Collect)
    assert heard(first) == ["menu"]
    assert (first.max_digits, first.first_ms, first.terminators) == (1, 5_000, "")
    assert heard(walk.resume(keyed("#"))) == ["wrong", "menu"]
    assert heard(walk.resume(SILENCE)) == ["silent", "menu"]


def test_codes_of_several_digits() -> None:
    nodes = {**MENU, "a": menu({"1": "one", "12": "bad"}, first_digit_s=2, next_digit_s=1.5)}
    action = Interpreter(flow(nodes)).start()
    assert isinstance(action, Collect)
    assert (action.max_digits, action.first_ms, action.next_ms) == (2, 2_000, 1_500)
    assert action.terminators == "#"
    assert queue_after(keyed("1", DigitsEnd.TIMEOUT), nodes=nodes) == "sales"
    assert queue_after(keyed("1", DigitsEnd.COMPLETE), nodes=nodes) == "sales"
    assert queue_after(keyed("12"), nodes=nodes) == "bad"
    empty = keyed("")  # a terminator alone
    assert queue_after(empty, empty, empty, nodes=nodes) == "bad"


def test_sample_reaches_each_department_and_a_person_in_any_case() -> None:
    path = Path("ivr/flows/main.yaml")
    sample = parse(path.read_bytes(), alias="main", file=str(path)).document

    def reach(*told: Outcome) -> str:
        walk = Interpreter(sample)
        action = walk.start()
        for outcome in told:
            action = walk.resume(outcome)
        assert isinstance(action, Play)
        queued = walk.resume(Played())
        assert isinstance(queued, EnterQueue)
        return queued.queue

    assert reach(keyed("1")) == "sales"
    assert reach(keyed("2")) == "support"
    assert reach(keyed("3")) == "billing"
    assert reach(keyed("0"), keyed("3")) == "billing"
    assert reach(keyed("7"), keyed("7")) == "support"
    assert reach(SILENCE, SILENCE) == "support"
