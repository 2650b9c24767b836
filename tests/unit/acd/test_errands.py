"""What a waiting caller is told and asked, and what comes of it for their place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from stage import Stage

from acd.contacts import Contact
from acd.estimates import Experience, Waits
from acd.router.events import Wanted
from acd.router.recipes import Callback, Recipe, Say, Waited
from crm.errors import DatabaseUnavailable
from ivr.flow.actions import Action, AskCallback, Collect, Play
from ivr.flow.behaviour.recall import CANNOT, CONFIRM, ENTER, KEEPS, NUMBER
from ivr.flow.outcomes import Keyed, Outcome, Played
from ivr.flow.stage import paper_number, paper_times, words
from ivr.performer import perform
from ivr.services import Services
from pbx.errors import CallGone
from pbx.port import Caller, Digits, DigitsEnd
from sala.errands import NOT_PROMISED, OFFER, PROMISED, Errands

LATER = (Waited(1000),)


class Line:
    """A call and its session, as far as errands need them: what was heard, keyed and done."""

    language = "en"

    def __init__(self, *keys: str, number: str | None = "+12025550143") -> None:
        self.caller = Caller(number)
        self.address = None
        self.keys = list(keys)
        self.callbacks: Promises | None = None
        self.log: list[str] = []
        self.carried: dict[str, str] = {}
        self.meanwhile: Callable[[], None] = lambda: None

    async def tell(self, prompts: list[str]) -> None:
        self.log += prompts

    async def ask(self, prompts: list[str], *, first_ms: int) -> str:
        self.log += prompts
        self.meanwhile()
        return self.keys.pop(0) if self.keys else ""

    async def act(self, node: str, action: Action) -> Outcome:
        if isinstance(action, Collect | Play):
            self.log += [words(one, "en") for one in action.items]
        if isinstance(action, Collect):
            keys = self.keys.pop(0) if self.keys else ""
            end = DigitsEnd.COMPLETE if keys else DigitsEnd.TIMEOUT
            return Keyed(Digits(keys, end))
        if isinstance(action, Play):
            return Played()
        return await perform(action, Services(callbacks=self.callbacks), "i1", lambda *_: None)

    async def carry(self, values: dict[str, str]) -> None:
        self.carried |= values

    async def left(self, node: str, reason: str) -> None:
        self.log.append(f"{node}: {reason}")

    async def hang_up(self) -> None:
        self.log.append("hang up")


class Promises:
    def __init__(self, answer: bool | Exception, waits: dict[str, Any] | None = None) -> None:
        self.answer = answer
        self.one = waits
        self.made: list[tuple[str, str, str]] = []
        self.changed: list[tuple[str, str]] = []
        self.told: list[int | None] = []
        self.declines = 0

    async def check(self, number: str) -> dict[str, object] | None:
        return paper_number(number)

    async def waits(self, queue: str, number: str) -> dict[str, Any] | None:
        return self.one

    async def times(self, queue: str, number: str) -> dict[str, object]:
        return paper_times(0)

    async def promise(self, interaction: str, asked: AskCallback) -> bool:
        self.made.append((interaction, asked.queue, asked.number))
        self.told.append(asked.told_ms)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    async def change(self, callback: str, number: str) -> bool:
        self.changed.append((callback, number))
        return True

    async def declined(self, interaction: str, queue: str) -> None:
        self.declines += 1


class Waiting:
    """One caller who waits, after a second of it."""

    def __init__(self, line: Line, promises: Promises | None = None, **policy: Any) -> None:
        self.stage = Stage(**policy)
        self.stage.up()
        self.stage.floor.agent_wants("a", Wanted.PAUSED)
        self.contact = self.stage.call("i1")
        self.stage.clock.pass_ms(1000)
        self.line = line
        line.callbacks = promises
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


CONFIRMED = [NUMBER, "one two zero two five five five zero one four three", CONFIRM]


async def test_who_accepts_is_promised_a_callback_and_let_go() -> None:
    promises = Promises(True)
    waiting = Waiting(Line("1", "1"), promises, recipes=ASKED)
    assert await waiting.run()
    assert promises.made == [("i1", "q", "+12025550143")]
    assert waiting.line.log == [OFFER, *CONFIRMED, PROMISED, "hang up"]
    assert waiting.stage.book.of("i1") == [("queue", "called_back")]
    assert waiting.stage.line() == []


async def test_who_asks_by_key_is_not_asked_whether_they_want_it() -> None:
    promises = Promises(True)
    waiting = Waiting(Line("1"), promises)
    waiting.contact.errand.wants_callback = True
    assert await waiting.run()
    assert waiting.line.log == [*CONFIRMED, PROMISED, "hang up"]
    assert waiting.line.carried == {}


async def test_that_it_was_offered_is_known_to_every_later_process() -> None:
    waiting = Waiting(Line(), Promises(True), recipes=ASKED)
    assert not waiting.contact.offered
    await waiting.run()
    assert waiting.line.carried == {"offered": "yes"}
    assert waiting.contact.offered
    waiting.stage.again()
    (found,) = waiting.stage.waiting()
    assert found.offered


@pytest.mark.parametrize("keys", [[], ["2"], ["1"], ["1", "9", "9"]])
async def test_who_does_not_accept_waits_on_and_is_counted(keys: list[str]) -> None:
    promises = Promises(True)
    waiting = Waiting(Line(*keys), promises, recipes=ASKED)
    assert not await waiting.run()
    assert (promises.made, waiting.stage.line()) == ([], ["i1"])
    assert promises.declines == 1


async def test_who_hangs_up_at_the_question_is_counted_as_well() -> None:
    class HangsUp(Line):
        async def ask(self, prompts: list[str], *, first_ms: int) -> str:
            raise CallGone

    promises = Promises(True)
    with pytest.raises(CallGone):
        await Waiting(HangsUp(), promises, recipes=ASKED).run()
    assert promises.declines == 1


@pytest.mark.parametrize(
    ("keys", "waits", "declines"), [(("1",), None, 1), (("1",), {"callback": "c1", "place": 3}, 0)]
)
async def test_who_accepts_and_hangs_up_before_it_is_promised_is_counted_as_well(
    keys: tuple[str, ...], waits: dict[str, Any] | None, declines: int
) -> None:
    class HangsUp(Line):
        async def act(self, node: str, action: Action) -> Outcome:
            if isinstance(action, Collect):
                raise CallGone
            return await super().act(node, action)

    promises = Promises(True, waits)
    with pytest.raises(CallGone):
        await Waiting(HangsUp(*keys), promises, recipes=ASKED).run()
    assert (promises.declines, promises.made) == (declines, [])


@pytest.mark.parametrize("number", [None, "12"])
async def test_without_a_number_one_must_be_typed(number: str | None) -> None:
    promises = Promises(True)
    line = Line("1", "99", "14155550123", "1", number=number)
    waiting = Waiting(line, promises, recipes=ASKED)
    assert await waiting.run()
    assert waiting.line.log[:4] == [OFFER, ENTER, CANNOT, ENTER]
    assert promises.made == [("i1", "q", "14155550123")]


async def test_another_number_may_be_typed_in() -> None:
    promises = Promises(True)
    waiting = Waiting(Line("1", "2", "14155550123", "1"), promises, recipes=ASKED)
    assert await waiting.run()
    assert promises.made == [("i1", "q", "14155550123")]


async def test_one_that_waits_already_is_told_and_changed_and_the_caller_waits_on() -> None:
    promises = Promises(True, {"callback": "c1", "place": 3})
    waiting = Waiting(Line("1", "2", "14155550123", "1"), promises, recipes=ASKED)
    assert not await waiting.run()
    assert waiting.line.log[1:4] == ["callback-waits-at", "three", "callback-waits-choose"]
    assert promises.changed == [("c1", "14155550123")]
    assert (promises.made, waiting.stage.line()) == ([], ["i1"])
    line = Line("1", "1")
    waiting = Waiting(line, promises, recipes=ASKED)
    assert not await waiting.run()
    assert line.log[-1] == KEEPS


@pytest.mark.parametrize("answer", [False, DatabaseUnavailable("away"), TimeoutError()])
async def test_what_cannot_be_promised_is_said_and_the_place_is_kept(
    answer: bool | Exception,
) -> None:
    waiting = Waiting(Line("1", "1"), Promises(answer), recipes=ASKED)
    entered = waiting.contact.entered
    assert not await waiting.run()
    assert waiting.line.log == [OFFER, *CONFIRMED, NOT_PROMISED]
    assert (waiting.stage.line(), waiting.contact.entered) == (["i1"], entered)
    assert waiting.stage.book.of("i1") == [("queue", None)]


async def test_an_agent_who_answers_during_the_question_is_not_robbed_of_the_caller() -> None:
    promises, line = Promises(True), Line("1", "1")
    waiting = Waiting(line, promises, recipes=ASKED)

    def answered() -> None:
        waiting.stage.floor.agent_wants("a", Wanted.AVAILABLE)
        offer, _, call = waiting.stage.last_ring()
        waiting.stage.answers(offer, call, connected=False)

    line.meanwhile = answered
    assert not await waiting.run()
    assert promises.made == []
    assert waiting.stage.presence("a")[0] == "on_contact"


async def test_nobody_is_asked_where_no_callbacks_are_made() -> None:
    waiting = Waiting(Line("1"), None, recipes=ASKED)
    assert not await waiting.run()
    assert waiting.line.log == []
    assert waiting.stage.line() == ["i1"]


async def test_who_is_expected_to_wait_long_hears_the_range_and_the_latest_moment_is_kept() -> None:
    stage = Stage()
    experience = Experience()
    for number in range(400):
        experience.handled("q", 240_000 + number, 0)
    stage.floor.estimate(Waits(experience, "ewt.t", lambda _: None))
    stage.up()
    stage.call("first")
    offer, _, call = stage.last_ring()
    stage.answers(offer, call)
    contact = stage.call("i1")
    expected = stage.floor.expected(contact)
    assert expected is not None
    assert 60_000 < expected < 600_000
    prompts = stage.floor.wait_prompts(contact)
    assert prompts
    assert contact.told_ms is not None
    assert contact.told_ms > stage.clock.now() + expected
    contact.errand.callback = True
    line, promises = Line("1", "1"), Promises(True)
    line.callbacks = promises

    async def pinned(call: object, contact: Contact) -> Any:
        return (line, "sales")

    errands = Errands(stage.floor, pinned, promises, "US")  # type: ignore[arg-type]
    assert await errands.run(line, contact)  # type: ignore[arg-type]
    assert line.log[: len(prompts) + 1] == [*prompts, OFFER]
    assert promises.told == [contact.told_ms]
