"""Agents' desk phones: registered with Sala's PBX, and behaving as told."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Literal

from lab import audio
from lab.caller import originate
from lab.errors import Deadline
from lab.leg import Leg
from lab.watch import Watch

if TYPE_CHECKING:
    from lab.world import World

Behaviour = Literal["ring", "answer", "busy", "reject", "unknown", "silent"]


class Phone:
    """One desk phone, that is one SIP account. Rings until told otherwise."""

    def __init__(self, world: World, account: str) -> None:
        self._world = world
        self.account = account
        self.legs: list[Leg] = []
        self.is_registered = False
        self._incoming: asyncio.Queue[Leg] = asyncio.Queue()
        self._watch = Watch()

    # --- registration ---------------------------------------------------------------------------

    async def register(self, within: float = 12.0) -> None:
        """Register, and wait until Sala's PBX has taken it."""
        await self._world.ami.act("PJSIPRegister", Registration=self.account)
        await self.registered(within)

    async def unregister(self, within: float = 12.0) -> None:
        """Take the registration back, and wait until Sala's PBX has confirmed."""
        await self._world.ami.act("PJSIPUnregister", Registration=self.account)
        await self._registration(False, within)

    async def registered(self, within: float = 10.0) -> None:
        """Wait until the phone is registered."""
        await self._registration(True, within)

    def note_registration(self, registered: bool) -> None:
        """Take note of the registration's state, as the world's PBX tells it."""
        self.is_registered = registered
        self._watch.changed()

    async def _registration(self, wanted: bool, within: float) -> None:
        what = "registered" if wanted else "unregistered"
        await self._watch.until(
            lambda: self.is_registered is wanted, f"phone {self.account}: {what}", within
        )

    # --- behaviour ------------------------------------------------------------------------------

    async def behave(
        self,
        how: Behaviour,
        *,
        after_s: float = 0.0,
        talk_s: float | None = None,
        say: audio.Sound | None = None,
    ) -> None:
        """Say what the phone does with calls that come from now on.

        `ring` waits for `answer` or `reject`; `answer` picks up after `after_s`, and hangs up
        `talk_s` later if given; `busy` replies 486, `reject` 603, `unknown` 404; `silent` never
        gets past 100.
        `say` is what is said after each answer.
        """
        spoken = self._world.store(say) if say is not None else None
        for key, value in (
            ("AFTER", f"{after_s:.3f}"),
            ("TALK", "" if talk_s is None else f"{talk_s:.3f}"),
            ("SAY", spoken.name if spoken else ""),
            ("SECONDS", str(spoken.seconds) if spoken else ""),
            ("DO", how),
        ):
            name = f"{key}_{self.account.removeprefix('+')}"
            await self._world.ami.act("Setvar", Variable=name, Value=value)

    def note_incoming(self, leg: Leg) -> None:
        """Take note of an INVITE for this phone."""
        self.legs.append(leg)
        self._incoming.put_nowait(leg)

    async def ringing(self, within: float = 12.0) -> Leg:
        """Wait for the next INVITE; the leg tells when it came and what caller was shown."""
        try:
            async with asyncio.timeout(within):
                return await self._incoming.get()
        except TimeoutError:
            raise Deadline(f"phone {self.account}: no INVITE within {within:g} s") from None

    def rings(self) -> int:
        """Count the INVITEs that came in and were not yet asked for by `ringing`."""
        return self._incoming.qsize()

    def forget(self) -> None:
        """Forget INVITEs nobody asked for, as between two tests."""
        while not self._incoming.empty():
            self._incoming.get_nowait()
        self.legs.clear()

    async def answer(self, leg: Leg, within: float = 12.0) -> Leg:
        """Pick up a ringing call, and wait until it is up."""
        await self._world.ami.act(
            "Redirect", Channel=leg.channel, Context="phones", Exten="pick-up", Priority="1"
        )
        await leg.answered(within)
        return leg

    async def reject(self, leg: Leg, status: Literal[480, 486, 603] = 603) -> None:
        """Turn a ringing call down with a SIP status."""
        await self._world.ami.act("PJSIPHangup", Channel=leg.channel, Cause=str(status))

    async def dial(self, dialled: str) -> Leg:
        """Dial from this phone, such as a feature code."""
        return await originate(
            self._world, self.account, dialled, f"phone {self.account} to {dialled}", []
        )
