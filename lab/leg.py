"""One leg of the world: a caller's or a phone's side of a call, and all that happens on it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from lab import audio
from lab.ami import AmiEvent, Moment
from lab.ears import Ears
from lab.errors import Deadline, LabError, NotHeard, WorldError
from lab.watch import PATIENCE_S, Watch

if TYPE_CHECKING:
    from lab.world import World

T = TypeVar("T")

_DEAF_S = 1.0
_UP = "6"
_RINGING = frozenset({"4", "5"})


@dataclass(frozen=True, slots=True)
class Ending:
    """How a leg ended: when, the Q.850 cause, and the SIP status if a final one was received."""

    when: Moment
    cause: int
    sip: int | None
    text: str


class _Deafness:
    """Tells when nothing at all has come for a while, and then anew after as long again."""

    def __init__(self) -> None:
        self._came, self._since = -1, time.monotonic()

    def deaf(self, came: int) -> bool:
        """Take note that `came` samples have come until now."""
        now = time.monotonic()
        over = came == self._came and now - self._since >= _DEAF_S
        if over or came != self._came:
            self._came, self._since = came, now
        return over


class Leg:
    """One channel of the world's PBX. Events come in through `take`; all waits have deadlines."""

    def __init__(self, world: World, leg_id: str, label: str, ears: Ears) -> None:
        self.world = world
        self.id = leg_id
        self.label = label
        self._ears = ears
        self.channel = ""
        self.shown_number = ""
        self.shown_name = ""
        self.invited: Moment | None = None
        self.rang: Moment | None = None
        self.up: Moment | None = None
        self.ending: Ending | None = None
        self.keys_received = ""
        self._said = 0
        self._speaks_until = 0.0
        self._watch = Watch()

    # --- what happens ---------------------------------------------------------------------------

    def take(self, event: AmiEvent) -> None:
        """Note one event of this channel."""
        match event.name:
            case "Newchannel":
                self.channel = event.get("channel")
                self.shown_number = event.get("calleridnum")
                self.shown_name = event.get("calleridname")
                self.invited = self.invited or event.when
            case "Newstate" if event.get("channelstate") in _RINGING:
                self.rang = self.rang or event.when
            case "Newstate" if event.get("channelstate") == _UP:
                self.up = self.up or event.when
            case "DTMFEnd" if event.get("direction") == "Received":
                self.keys_received += event.get("digit")
            case "UserEvent" if event.get("userevent") == "LabSaid":
                self._said += 1
            case "Hangup":
                code = event.get("techcause")
                self.ending = Ending(
                    event.when,
                    int(event.get("cause") or 0),
                    int(code) if code.isdecimal() and int(code) >= 100 else None,
                    event.get("cause-txt"),
                )
            case _:
                return
        self._watch.changed()

    @property
    def live(self) -> bool:
        """Whether the leg exists still."""
        return self.ending is None

    async def started(self, within: float = PATIENCE_S) -> Moment:
        """Wait for the INVITE, sent or received."""
        await self._while_live(lambda: self.invited is not None, "INVITE", within)
        return self._told(self.invited)

    async def rings(self, within: float = PATIENCE_S) -> Moment:
        """Wait until the other side rings (180)."""
        await self._while_live(lambda: self.rang is not None, "ringing", within)
        return self._told(self.rang)

    async def answered(self, within: float = PATIENCE_S) -> Moment:
        """Wait until the leg is up (200)."""
        await self._while_live(lambda: self.up is not None, "answered", within)
        return self._told(self.up)

    async def ended(self, within: float = PATIENCE_S) -> Ending:
        """Wait until the leg is gone, and tell how it ended."""
        await self._watch.until(lambda: not self.live, f"{self.label}: ended", within)
        return self._told(self.ending)

    async def received(self, keys: str, within: float = PATIENCE_S) -> None:
        """Wait until `keys` have come in by DTMF, after whatever came before."""
        await self._while_live(lambda: keys in self.keys_received, f"keys {keys}", within)

    async def _while_live(self, holds: Callable[[], bool], what: str, within: float) -> None:
        await self._watch.until(lambda: holds() or not self.live, f"{self.label}: {what}", within)
        if not holds() and self.ending is not None:
            raise Deadline(
                f"{self.label}: {what}: the call ended before, cause {self.ending.cause} "
                f"({self.ending.text}), SIP {self.ending.sip}"
            )

    def _told(self, value: T | None) -> T:
        if value is None:
            raise LabError(f"{self.label}: an event without its time")
        return value

    # --- what it does ---------------------------------------------------------------------------

    async def press(self, keys: str, *, tone_ms: int = 100, gap_ms: int = 60) -> None:
        """Press keys: DTMF as telephone events (RFC 4733), one after the other."""
        for at, key in enumerate(keys):
            if at:
                await asyncio.sleep(gap_ms / 1000)
            await self.world.keys.act(
                "PlayDTMF", Channel=self.channel, Digit=key, Duration=str(tone_ms)
            )

    async def say(self, sound: audio.Sound) -> audio.Sound:
        """Start to say a sound, cutting short what was being said. Gives it back as it is sent."""
        spoken = self.world.store(sound)
        for name, value in (("LAB_SAY", spoken.name), ("LAB_SECONDS", str(spoken.seconds))):
            await self.world.ami.act("Setvar", Channel=self.channel, Variable=name, Value=value)
        self._speaks_until = time.monotonic() + spoken.seconds
        await self._go("line", "say")
        return spoken.sound

    async def said(self, within: float = 15.0) -> None:
        """Wait until what is being said has been said to its end."""
        before = self._said
        await self._while_live(lambda: self._said > before, "said", within)

    async def hang_up(self, cause: int = 16) -> None:
        """Hang up, if it is not over yet."""
        if self.live:
            await self.world.ami.act("Hangup", Channel=self.channel, Cause=str(cause))

    async def _go(self, context: str, exten: str) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                await self.world.ami.act(
                    "Redirect", Channel=self.channel, Context=context, Exten=exten, Priority="1"
                )
            except WorldError as refused:
                # So it answers also while the channel is on its way by a redirection before.
                if not self.live or time.monotonic() >= deadline or "not up" not in str(refused):
                    raise
                await asyncio.sleep(0.05)
            else:
                return

    # --- what it hears --------------------------------------------------------------------------

    def heard(self, since: int = 0) -> audio.Sound:
        """Give all that was heard from the answer on, behind the first `since` samples."""
        return self._ears.heard(self.id, since)

    async def flush(self) -> None:
        """Begin to listen anew; not while the leg speaks, that would stop it.

        A channel whose sound is translated may be deaf once another RTP stream has begun: packets
        come in, no sound does, until its format is set anew.
        """
        if self.live and self.up is not None:
            await self._go("line", "quiet")

    async def hears(
        self,
        sound: audio.Sound,
        *,
        within: float = 10.0,
        at_least: float = 0.9,
        since: int = 0,
    ) -> audio.Match:
        """Wait until `sound` has been heard, behind the first `since` samples of all that was.

        Raises `NotHeard`, with the best value seen, at the deadline or when the call ends before.
        """
        deadline = time.monotonic() + within
        finder = audio.Finder(sound, self.heard, since)
        ear = _Deafness()
        while True:
            last = not self.live or time.monotonic() >= deadline
            best = await asyncio.to_thread(finder.look, last=last)
            if best.value >= at_least:
                return best
            if last:
                raise NotHeard(
                    f"{self.label}: correlation {best.value:.3f} of {at_least:g} "
                    f"in {finder.seconds:.1f} s heard; {self._fate()}"
                )
            if ear.deaf(finder.came) and time.monotonic() >= self._speaks_until:
                await self.flush()
            await asyncio.sleep(0.1)

    def _fate(self) -> str:
        if self.ending is None:
            return "still on the line"
        return f"it ended, cause {self.ending.cause} {self.ending.text}, SIP {self.ending.sip}"

    async def quiet(self, *, for_s: float = 0.6, within: float = 15.0) -> None:
        """Wait until something has been heard, and then nothing for `for_s`.

        A PBX that has nothing to play may send nothing at all; that is quiet as well.
        """
        deadline = time.monotonic() + within
        seen, grew = -1, time.monotonic()
        while True:
            heard = self.heard()
            now = time.monotonic()
            if len(heard) != seen:
                seen, grew = len(heard), now
            tail = heard[-int(for_s * audio.RATE) :]
            if not audio.silent(heard) and (audio.silent(tail) or now - grew >= for_s):
                return
            if now >= deadline or not self.live:
                raise Deadline(f"{self.label}: quiet: not within {within:g} s")
            await asyncio.sleep(0.05)

    async def hears_music(self, seconds: float = 1.5, *, within: float = 8.0) -> None:
        """Wait until music has been heard for `seconds` from now on; raises `NotHeard`."""
        deadline = time.monotonic() + within
        begun, width = len(self.heard()), int(seconds * audio.RATE)
        ear = _Deafness()
        while True:
            last = not self.live or time.monotonic() >= deadline
            heard = self.heard(begun)
            tail = heard[-width:]
            if len(tail) >= width and audio.music(tail):
                return
            if last:
                raise NotHeard(f"{self.label}: no music for {seconds:g} s")
            if ear.deaf(len(heard)) and time.monotonic() >= self._speaks_until:
                await self.flush()
            await asyncio.sleep(0.1)
