"""Agents' legs, from Originate to their end.

Each has a channel id of our choosing (`sala-<offer>`), so that it is known by its id alone in every
event, and after a restart. It goes to a fixed context of ours, which connects it when it answers.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping

from pbx.asterisk.facts import (
    LEG_PREFIX,
    NO_ANSWER_REASON,
    NO_CHANNEL_S,
    Q850,
    cause_of,
    channel_of,
    encode_carry,
)
from pbx.asterisk.link import AmiLink, Headers
from pbx.errors import LinkDown
from pbx.port import (
    Caller,
    Cause,
    FloorSnapshot,
    LegAnswered,
    LegConnected,
    LegEnded,
    LegRinging,
    SwitchEvent,
)
from pbx.wire.ami import Event, Response

log = logging.getLogger(__name__)


class Legs:
    """The legs that there are. `order` sends an AMI action whose answer nobody needs; `tell` is
    given what becomes of each, and its one `LegEnded`."""

    def __init__(
        self,
        link: AmiLink,
        order: Callable[[str, Headers], object],
        tell: Callable[[SwitchEvent], None],
    ) -> None:
        self._link = link
        self._order = order
        self._tell = tell
        self._live: dict[str, bool] = {}
        """By offer: whether they have answered."""
        self._cancelled: set[str] = set()
        self._leaving: set[str] = set()
        """Those that their phones have hung up."""

    def ring(
        self,
        offer: str,
        address: str,
        context: str,
        exten: str,
        other: str,
        ring_ms: int,
        caller: Caller,
        carry: Mapping[str, str],
    ) -> None:
        """Ring; `other` is the channel that is to be pulled to the leg when it answers.

        Raises `LocalProtocolError` for an address that is none, or what a call cannot carry.
        """
        shown = "".join(c for c in caller.name if c not in '"<>\\')
        headers = [
            ("Channel", channel_of(address)),
            ("Context", context),
            ("Exten", exten),
            ("Priority", "1"),
            ("Timeout", str(ring_ms)),
            ("CallerID", f'"{shown}" <{caller.number or "anonymous"}>'),
            ("Variable", f"SALA_CALLER={other}"),
            ("Variable", f"SALA_CARRY={encode_carry(carry)}"),
            ("Variable", "TRANSFER_CONTEXT=sala-refer"),
            ("ChannelId", LEG_PREFIX + offer),
            ("Async", "true"),
        ]
        self._live[offer] = False
        try:
            answer = self._link.send("Originate", headers)
        except LinkDown:
            asyncio.get_running_loop().call_soon(self._ended, offer, Cause.FAILED)
            return
        answer.add_done_callback(lambda done: self._taken(offer, done))

    def cancel(self, offer: str) -> None:
        """End one, now or as soon as its channel is there."""
        if offer in self._live:
            self._cancelled.add(offer)
        self._hang_up(offer)

    def heard(self, offer: str, event: Event) -> bool:
        """Take an event of one; return whether it concerns nobody else."""
        headers = event.headers
        match event.name:
            case "Hangup":
                self._ended(offer, cause_of(headers.get("Cause")))
            case "HangupRequest":
                if offer in self._live:
                    self._leaving.add(offer)
            case "Newstate":
                self._state(offer, headers.get("ChannelStateDesc", ""))
            case "BridgeEnter":
                if headers.get("BridgeNumChannels") == "2":
                    self._tell(LegConnected(offer, headers.get("Linkedid", "")))
            case "OriginateResponse" if headers.get("Response") == "Failure":
                if headers.get("Reason") == NO_ANSWER_REASON:
                    self._ended(offer, Cause.NO_ANSWER)
                elif offer in self._live:
                    loop = asyncio.get_running_loop()
                    loop.call_later(NO_CHANNEL_S, self._ended, offer, Cause.UNREACHABLE)
            case _:
                return False
        return True

    def restore(self, floor: FloorSnapshot) -> None:
        """Take the PBX's word for which there are."""
        self._live = {leg.offer: leg.answered for leg in floor.legs}
        self._cancelled &= self._live.keys()
        self._leaving &= self._live.keys()

    def _hang_up(self, offer: str) -> None:
        cause = str(Q850[Cause.CANCELLED])
        self._order("Hangup", [("Channel", LEG_PREFIX + offer), ("Cause", cause)])

    def _taken(self, offer: str, done: asyncio.Future[Response]) -> None:
        """Asterisk has taken the order to ring, or has not."""
        failure = done.exception()
        if isinstance(failure, LinkDown):
            return  # what became of it is told by the snapshot after the link is back
        if failure is not None or not done.result().success:
            why = str(failure) if failure is not None else done.result().message
            log.warning("ring refused", extra={"action": "ring_refused", "why": why})
            self.cancel(offer)
            self._ended(offer, Cause.FAILED)

    def _state(self, offer: str, state: str) -> None:
        if offer not in self._live:
            return
        if offer in self._cancelled:
            self._hang_up(offer)  # it was not there yet when it was cancelled
        if state == "Ringing":
            self._tell(LegRinging(offer))
        elif state == "Up":
            self._live[offer] = True
            self._tell(LegAnswered(offer))

    def _ended(self, offer: str, cause: Cause) -> None:
        """Tell its end, once."""
        answered = self._live.pop(offer, None)
        self._cancelled.discard(offer)
        hung_up = offer in self._leaving
        self._leaving.discard(offer)
        if answered is not None:
            self._tell(LegEnded(offer, cause, answered, hung_up=answered and hung_up))
