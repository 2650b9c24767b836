"""The switch port: what Sala asks of any PBX, and what a PBX tells Sala.

Everything above this module (`ivr`, `acd`) speaks in these words only. An adapter
(`pbx.asterisk`, later `pbx.freeswitch`) turns them into one PBX's dialect. No word of AMI, AGI
or ESL stands here.

Two surfaces:

* `Switch` acts on the floor: rings agents, hangs up, announces, lists what is live.
* `Call` is one caller's leg while a flow drives it. It is lent to a `Handler` method for as long
  as that method runs; `wait`, `hang_up` and `transfer` end the loan.

Times are integer milliseconds. Ids are opaque strings chosen by Sala (offers) or by the PBX
(calls).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from pbx.told import (
    CallEnded as CallEnded,
    Caller as Caller,
    CallSnapshot as CallSnapshot,
    CallState as CallState,
    Cause as Cause,
    DeviceChanged as DeviceChanged,
    FloorSnapshot as FloorSnapshot,
    LegAnswered as LegAnswered,
    LegConnected as LegConnected,
    LegEnded as LegEnded,
    LegHandsOver as LegHandsOver,
    LegHolds as LegHolds,
    LegRefers as LegRefers,
    LegResumes as LegResumes,
    LegRinging as LegRinging,
    LegSnapshot as LegSnapshot,
    SwitchBack as SwitchBack,
    SwitchEvent as SwitchEvent,
    SwitchLost as SwitchLost,
)


@dataclass(frozen=True, slots=True)
class Audio:
    """A recording to be heard: `name` as rendered by the prompt store, without suffix."""

    name: str


@dataclass(frozen=True, slots=True)
class SayNumber:
    """A whole number, said in the call's language."""

    value: int


@dataclass(frozen=True, slots=True)
class SayDigits:
    """Digits, said one by one. May hold 0-9, * and #."""

    digits: str


@dataclass(frozen=True, slots=True)
class SayDate:
    """A date (and time, if `with_time`), said in the call's language."""

    when: datetime
    with_time: bool = False


Prompt = Audio | SayNumber | SayDigits | SayDate


class DigitsEnd(StrEnum):
    """Why collecting digits ended."""

    COMPLETE = "complete"
    """The most digits asked for, or a terminator, came in."""
    TIMEOUT = "timeout"
    """The first or the next digit did not come in time; `digits` holds those that did."""


@dataclass(frozen=True, slots=True)
class Digits:
    """What the caller keyed, and why collecting stopped."""

    digits: str
    end: DigitsEnd


@dataclass(frozen=True, slots=True)
class Recording:
    """A finished recording: where it lies, and its length in milliseconds."""

    path: str
    length_ms: int


# --- what we ask of it ---------------------------------------------------------------------------


