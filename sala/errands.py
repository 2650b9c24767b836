"""What a waiting caller is told and asked when the router decides so, and how they leave the line.

An errand is run within a request of the PBX about a call that waits, so the caller hears it in
place of the music, which resumes; an agent who answers meanwhile cuts it short.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from acd.contacts import Contact, Errand
from acd.floor import Floor
from crm.errors import CrmError
from crm.identities import phone
from ivr.errors import IvrError
from ivr.performer import PATIENCE_MS
from ivr.services import Callbacks
from ivr.session import Session
from pbx.port import Call

log = logging.getLogger(__name__)

OFFER, PROMISED, NOT_PROMISED = (
    "wait-callback-offer",
    "wait-callback-promised",
    "wait-callback-failed",
)
ACCEPT = "1"
ANSWER_MS = 5_000
"""How long a caller has to answer the question."""

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
            elif contact.errand.callback:
                contact.errand.callback = False
                if await self._offer_callback(session, call, contact):
                    return True
        return False

    async def _offer_callback(self, session: Session, call: Call, contact: Contact) -> bool:
        """Ask whether to call back; return whether it was promised, and the call ended."""
        number = call.caller.number
        e164 = phone(number, self._region) if number and call.address is None else None
        if self._callbacks is None or e164 is None:
            why = "no callbacks are made here" if e164 else "the caller's number is withheld"
            self._log(contact, "callback_not_offered", why)
            return False
        if await session.ask(OFFER, first_ms=ANSWER_MS) != ACCEPT:
            return False
        queue = contact.queue
        if not self._floor.step_aside(contact):
            return False
        promised = False
        try:
            async with asyncio.timeout(PATIENCE_MS / 1000):
                promised = await self._callbacks.promise(contact.interaction, queue, e164)
        except (IvrError, CrmError, OSError, TimeoutError) as error:
            self._log(contact, "callback_failed", type(error).__name__)
        finally:
            if promised:
                self._floor.called_back(contact)
            else:
                self._floor.step_back(contact)
        if not promised:
            await session.tell([NOT_PROMISED])
            return False
        await session.tell([PROMISED])
        await call.hang_up()
        return True

    def _log(self, contact: Contact, action: str, why: str) -> None:
        log.warning(
            "%s: %s", action, why, extra={"action": action, "interaction": contact.interaction}
        )
