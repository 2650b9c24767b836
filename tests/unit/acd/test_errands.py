"""What a waiting caller is told and asked, and what comes of it for their place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from stage import Stage

from acd.contacts import Contact
from acd.router.events import Wanted
from acd.router.recipes import Callback, Recipe, Say, Waited
from crm.errors import DatabaseUnavailable
from pbx.port import Caller
from sala.errands import NOT_PROMISED, OFFER, PROMISED, Errands

LATER = (Waited(1000),)


class Line:
    """A call and its session, as far as errands need them: what was heard, keyed and done."""

    def __init__(self, key: str = "", number: str | None = "+12025550143") -> None:
        self.caller = Caller(number)
        self.address = None
        self.key = key
        self.log: list[str] = []
        self.meanwhile: Callable[[], None] = lambda: None

    async def tell(self, prompts: list[str]) -> None:
        self.log += prompts

    async def ask(self, prompt: str, *, first_ms: int) -> str:
        self.log.append(prompt)
        self.meanwhile()
        return self.key

    async def left(self, node: str, reason: str) -> None:
        self.log.append(f"{node}: {reason}")

    async def hang_up(self) -> None:
        self.log.append("hang up")


class Promises:
    def __init__(self, answer: bool | Exception) -> None:
        self.answer = answer
        self.made: list[tuple[str, str, str]] = []

    async def promise(self, interaction: str, queue: str, number: str) -> bool:
        self.made.append((interaction, queue, number))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


class Waiting:
    """One caller who waits, after a second of it."""

    def __init__(self, line: Line, promises: Promises | None = None, **policy: Any) -> None:
        self.stage = Stage(**policy)
        self.stage.up()
        self.stage.floor.agent_wants("a", Wanted.PAUSED)
        self.contact = self.stage.call("i1")
        self.stage.clock.pass_ms(1000)
        self.line = line
        self.errands = Errands(self.stage.floor, self.pinned, promises, "US")
        self.known = True

    async def pinned(self, call: object, contact: Contact) -> Any:
        return (self.line, "sales") if self.known else None

    async def run(self) -> bool:
        return await self.errands.run(self.line, self.contact)  # type: ignore[arg-type]


ASKED = (Recipe(LATER, (Callback(),)),)


async def test_prompts_are_told_in_order_and_once() -> None:
    waiting = Waiting(Line(), recipes=(Recipe(LATER, (Say("one"), Say("two"))),))
    assert not await waiting.run()
    assert waiting.line.log == ["one", "two"]
    assert not await waiting.run()
    assert waiting.line.log == ["one", "two"]
    assert waiting.stage.line() == ["i1"]


async def test_who_is_turned_away_goes_on_in_the_flow() -> None:
    waiting = Waiting(Line(), max_wait_ms=1000)
    assert await waiting.run()
    assert waiting.line.log == ["sales: max_wait"]


async def test_who_is_turned_away_and_carries_no_flow_is_hung_up_on() -> None:
    waiting = Waiting(Line(), max_wait_ms=1000)
    waiting.known = False
    assert await waiting.run()
    assert waiting.line.log == ["hang up"]


async def test_who_accepts_is_promised_a_callback_and_let_go() -> None:
    promises = Promises(True)
    waiting = Waiting(Line("1"), promises, recipes=ASKED)
    assert await waiting.run()
    assert promises.made == [("i1", "q", "+12025550143")]
    assert waiting.line.log == [OFFER, PROMISED, "hang up"]
    assert waiting.stage.book.of("i1") == [("queue", "called_back")]
    assert waiting.stage.line() == []


@pytest.mark.parametrize("key", ["", "2"])
async def test_who_does_not_accept_waits_on(key: str) -> None:
    promises = Promises(True)
    waiting = Waiting(Line(key), promises, recipes=ASKED)
    assert not await waiting.run()
    assert (promises.made, waiting.stage.line()) == ([], ["i1"])


@pytest.mark.parametrize("answer", [False, DatabaseUnavailable("away"), TimeoutError()])
async def test_what_cannot_be_promised_is_said_and_the_place_is_kept(
    answer: bool | Exception,
) -> None:
    waiting = Waiting(Line("1"), Promises(answer), recipes=ASKED)
    entered = waiting.contact.entered
    assert not await waiting.run()
    assert waiting.line.log == [OFFER, NOT_PROMISED]
    assert (waiting.stage.line(), waiting.contact.entered) == (["i1"], entered)
    assert waiting.stage.book.of("i1") == [("queue", None)]


async def test_an_agent_who_answers_during_the_question_is_not_robbed_of_the_caller() -> None:
    promises, line = Promises(True), Line("1")
    waiting = Waiting(line, promises, recipes=ASKED)

    def answered() -> None:
        waiting.stage.floor.agent_wants("a", Wanted.AVAILABLE)
        offer, _, call = waiting.stage.last_ring()
        waiting.stage.answers(offer, call, connected=False)

    line.meanwhile = answered
    assert not await waiting.run()
    assert promises.made == []
    assert waiting.stage.presence("a")[0] == "on_contact"


@pytest.mark.parametrize(
    ("number", "promises"), [(None, Promises(True)), ("+12025550143", None), ("12", Promises(True))]
)
async def test_who_cannot_be_called_back_is_not_asked(
    number: str | None, promises: Promises | None
) -> None:
    waiting = Waiting(Line("1", number), promises, recipes=ASKED)
    assert not await waiting.run()
    assert waiting.line.log == []
    assert waiting.stage.line() == ["i1"]