class Call(Protocol):
    """One caller's leg, lent to a handler.

    Every method raises `pbx.errors.CallGone` once the caller has hung up, and
    `pbx.errors.SwitchError` when the PBX refuses or the link breaks.
    """

    @property
    def id(self) -> str:
        """The PBX's id of this leg, unique among live and past legs."""

    @property
    def dialled(self) -> str:
        """The number that was dialled: only 0-9, `*`, `#` and a leading `+`; may be empty."""

    @property
    def caller(self) -> Caller:
        """Who calls."""

    @property
    def address(self) -> str | None:
        """The agent's address (SIP account) this leg came from; None for one from outside."""

    @property
    def carried(self) -> Mapping[str, str]:
        """What earlier handlers left on this call (see `carry`)."""

    async def carry(self, values: Mapping[str, str], *, now: bool = False) -> None:
        """Leave short facts on the call itself, so that they outlive this process.

        They are left by the next order, or with `now` at once. Keys are `[a-z_]+`; values
        `[A-Za-z0-9_.:@+-]{0,128}`.
        """

    async def answer(self) -> None:
        """Pick up. Does nothing if it was answered before."""

    async def play(
        self, prompts: Sequence[Prompt], *, interruptible: bool = False, keep: bool = False
    ) -> Digits:
        """Play prompts in order; with `interruptible`, the first key pressed stops them.

        Returns that key (COMPLETE), or no digits (TIMEOUT) when all was heard. What was typed
        before or meanwhile is then forgotten, as VoiceXML 2.0 has it (4.1.5), or with `keep` is
        typed ahead: see `collect`.
        """

    async def collect(
        self,
        prompts: Sequence[Prompt],
        *,
        max_digits: int,
        first_ms: int,
        next_ms: int,
        terminators: str = "#",
    ) -> Digits:
        """Play prompts and take digits; a digit may come during the prompts (barge-in).

        `first_ms` runs from the end of the prompts to the first digit, `next_ms` between digits.
        A terminator ends the input and is not part of it. No digit is lost between prompts, nor
        one typed ahead, while the call did something else: with such, nothing is played.
        """

    async def record(
        self,
        name: str,
        *,
        max_ms: int,
        silence_ms: int = 0,
        terminators: str = "#",
        beep: bool = True,
    ) -> Recording:
        """Record the caller until silence, a terminator, the maximum, or hang-up."""

    async def wait(self, *, music: str = "default", after: bool | None = False) -> None:
        """Leave the caller waiting with music, held by the PBX alone. Ends the loan.

        While waiting, the PBX calls `Handler.waiting` at intervals and for each key. With `after`,
        it calls `Handler.after` when the agent has hung up and the caller has not; without, it
        ends the call then. None leaves that as it was.
        """

    async def transfer(self, address: str) -> None:
        """Send the caller on to an address (see `Switch`), or a SIP address. Ends the loan.

        A SIP address is `sip:user@host` or `sip:user@host:port`, dialled there without the trunk.
        """

    async def take(self) -> None:
        """Accept the transfer that `Handler.referred` asks about; the agent's phone is told."""

    async def give_back(self) -> None:
        """Refuse the transfer that `Handler.referred` asks about. Ends the loan.

        The agent's phone is told so, and the caller is to be connected with its leg again.
        """

    async def hang_up(self, cause: Cause = Cause.NORMAL) -> None:
        """End the call. Before `answer`, `cause` tells the caller's side why. Ends the loan."""


_SHOWN = re.compile(r"\+?[0-9]{1,15}")


def can_be_shown(number: str) -> bool:
    """Tell whether `Switch.dial` takes a number to be shown: at most 15 digits, as ITU-T E.164 has
    it, with or without a `+` before them."""
    return _SHOWN.fullmatch(number) is not None


