"""Asterisk as a `pbx.port.Switch`: one AMI link for orders and events, FastAGI for calls.

Agents' legs have channel ids of our choosing (see `pbx.asterisk.legs`), by which their events are
told from those of callers.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from pbx.asterisk.facts import (
    EVENTS,
    LEG_PREFIX,
    Q850,
    cause_of,
    channel_of,
    encode_carry,
    is_fault,
)
from pbx.asterisk.fastagi import FastAgiServer
from pbx.asterisk.legs import Legs
from pbx.asterisk.link import AmiLink, Headers
from pbx.asterisk.listing import asks_whom, floor_of, is_new
from pbx.asterisk.outgoing import Outgoing
from pbx.asterisk.parting import EVENTS as PARTING_EVENTS, Parting, told
from pbx.asterisk.phones import Phones
from pbx.asterisk.requests import Requests
from pbx.asterisk.signals import Signals
from pbx.errors import LinkDown, LocalProtocolError, SwitchError
from pbx.port import (
    CallEnded,
    Caller,
    Cause,
    FloorSnapshot,
    Handler,
    Prompt,
    SwitchBack,
    SwitchEvent,
    SwitchLost,
)
from pbx.wire.ami import Event, Response

log = logging.getLogger(__name__)

GHOST_S = 1.0
"""How long a channel may take to go after its caller has said that it hangs up."""


class AsteriskSwitch:
    """One Asterisk. Implements `pbx.port.Switch`.

    `recordings` is the folder that callers' recordings go to.
    """

    def __init__(
        self,
        *,
        host: str,
        ami_port: int,
        user: str,
        secret: str,
        agi_port: int,
        recordings: Path,
    ) -> None:
        self._handler: Handler | None = None
        self._host = host
        self._agi_port = agi_port
        self._link = AmiLink(
            host,
            ami_port,
            user,
            secret,
            events=PARTING_EVENTS | EVENTS,
            on_event=self._heard,
            on_up=self._resynchronise,
            on_down=self._lost,
        )
        self._held_back: list[Event] | None = None
        self._legs = Legs(self._link, self._order, self._tell)
        self._signals = Signals(self._order)
        self._requests = Requests(recordings, self._signals, self._set_carry)
        self._agi = FastAgiServer(self._requests.serve)
        self._parting = Parting(self._order)
        self._phones = Phones()
        self._outgoing = Outgoing(self._link, self._tell)
        self._hanging_up: dict[str, asyncio.TimerHandle] = {}
        """Callers whose phone has said that it hangs up."""
        self._is_of_another = False
        """Whether the PBX was found to be another service's when we logged in last."""

    async def start(self, handler: Handler) -> None:
        """Listen for calls and connect; `handler` is told what happens.

        Raises OSError if the FastAGI port is taken.
        """
        self._handler = self._requests.handler = handler
        await self._agi.start(self._host, self._agi_port)
        await self._link.start()

    async def stop(self) -> None:
        """Let go of the PBX; its calls go on without us."""
        self._signals.stop()
        await self._agi.stop()
        await self._link.stop()

    @property
    def up(self) -> bool:
        """Whether the link to the PBX is up."""
        return self._link.up

    # --- orders -----------------------------------------------------------------------------

    def ring(
        self,
        offer: str,
        address: str,
        call: str,
        *,
        ring_ms: int,
        caller: Caller,
        carry: Mapping[str, str],
        held: bool = False,
    ) -> None:
        exten = "held" if held else "s"
        self._legs.ring(offer, address, "sala-agent", exten, call, ring_ms, caller, carry)

    def reserve(
        self, offer: str, address: str, *, ring_ms: int, caller: Caller, carry: Mapping[str, str]
    ) -> None:
        self._legs.ring(offer, address, "sala-agent", "reserved", "", ring_ms, caller, carry)

    def dial(
        self,
        call: str,
        address: str,
        *,
        ring_ms: int,
        shown: str,
        carry: Mapping[str, str],
        detect: bool,
    ) -> None:
        self._outgoing.dial(call, address, ring_ms, shown, carry, detect)

    def give_up(self, call: str) -> None:
        self._outgoing.give_up(call)

    def consult(
        self,
        offer: str,
        address: str,
        by: str,
        *,
        ring_ms: int,
        caller: Caller,
        carry: Mapping[str, str],
    ) -> None:
        self._parting.send(leg := LEG_PREFIX + by, "sala-held", "ring")
        self._legs.ring(offer, address, "sala-consult", "s", leg, ring_ms, caller, carry)

    def cancel(self, offer: str) -> None:
        self._legs.cancel(offer)

    def join(self, offer: str) -> None:
        self._signals.wake(LEG_PREFIX + offer)

    def summon(self, call: str) -> None:
        self._signals.summon(call)

    def carry(self, call: str, values: Mapping[str, str]) -> None:
        carried = [("Variable", "SALA_CARRY"), ("Value", encode_carry(values))]
        self._order("Setvar", [("Channel", call), *carried])

    def _set_carry(self, call: str, carry: str) -> asyncio.Future[Response] | None:
        """Set what a call carries; None if that cannot be done this way."""
        value = [("Variable", "SALA_CARRY"), ("Value", carry)]
        try:
            return self._link.send("Setvar", [("Channel", call), *value])
        except (LinkDown, LocalProtocolError):
            return None

    async def announce(self, call: str, prompts: Sequence[Prompt]) -> None:
        # The dialplan asks us what there is to say; so it is said only to one who still waits.
        self._requests.announcements[call] = tuple(prompts)
        try:
            await self._redirect(call, "sala-wait", "tick")
        except SwitchError:
            self._requests.announcements.pop(call, None)
            raise

    def connect(self, offer: str, call: str, carry: Mapping[str, str]) -> None:
        self._parting.connect(offer, call, carry)

    def aim(self, offer: str, call: str, carry: Mapping[str, str]) -> None:
        self._parting.aim(offer, call, carry)

    def hold(self, offer: str, call: str) -> None:
        self._parting.hold(offer, call)

    def conference(self, name: str, call: str, offers: Sequence[str]) -> None:
        self._parting.conference(name, call, offers)

    def requeue(self, call: str) -> None:
        self._parting.send(call, "sala-wait")

    def release(self, call: str) -> None:
        self._parting.send(call, "sala-after")

    async def transfer(self, call: str, address: str) -> None:
        channel_of(address)
        await self._redirect(call, "sala-transfer", address)

    async def hang_up(self, call: str, cause: Cause = Cause.NORMAL) -> None:
        self._order("Hangup", [("Channel", call), ("Cause", str(Q850[cause]))])

    async def snapshot(self) -> FloorSnapshot:
        return await floor_of(self._link)

    async def _redirect(self, channel: str, context: str, exten: str) -> None:
        where = [("Context", context), ("Exten", exten), ("Priority", "1")]
        await self._link.action("Redirect", [("Channel", channel), *where])

    def _order(self, name: str, headers: Headers) -> asyncio.Future[Response] | None:
        """Send an order whose refusal means that the channel is gone already."""
        try:
            return self._link.send(name, headers)
        except LinkDown:
            log.info("order not sent", extra={"action": "order_unsent", "order": name})
            return None

    # --- events -----------------------------------------------------------------------------

    def _heard(self, event: Event) -> None:
        if self._held_back is not None:
            self._held_back.append(event)
            return
        headers = event.headers
        unique = headers.get("Uniqueid", "")
        offer = unique.removeprefix(LEG_PREFIX) if unique.startswith(LEG_PREFIX) else ""
        match event.name:
            case _ if unique in self._outgoing and self._outgoing.heard(event):
                pass
            case _ if offer and self._legs.heard(offer, event):
                pass
            case "Hangup":
                self._requests.announcements.pop(unique, None)
                self._signals.heeded(unique)
                sweep = self._hanging_up.pop(unique, None)
                if sweep is not None:
                    sweep.cancel()
                by_caller = sweep is not None and not is_fault(headers.get("Cause"))
                self._tell(CallEnded(unique, cause_of(headers.get("Cause")), by_caller))
            case "HangupRequest":
                loop = asyncio.get_running_loop()
                self._hanging_up[unique] = loop.call_later(GHOST_S, self._sweep, unique)
            case "BridgeEnter":
                self._signals.heeded(unique)
            case "DTMFBegin" | "DTMFEnd":
                self._requests.key(event)
            case name if name in PARTING_EVENTS and (done := told(event)) is not None:
                self._tell(done)
            case "ContactStatus" if (changed := self._phones.told(event)) is not None:
                self._tell(changed)

    def _sweep(self, call: str) -> None:
        """End a channel whose caller is long gone.

        A caller who hangs up in the very moment in which Bridge() pulls their channel out of the
        wait can leave it behind, talking to nobody, for as long as the agent holds the line.
        """
        log.warning("a channel outlived its caller", extra={"action": "sweep", "call": call})
        self._order("Hangup", [("Channel", call), ("Cause", str(Q850[Cause.NORMAL]))])

    def _tell(self, event: SwitchEvent) -> None:
        if self._handler is None:
            return
        try:
            self._handler.event(event)
        except Exception:
            # The link must outlive a fault above it: other calls depend on it.
            log.exception("event handler failed", extra={"action": "event_handler_failed"})

    def _lost(self, why: str) -> None:
        self._tell(SwitchLost(why))

    async def _check_ours(self) -> None:
        """Raise SwitchError for a PBX whose calls are another service's; two would act on each."""
        asks = await asks_whom(self._link)
        if asks and asks.rpartition(":")[2] != str(self._agi_port):
            why = f"the PBX asks the service at {asks}, and not this one at port {self._agi_port}"
            if not self._is_of_another:
                log.error("%s: stop one of the two", why, extra={"action": "pbx_of_another"})
            self._is_of_another = True
            raise SwitchError(why)
        self._is_of_another = False

    async def _resynchronise(self) -> None:
        """After each login: list what is live, then tell what happened meanwhile."""
        await self._check_ours()
        self._held_back = []
        try:
            await self._link.action("Setvar", [("Variable", "SALA_AWAY_LAST"), ("Value", "0")])
            with self._agi.noting() as asking:
                restarted = await is_new(self._link)
                floor = replace(
                    await self.snapshot(), asking=frozenset(asking), restarted=restarted
                )
        finally:
            held, self._held_back = self._held_back, None
        self._legs.restore(floor)
        self._outgoing.restore(floor)
        for sweep in self._hanging_up.values():
            sweep.cancel()
        self._hanging_up.clear()
        self._tell(SwitchBack(floor))
        for event in held:
            self._heard(event)
