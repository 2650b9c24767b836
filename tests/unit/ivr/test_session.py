"""Sessions: which orders the PBX is given, in which order, and what is told to whom.

The call is an in-memory one that keeps the port's contract; real calls are for tests/e2e.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from ivr.errors import PromptMissing, QueueRefused
from ivr.flow.load import Flow, parse
from ivr.partners import Left
from ivr.services import Place
from ivr.session import Session
from pbx.errors import CallGone, SwitchError
from pbx.port import Audio, Call, Caller, Cause, Digits, DigitsEnd, Prompt, Recording

FLOW = b"""\
sala: 1
start: hello
failed: sorry
nodes:
  hello: {type: play, prompt: hello, next: menu}
  menu:
    type: menu
    prompt: menu
    keys: {1: note, 2: direct, 3: missing, 4: round}
    invalid: {next: sorry}
    timeout: {next: sorry, retries: 0}
  note: {type: say, text: One moment, next: direct}
  direct: {type: queue, queue: sales, failed: sorry}
  survey: {type: queue, queue: sales, failed: sorry, after: thanks}
  thanks: {type: play, prompt: thanks, next: second}
  second: {type: queue, queue: sales, failed: sorry}
  missing: {type: play, prompt: nowhere, next: direct}
  round: {type: goto, next: round}
  sorry: {type: play, prompt: sorry, next: end}
  end: {type: hangup, cause: congestion}
