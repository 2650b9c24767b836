"""Callbacks that agents promise by their phones: a code, dialled during a talk or after it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

from crm import interactions
from crm.database import Database
from crm.errors import CrmError
from crm.interactions import Spoken
from ivr.errors import PromptMissing
from ivr.prompts import PromptStore
from pbx.errors import CallGone
from pbx.port import Call, Prompt, SayDigits
from sala.ordering import CallbackRefused, Orders

log = logging.getLogger(__name__)

CODE = "*26"
WHEN, MADE, NOBODY, REFUSED, AWAY = (
    "agent-callback-when",
    "agent-callback-made",
    "agent-callback-nobody",
    "agent-callback-cannot",
    "agent-callback-away",
)
RECENT_MS = 30 * 60_000
"""Whom they spoke to longer ago is not meant."""
ANSWER_MS = 5_000
NEXT_MS = 3_000
MOST_DIGITS = 3
PATIENCE_S = 5.0
PUT_DOWN_MS = 10_000
"""How long the agent is busy yet with hearing what was noted."""
TOLD_DIGITS = 4
"""So many of the number tell an agent which customer it is, and others nothing."""
_MINUTE_MS = 60_000


class Personal:
    """Takes such orders. `kept` waits until what was noted is written, `clock` gives ms."""

    def __init__(
        self,
        orders: Orders,
        database: Database,
        prompts: PromptStore,
        clock: Callable[[], int],
        *,
        kept: Callable[[], Awaitable[None]],
        language: str,
    ) -> None:
        self._orders = orders
        self._database = database
        self._prompts = prompts
        self._clock = clock
        self._kept = kept
        self._language = language

    async def promised(self, call: Call, agent: str) -> None:
        """Ask an agent when, and promise that they call back whom they spoke to last.

        They hear so once it is on disk; who hangs up before it was asked for has promised nothing.
        """
        with contextlib.suppress(CallGone):
            await self._talk(call, agent)

    async def _talk(self, call: Call, agent: str) -> None:
        await call.answer()
        said: list[Prompt]
        try:
            spoken = await self._spoken(agent)
            if spoken is None or not spoken.number:
                said = self._audio(NOBODY if spoken is None else REFUSED)
            else:
                due = await self._when(call)
                async with asyncio.timeout(PATIENCE_S):
                    number = await self._orders.own(agent, spoken, due)
                said = [*self._audio(MADE), SayDigits(number[-TOLD_DIGITS:])]
        except CallbackRefused as refused:
            self._log(agent, "callback_refused", str(refused))
            said = self._audio(REFUSED)
        except (CrmError, OSError, TimeoutError) as error:
            self._log(agent, "callback_failed", type(error).__name__)
            said = self._audio(AWAY)
        await call.play(said)
        await call.hang_up()

    async def _spoken(self, agent: str) -> Spoken | None:
        async with asyncio.timeout(PATIENCE_S):
            await self._kept()
            since = self._clock() - RECENT_MS
            return await interactions.last_of(self._database, agent, since)

    async def _when(self, call: Call) -> int:
        """Return when the agent wants to call; not before they have put down the phone."""
        keyed = await call.collect(
            self._audio(WHEN), max_digits=MOST_DIGITS, first_ms=ANSWER_MS, next_ms=NEXT_MS
        )
        minutes = int(keyed.digits) if keyed.digits.isdecimal() else 0
        return self._clock() + max(minutes * _MINUTE_MS, PUT_DOWN_MS)

    def _audio(self, prompt: str) -> list[Prompt]:
        try:
            return [self._prompts.audio(prompt, self._language)]
        except PromptMissing as missing:
            log.error("%s", missing, extra={"action": "prompt_missing"})  # noqa: TRY400
            return []

    def _log(self, agent: str, action: str, why: str) -> None:
        log.warning("%s: %s", action, why, extra={"action": action, "agent": agent})
