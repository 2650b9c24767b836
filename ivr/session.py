"""Drives one call through one flow.

Order of what it asks of the PBX, since each order is a round trip:

* a `queue` node: the floor is told first, so that an agent's phone rings while the caller is
  still being put into the wait; then answer, carry and wait;
* anything audible: answer (once), carry the node (if it changed), then the prompts.

What it carries on the call (`flow`, `version`, `node`) is what a session of a later process needs
to rejoin: see `ivr.library.Library.pinned`.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from crm.errors import CrmError
from ivr.errors import PromptMissing, QueueRefused
from ivr.flow import state
from ivr.flow.actions import (
    Action,
    Collect,
    Ended,
    EnterQueue,
    HangUp,
    Heard,
    Phrase,
    Play,
    RecordVoice,
    Transfer,
)
from ivr.flow.frame import Facts, World
from ivr.flow.interpreter import Interpreter
from ivr.flow.load import Flow
from ivr.flow.outcomes import Broken, CallerGone, Keyed, Outcome, Played, Refused, Spoke
from ivr.flow.parts import Recorded
from ivr.partners import Floor, Left, Prompts, Record
from ivr.performer import PATIENCE_MS, perform
from ivr.services import Place, Services
from ivr.spoken import anybody
from pbx.errors import CallGone, LocalProtocolError, PbxError, SwitchError
from pbx.port import Audio, Call, Cause

log = logging.getLogger(__name__)


class Session:
    """One call in one flow. Use once: `run`, `after` or `key`.

    `clock` gives the time in milliseconds since the epoch.
    """

    def __init__(
        self,
        flow: Flow,
        call: Call,
        prompts: Prompts,
        floor: Floor,
        record: Record,
        *,
        interaction: str,
        language: str | None = None,
        facts: Facts | None = None,
        world: World | None = None,
        services: Services | None = None,
        clock: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._flow = flow
        self._call = call
        self._prompts = prompts
        self._floor = floor
        self._record = record
        self._interaction = interaction
        self._services = services or Services()
        self._clock = clock
        self._interpreter = Interpreter(flow.document, language=language, facts=facts, world=world)
        self._carried = dict(call.carried)
        self._interpreter.restore(state.of_facts(self._carried))
        self._answered = self._gone = False
        self._recordings = 0

    async def run(self, node: str | None = None) -> None:
        """Take the caller from the flow's start, or from `node`, to a queue or to the end."""
        await self._drive(self._interpreter.start(node, now_ms=self._clock()))

    async def after(self, node: str) -> None:
        """Go on behind queue node `node`, whose talk is over; hangs up if nothing follows."""
        self._answered = True
        await self._drive(self._interpreter.after(node, now_ms=self._clock()))

    async def key(self, node: str, key: str) -> bool:
        """Go on by a key that was pressed while waiting at queue node `node`.

        False, and nothing done: the key leads nowhere, or an agent was quicker.
        """
        action = self._interpreter.key(node, key, now_ms=self._clock())
        if action is None or not self._floor.leave(self._call, self._interaction):
            return False
        self._answered = True
        await self._drive(action)
        return True

    async def left(self, node: str, reason: str) -> None:
        """Go on behind queue node `node`, whose queue lets the caller wait no more."""
        self._answered = True
        await self._drive(self._interpreter.left(node, reason, now_ms=self._clock()))

    async def tell(self, prompts: Sequence[str]) -> None:
        """Let who waits hear prompts, by id, in their language."""
        audio = self._audio(self._told(prompts))
        if audio is not None:
            await self._call.play(audio)

    @property
    def language(self) -> str:
        """The language the caller hears."""
        return self._interpreter.language

    async def act(self, node: str, action: Action) -> Outcome:
        """Do one action for who waits at queue node `node`."""
        self._answered = True
        outcome = await self._do(replace(action, node=node))
        return Broken() if isinstance(outcome, Left) else outcome

    async def ask(self, prompts: Sequence[str], *, first_ms: int) -> str:
        """Let who waits hear a question, by ids, in their language; return the key, or nothing."""
        audio = self._audio(self._told(prompts))
        if audio is None:
            return ""
        keyed = await self._call.collect(audio, max_digits=1, first_ms=first_ms, next_ms=first_ms)
        return keyed.digits

    def _told(self, prompts: Sequence[str]) -> Play:
        items = tuple(Recorded(prompt=one) for one in prompts)
        return Play(items=items, language=self._interpreter.language)

    async def comfort(self, node: str, otherwise: str, more: Sequence[str] = ()) -> str:
        """Let who waits at queue node `node` hear the node's words, or else a prompt, in theirs.

        Prompts of `more` follow. Returns the key that cut them short, or nothing.
        """
        items = self._interpreter.comfort(node) or (Recorded(prompt=otherwise),)
        items = (*items, *(Recorded(prompt=one) for one in more))
        audio = self._audio(Play(node, items=items, language=self._interpreter.language))
        if audio is None:
            return ""
        return (await self._call.play(audio, interruptible=True)).digits

    async def _drive(self, action: Action) -> None:
        why = Left.FAILED
        alarmed = False
        try:
            while True:
                if self._interpreter.cut and not alarmed:
                    alarmed = True
                    self._log("ivr_cut", action, "the flow goes on without end and was cut")
                self._note(action)
                try:
                    outcome = await self._do(action)
                except CallGone:
                    self._gone, outcome = True, CallerGone()
                if isinstance(outcome, Left):
                    why = outcome
                    break
                action = self._interpreter.resume(outcome, now_ms=self._clock())
        except SwitchError as error:
            self._log("ivr_failed", action, str(error))
            with suppress(PbxError):
                await self._call.hang_up(Cause.FAILED)
        self._record.ivr_left(self._interaction, action.node, why)

    def _note(self, action: Action) -> None:
        for node in action.path:
            self._record.ivr_entered(self._interaction, self._flow.version, node)
        if self._services.notes is not None:
            for effect in action.effects:
                self._services.notes.ivr_told(self._interaction, effect)

    async def _do(self, action: Action) -> Outcome | Left:
        match action:
            case Play():
                return await self._play(action)
            case Collect():
                return await self._collect(action)
            case RecordVoice():
                return await self._speak(action)
            case EnterQueue():
                return await self._enter(action)
            case Transfer():
                return await self._transfer(action)
            case HangUp(cause=cause):
                await self._call.hang_up(cause)
                return Left.FAILED if cause is Cause.FAILED else Left.HUNG_UP
            case Ended():
                return Left.CALLER_GONE
            case _:
                # The state is carried before: what is done may take effect though we die of it.
                if not self._gone:
                    await self._carry_node(action.node, now=True)
                return await perform(
                    action,
                    self._services,
                    self._interaction,
                    lambda event, why: self._log(event, action, why),
                )

    async def _play(self, action: Play) -> Outcome:
        audio = self._audio(action)
        if audio is None:
            return Broken()
        await self._answer()
        await self._carry_node(action.node)
        await self._call.play(audio, keep=action.keep)
        return Played()

    async def _collect(self, action: Collect) -> Outcome:
        audio = self._audio(action)
        if audio is None:
            return Broken()
        await self._answer()
        await self._carry_node(action.node)
        return Keyed(
            await self._call.collect(
                audio,
                max_digits=action.max_digits,
                first_ms=action.first_ms,
                next_ms=action.next_ms,
                terminators=action.terminators,
            )
        )

    async def _speak(self, action: RecordVoice) -> Outcome:
        await self._answer()
        await self._carry_node(action.node)
        self._recordings += 1
        made = await self._call.record(
            f"{self._interaction}-{self._clock()}-{self._recordings}",
            max_ms=action.max_ms,
            silence_ms=action.silence_ms,
            terminators=action.terminators,
        )
        if not await asyncio.to_thread(anybody, Path(made.path)):
            await asyncio.to_thread(Path(made.path).unlink, missing_ok=True)
            return Spoke("", 0)
        return Spoke(made.path, made.length_ms)

    async def _transfer(self, action: Transfer) -> Outcome | Left:
        gate = self._services.gate
        address: str | None = None
        if gate is not None:
            try:
                async with asyncio.timeout(PATIENCE_MS / 1000):
                    address = await gate.address(self._interaction, action.way, action.address)
            except (CrmError, TimeoutError) as error:
                self._log("transfer_failed", action, type(error).__name__)
                return Broken()
        if address is None:
            self._log("transfer_refused", action, "the dialling gate refuses it")
            return Refused()
        await self._answer()
        await self._carry_node(action.node)
        try:
            await self._call.transfer(address)
        except LocalProtocolError as error:
            self._log("transfer_refused", action, str(error))
            return Refused()
        return Left.TRANSFERRED

    async def _enter(self, action: EnterQueue) -> Outcome | Left:
        place = Place(action.queue, action.priority, action.criteria, action.preferred)
        try:
            facts = self._floor.arrive(self._call, self._interaction, place)
        except QueueRefused as error:
            if not error.reason:
                self._log("queue_refused", action, str(error))
            return Refused(error.reason)
        try:
            await self._answer()
            await self._carry({**facts, **self._place(action.node)})
            await self._call.wait(music=action.music, after=action.resumes)
        except CallGone:
            self._floor.gone(self._call, self._interaction)
        return Left.QUEUED

    def _audio(self, action: Play | Collect) -> list[Audio] | None:
        try:
            return [one for item in action.items for one in self._one(item, action.language)]
        except PromptMissing as error:
            self._log("prompt_missing", action, str(error))
            return None

    def _one(self, item: Heard, language: str) -> Iterator[Audio]:
        if isinstance(item, Recorded):
            yield self._prompts.audio(item.prompt, language)
        elif isinstance(item, Phrase):
            for piece in item.pieces:
                yield self._prompts.speech(piece, item.language)
        else:
            language, text = item.choose(language, self._flow.language)
            yield self._prompts.speech(text, language)

    async def _answer(self) -> None:
        if not self._answered:
            await self._call.answer()
            self._answered = True

    def _place(self, node: str) -> dict[str, str]:
        place = {"flow": self._flow.alias, "version": self._flow.version, "node": node}
        carried = state.facts(self._interpreter.state())
        # A fact that was never carried need not be carried as empty.
        return place | {k: v for k, v in carried.items() if v or self._carried.get(k)}

    async def _carry_node(self, node: str, *, now: bool = False) -> None:
        await self._carry(self._place(node), now=now)

    async def _carry(self, facts: Mapping[str, str], *, now: bool = False) -> None:
        changed = {key: value for key, value in facts.items() if self._carried.get(key) != value}
        if changed:
            await self._call.carry(changed, now=now)
            self._carried.update(changed)

    def _log(self, event: str, action: Action, why: str) -> None:
        log.error(
            "%s: %s",
            event,
            why,
            extra={
                "action": event,
                "interaction": self._interaction,
                "call": self._call.id,
                "flow": self._flow.alias,
                "version": self._flow.version,
                "node": action.node,
            },
        )
