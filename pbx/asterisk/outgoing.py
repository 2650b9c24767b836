"""Calls of ours to customers, from Originate to their end.

They are sent to a fixed context of ours, with channel ids of our choosing, so that each is known by
its id alone in every event, and after a restart.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Callable, Mapping

from pbx.asterisk.facts import (
    LEG_PREFIX,
    NO_ANSWER_REASON,
    NO_CHANNEL_S,
    Q850,
    channel_of,
    encode_carry,
)
from pbx.asterisk.link import AmiLink
from pbx.errors import LinkDown, LocalProtocolError
from pbx.port import CallEnded, Cause, FloorSnapshot, SwitchEvent, can_be_shown
from pbx.wire.ami import Event, Response

AGAIN_S = 0.1
"""How long after an order that came too early it is given again."""

_CALL = re.compile(r"[A-Za-z0-9-]{1,100}")


class Outgoing:
    """Calls to customers. `tell` is given the one `CallEnded` of each."""

    def __init__(self, link: AmiLink, tell: Callable[[SwitchEvent], None]) -> None:
        self._link = link
        self._tell = tell
        self._live: set[str] = set()
        self._over: set[str] = set()
        """Their end was told before that of their channels."""

    def __contains__(self, call: str) -> bool:
        return call in self._live or call in self._over

    def dial(
        self,
        call: str,
        address: str,
        ring_ms: int,
        shown: str,
        carry: Mapping[str, str],
        detect: bool,
    ) -> None:
        """Call. Raises `LocalProtocolError` for an id, an address or a number that is none."""
        if not _CALL.fullmatch(call) or call.startswith(LEG_PREFIX):
            raise LocalProtocolError("a call's id is made of letters, digits and -")
        if shown and not can_be_shown(shown):
            raise LocalProtocolError("the number shown is made of up to 15 digits")
        headers = [
            ("Channel", channel_of(address, shown=shown)),
            ("Context", "sala-callback"),
            ("Exten", "s"),
            ("Priority", "1"),
            ("Timeout", str(ring_ms)),
            ("Variable", f"SALA_CARRY={encode_carry(carry)}"),
            ("Variable", "SALA_STATE=dialled"),
            ("Variable", f"SALA_DETECT={'yes' if detect else ''}"),
            ("ChannelId", call),
            ("Async", "true"),
        ]
        if shown:
            headers.insert(5, ("CallerID", f"<{shown}>"))
        self._live.add(call)
        try:
            answer = self._link.send("Originate", headers)
        except LinkDown:
            asyncio.get_running_loop().call_soon(self._ended, call, Cause.FAILED)
            return
        answer.add_done_callback(lambda done: self._taken(call, done))

    def give_up(self, call: str) -> None:
        """End one, now or as soon as its channel is there."""
        # While the link is down it stays: whoever gave it up finds it in the snapshot.
        with contextlib.suppress(LinkDown):
            hang_up = [("Channel", call), ("Cause", str(Q850[Cause.NORMAL]))]
            answer = self._link.send("Hangup", hang_up)
            if call in self._live:
                answer.add_done_callback(lambda done: self._given_up(call, done))

    def heard(self, event: Event) -> bool:
        """Take an event of one; return whether it concerns nobody else."""
        headers = event.headers
        call = headers.get("Uniqueid", "")
        match event.name:
            case "Hangup" if call in self._over:
                self._over.discard(call)
                return True
            case "Hangup":
                self._live.discard(call)
                return False
            case "OriginateResponse" if headers.get("Response") == "Failure":
                if headers.get("Reason") == NO_ANSWER_REASON:
                    if call in self._live:
                        self._over.add(call)
                    self._ended(call, Cause.NO_ANSWER)
                else:
                    loop = asyncio.get_running_loop()
                    loop.call_later(NO_CHANNEL_S, self._ended, call, Cause.UNDIALLED)
                return True
        return False

    def restore(self, floor: FloorSnapshot) -> None:
        """Take the PBX's word for which there are."""
        there = {call.call for call in floor.calls}
        self._live &= there
        self._over.clear()

    def _taken(self, call: str, done: asyncio.Future[Response]) -> None:
        failure = done.exception()
        if isinstance(failure, LinkDown):
            return  # what became of it is told by the snapshot after the link is back
        if failure is not None or not done.result().success:
            self._ended(call, Cause.FAILED)

    def _given_up(self, call: str, done: asyncio.Future[Response]) -> None:
        """Hang up again: of a channel that is still being made, the PBX knows nothing yet."""
        gone = done.cancelled() or done.exception() is not None
        if not gone and not done.result().success and call in self._live:
            asyncio.get_running_loop().call_later(AGAIN_S, self._give_up_again, call)

    def _give_up_again(self, call: str) -> None:
        if call in self._live:
            self.give_up(call)

    def _ended(self, call: str, cause: Cause) -> None:
        """Tell its end, once."""
        if call in self._live:
            self._live.discard(call)
            self._tell(CallEnded(call, cause, by_caller=False))
