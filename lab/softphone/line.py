"""One call of a soft phone: a SIP dialog with its sound, and what the phone's user does with it."""

from __future__ import annotations

import asyncio
import secrets
import time
from typing import TYPE_CHECKING
from urllib.parse import quote

from lab import audio
from lab.errors import Deadline, LabError, NotHeard
from lab.softphone import message
from lab.softphone.media import Media
from lab.softphone.message import Message
from lab.watch import PATIENCE_S, Watch

if TYPE_CHECKING:
    from lab.softphone.phone import SoftPhone


class Line:
    """One call, from the INVITE on, in either direction. All waits have deadlines."""

    def __init__(self, phone: SoftPhone, call_id: str, port: int, media: Media) -> None:
        self.phone = phone
        self.call_id = call_id
        self.media = media
        self.port = port
        self.tag = secrets.token_hex(4)
        self.remote_tag = ""
        self.remote_uri = ""
        self.target = ""
        self.shown_number = ""
        self.up = False
        self.over = False
        self.status = 0
        """The final status of a call that did not come about."""
        self.notified: list[int] = []
        """What the other side told of our REFERs, status by status (RFC 3515)."""
        self.asked: Message | None = None
        """The INVITE that is not answered yet."""
        self.sequence = 0
        """The number of our last request."""
        self._version = 0
        self._direction = "sendrecv"
        self.watch = Watch()

    # --- waiting --------------------------------------------------------------------------------

    async def answered(self, within: float = PATIENCE_S) -> None:
        """Wait until the other side has picked up."""
        await self.watch.until(lambda: self.up or self.over, f"{self}: answered", within)
        if not self.up:
            raise Deadline(f"{self}: it ended before, SIP {self.status}")

    async def ended(self, within: float = PATIENCE_S) -> None:
        """Wait until the call is over."""
        await self.watch.until(lambda: self.over, f"{self}: ended", within)

    async def told(self, status: int, within: float = PATIENCE_S) -> None:
        """Wait until a NOTIFY has told this status of a transfer."""
        await self.watch.until(
            lambda: status in self.notified, f"{self}: {status} in {self.notified}", within
        )

    # --- what the user does ---------------------------------------------------------------------

    async def answer(self) -> Line:
        """Pick up."""
        if self.asked is None:
            raise LabError(f"{self}: there is nothing to pick up")
        asked, self.asked = self.asked, None
        self.hear_from(asked.body)
        self.phone.reply(asked, 200, self, self.sdp())
        self.began()
        return self

    def reject(self, status: int = 603) -> None:
        """Turn it down."""
        if self.asked is not None:
            self.phone.reply(self.asked, status, self)
            self.asked = None
            self.finished(status)

    async def hold(self) -> None:
        """Put the other side on hold."""
        self.media.muted = True
        await self._offer("sendonly")

    async def resume(self) -> None:
        """Take the other side back."""
        await self._offer("sendrecv")
        self.media.muted = False

    async def refer(self, to: str, *, replaces: Line | None = None, host: str = "") -> int:
        """Transfer the other side to `to` (RFC 3515); gives the final status of the REFER.

        `to` is the user part as it stands in the URI; `replaces` is the call to be taken over.
        """
        uri = f"sip:{to}@{host or self.phone.domain}"
        if replaces is not None:
            named = f"{replaces.call_id};to-tag={replaces.remote_tag};from-tag={replaces.tag}"
            uri += f"?Replaces={quote(named, safe='')}"
        own = f"<sip:{self.phone.account}@{self.phone.domain}>"
        headers = (("Refer-To", f"<{uri}>"), ("Referred-By", own))
        return (await self.request("REFER", headers)).status

    async def hang_up(self) -> None:
        """Hang up, or turn down, or give up dialling, if it is not over yet."""
        if self.over:
            return
        if self.asked is not None:
            self.reject()
        elif self.up:
            self.finished(0)
            await self.request("BYE")
        else:
            await self.phone.give_up(self)

    def say(self, sound: audio.Sound) -> audio.Sound:
        """Start to say a sound; gives it back as it is sent."""
        return self.media.say(sound)

    # --- what the user hears --------------------------------------------------------------------

    def heard(self, since: int = 0) -> audio.Sound:
        """Give all that was heard, behind the first `since` samples."""
        return self.media.heard(since)

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
        while True:
            last = self.over or time.monotonic() >= deadline
            # In a thread, for this loop sends the sound of all telephones.
            best = await asyncio.to_thread(finder.look, last=last)
            if best.value >= at_least:
                return best
            if last:
                raise NotHeard(
                    f"{self}: correlation {best.value:.3f} of {at_least:g} "
                    f"in {finder.seconds:.1f} s heard"
                )
            await asyncio.sleep(0.1)

    async def hears_music(self, seconds: float = 1.5, *, within: float = 8.0) -> None:
        """Wait until music has been heard for `seconds` from now on; raises `NotHeard`."""
        deadline = time.monotonic() + within
        begun, width = len(self.heard()), int(seconds * audio.RATE)
        while True:
            last = self.over or time.monotonic() >= deadline
            tail = self.heard(begun)[-width:]
            if len(tail) >= width and audio.music(tail):
                return
            if last:
                raise NotHeard(f"{self}: no music for {seconds:g} s")
            await asyncio.sleep(0.1)

    # --- the dialog -----------------------------------------------------------------------------

    def __str__(self) -> str:
        return f"soft phone {self.phone.account}"

    def began(self) -> None:
        """Note that the call is up."""
        self.up = True
        self.watch.changed()

    def finished(self, status: int) -> None:
        """Note that the call is over."""
        self.over = True
        self.status = status
        self.media.close()
        self.watch.changed()

    def notify(self, body: str) -> None:
        """Note what a NOTIFY tells of a REFER (a `sipfrag`, RFC 3420)."""
        if body.startswith("SIP/2.0 "):
            status = int(body[8:11])
            self.notified.append(status)
            self.watch.changed()
            if 200 <= status < 300:  # as desk phones do once their transfer has come about
                self.phone.begin(self.hang_up())

    def sdp(self) -> str:
        """Describe our sound."""
        self._version += 1
        return message.sdp("127.0.0.1", self.port, self._version, self._direction)

    def hear_from(self, body: str) -> None:
        """Send our sound to where the other side's description says."""
        where = message.media_of(body)
        if where is not None and where[1]:
            self.media.send_to(where)

    async def _offer(self, direction: str) -> None:
        self._direction = direction
        reply = await self.request("INVITE", (), self.sdp())
        if reply.status != 200:
            raise LabError(f"{self}: {direction} was refused, SIP {reply.status}")
        self.hear_from(reply.body)

    async def request(
        self, method: str, headers: message.Headers = (), body: str = "", within: float = PATIENCE_S
    ) -> Message:
        """Send a request within the call and give its final reply; ACK what needs one."""
        return await self.phone.ask(self, method, self.target, headers, body, within)