class Switch(Protocol):
    """The whole PBX.

    An address is an agent's (a SIP account), or a number outside in E.164, with its `+`, which is
    dialled over the trunk. Whether a number may be dialled is not asked here.
    """

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
        """Ring an agent's device for a waiting call, and connect the two when it answers.

        With `held`, as where several devices ring and one may have the call, whoever answers is
        held until `join`, a few seconds at most; so a second answer never meets the caller.

        Never blocks and never raises for the PBX's reasons: how it goes on is told by `Leg...`
        events that bear `offer`. The PBX itself ends the ringing after `ring_ms` (NO_ANSWER), so
        an answer in the last instant is decided in one place. Every ring ends in exactly one
        `LegEnded`, also when the PBX could not dial at all, unless the link is lost first: then
        `SwitchBack` tells what became of it.
        """

    def reserve(
        self, offer: str, address: str, *, ring_ms: int, caller: Caller, carry: Mapping[str, str]
    ) -> None:
        """Ring an agent's device, as `ring` does, for a customer who is to be called then.

        When it answers, `Handler.reserved` is asked what the agent is to hear; then the leg is
        held, a few minutes at most, until `connect`.
        """

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
        """Call a customer. Never blocks and never raises for the PBX's reasons.

        Raises `pbx.errors.LocalProtocolError` for an order that no PBX can be given.

        `call` becomes the id of their leg: letters, digits and `-`, never used before. `shown` is
        the number they are to see (see `can_be_shown`), empty for the trunk's own. When they pick
        up, and with `detect` once it has been listened whether that is a machine, `Handler.called`
        is asked. Every call ends in exactly one `CallEnded`, also when the PBX could not dial at
        all, unless the link is lost first: then `SwitchBack` tells what became of it.
        """

    def give_up(self, call: str) -> None:
        """End a call that `dial` made, answered or not. Never blocks; `CallEnded` follows."""

    def cancel(self, offer: str) -> None:
        """Stop ringing (or talking). Does nothing if the leg is gone; `LegEnded` follows."""

    def join(self, offer: str) -> None:
        """Connect a held leg that has answered with the call it was rung for. Never blocks."""

    def summon(self, call: str) -> None:
        """Have `Handler.waiting` called for a waiting call now, not at its next interval.

        Never blocks. A call that is being connected meanwhile is left in peace.
        """

    def carry(self, call: str, values: Mapping[str, str]) -> None:
        """Replace what a waiting call carries (see `Call.carry`). Never blocks.

        Raises `pbx.errors.LocalProtocolError` for what cannot be carried.
        """

    async def announce(self, call: str, prompts: Sequence[Prompt]) -> None:
        """Play to a caller who waits, over the music, at the next occasion."""

    def connect(self, offer: str, call: str, carry: Mapping[str, str]) -> None:
        """Connect an answered leg with a call, whomever either talks with; `LegConnected` follows.

        The leg carries `carry` from now on. Never blocks.
        """

    def hold(self, offer: str, call: str) -> None:
        """Part a leg and its call: music for the caller, silence for the agent. Never blocks.

        Both stay so until `connect`. Should the leg go, the PBX sends the caller on by itself, as
        after a talk.
        """

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
        """Ring a device, as `ring` does, for an agent whose leg `by` holds its call.

        When it answers the two agents are connected; when it goes, `by` is as after `hold`.
        """

    def aim(self, offer: str, call: str, carry: Mapping[str, str]) -> None:
        """Have a leg that still rings meet another call when it is answered. Never blocks."""

    def conference(self, name: str, call: str, offers: Sequence[str]) -> None:
        """Bring a call and answered legs together in one talk. Never blocks.

        `name` is made of 0-9 and a-f, and unique. When the last leg goes, the caller goes on as
        after a talk.
        """

    def requeue(self, call: str) -> None:
        """Have a call wait with music again, parted from whomever it talks with. Never blocks."""

    def release(self, call: str) -> None:
        """Send a call on as after a talk, parted from whomever it talks with. Never blocks."""

    async def transfer(self, call: str, address: str) -> None:
        """Send a live caller's leg on to another address."""

    async def hang_up(self, call: str, cause: Cause = Cause.NORMAL) -> None:
        """End a caller's leg. Does nothing if it is gone."""

    async def snapshot(self) -> FloorSnapshot:
        """List all that is live and ours."""


class Handler(Protocol):
    """What Sala does when the PBX asks. One object, given to the adapter at start."""

    async def incoming(self, call: Call) -> None:
        """A caller has come in, or comes back after this process was away (see `carried`)."""

    async def waiting(self, call: Call, key: str | None) -> None:
        """A waiting caller's interval has passed (`key` None) or they pressed a key.

        Return with `call` untouched to let them wait on.
        """

    async def feature(self, call: Call, code: str) -> None:
        """An agent's phone dialled a feature code, such as `*22`."""

    async def after(self, call: Call) -> None:
        """The agent has hung up and the caller is still there."""

    async def reserved(self, call: Call, offer: str) -> None:
        """The agent of a leg that `Switch.reserve` rang has picked up; `call` is that leg."""

    async def called(self, call: Call, machine: bool) -> None:
        """A customer whom `Switch.dial` called has picked up, or a machine has for them.

        `call` is to wait, or to be hung up. Asked again if this process was away in between.
        """

    async def referred(self, call: Call, to: str) -> None:
        """An agent's phone has sent this caller on to `to`, which is letters, digits, `+*#_-`.

        See `LegRefers`. `call` is to wait, or to be given back.
        """

    def event(self, event: SwitchEvent) -> None:
        """Something happened. Called in order, must not block."""
