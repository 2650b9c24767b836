"""One caller's leg, driven over FastAGI: `pbx.port.Call` in Asterisk's words.

A round trip to Asterisk costs a caller about 0.2 ms, and more when many call. So the answering of
a call that goes straight into a queue travels with the next command that is needed anyway, and
facts to be carried travel with it or, beside it, over AMI.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from pbx.asterisk.facts import (
    Q850,
    caller_of,
    channel_of,
    decode_carry,
    encode_carry,
    is_sip,
)
from pbx.asterisk.fastagi import AgiSession
from pbx.asterisk.keypad import Keypad
from pbx.asterisk.keys import ANY_KEY, Keys
from pbx.errors import CallGone, LocalProtocolError, SwitchError
from pbx.port import (
    Audio,
    Caller,
    Cause,
    Digits,
    DigitsEnd,
    Prompt,
    Recording,
    SayDate,
    SayDigits,
    SayNumber,
)
from pbx.wire.ami import Response

log = logging.getLogger(__name__)

NOTHING = Digits("", DigitsEnd.TIMEOUT)
HEARD_MS = "100"
"""How long a caller hears music before somebody is rung for a transfer."""
JOINED = 1500
"""Most characters in the names of recordings played by one command (older Asterisks take 2 kB)."""
SAMPLES_A_MS = 8
"""Samples in a millisecond at 8 kHz, the rate of everything played and recorded."""


class AgiCall:
    """A call for as long as one FastAGI request lasts. Implements `pbx.port.Call`."""

    def __init__(
        self,
        session: AgiSession,
        recordings: Path,
        keys: Keys | None = None,
        aside: Callable[[str], asyncio.Future[Response] | None] = lambda carry: None,
    ) -> None:
        """Take a request's call. `aside` sets what it carries over AMI, or gives None."""
        if session.request is None:
            raise LocalProtocolError("the call has not been described yet")
        env, args = session.request.env, session.request.args
        dialled, presentation, carry, address, key = (*args, "", "", "", "", "")[:5]
        self._session = session
        self._recordings = recordings
        self._keypad = Keypad(session, keys or Keys())
        self._id = env.get("agi_uniqueid", "")
        self._dialled = dialled
        self._caller = caller_of(
            env.get("agi_callerid", ""), env.get("agi_calleridname", ""), presentation
        )
        self._address = address or None
        self._carried = decode_carry(carry)
        self._unsent_carry = False
        self._unsent_answer = False
        self._aside = aside
        self._carrying: asyncio.Future[Response] | None = None
        self.key = key or None
        self.moved = False
        """Whether the call was told where to go, which ends the loan."""

    @property
    def id(self) -> str:
        return self._id

    @property
    def dialled(self) -> str:
        return self._dialled

    @property
    def caller(self) -> Caller:
        return self._caller

    @property
    def address(self) -> str | None:
        return self._address

    @property
    def carried(self) -> Mapping[str, str]:
        return self._carried

    async def carry(self, values: Mapping[str, str], *, now: bool = False) -> None:
        merged = {**self._carried, **values}
        encode_carry(merged)
        self._unsent_carry = self._unsent_carry or merged != self._carried
        self._carried = merged
        if now:
            await self._carry()

    async def answer(self) -> None:
        # Asterisk answers an answered call without effect, so it need not be known whether it is.
        self._unsent_answer = True

    async def play(
        self, prompts: Sequence[Prompt], *, interruptible: bool = False, keep: bool = False
    ) -> Digits:
        await self._settle()
        for batch in _batches(prompts):
            if isinstance(batch, str):
                key = await self._play_files(batch, interruptible)
            else:
                key = await self._say(batch, ANY_KEY if interruptible else "")
            if key and interruptible:
                return Digits(key, DigitsEnd.COMPLETE)
        if not keep:
            self._keypad.keys.forget()
        return NOTHING

    async def collect(
        self,
        prompts: Sequence[Prompt],
        *,
        max_digits: int,
        first_ms: int,
        next_ms: int,
        terminators: str = "#",
    ) -> Digits:
        await self._settle()
        batches = _batches(prompts)
        files = ""
        if batches and isinstance(batches[-1], str):
            files = batches[-1]  # played by the command that collects: one round trip less
            del batches[-1]
        for batch in batches:
            if self._keypad.keys.typed_ahead:
                break
            if isinstance(batch, str):
                key = await self._play_files(batch, interruptible=True)
            else:
                key = await self._say(batch, ANY_KEY)
            self._keypad.keys.put_back(key)
        return await self._keypad.collect(files, max_digits, first_ms, next_ms, terminators)

    async def record(
        self,
        name: str,
        *,
        max_ms: int,
        silence_ms: int = 0,
        terminators: str = "#",
        beep: bool = True,
    ) -> Recording:
        await self._settle()
        path = self._recordings / name
        path.parent.mkdir(parents=True, exist_ok=True)
        options = [str(max_ms), "0"]
        if beep:
            options.append("BEEP")
        if silence_ms:
            options.append(f"s={max(silence_ms // 1000, 1)}")
        done = await self._session.command("RECORD FILE", str(path), "wav", terminators, *options)
        if done.result == "-1" and done.endpos is None:
            raise SwitchError("Asterisk could not record")
        self._keypad.pressed(done)
        self._keypad.keys.forget()
        return Recording(f"{path}.wav", (done.endpos or 0) // SAMPLES_A_MS)

    async def wait(self, *, music: str = "default", after: bool | None = False) -> None:
        self._unsent_answer = False  # the dialplan answers whoever comes to wait
        more = {} if after is None else {"SALA_AFTER": "yes" if after else ""}
        if music != "default":
            more["CHANNEL(musicclass)"] = music
        await self._go("wait", {"SALA_CARRY": encode_carry(self._carried), **more})

    async def transfer(self, address: str) -> None:
        by_sip = is_sip(address)
        if not by_sip:
            channel_of(address)
        await self._settle()
        await self._go("sip" if by_sip else "transfer", {"SALA_TO": address})

    async def take(self) -> None:
        # The first sound that the caller hears is what Asterisk tells the phone of (NOTIFY, 200).
        await self._session.command("SET MUSIC", "ON")
        self._keypad.pressed(await self._session.command("WAIT FOR DIGIT", HEARD_MS))
        await self._session.command("SET MUSIC", "OFF")

    async def give_back(self) -> None:
        await self._go("back", {})

    async def hang_up(self, cause: Cause = Cause.NORMAL) -> None:
        self._unsent_answer = False
        await self._go("end", {"SALA_CAUSE": str(Q850[cause])})

    # --- how it is done ---------------------------------------------------------------------

    async def _settle(self) -> None:
        """Send what was put off."""
        if self._unsent_answer:
            self._unsent_answer = False
            await self._session.command("EXEC", "Answer", ",i")
        await self._carry()

    async def _carry(self) -> None:
        """Have what is carried set beside the commands that follow, which need not wait for it."""
        if not self._unsent_carry:
            return
        self._unsent_carry = False
        carry = encode_carry(self._carried)
        self._carrying = self._aside(carry)
        if self._carrying is None:
            await self._set({"SALA_CARRY": carry})

    async def _carried_over(self) -> None:
        """Wait until what is carried is on the channel: what is set later must not come before."""
        setting, self._carrying = self._carrying, None
        try:
            if setting is None or (await setting).success:
                return
        except SwitchError:
            log.info("carried over FastAGI", extra={"action": "carry_again", "call": self._id})
        await self._set({"SALA_CARRY": encode_carry(self._carried)})

    async def _set(self, variables: Mapping[str, str]) -> None:
        pairs = ",".join(f"{name}={value}" for name, value in variables.items())
        await self._session.command("EXEC", "MSet", pairs)

    async def _go(self, where: str, variables: Mapping[str, str]) -> None:
        if self.moved:
            raise LocalProtocolError("this call has been sent on already")
        self.moved = True
        await self._carried_over()
        await self._set({"SALA_NEXT": where, **variables})
        self._session.close()

    async def _play_files(self, files: str, interruptible: bool) -> str:
        if interruptible:
            return (await self._keypad.collect(files, 1, 1, 1, "")).digits
        done = await self._session.command("EXEC", "Playback", files)
        if done.result == "-1":
            raise CallGone("the caller hung up while a prompt played")
        return ""

    async def _say(self, what: SayNumber | SayDigits | SayDate, keys: str) -> str:
        match what:
            case SayNumber(value):
                done = await self._session.command("SAY NUMBER", str(value), keys)
            case SayDigits(digits):
                done = await self._session.command("SAY DIGITS", digits, keys)
            case SayDate(when, with_time):
                done = await self._session.command(
                    "SAY DATETIME",
                    str(int(when.timestamp())),
                    keys,
                    "ABdY 'digits/at' IMp" if with_time else "ABdY",
                    *([str(when.tzinfo)] if when.tzinfo else []),
                )
        if done.result == "-1":
            raise CallGone("the caller hung up while a prompt played")
        return self._keypad.pressed(done)


def _batches(prompts: Sequence[Prompt]) -> list[str | SayNumber | SayDigits | SayDate]:
    """Recordings that follow each other joined, as Asterisk plays them in one go."""
    batches: list[str | SayNumber | SayDigits | SayDate] = []
    for prompt in prompts:
        if not isinstance(prompt, Audio):
            batches.append(prompt)
            continue
        if any(c in prompt.name for c in "&,|;\"'()${}\\"):
            raise LocalProtocolError("a recording's name holds a character that Asterisk reads")
        last = batches[-1] if batches else None
        if isinstance(last, str) and len(last) + len(prompt.name) < JOINED:
            batches[-1] = f"{last}&{prompt.name}"
        else:
            batches.append(prompt.name)
    return batches
