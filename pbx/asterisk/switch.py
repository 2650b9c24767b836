"""Asterisk as a `pbx.port.Switch`: one AMI link for orders and events, FastAGI for calls.

Agents' legs are originated with channel ids of our choosing (`sala-<offer>`), to the fixed context
`sala-agent`, which bridges them to the caller when they answer. So a leg is known by its id alone
in every event, and after a restart.
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
from pbx.asterisk.link import AmiLink, Headers
from pbx.asterisk.listing import asks_whom, floor_of, is_new
from pbx.asterisk.outgoing import NO_ANSWER_REASON, Outgoing, leg_headers
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
    LegAnswered,
    LegConnected,
    LegEnded,
    LegRinging,
    Prompt,
    SwitchBack,
    SwitchEvent,
    SwitchLost,
)
from pbx.wire.ami import Event, Response

log = logging.getLogger(__name__)

GONE_S = 0.25
"""How long a failed originate waits for the hang-up of its channel, which tells the cause. One
that never had a channel (nobody registered) has none."""

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
        self._legs: dict[str, bool] = {}
        """Live legs by offer: whether they have answered."""
        self._cancelled: set[str] = set()
        self._leaving: set[str] = set()
        """Legs that their phones have hung up."""
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
        self._originate(offer, address, "sala-agent", exten, call, ring_ms, caller, carry)

    def reserve(
        self, offer: str, address: str, *, ring_ms: int, caller: Caller, carry: Mapping[str, str]
    ) -> None:
        self._originate(offer, address, "sala-agent", "reserved", "", ring_ms, caller, carry)

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
        self._originate(offer, address, "sala-consult", "s", leg, ring_ms, caller, carry)

    def _originate(
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
        """Ring; `other` is the channel that is to be pulled to the leg when it answers."""
        headers = leg_headers(offer, address, context, exten, other, ring_ms, caller, carry)
        self._legs[offer] = False
        try:
            answer = self._link.send("Originate", headers)
        except LinkDown:
            asyncio.get_running_loop().call_soon(self._leg_ended, offer, Cause.FAILED)
            return
        answer.add_done_callback(lambda done: self._originated(offer, done))

    def cancel(self, offer: str) -> None:
        self._cancelled.add(offer)
        self._hang_up_leg(offer)

    def _hang_up_leg(self, offer: str) -> None:
        self._order(
            "Hangup",
            [("Channel", LEG_PREFIX + offer), ("Cause", str(Q850[Cause.CANCELLED]))],
        )

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

    def _order(self, name: str, headers: Headers) -> None:
        """Send an order whose refusal means that the channel is gone already."""
        try:
            self._link.send(name, headers)
        except LinkDown:
            log.info("order not sent", extra={"action": "order_unsent", "order": name})

    def _originated(self, offer: str, done: asyncio.Future[Response]) -> None:
        """Asterisk has taken the order to ring, or has not."""
        failure = done.exception()
        if isinstance(failure, LinkDown):
            return  # what became of it is told by the snapshot after the link is back
        if failure is not None or not done.result().success:
            why = str(failure) if failure is not None else done.result().message
            log.warning("ring refused", extra={"action": "ring_refused", "why": why})
            self.cancel(offer)
            self._leg_ended(offer, Cause.FAILED)

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
            case "Hangup" if offer:
                self._leg_ended(offer, cause_of(headers.get("Cause")))
            case "Hangup":
                self._requests.announcements.pop(unique, None)
                self._signals.heeded(unique)
                sweep = self._hanging_up.pop(unique, None)
                if sweep is not None:
                    sweep.cancel()
                by_caller = sweep is not None and not is_fault(headers.get("Cause"))
                self._tell(CallEnded(unique, cause_of(headers.get("Cause")), by_caller))
            case "HangupRequest" if offer:
                if offer in self._legs:
                    self._leaving.add(offer)
            case "HangupRequest":
                loop = asyncio.get_running_loop()
                self._hanging_up[unique] = loop.call_later(GHOST_S, self._sweep, unique)
            case "Newstate" if offer:
                self._leg_state(offer, headers.get("ChannelStateDesc", ""))
            case "BridgeEnter" if offer:
                if headers.get("BridgeNumChannels") == "2":
                    self._tell(LegConnected(offer, headers.get("Linkedid", "")))
            case "BridgeEnter":
                self._signals.heeded(unique)
            case "DTMFBegin" | "DTMFEnd":
                self._requests.key(event)
            case "OriginateResponse" if offer and headers.get("Response") == "Failure":
                if headers.get("Reason") == NO_ANSWER_REASON:
                    self._leg_ended(offer, Cause.NO_ANSWER)
                elif offer in self._legs:
                    loop = asyncio.get_running_loop()
                    loop.call_later(GONE_S, self._leg_ended, offer, Cause.UNREACHABLE)
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

    def _leg_state(self, offer: str, state: str) -> None:
        if offer not in self._legs:
            return
        if offer in self._cancelled:
            self._hang_up_leg(offer)  # it was not there yet when it was cancelled
        if state == "Ringing":
            self._tell(LegRinging(offer))
        elif state == "Up":
            self._legs[offer] = True
            self._tell(LegAnswered(offer))

    def _leg_ended(self, offer: str, cause: Cause) -> None:
        """Tell the end of a leg, once."""
        answered = self._legs.pop(offer, None)
        self._cancelled.discard(offer)
        hung_up = offer in self._leaving
        self._leaving.discard(offer)
        if answered is not None:
            self._tell(LegEnded(offer, cause, answered, hung_up=answered and hung_up))

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
        self._legs = {leg.offer: leg.answered for leg in floor.legs}
        self._cancelled &= self._legs.keys()
        self._leaving &= self._legs.keys()
        self._outgoing.restore(floor)
        for sweep in self._hanging_up.values():
            sweep.cancel()
        self._hanging_up.clear()
        self._tell(SwitchBack(floor))
        for event in held:
            self._heard(event)
