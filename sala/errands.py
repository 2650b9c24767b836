"""What a waiting caller is told and asked when the router decides so, and how they leave the line.

An errand is run within a request of the PBX about a call that waits, so the caller hears it in
place of the music, which resumes; an agent who answers meanwhile cuts it short.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from acd.contacts import OFFERED, Contact, Errand
from acd.floor import Floor
from crm.errors import CrmError
from crm.identities import phone
from ivr.errors import IvrError
from ivr.flow.actions import Action, AskCallback
from ivr.flow.behaviour import Unfit
from ivr.flow.behaviour.recall import Ending, Talk, Terms, hung_up, talk
from ivr.flow.expressions import ExpressionFailed
from ivr.flow.outcomes import Broken, Done, Outcome, Refused
from ivr.performer import PATIENCE_MS
from ivr.saying import Unsayable
from ivr.services import Callbacks
from ivr.session import Session
from pbx.errors import CallGone
from pbx.port import Call

log = logging.getLogger(__name__)

OFFER, PROMISED, NOT_PROMISED = (
    "wait-callback-offer",
    "wait-callback-promised",
    "wait-callback-failed",
)
ACCEPT = "1"
ANSWER_MS = 5_000
"""How long a caller has to answer a question."""

Pinned = Callable[[Call, Contact], Awaitable[tuple[Session, str] | None]]
"""Gives a session at the queue node where a call waits, and that node; None if it has none."""


class Errands:
    """Runs contacts' errands. `callbacks` is None where nobody can promise one."""

    def __init__(
        self, floor: Floor, pinned: Pinned, callbacks: Callbacks | None, region: str
    ) -> None:
        self._floor = floor
        self._pinned = pinned
        self._callbacks = callbacks
        self._region = region

    async def run(self, call: Call, contact: Contact) -> bool:
        """Tell and ask what there is; return whether the call has left the line by it."""
        while contact.errand:
            found = await self._pinned(call, contact)
            if found is None:
                self._log(contact, "errand_lost", "the call carries no flow that is known")
                left = bool(self._floor.exit(contact))
                contact.errand = Errand()
                if left:
                    await call.hang_up()
                return left
            session, node = found
            if reason := self._floor.exit(contact):
                await session.left(node, reason)
                return True
            if contact.errand.prompts:
                prompts, contact.errand.prompts = contact.errand.prompts, []
                await session.tell(prompts)
            elif contact.errand.callback or contact.errand.wants_callback:
                asked, contact.errand.wants_callback = contact.errand.wants_callback, False
                contact.errand.callback = False
                if await self._call_back(session, node, call, contact, asked=asked):
                    return True
        return False

    async def _call_back(
        self, session: Session, node: str, call: Call, contact: Contact, *, asked: bool
    ) -> bool:
        """Have a callback promised, if the caller wants it; return whether the call ended by it."""
        if self._callbacks is None:
            self._log(contact, "callback_not_offered", "no callbacks are made here")
            return False
        if not asked:
            contact.carry[OFFERED] = "yes"
            await call.carry({OFFERED: "yes"})
            told, key = self._floor.wait_prompts(contact), ""
            try:
                key = await session.ask([*told, OFFER], first_ms=ANSWER_MS)
            finally:
                # Who hangs up at the question has declined as well.
                if key != ACCEPT:
                    await self._callbacks.declined(contact.interaction, contact.queue)
            if key != ACCEPT:
                return False
        number = call.caller.number if call.address is None else None
        own = phone(number, self._region) if number else None
        ending = await self._talk(session, node, contact, own or "")
        if ending is Ending.PROMISED:
            await session.tell([PROMISED])
            await call.hang_up()
            return True
        if ending in (Ending.REFUSED, Ending.UNSTORED):
            await session.tell([NOT_PROMISED])
        elif ending is Ending.DECLINED:
            await self._callbacks.declined(contact.interaction, contact.queue)
        return False

    async def _talk(self, session: Session, node: str, contact: Contact, own: str) -> Ending | None:
        """Go through the talk; None: an agent was quicker."""

        def promise(number: str, due: int | None, told: int | None) -> AskCallback:
            return AskCallback(
                queue=contact.queue,
                number=number,
                language=session.language,
                due_ms=due,
                told_ms=told or contact.told_ms,
            )

        assert self._callbacks is not None
        steps: Talk = talk(Terms(contact.queue, session.language, promise), own)
        late = False
        try:
            action: Action = next(steps)
            while True:
                if not isinstance(action, AskCallback):
                    outcome = await session.act(node, action)
                elif self._floor.step_aside(contact):
                    outcome = await self._promise(contact, action)
                else:
                    late, outcome = True, Broken()
                action = steps.send(outcome)
        except StopIteration as stop:
            ending: Ending = stop.value
            return None if late else ending
        except CallGone:
            # Who hangs up before it is promised has declined, if one was to be had.
            if hung_up(steps) is Ending.DECLINED:
                await self._callbacks.declined(contact.interaction, contact.queue)
            raise
        except (Unfit, Unsayable, ExpressionFailed) as error:
            self._log(contact, "callback_failed", type(error).__name__)
            return Ending.REFUSED

    async def _promise(self, contact: Contact, action: AskCallback) -> Outcome:
        """Store the promise of a caller who stands aside; they are back in line if it fails."""
        assert self._callbacks is not None
        outcome: Outcome = Broken()
        try:
            async with asyncio.timeout(PATIENCE_MS / 1000):
                kept = await self._callbacks.promise(contact.interaction, action)
                outcome = Done() if kept else Refused()
        except (IvrError, CrmError, OSError, TimeoutError) as error:
            self._log(contact, "callback_failed", type(error).__name__)
        finally:
            if isinstance(outcome, Done):
                self._floor.called_back(contact)
            else:
                self._floor.step_back(contact)
        return outcome

    def _log(self, contact: Contact, action: str, why: str) -> None:
        log.warning(
            "%s: %s", action, why, extra={"action": action, "interaction": contact.interaction}
        )
