"""Who hangs up at the `callback` node: an offer was made, and was not taken."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from node_flows import document
from test_session import World, key

from ivr.flow.actions import (
    Action,
    AskCallback,
    CheckNumber,
    Collect,
    DeclineCallback,
    Ended,
    FindCallback,
    Play,
)
from ivr.flow.document import Document
from ivr.flow.frame import Facts
from ivr.flow.interpreter import Interpreter
from ivr.flow.load import Flow
from ivr.flow.outcomes import CallerGone, Done, Found, Keyed, NotFound, Outcome
from ivr.partners import Left
from ivr.services import Services
from ivr.session import Session
from pbx.errors import CallGone
from pbx.port import Digits, DigitsEnd

NODE = {
    "type": "callback", "queue": "sales", "prompt": "offer", "accepted": "ok", "declined": "none",
    "failed": "bad",
}  # fmt: skip
ONE, TWO = (Keyed(Digits(digit, DigitsEnd.COMPLETE)) for digit in "12")
SAID = Found({"number": "+12025550143", "digits": "2025550143"})
WAITS = Found({"callback": "c1", "place": 3})


def after(*outcomes: Outcome) -> tuple[Interpreter, Action]:
    walk = Interpreter(document({"a": NODE}), facts=Facts("+12025550143"))
    action = walk.start()
    for one in outcomes:
        action = walk.resume(one)
    return walk, action


@pytest.mark.parametrize(
    ("before", "at"),
    [
        ((), Collect),
        ((ONE,), FindCallback),
        ((ONE, NotFound()), CheckNumber),
        ((ONE, NotFound(), SAID), Collect),
        ((ONE, NotFound(), SAID, TWO), Collect),
        ((ONE, NotFound(), SAID, ONE), AskCallback),
    ],
)
def test_who_hangs_up_before_it_is_promised_has_declined_once(
    before: Sequence[Outcome], at: type[Action]
) -> None:
    walk, action = after(*before)
    assert isinstance(action, at)
    last = walk.resume(CallerGone())
    assert isinstance(last, DeclineCallback)
    assert (last.queue, last.node) == ("sales", "a")
    for outcome in (Done(), CallerGone()):
        assert isinstance(walk.resume(outcome), Ended)


@pytest.mark.parametrize(
    "before",
    [
        (ONE, WAITS),
        (ONE, WAITS, TWO),
        (ONE, WAITS, ONE),
        (ONE, NotFound(), SAID, ONE, Done()),
        (TWO, Done()),
    ],
)
def test_who_has_one_or_has_said_so_before_does_not_decline_it(before: Sequence[Outcome]) -> None:
    walk, action = after(*before)
    assert isinstance(action, Collect | Play) or action.node == "ok" or action.node == "none"
    assert isinstance(walk.resume(CallerGone()), Ended)


def test_who_declines_in_the_talk_is_counted_too() -> None:
    nine = Keyed(Digits("9", DigitsEnd.COMPLETE))
    _, action = after(ONE, NotFound(), SAID, nine, nine)
    assert isinstance(action, DeclineCallback)


class Declines:
    """The one service that is asked."""

    def __init__(self) -> None:
        self.queues: list[str] = []

    async def waits(self, _queue: str, _number: str) -> None:
        return None

    async def check(self, _number: str) -> Any:
        return SAID.values

    async def declined(self, _interaction: str, queue: str) -> None:
        self.queues.append(queue)


class Leaves(World):
    """A call that is over once so many digits were taken."""

    def __init__(self, stays: int) -> None:
        super().__init__(keys=[key("1")] * stays)
        self.stays = stays

    async def collect(self, prompts: Sequence[Any], **more: Any) -> Digits:
        if not self.stays:
            self.breaks |= {"collect": CallGone(), "carry": CallGone()}
        self.stays -= 1
        return await super().collect(prompts, **more)


@pytest.mark.parametrize("stays", [0, 1])
async def test_a_session_counts_it_though_the_call_is_gone(stays: int) -> None:
    world, counted = Leaves(stays), Declines()
    flow = Flow("main", "1" * 12, document({"a": NODE}), b"", "main.yaml", Document())
    session = Session(
        flow, world, world, world, world, interaction="i1", facts=Facts("+12025550143"),
        services=Services(callbacks=counted),  # type: ignore[arg-type]
    )  # fmt: skip
    await session.run()
    assert counted.queues == ["sales"]
    assert world.left == [("a", Left.CALLER_GONE)]
