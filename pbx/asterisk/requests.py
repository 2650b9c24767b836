"""Requests that the dialplan makes over FastAGI, given to the handler each as a call on loan."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path

from pbx.asterisk.call import AgiCall
from pbx.asterisk.facts import LEG_PREFIX
from pbx.asterisk.fastagi import AgiSession
from pbx.asterisk.keys import Keys
from pbx.asterisk.signals import Signals
from pbx.port import Handler, Prompt
from pbx.wire.ami import Event, Response

log = logging.getLogger(__name__)


class Requests:
    """Serves them, once `handler` is there. `announcements` are what a call that waits is to hear.

    `recordings` is the folder that callers' recordings go to; `set_carry` sets what a call carries
    over AMI, or gives None if it cannot.
    """

    def __init__(
        self,
        recordings: Path,
        signals: Signals,
        set_carry: Callable[[str, str], asyncio.Future[Response] | None],
    ) -> None:
        self.handler: Handler | None = None
        self.announcements: dict[str, tuple[Prompt, ...]] = {}
        self._recordings = recordings
        self._signals = signals
        self._set_carry = set_carry
        self._keys: dict[str, Keys] = {}
        """By call, while FastAGI has it."""

    async def serve(self, session: AgiSession) -> None:
        """Lend a request's call to the handler until it is done with it."""
        if session.request is None or self.handler is None:
            return
        unique = session.request.env.get("agi_uniqueid", "")
        keys = self._keys[unique] = Keys(lambda key: self._signals.wake(unique, key))
        aside = partial(self._set_carry, unique)
        call = AgiCall(session, self._recordings, keys, aside)
        try:
            await self._lend(self.handler, call, session.request.script)
        finally:
            if self._keys.get(unique) is keys:
                del self._keys[unique]

    def key(self, event: Event) -> None:
        """Note a key that the PBX tells of."""
        keys = self._keys.get(event.headers.get("Uniqueid", ""))
        if keys is not None:
            note = keys.begun if event.name == "DTMFBegin" else keys.ended
            note(event.headers.get("Digit", ""))

    async def _lend(self, handler: Handler, call: AgiCall, script: str | None) -> None:
        match script:
            case "ivr":
                await handler.incoming(call)
            case "wait":
                self._signals.heeded(call.id)
                prompts = self.announcements.pop(call.id, None)
                if prompts is not None:
                    await call.play(prompts)
                else:
                    await handler.waiting(call, call.key)
            case "feature":
                await handler.feature(call, call.dialled)
            case "after":
                await handler.after(call)
            case "reserved":
                await handler.reserved(call, call.id.removeprefix(LEG_PREFIX))
            case "called":
                await handler.called(call, call.key == "machine")
            case "refer":
                await handler.referred(call, call.key or "")
            case _:
                log.warning("unknown AGI script", extra={"action": "agi_unknown_script"})
