"""Sessions and services: what is carried, what hangs, what must stay secret."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from test_session import World, key, names

from crm.errors import DatabaseUnavailable
from ivr.errors import LookupFailed
from ivr.flow.actions import Effect, LanguageKept, Tagged
from ivr.flow.frame import Facts
from ivr.flow.load import Flow, parse
from ivr.flow.nodes import Http
from ivr.partners import Left
from ivr.services import Services
from ivr.session import Session
from pbx.port import Digits, DigitsEnd, Recording

FLOW = """\
sala: 1
start: ask
failed: sorry
variables: {account: string, pin: secret}
nodes:
  ask:
    type: collect
    prompt: ask
    into: pin
    secret: true
    min_digits: 4
    max_digits: 4
    next: find
    invalid: {next: sorry, retries: 0}
    timeout: {next: sorry, retries: 0}
  find:
    type: lookup
    http: {url: "http://host/x", method: POST, body: {pin: pin}}
    into: found
    fields: {name: string}
    timeout_s: 0.2
    next: keep
    missing: none
    failed: away
  keep: {type: set, values: {account: found.name}, next: tag, failed: sorry}
  tag: {type: tag, tags: {name: found.name}, next: thai, failed: sorry}
  thai: {type: language, language: th, next: told}
  told: {type: say, text: {en: "You have {number size(account)}", th: "ก {number size(account)}"},
         next: again, failed: sorry}
  again:
    type: menu
    prompt: again
    keys: {1: sales, 2: number, 3: record}
    invalid: {next: sorry, retries: 0}
    timeout: {next: sorry, retries: 0}
  sales: {type: queue, queue: sales, keys: {5: again}, music: jazz, comfort: please-wait,
          failed: sorry}
  number: {type: transfer, number: "'+12025550143'", failed: sorry}
  record: {type: voicemail, mailbox: office, next: end, empty: none, failed: away}
  none: {type: play, prompt: none, next: end}
  away: {type: play, prompt: away, next: end}
  sorry: {type: play, prompt: sorry, next: end}
  end: {type: hangup}
