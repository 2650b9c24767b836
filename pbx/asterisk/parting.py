"""Parting and joining those who talk: holds, consults, transfers, conferences, in AMI's words.

All of it is redirections into contexts of ours, by which the dialplan itself knows what becomes of
a caller whose agent goes while nobody else looks on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

from pbx.asterisk.facts import LEG_PREFIX, encode_carry
from pbx.asterisk.link import Headers
from pbx.errors import LocalProtocolError
from pbx.port import LegHandsOver, LegHolds, LegRefers, LegResumes
from pbx.wire.ami import Event, Response

EVENTS = frozenset({"AttendedTransfer", "BlindTransfer", "Hold", "Unhold"})
"""The events read here. None of them comes about in a call that is simply answered."""

_DONE = "Success"


class Parting:
    """Moves channels; `order` sends an AMI action, and gives its answer to come if it was sent."""

    def __init__(self, order: Callable[[str, Headers], asyncio.Future[Response] | None]) -> None:
        self._order = order

    def connect(self, offer: str, call: str, carry: Mapping[str, str]) -> None:
        """Have a leg's dialplan pull the call to it."""
        self.aim(offer, call, carry)
        self.send(LEG_PREFIX + offer, "sala-agent")

    def aim(self, offer: str, call: str, carry: Mapping[str, str]) -> None:
        """Say whom a leg's dialplan is to pull to it."""
        leg = LEG_PREFIX + offer
        self._set(leg, "SALA_CARRY", encode_carry(carry))
        self._set(leg, "SALA_CALLER", call)

    def hold(self, offer: str, call: str) -> None:
        """Send caller and leg apart, in one action."""
        leg = LEG_PREFIX + offer
        self._set(call, "SALA_HOLDER", leg)
        self._redirect([(call, "sala-hold", "s"), (leg, "sala-held", "s")])

    def conference(self, name: str, call: str, offers: Sequence[str]) -> None:
        """Send all into one room. Whoever of the legs has gone leaves the others in it."""
        if not name or set(name) - set("0123456789abcdef"):
            raise LocalProtocolError("a conference's name is made of 0-9 and a-f")
        legs = [(LEG_PREFIX + offer, "sala-conference", name) for offer in offers]

        def refused(done: asyncio.Future[Response]) -> None:
            # Of two of whom one has gone Asterisk moves neither.
            if not done.cancelled() and done.exception() is None and not done.result().success:
                for leg in legs:
                    self._redirect([leg])

        for answer in self._redirect(legs):
            answer.add_done_callback(refused)
        self._redirect([(call, "sala-conference", name)])

    def send(self, channel: str, context: str, exten: str = "s") -> None:
        """Send a channel into one of our contexts."""
        self._redirect([(channel, context, exten)])

    def _set(self, channel: str, variable: str, value: str) -> None:
        self._order("Setvar", [("Channel", channel), ("Variable", variable), ("Value", value)])

    def _redirect(self, moves: Sequence[tuple[str, str, str]]) -> list[asyncio.Future[Response]]:
        """Redirect channels, two at a time, so that two who talk are parted at once."""
        answers = []
        for at in range(0, len(moves), 2):
            headers: list[tuple[str, str]] = []
            for which, (channel, context, exten) in zip(("", "Extra"), moves[at:], strict=False):
                headers += [
                    (f"{which}Channel", channel),
                    (f"{which}Context", context),
                    (f"{which}Exten", exten),
                    (f"{which}Priority", "1"),
                ]
            if (answer := self._order("Redirect", headers)) is not None:
                answers.append(answer)
        return answers


def told(event: Event) -> LegHolds | LegResumes | LegRefers | LegHandsOver | None:
    """What an agent's phone did, None if it was nobody's leg of ours, or came to nothing."""
    headers = event.headers
    match event.name:
        case "Hold":
            offer = _offer(headers.get("Uniqueid", ""))
            return LegHolds(offer) if offer else None
        case "Unhold":
            offer = _offer(headers.get("Uniqueid", ""))
            return LegResumes(offer) if offer else None
        case "BlindTransfer" if headers.get("Result") == _DONE:
            offer = _offer(headers.get("TransfererUniqueid", ""))
            return LegRefers(offer) if offer else None
        case "AttendedTransfer" if headers.get("Result") == _DONE:
            first = headers.get("OrigTransfererUniqueid", "")
            second = headers.get("SecondTransfererUniqueid", "")
            if not _offer(first):  # a phone may name either call first
                first, second = second, first
            return LegHandsOver(_offer(first), second) if _offer(first) else None
    return None


def _offer(unique: str) -> str:
    return unique.removeprefix(LEG_PREFIX) if unique.startswith(LEG_PREFIX) else ""
