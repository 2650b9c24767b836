"""The world outside: an Asterisk of its own that plays callers, carriers and desk phones."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import math
import os
import re
import secrets
import shutil
import signal
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from lab import audio, ports
from lab.ami import AmiEvent, AmiLink, Moment
from lab.caller import Caller
from lab.ears import Ears
from lab.errors import WorldError
from lab.leg import Leg
from lab.phone import Phone
from lab.watch import PATIENCE_S
from pbx.appliance.instance import Instance
from pbx.appliance.root import Pbx

TEMPLATES = Path(__file__).parent / "config" / "asterisk"
_PLACEHOLDER = re.compile(r"@([A-Z_]+)@")
_KEPT_LEGS = 20_000
_PLACES = 100
_AFTER_S = 6.0
_LATE_S = 2.0
_OUT_OF_ORDER = "38"


@dataclass(frozen=True, slots=True)
class Spoken:
    """A sound the PBX can play: its music class, whole seconds it takes, and it as it is sent."""

    name: str
    seconds: int
    sound: audio.Sound


class World:
    """An async context manager: entering starts the PBX and registers the phones.

    `sala` is the address and SIP port of the PBX that is called; `caller` the account and secret
    outside callers authenticate with; `phones` the accounts and secrets of the desk phones.
    `sip_port` is where the world is called, as by a trunk; 0: wherever there is room.
    """

    def __init__(
        self,
        pbx: Pbx,
        sala: tuple[str, int],
        caller: tuple[str, str],
        phones: Mapping[str, str],
        *,
        address: str = "127.0.0.1",
        sip_port: int = 0,
        rtp_ports: int = 400,
    ) -> None:
        self._pbx = pbx
        self._sala = sala
        self._account = caller
        self._address = address
        self._rtp_ports = rtp_ports
        self._secrets = dict(phones)
        self._legs: dict[str, Leg] = {}
        self._numbers = itertools.count(1)
        self._run = 900_000 + secrets.randbelow(100_000)
        self._ears: Ears | None = None
        self._instance: Instance | None = None
        self._links: list[AmiLink] = []
        self._ports: list[int] = []
        self.home = Path()
        self.sip_port = sip_port
        self._numbers_outside: dict[str, Phone] = {}
        self.phones = {account: Phone(self, account) for account in phones}
        self.caller = Caller(self)

    # --- life -----------------------------------------------------------------------------------

    async def __aenter__(self) -> World:
        try:
            await self.start()
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    @property
    def ami(self) -> AmiLink:
        """The link orders and events go over."""
        return self._link(0)

    @property
    def keys(self) -> AmiLink:
        """A second link for key presses: the PBX takes no other action while a tone lasts."""
        return self._link(1)

    def _link(self, index: int) -> AmiLink:
        if len(self._links) <= index:
            raise WorldError("the world is not running")
        return self._links[index]

    async def start(self, within: float = 20.0) -> None:
        """Start the PBX and log in; the phones register by themselves meanwhile."""
        self.home = Path(tempfile.mkdtemp(prefix="sala-world-"))
        for folder in ("etc", "db", "spool", "run", "log", "heard", "said"):
            (self.home / folder).mkdir()
        (ami_port,) = ports.free(1, self._address)
        if not self.sip_port:
            (self.sip_port,) = ports.free(1, self._address)
        first, last = ports.free_range(self._rtp_ports, self._address)
        self._ports = [ami_port, *range(first, last + 1)]
        secret = secrets.token_urlsafe(24)
        self._ears = Ears(self.home / "heard")
        ears = self._ears.open(self._address)
        self._render(
            {
                "ETC": str(self.home / "etc"),
                "HOME": str(self.home),
                "MODULES": str(self._pbx.modules),
                "DATA": str(self._pbx.data),
                "AMI_PORT": str(ami_port),
                "AMI_SECRET": secret,
                "RTP_FIRST": str(first),
                "RTP_LAST": str(last),
                "ADDRESS": self._address,
                "SIP_PORT": str(self.sip_port),
                "CALLER": self._account[0],
                "CALLER_SECRET": self._account[1],
                "EARS": f"{self._address}:{ears}",
                **self._sala_values(),
            }
        )
        self._prepare_said()
        self._instance = Instance(self._pbx, self.home / "etc" / "asterisk.conf")
        await self._instance.start()
        await self._instance.wait_ready(within)
        for on_event in (self._take, lambda _event: None):
            link = AmiLink(ami_port, secret, on_event)
            self._links.append(link)
            await link.open(within)
        await self.keys.act("Events", EventMask="off")
        await self._read_registrations()

    @property
    def running(self) -> bool:
        """Whether the PBX runs, and not since `crash` none."""
        return self._instance is not None

    async def crash(self) -> None:
        """Kill the PBX (SIGKILL): callers, phones and trunk are gone without a word.

        `start` brings up another at the same port; its phones ring until told otherwise.
        """
        if self._instance is not None and (pid := self._instance.pid):
            for link in self._links:
                link.close()
            os.kill(pid, signal.SIGKILL)
            await self._instance.wait()
        now = self.now()
        for leg in self._legs.values():
            if leg.live:
                leg.take(AmiEvent("Hangup", {"cause": _OUT_OF_ORDER}, now))
        for phone in self.phones.values():
            phone.note_registration(False)
        await self.stop()

    async def stop(self) -> None:
        """Stop the PBX and throw its folder away."""
        for link in self._links:
            link.close()
        self._links.clear()
        if self._instance is not None:
            await self._instance.stop()
            self._instance = None
        if self._ears is not None:
            self._ears.close()
            self._ears = None
        ports.give_back(self._ports)
        if self.home != Path():
            await asyncio.to_thread(shutil.rmtree, self.home, ignore_errors=True)
            self.home = Path()

    # --- configuration --------------------------------------------------------------------------

    def _sala_values(self) -> dict[str, str]:
        return {"SALA_HOST": self._sala[0], "SALA_PORT": str(self._sala[1])}

    def _render(self, values: Mapping[str, str]) -> None:
        for template in sorted(TEMPLATES.glob("*.conf")):
            if template.name != "pjsip-phone.conf":
                text = _fill(template.read_text(encoding="utf-8"), values)
                (self.home / "etc" / template.name).write_text(text, encoding="utf-8")
        self._render_phones()

    def _render_phones(self) -> None:
        template = (TEMPLATES / "pjsip-phone.conf").read_text(encoding="utf-8")
        text = "\n".join(
            _fill(template, {"PHONE": account, "SECRET": secret, **self._sala_values()})
            for account, secret in self._secrets.items()
        )
        (self.home / "etc" / "pjsip-phones.conf").write_text(text, encoding="utf-8")

    async def add_phones(self, phones: Mapping[str, str]) -> list[Phone]:
        """Put up more desk phones (account → secret) while the world runs."""
        self._secrets.update(phones)
        self._render_phones()
        made = [self.phones.setdefault(account, Phone(self, account)) for account in phones]
        for module in ("res_pjsip.so", "res_pjsip_outbound_registration.so"):
            await self.ami.act("Reload", Module=module)
        return made

    def outside(self, number: str) -> Phone:
        """A telephone outside, called by its number over the trunk; it is not registered."""
        return self._numbers_outside.setdefault(number, Phone(self, number))

    # --- legs -----------------------------------------------------------------------------------

    def new_leg(self, label: str) -> Leg:
        """Make a leg that is about to be dialled."""
        leg_id = f"lab-{self._run}-{next(self._numbers)}"
        return self._add(leg_id, label)

    def _add(self, leg_id: str, label: str) -> Leg:
        if self._ears is None:
            raise WorldError("the world is not running")
        leg = Leg(self, leg_id, label, self._ears)
        self._legs[leg_id] = leg
        if len(self._legs) > _KEPT_LEGS:
            self._legs = {name: one for name, one in self._legs.items() if one.live}
        return leg

    def forget_leg(self, leg: Leg) -> None:
        """Drop a leg that did not come about."""
        self._legs.pop(leg.id, None)

    def store(self, sound: audio.Sound) -> Spoken:
        """Put a sound where the PBX can play it.

        The places are used in turn: a sound may be played until `_PLACES` others were stored.
        """
        name = f"say-{next(self._numbers) % _PLACES}"
        # Silence follows: the PBX begins a sound again when it is over.
        audio.write_ulaw(self._said(name), audio.padded(sound, _AFTER_S))
        # A PBX that is late sends the sound later, not faster.
        seconds = math.ceil(len(sound) / audio.RATE + _LATE_S)
        return Spoken(name, seconds, audio.from_ulaw(audio.to_ulaw(sound)))

    def _said(self, name: str) -> Path:
        return self.home / "said" / name / "sound.ulaw"

    def _prepare_said(self) -> None:
        names = [f"say-{number}" for number in range(_PLACES)]
        for name in ("quiet", *names):
            self._said(name).parent.mkdir()
            audio.write_ulaw(
                self._said(name), audio.padded(audio.SILENCE, 60 if name == "quiet" else 1)
            )
        text = "\n".join(
            f"[{name}]\nmode = files\ndirectory = {self._said(name).parent}" for name in names
        )
        (self.home / "etc" / "musiconhold-said.conf").write_text(text + "\n", encoding="utf-8")

    def live_legs(self) -> list[Leg]:
        """All legs that are not over, as the events told."""
        return [leg for leg in self._legs.values() if leg.live and leg.invited is not None]

    async def channels(self) -> list[str]:
        """The channels that are up now, as the PBX itself tells."""
        return [event.get("channel") for event in await self.ami.list("CoreShowChannels")]

    async def hang_up_all(self, within: float = PATIENCE_S) -> None:
        """Hang up whatever is left, and wait until it is gone."""
        legs = self.live_legs()
        for leg in legs:
            with contextlib.suppress(WorldError):
                await leg.hang_up()
        for leg in legs:
            await leg.ended(within)

    # --- events ---------------------------------------------------------------------------------

    def _take(self, event: AmiEvent) -> None:
        if event.name == "Registry":
            account = event.get("username").removeprefix("sip:").partition("@")[0]
            if phone := self.phones.get(account):
                phone.note_registration(event.get("status") == "Registered")
            return
        leg_id = event.get("uniqueid")
        leg = self._legs.get(leg_id)
        if leg is None and event.name == "Newchannel" and event.get("context") == "phones":
            account = event.get("exten")
            leg = self._add(leg_id, f"phone {account}")
            leg.take(event)
            if phone := self.phones.get(account) or self._numbers_outside.get(account):
                phone.note_incoming(leg)
        elif leg is not None:
            leg.take(event)

    async def _read_registrations(self) -> None:
        for event in await self.ami.list("PJSIPShowRegistrationsOutbound"):
            if phone := self.phones.get(event.get("objectname")):
                phone.note_registration(event.get("status") == "Registered")

    @staticmethod
    def now() -> Moment:
        """Read the world's clocks."""
        return Moment.now()


def _fill(template: str, values: Mapping[str, str]) -> str:
    def value(match: re.Match[str]) -> str:
        text = values[match[1]]
        if any(character in text for character in "\r\n;"):
            raise WorldError(f"{match[1]} cannot be written into a configuration")
        return text

    return _PLACEHOLDER.sub(value, template)
