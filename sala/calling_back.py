"""What is said when a customer is called back: to the agent who is held, and to the customer."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from acd.callbacks.words import Choice, Stage
from acd.calling_back import CallingBack
from acd.clock import Clock
from crm.records import Callback
from ivr.errors import PromptMissing
from ivr.prompts import PromptStore
from pbx.errors import CallGone
from pbx.port import Call, Prompt, SayNumber

log = logging.getLogger(__name__)

WHISPER, SINCE, MINUTES = "callback-agent", "callback-agent-since", "callback-agent-minutes"
"""To the agent: this is a callback (where its queue has no prompt of its own for that); the
customer asked for it so many minutes ago."""
QUESTION, LATER, CANCELLED = "callback-question", "callback-later", "callback-cancelled"
MESSAGE = "callback-message"
CHOICES = {"1": Choice.TALK, "2": Choice.LATER, "3": Choice.CANCEL}
ANSWER_MS = 4_000
_MINUTE_MS = 60_000


class Speaking:
    """Speaks with customers and agents of callbacks. `language` is the house's own.

    `behind` gives what a call is to carry for the flow to go on behind the queue; empty: it ends.
    """

    def __init__(
        self,
        callbacks: CallingBack,
        prompts: PromptStore,
        clock: Clock,
        language: str,
        behind: Callable[[Callback], Mapping[str, str]],
    ) -> None:
        self._callbacks = callbacks
        self._prompts = prompts
        self._clock = clock
        self._language = language
        self._behind = behind

    async def reserved(self, call: Call, offer: str) -> None:
        """Tell an agent who is held what it is about; the customer is called then."""
        record = self._callbacks.agents.held_for(offer)
        if record is None:
            await self._unknown(call)
            return
        try:
            await call.play(self._whisper(record))
        except CallGone:
            return
        self._callbacks.agents.ready(offer)

    def _whisper(self, record: Callback) -> list[Prompt]:
        minutes = max(self._clock.now() - record.requested_ms, 0) // _MINUTE_MS
        said = self._audio(self._callbacks.agents.policy(record).whisper, "")
        said = said or self._audio(WHISPER, "")
        if minutes:
            since = self._audio(SINCE, "")
            said += [*since, SayNumber(minutes), *self._audio(MINUTES, "")] if since else []
        return said

    async def called(self, call: Call, machine: bool) -> None:
        """Speak with a customer who has picked up, or with their machine."""
        record = self._callbacks.calls.record(call.id)
        stage = self._callbacks.calls.picked_up(call, machine=machine)
        if record is None or stage is None:
            await self._unknown(call)
            return
        language = record.language or ""
        try:
            if stage is Stage.ASKING:
                stage = await self._ask(call, language)
            if stage in (Stage.CONNECTING, Stage.HOLDING):
                behind = self._behind(record)
                await call.carry(behind)
                await call.wait(after=bool(behind))
                self._callbacks.calls.waits(call.id, behind)
                return
            if self._callbacks.calls.leaves_message(call.id):
                await call.play(self._audio(MESSAGE, language))
            await call.hang_up()
        except CallGone:
            pass

    async def _unknown(self, call: Call) -> None:
        """End a call that is for nothing any more, once it is known which are not.

        The first to ask a new process may be those who picked up while there was none: they hear
        music until it has seen the floor, and are taken up by then, or ask again.
        """
        if self._callbacks.up:
            await call.hang_up()

    async def _ask(self, call: Call, language: str) -> Stage | None:
        """Ask until they choose; the policy's time ends the call."""
        while self._callbacks.calls.record(call.id) is not None:
            keyed = await call.collect(
                self._audio(QUESTION, language), max_digits=1, first_ms=ANSWER_MS, next_ms=ANSWER_MS
            )
            choice = CHOICES.get(keyed.digits)
            if choice is None:
                continue
            stage = self._callbacks.calls.chose(call.id, choice)
            if choice is not Choice.TALK:
                said = LATER if choice is Choice.LATER else CANCELLED
                await call.play(self._audio(said, language))
            return stage
        return None

    def _audio(self, prompt: str, language: str) -> list[Prompt]:
        try:
            return [self._prompts.audio(prompt, language or self._language)]
        except PromptMissing as missing:
            log.error("%s", missing, extra={"action": "prompt_missing"})  # noqa: TRY400
            return []
