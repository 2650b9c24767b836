"""What stands in for services, floor and record in a flow test on a real line."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ivr.errors import LookupFailed, QueueRefused
from ivr.flow.actions import Answered, AskCallback, Effect, LanguageKept, Raised, Tagged
from ivr.flow.stage import Answer, Run, paper_number, paper_times, paper_waits
from ivr.partners import Left
from ivr.prompts import PromptStore
from ivr.services import Place, Services
from pbx.port import Audio, Call, Caller, Cause, Digits, DigitsEnd, Prompt, Recording

ENDS = {
    Left.QUEUED: "queued",
    Left.HUNG_UP: "hung up",
    Left.TRANSFERRED: "transferred",
    Left.CALLER_GONE: "caller gone",
    Left.FAILED: "failed",
}


@dataclass(frozen=True, eq=False, slots=True)
class Asked:
    """What the caller is asked for: `digits`, `voice`, or nothing in a `queue`."""

    what: str
    most: int = 0
    terminators: str = ""
    recording: str = ""
    """What the recording of a voice is named; the PBX makes it once the tone is over."""
    until_silence: bool = False
    """Whether silence ends it, too."""


class StandIn:
    """One test's world: `run` tells what came, as on paper.

    Implements `ivr.partners.Prompts`, `Floor` and `Record`, and the protocols of `ivr.services`.
    """

    def __init__(
        self, store: PromptStore, answers: Mapping[str, Sequence[Answer]], interaction: str
    ) -> None:
        self._store = store
        self._answers = {node: deque(given) for node, given in answers.items()}
        self._words: dict[str, tuple[str, bool]] = {}
        self._moved = asyncio.Condition()
        self._left = False
        self.interaction = interaction
        self.run = Run()
        self.call: Call | None = None
        self.asked: Asked | None = None
        self.resumes = False
        self.ended = False
        self.played: list[tuple[str, Path]] = []
        """What was played to its end: words, and the file."""

    # --- for who drives the test ------------------------------------------------------------

    async def settled(self, within: float) -> bool:
        """Wait until something is asked of the caller, or the call is over; tell whether asked."""
        async with asyncio.timeout(within), self._moved:
            await self._moved.wait_for(lambda: self.asked is not None or self.ended)
        return not self.ended

    async def changed(self, asked: Asked | None, within: float) -> None:
        """Wait until what was asked is over. Raises TimeoutError."""
        async with asyncio.timeout(within), self._moved:
            await self._moved.wait_for(lambda: self.asked is not asked or self.ended)

    async def over(self, within: float) -> None:
        """Wait until the caller has left the flow. In a queue nobody tells."""
        if self.asked is not None and self.asked.what == "queue":
            self.run.ends = "caller gone"
            return
        async with asyncio.timeout(within), self._moved:
            await self._moved.wait_for(lambda: self.ended)

    def leaves(self) -> None:
        """Note that the test is over: what comes now is of no matter."""
        if not self.ended and self.asked is not None:
            self.run.ends = "queued" if self.asked.what == "queue" else "asked"
        self._left = True

    async def asks(self, asked: Asked | None) -> None:
        """Note what is asked of the caller now."""
        async with self._moved:
            self.asked = asked
            self._moved.notify_all()

    def hear(self, prompts: Sequence[Prompt]) -> list[tuple[str, Path]]:
        """Note what begins to play, pieces of speech joined; return words and files."""
        files: list[tuple[str, Path]] = []
        joined = False
        for one in prompts:
            assert isinstance(one, Audio)
            words, spoken = self._words[one.name]
            files.append((words, Path(f"{one.name}.ulaw")))
            if self._left:
                continue
            if spoken and joined:
                self.run.heard[-1] += f" {words}"
            else:
                self.run.heard.append(words)
            joined = spoken
        return files

    def services(self) -> Services:
        """Return itself as all services."""
        return Services(self, self, self, self, self, self, self, self, self)

    # --- ivr.partners.Prompts, Floor, Record ------------------------------------------------

    def audio(self, prompt: str, language: str) -> Audio:
        """See `Prompts`."""
        found = self._store.audio(prompt, language)
        self._words[found.name] = (prompt, False)
        return found

    def speech(self, text: str, language: str) -> Audio:
        """See `Prompts`."""
        found = self._store.speech(text, language)
        self._words[found.name] = (text, True)
        return found

    def arrive(self, call: Call, interaction: str, place: Place) -> Mapping[str, str]:
        """See `Floor`."""
        if self._given(self.run.at, "done") == "refused":
            raise QueueRefused("the test says so")
        self.run.queue, self.run.priority = place.queue, place.priority
        self.run.criteria = [dict(step.skills) for step in place.criteria]
        return {"interaction": interaction}

    def leave(self, call: Call, interaction: str) -> bool:
        """See `Floor`."""
        return True

    def gone(self, call: Call, interaction: str) -> None:
        """See `Floor`."""

    def ivr_entered(self, interaction: str, version: str, node: str) -> None:
        """See `Record`."""
        if not self._left:
            self.run.path.append(node)
            self.run.at = node

    def ivr_left(self, interaction: str, node: str, why: Left) -> None:
        """See `Record`."""
        if not self._left:
            self.run.ends, self.run.at = ENDS[why], node
            if why is not Left.QUEUED:
                self.ended = True
                asyncio.ensure_future(self.asks(None))  # noqa: RUF006 - ends with the call

    # --- ivr.services -----------------------------------------------------------------------

    def ivr_told(self, interaction: str, effect: Effect) -> None:
        """See `Notes`."""
        match effect:
            case Tagged(name, value):
                self.run.tags[name] = value
            case Raised(event=event):
                self.run.events.append(event)
            case LanguageKept(language):
                self.run.kept_language = language
            case Answered(question=question, answer=answer):
                self.run.answers[question] = answer

    async def fetch(self, *_: Any, **__: Any) -> Mapping[str, object] | None:
        """See `HttpLookups`."""
        return self._found()

    async def row(self, *_: Any, **__: Any) -> Mapping[str, object] | None:
        """See `SqlLookups`."""
        return self._found()

    async def find(self, *_: Any) -> Mapping[str, object] | None:
        """See `CustomerRecord`."""
        return self._found()

    async def send_code(self, *_: Any) -> str:
        """See `Verifier`."""
        return "sent"

    async def verify(self, *_: Any) -> str:
        """See `Verifier`."""
        return str(self._told())

    async def promise(self, interaction: str, asked: AskCallback) -> bool:
        """See `Callbacks`."""
        done = self._told("done") == "done"
        self.run.callback = asked.number if done else self.run.callback
        return done

    async def check(self, number: str) -> Mapping[str, object] | None:
        """See `Callbacks`."""
        return paper_number(number)

    async def waits(self, queue: str, number: str) -> Mapping[str, object] | None:
        """See `Callbacks`."""
        return paper_waits(self._answers.get(self.run.at))

    async def times(self, queue: str, number: str) -> Mapping[str, object]:
        """See `Callbacks`."""
        return paper_times(time.time_ns() // 1_000_000)

    async def declined(self, interaction: str, queue: str) -> None:
        """See `Callbacks`."""

    async def change(self, callback: str, number: str) -> bool:
        """See `Callbacks`."""
        self.run.callback = number
        return True

    async def keep(self, interaction: str, mailbox: str, recording: str, length_ms: int) -> None:
        """See `Voicemail`."""
        self._told("done")
        if not await asyncio.to_thread(Path(recording).is_file):
            raise LookupFailed("there is no such recording")
        self.run.voicemail = mailbox

    async def address(self, interaction: str, way: str, address: str) -> str | None:
        """See `Gate`."""
        if self._told("done") != "done":
            return None
        self.run.transfer = address
        return "nobody"

    async def ask(self, *_: Any, **__: Any) -> str:
        """See `Webhooks`."""
        return str(self._told())

    def _found(self) -> Mapping[str, object] | None:
        told = self._told()
        return told if isinstance(told, Mapping) else None

    def _told(self, default: str | None = None) -> Answer:
        told = self._given(self.run.at, default)
        if told is None or told == "failed":
            raise LookupFailed("the test says so")
        return told

    def _given(self, node: str, default: str | None) -> Answer | None:
        given = self._answers.get(node)
        if not given:
            if default is None:
                self.run.unanswered = self.run.unanswered or node
            return default
        return given.popleft() if len(given) > 1 else given[0]


class Line:
    """A real call, watched: implements `pbx.port.Call` by another."""

    def __init__(self, call: Call, test: StandIn) -> None:
        self._call = call
        self.test = test

    @property
    def id(self) -> str:
        """See `Call`."""
        return self._call.id

    @property
    def dialled(self) -> str:
        """See `Call`."""
        return self._call.dialled

    @property
    def caller(self) -> Caller:
        """See `Call`."""
        return self._call.caller

    @property
    def address(self) -> str | None:
        """See `Call`."""
        return self._call.address

    @property
    def carried(self) -> Mapping[str, str]:
        """See `Call`."""
        return self._call.carried

    async def carry(self, values: Mapping[str, str], *, now: bool = False) -> None:
        """See `Call`."""
        await self._call.carry(values, now=now)

    async def answer(self) -> None:
        """See `Call`."""
        await self._call.answer()

    async def play(
        self, prompts: Sequence[Prompt], *, interruptible: bool = False, keep: bool = False
    ) -> Digits:
        """See `Call`."""
        files = self.test.hear(prompts)
        keyed = await self._call.play(prompts, interruptible=interruptible, keep=keep)
        self.test.played += files
        return keyed

    async def collect(
        self,
        prompts: Sequence[Prompt],
        *,
        max_digits: int,
        first_ms: int,
        next_ms: int,
        terminators: str = "#",
    ) -> Digits:
        """See `Call`."""
        files = self.test.hear(prompts)
        await self.test.asks(Asked("digits", max_digits, terminators))
        try:
            keyed = await self._call.collect(
                prompts,
                max_digits=max_digits,
                first_ms=first_ms,
                next_ms=next_ms,
                terminators=terminators,
            )
        finally:
            await self.test.asks(None)
        if not keyed.digits and keyed.end is DigitsEnd.TIMEOUT:
            self.test.played += files
        return keyed

    async def record(
        self,
        name: str,
        *,
        max_ms: int,
        silence_ms: int = 0,
        terminators: str = "#",
        beep: bool = True,
    ) -> Recording:
        """See `Call`."""
        asked = Asked("voice", 0, terminators, recording=name, until_silence=silence_ms > 0)
        await self.test.asks(asked)
        try:
            return await self._call.record(
                name, max_ms=max_ms, silence_ms=silence_ms, terminators=terminators, beep=beep
            )
        finally:
            await self.test.asks(None)

    async def wait(self, *, music: str = "default", after: bool | None = False) -> None:
        """See `Call`."""
        self.test.resumes = bool(after)
        await self._call.wait(music=music, after=after)
        await self.test.asks(Asked("queue"))

    async def transfer(self, address: str) -> None:
        """End the call here: a test dials nobody."""
        await self._call.hang_up()

    async def take(self) -> None:
        """See `Call`."""
        await self._call.take()

    async def give_back(self) -> None:
        """See `Call`."""
        await self._call.give_back()

    async def hang_up(self, cause: Cause = Cause.NORMAL) -> None:
        """See `Call`."""
        await self._call.hang_up(cause)
