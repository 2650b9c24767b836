"""A real Asterisk with Sala's configuration, and the port's adapter with a handler of the test's.

No flows, no floor, no database: what is tried here is the port alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

from lab import ports, reach
from lab.console import Console
from lab.world import World
from pbx.appliance.data import data_folder, music_on_hold
from pbx.appliance.fetch import ensure
from pbx.appliance.instance import Instance
from pbx.appliance.render import Account, Layout, Plan, render
from pbx.asterisk.facts import TRUNK
from pbx.asterisk.switch import AsteriskSwitch
from pbx.errors import CallGone
from pbx.port import Call, SwitchEvent

PROJECT = Path(__file__).resolve().parents[2]
SECRET = "only-for-this-test"
PHONES = {"1001": SECRET, "1002": SECRET}
SOFT = ("1003", "1004")
"""The accounts that soft phones take where a test needs some."""
TICK_S = 2
"""How often whoever waits is asked for."""

Script = Callable[[Call], Awaitable[None]]


class Scripted:
    """A handler that runs what the test gives it, and remembers what happened."""

    def __init__(self) -> None:
        self.script: Script | None = None
        self.on_wait: Callable[[Call, str | None], Awaitable[None]] | None = None
        self.done: asyncio.Queue[BaseException | None] = asyncio.Queue()
        self.keys: asyncio.Queue[str | None] = asyncio.Queue()
        self.held: asyncio.Queue[str] = asyncio.Queue()
        """Offers of agents' legs that were reserved, and have picked up."""
        self.picked_up: asyncio.Queue[tuple[str, bool]] = asyncio.Queue()
        """Calls to customers that were picked up, and whether by a machine."""
        self.events: list[SwitchEvent] = []
        self._changed = asyncio.Condition()

    async def incoming(self, call: Call) -> None:
        assert self.script is not None
        try:
            await self.script(call)
        except CallGone as gone:
            self.done.put_nowait(gone)
            raise
        except BaseException as failure:
            self.done.put_nowait(failure)
            raise
        self.done.put_nowait(None)

    async def waiting(self, call: Call, key: str | None) -> None:
        self.keys.put_nowait(key)
        if self.on_wait is not None:
            await self.on_wait(call, key)

    async def feature(self, call: Call, code: str) -> None:
        await call.hang_up()

    async def after(self, call: Call) -> None:
        await call.hang_up()

    async def reserved(self, call: Call, offer: str) -> None:
        self.held.put_nowait(offer)

    async def called(self, call: Call, machine: bool) -> None:
        self.picked_up.put_nowait((call.id, machine))
        await call.wait()

    async def referred(self, call: Call, to: str) -> None:
        await self.on_refer(call, to)

    async def on_refer(self, call: Call, to: str) -> None:
        await call.give_back()

    def event(self, event: SwitchEvent) -> None:
        self.events.append(event)
        asyncio.get_running_loop().create_task(self._tell())

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def saw(self, wanted: Callable[[SwitchEvent], bool], within: float = 10.0) -> SwitchEvent:
        """Wait for an event, also one that has come already."""
        async with asyncio.timeout(within), self._changed:
            await self._changed.wait_for(lambda: any(wanted(e) for e in self.events))
        return next(e for e in self.events if wanted(e))

    async def finished(self, within: float = 20.0) -> None:
        """Wait until the script has run; raises what it raised."""
        failure = await asyncio.wait_for(self.done.get(), within)
        if failure is not None:
            raise failure


class House:
    def __init__(
        self, switch: AsteriskSwitch, handler: Scripted, world: World, home: Path, plan: Plan
    ) -> None:
        self.switch, self.handler, self.world, self.home = switch, handler, world, home
        self.sip = (plan.sip_address, plan.sip_port)
        self.ami_port = plan.ami_port
        self.console = Console(home / "asterisk" / "etc" / "asterisk.conf")


@contextlib.asynccontextmanager
async def house(
    home: Path, media: Path, sip_configs: Path = PROJECT / "sip_configs"
) -> AsyncIterator[House]:
    pbx = ensure(lambda what, part: None)
    sip, ami, agi, outside = ports.free(4)
    first, last = ports.free_range(200)
    layout = Layout.of(home / "asterisk")
    music = home / "music"
    music_on_hold(pbx, music, lambda what, part: None)
    plan = Plan(
        ami_secret=SECRET,
        accounts=[
            *(Account(name, "agent", secret=SECRET, display=name) for name in (*PHONES, *SOFT)),
            Account("caller", "caller", secret=SECRET),
            Account(TRUNK, "carrier", host=f"127.0.0.1:{outside}", number="+14155550100"),
        ],
        globals={
            "SALA_FASTAGI": f"127.0.0.1:{agi}",
            "SALA_TICK": str(TICK_S),
            "SALA_AWAY": "30",
            "SALA_PYTHON": sys.executable,
            "SALA_SURVIVAL": str(PROJECT / "agi_scripts" / "survival.py"),
            "SALA_LANGUAGE": "en",
            "SALA_MEDIA": str(media),
            "SALA_SPOOL": str(home / "spool"),
            "SALA_RECORDINGS": str(home / "recordings"),
        },
        sip_port=sip,
        rtp_first=first,
        rtp_last=last,
        ami_port=ami,
    )
    render(
        pbx,
        layout,
        plan,
        sip_configs=sip_configs,
        dialplans=PROJECT / "dialplans",
        data=data_folder(pbx, lambda what, part: None),
        music=music,
    )
    instance = Instance(pbx, layout.conf)
    await instance.start()
    handler = Scripted()
    switch = AsteriskSwitch(
        host="127.0.0.1",
        ami_port=ami,
        user="sala",
        secret=SECRET,
        agi_port=agi,
        recordings=home / "recordings",
    )
    try:
        await instance.wait_ready(20)
        await switch.start(handler)
        async with World(
            pbx, ("127.0.0.1", sip), ("caller", SECRET), PHONES, sip_port=outside
        ) as world:
            for phone in world.phones.values():
                await phone.registered()
            await reach.answer(instance.rx, *PHONES)
            yield House(switch, handler, world, home, plan)
    finally:
        await switch.stop()
        await instance.stop()