"""


@dataclass
class World:
    """The call, the floor, the record and the prompts in one, so that order is seen."""

    keys: list[Digits] = field(default_factory=list)
    carried: dict[str, str] = field(default_factory=dict)
    breaks: dict[str, Exception] = field(default_factory=dict)
    refuse: bool = False
    too_late: bool = False
    log: list[str] = field(default_factory=list)
    left: list[tuple[str, Left]] = field(default_factory=list)
    path: list[str] = field(default_factory=list)
    id: str = "call-1"
    dialled: str = "600"
    caller: Caller = field(default_factory=lambda: Caller(None))
    address: str | None = None
    answered: bool = False
    over: bool = False

    def _order(self, name: str, text: str = "") -> None:
        assert not self.over, f"{name} after the loan ended"
        self.log.append(f"{name} {text}".strip())
        if error := self.breaks.get(name):
            raise error

    # the call
    async def carry(self, values: Mapping[str, str], *, now: bool = False) -> None:
        for key, value in values.items():
            assert re.fullmatch("[a-z_]+", key)
            assert re.fullmatch("[A-Za-z0-9_.:@+-]{0,128}", value)
        self._order("carry", ",".join(values))
        self.carried.update(values)

    async def answer(self) -> None:
        self._order("answer")
        self.answered = True

    async def play(
        self, prompts: Sequence[Prompt], *, interruptible: bool = False, keep: bool = False
    ) -> Digits:
        assert self.answered
        self._order("play", names(prompts))
        return Digits("", DigitsEnd.TIMEOUT)

    async def collect(
        self,
        prompts: Sequence[Prompt],
        *,
        max_digits: int,
        first_ms: int,
        next_ms: int,
        terminators: str = "#",
    ) -> Digits:
        assert self.answered
        assert (max_digits, first_ms, terminators) == (1, 5_000, "")
        self._order("collect", names(prompts))
        return self.keys.pop(0) if self.keys else Digits("", DigitsEnd.TIMEOUT)

    async def record(
        self,
        name: str,
        *,
        max_ms: int,
        silence_ms: int = 0,
        terminators: str = "#",
        beep: bool = True,
    ) -> Recording:
        raise AssertionError("no session here records or transfers")

    async def wait(self, *, music: str = "default", after: bool = False) -> None:
        assert self.answered
        self._order("wait, then after" if after else "wait")
        self.over = True

    async def transfer(self, address: str) -> None:
        raise AssertionError("no session here records or transfers")

    async def hang_up(self, cause: Cause = Cause.NORMAL) -> None:
        self._order("hang_up", cause)
        self.over = True

    # the floor
    def arrive(self, call: Call, interaction: str, place: Place) -> Mapping[str, str]:
        self.log.append(f"arrive {place.queue}")
        if self.refuse:
            raise QueueRefused(place.queue)
        return {"queue": place.queue, "entered": "17"}

    def leave(self, call: Call, interaction: str) -> bool:
        self.log.append("leave")
        return not self.too_late

    def gone(self, call: Call, interaction: str) -> None:
        self.log.append("gone")

    # the record
    def ivr_entered(self, interaction: str, version: str, node: str) -> None:
        self.path.append(node)

    def ivr_left(self, interaction: str, node: str, why: Left) -> None:
        self.left.append((node, why))

    # the prompts
    def audio(self, prompt: str, language: str) -> Audio:
        if prompt == "nowhere":
            raise PromptMissing(prompt)
        return Audio(f"{language}/{prompt}")

    def speech(self, text: str, language: str) -> Audio:
        return Audio(f"{language}/{text}")


def names(prompts: Sequence[Prompt]) -> str:
    return "+".join(prompt.name for prompt in prompts if isinstance(prompt, Audio))


@pytest.fixture
def flow() -> Flow:
    return parse(FLOW, alias="main", file="main.yaml")


def session(flow: Flow, world: World) -> Session:
    return Session(flow, world, world, world, world, interaction="i-1")


def key(digit: str) -> Digits:
    return Digits(digit, DigitsEnd.COMPLETE)


HELLO = ["answer", "carry flow,version,node", "collect en/hello+en/menu"]


async def test_straight_to_the_queue_tells_the_floor_first_and_asks_nothing_needless(
    flow: Flow,
) -> None:
    world = World()
    await session(flow, world).run("direct")
    assert world.log == ["arrive sales", "answer", "carry queue,entered,flow,version,node", "wait"]
    assert world.left == [("direct", Left.QUEUED)]


async def test_through_the_menu_to_the_queue(flow: Flow) -> None:
    world = World(keys=[key("1")])
    await session(flow, world).run()
    assert world.log == [
        *HELLO,
        "carry node",
        "play en/One moment",
        "arrive sales",
        "carry queue,entered,node",
        "wait",
    ]
    assert world.path == ["hello", "menu", "note", "direct"]
    assert world.carried["version"] == flow.version


async def test_invalid_keys_are_not_carried_again(flow: Flow) -> None:
    world = World(keys=[key("9"), key("8"), key("2")])
    await session(flow, world).run()
    assert world.log == [
        *HELLO,
        "collect en/menu",
        "collect en/menu",
        "arrive sales",
        "carry queue,entered,node",
        "wait",
    ]


async def test_time_out_exit_and_cause(flow: Flow) -> None:
    world = World()
    await session(flow, world).run()
    assert world.log == [*HELLO, "carry node", "play en/sorry", "hang_up congestion"]
    assert world.left == [("end", Left.HUNG_UP)]


async def test_rejoins_where_it_was(flow: Flow) -> None:
    first = World(breaks={"collect": ConnectionError()})
    with pytest.raises(ConnectionError):
        await session(flow, first).run()
    again = World(keys=[key("2")], carried=first.carried)
    await session(flow, again).run(first.carried["node"])
    assert again.log[:2] == ["answer", "collect en/menu"]


async def test_refused_queue_takes_its_exit_before_answering(flow: Flow) -> None:
    world = World(refuse=True)
    await session(flow, world).run("direct")
    assert world.log[:2] == ["arrive sales", "answer"]
    assert world.log[-2:] == ["play en/sorry", "hang_up congestion"]


async def test_after_the_talk(flow: Flow) -> None:
    world = World()
    await session(flow, world).run("survey")
    assert world.log == [
        "arrive sales",
        "answer",
        "carry queue,entered,flow,version,node",
        "wait, then after",
    ]
    assert world.carried["node"] == "survey"
    later = World(carried=world.carried, answered=True)
    await session(flow, later).after(later.carried["node"])
    assert later.log == [
        "carry node",
        "play en/thanks",
        "arrive sales",
        "carry node",
        "wait",
    ]
    last = World(carried=later.carried, answered=True)
    await session(flow, last).after(last.carried["node"])
    assert last.log == ["hang_up normal"]


async def test_queue_node_of_an_earlier_wait_is_not_taken_for_the_present_one(flow: Flow) -> None:
    world = World(carried={"flow": "main", "version": flow.version, "node": "survey"})
    await session(flow, world).run("direct")
    assert world.carried["node"] == "direct"


@pytest.mark.parametrize("order", ["answer", "carry", "collect", "play"])
async def test_caller_hangs_up_in_the_flow(flow: Flow, order: str) -> None:
    world = World(keys=[key("1")], breaks={order: CallGone()})
    await session(flow, world).run()
    assert world.log[-1].startswith(order)
    assert [why for _, why in world.left] == [Left.CALLER_GONE]


@pytest.mark.parametrize("order", ["answer", "carry", "wait"])
async def test_call_gone_on_the_way_into_the_wait_is_left_to_the_floor(
    flow: Flow, order: str
) -> None:
    world = World(breaks={order: CallGone()})
    await session(flow, world).run("direct")
    assert world.log[-1] == "gone"
    assert world.left == [("direct", Left.QUEUED)]


@pytest.mark.parametrize("order", ["answer", "carry", "collect"])
@pytest.mark.parametrize("hang_up", [None, SwitchError("down"), CallGone()])
async def test_switch_error_hangs_up(
    flow: Flow, order: str, hang_up: Exception | None, caplog: pytest.LogCaptureFixture
) -> None:
    world = World(breaks={order: SwitchError("refused")})
    if hang_up:
        world.breaks["hang_up"] = hang_up
    await session(flow, world).run()
    assert world.log[-1] == "hang_up failed"
    assert world.left == [("menu", Left.FAILED)]
    assert [getattr(record, "action", "") for record in caplog.records] == ["ivr_failed"]


async def test_missing_prompt_takes_the_failed_exit(
    flow: Flow, caplog: pytest.LogCaptureFixture
) -> None:
    world = World(keys=[key("3")])
    await session(flow, world).run()
    assert world.log[-2:] == ["play en/sorry", "hang_up congestion"]
    assert [getattr(record, "action", "") for record in caplog.records] == ["prompt_missing"]


@pytest.mark.parametrize("node", [None, "round"])
async def test_endless_flow_is_cut_with_an_alarm(
    flow: Flow, node: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    world = World(keys=[key("4")])
    await session(flow, world).run(node)
    assert world.log[-2:] == ["play en/sorry", "hang_up congestion"]
    assert [getattr(record, "action", "") for record in caplog.records] == ["ivr_cut"]


async def test_digits_never_reach_the_log(flow: Flow, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    world = World(keys=[key("7"), key("3")])
    await session(flow, world).run()
    for record in caplog.records:
        assert not re.search(r"\b[73]\b", record.getMessage())