"""
PIN = Digits("4711", DigitsEnd.COMPLETE)


class Caller(World):
    """The in-memory call, for flows that take more than one key, record and are sent on."""

    async def collect(self, prompts: Sequence[Any], **_: Any) -> Digits:
        self._order("collect", names(prompts))
        return self.keys.pop(0) if self.keys else Digits("", DigitsEnd.TIMEOUT)

    async def record(self, name: str, **_: Any) -> Recording:
        self._order("record")
        return Recording(f"/recordings/{name}.wav", 5_000)

    async def transfer(self, address: str) -> None:
        self._order("transfer", address)
        self.over = True

    async def wait(self, *, music: str = "default", after: bool = False) -> None:
        self._order("wait", music)
        self.over = True


class House:
    """All services in one."""

    def __init__(self, answer: Any = None) -> None:
        self.answer = answer
        self.told: list[Effect] = []
        self.kept: list[str] = []
        self.refuses = ""

    async def fetch(
        self, http: Http, query: Mapping[str, Any], body: Mapping[str, Any], *, timeout_ms: int
    ) -> Mapping[str, object] | None:
        assert (dict(body), timeout_ms) == ({"pin": "4711"}, 200)
        if isinstance(self.answer, Exception):
            raise self.answer
        if self.answer == "hang":
            await asyncio.Event().wait()
        found: Mapping[str, object] | None = self.answer
        return found

    async def keep(self, interaction: str, mailbox: str, recording: str, length_ms: int) -> None:
        self.kept.append(mailbox)

    async def address(self, interaction: str, way: str, address: str) -> str | None:
        if self.refuses == "away":
            raise DatabaseUnavailable("away")
        return None if self.refuses or way != "number" else address.lstrip("+")

    def ivr_told(self, interaction: str, effect: Effect) -> None:
        self.told.append(effect)


@pytest.fixture
def flow() -> Flow:
    return parse(FLOW.encode(), alias="main", file="main.yaml")


def session(flow: Flow, caller: World, house: House | None, **facts: str) -> Session:
    services = None
    if house is not None:
        services = Services(http=house, voicemail=house, gate=house, notes=house)
    return Session(
        flow,
        caller,
        caller,
        caller,
        caller,
        interaction="i-1",
        facts=Facts(**facts),
        services=services,
        clock=lambda: 0,
    )


async def test_what_was_found_goes_on_and_is_carried(flow: Flow) -> None:
    house, caller = House({"name": "Ann"}), Caller(keys=[PIN, key("1")])
    await session(flow, caller, house).run()
    assert caller.left == [("sales", Left.QUEUED)]
    assert caller.log[-1] == "wait jazz"
    assert house.told == [Tagged("name", "Ann"), LanguageKept("th")]
    again = Caller(keys=[key("1")], carried=caller.carried, answered=True)
    rejoined = session(flow, again, house)
    await rejoined.run("told")
    assert (
        again.log[2] == "collect th/ก+th/สาม+th/again"
    )  # the language and the variables came along


async def test_key_while_waiting_leaves_the_queue(flow: Flow) -> None:
    house, caller = House({"name": "Ann"}), Caller(keys=[PIN, key("1")])
    await session(flow, caller, house).run()
    waiting = Caller(keys=[key("1")], carried=caller.carried, answered=True)
    assert not await session(flow, waiting, house).key("sales", "9")
    assert waiting.log == []
    waiting.too_late = True
    assert not await session(flow, waiting, house).key("sales", "5")
    waiting.too_late = False
    assert await session(flow, waiting, house).key("sales", "5")
    assert waiting.log[-3:] == ["arrive sales", "carry node", "wait jazz"]


@pytest.mark.parametrize(
    ("answer", "heard", "complaint"),
    [
        (None, "none", []),
        (LookupFailed("the host is away"), "away", ["service_failed"]),
        (OSError("no route"), "away", ["service_failed"]),
        ("hang", "away", ["service_slow"]),
        ({"name": 5}, "away", []),
    ],
)
async def test_lookup_that_fails_or_hangs_takes_its_exit(
    flow: Flow, caplog: pytest.LogCaptureFixture, answer: Any, heard: str, complaint: list[str]
) -> None:
    caller = Caller(keys=[PIN])
    begun = asyncio.get_running_loop().time()
    await session(flow, caller, House(answer)).run()
    assert asyncio.get_running_loop().time() - begun < 10
    assert f"play en/{heard}" in caller.log
    assert [getattr(record, "action", "") for record in caplog.records] == complaint


async def test_service_that_is_not_there_takes_the_failure_exit(
    flow: Flow, caplog: pytest.LogCaptureFixture
) -> None:
    caller = Caller(keys=[PIN])
    await session(flow, caller, None).run()
    assert "play en/away" in caller.log
    assert [getattr(record, "action", "") for record in caplog.records] == ["service_missing"]


async def test_caller_who_hangs_up_while_a_lookup_runs_is_noticed_after_it(flow: Flow) -> None:
    from pbx.errors import CallGone

    caller = Caller(keys=[PIN], breaks={"play": CallGone()})
    await session(flow, caller, House("hang")).run()
    assert caller.left[-1][1] is Left.CALLER_GONE


async def test_who_waits_hears_the_nodes_words_in_their_language(flow: Flow) -> None:
    house, caller = House({"name": "Ann"}), Caller(keys=[PIN, key("1")])
    await session(flow, caller, house).run()
    waiting = Caller(carried=caller.carried, answered=True)
    await session(flow, waiting, house).comfort("sales", "still-in-line")
    await session(flow, waiting, house).comfort("again", "still-in-line")
    assert waiting.log == ["play th/please-wait", "play th/still-in-line"]


@pytest.mark.parametrize("refuses", ["refused", "away"])
async def test_transfer_goes_through_the_gate(flow: Flow, refuses: str) -> None:
    house, caller = House({"name": "A"}), Caller(keys=[PIN, key("2")])
    await session(flow, caller, house).run()
    assert (caller.log[-1], caller.left[-1][1]) == ("transfer 12025550143", Left.TRANSFERRED)
    house, caller = House({"name": "A"}), Caller(keys=[PIN, key("2")])
    house.refuses = refuses
    await session(flow, caller, house).run()
    assert "play th/sorry" in caller.log


async def test_voicemail_is_kept(flow: Flow) -> None:
    house, caller = House({"name": "A"}), Caller(keys=[PIN, key("3")])
    await session(flow, caller, house).run()
    assert house.kept == ["office"]


@pytest.mark.parametrize("answer", [{"name": "Ann"}, LookupFailed("away"), "hang", {"name": 1}])
async def test_secret_digits_reach_no_log_and_are_not_carried(
    flow: Flow, caplog: pytest.LogCaptureFixture, answer: Any
) -> None:
    from ivr.flow import state

    caplog.set_level(logging.DEBUG)
    house, caller = House(answer), Caller(keys=[PIN, key("1")])
    await session(flow, caller, house).run()
    for record in caplog.records:
        assert "4711" not in str(vars(record))
    assert "4711" not in str(caller.carried)
    assert "4711" not in str(state.unpack(state.of_facts(caller.carried)))
    assert "4711" not in str(house.told)
