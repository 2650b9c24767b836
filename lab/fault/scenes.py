"""Faults other than kills: the database away, clocks that jump, daylight saving, two services."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from lab import audio
from lab.errors import Deadline, LabError, NotHeard
from lab.fault.facts import Customer, Facts, Habit
from lab.fault.ground import AGENTS, LINE, POLICY, QUEUE, Ground
from lab.fault.judge import Breach, judge
from lab.fault.load import PRESS_AFTER_S, PRESS_EVERY_S, Load
from lab.fault.report import Scene, fate
from lab.fault.witness import Witness, now
from lab.leg import Leg

Tell = Callable[[str], None]

FEW = 4
"""Callbacks a scene has waiting."""
WAITS_S = 30.0
FEW_S = 20.0
TOLD_S = 10.0
"""How long a caller who has pressed the key listens for an answer."""
PRESSES = 4
NOT_PROMISED = "wait-callback-failed"
ZONE = "America/Los_Angeles"
"""Of all numbers that call here."""
BEFORE_S = 8.0
"""How long before the clocks change a scene begins."""
HOURS = "02:30-04:00"
"""On the day that clocks go forward, this begins at 03:00: there is no 02:30."""


class Scenes:
    """Each scene is one fault on the given ground, and gives what came of it."""

    def __init__(self, ground: Ground, witness: Witness, load: Load) -> None:
        self._ground = ground
        self._witness = witness
        self._load = load

    async def all(self, tell: Tell) -> list[Scene]:
        """Play all of them."""
        played: list[Scene] = []
        for scene in (self.promise, self.clock_back, self.clock_on, self.forward, self.twins):
            tell((scene.__doc__ or "").partition("\n")[0].rstrip("."))
            try:
                played.append(await scene())
            except LabError as error:
                played.append((scene.__name__, f"could not be played: {error}", False))
        return played

    # --- the database ---------------------------------------------------------------------------

    async def promise(self) -> Scene:
        """The database is killed when a caller presses the key."""
        ground, what = self._ground, "database killed before the key: told to stay in line"
        await self._agents("offline")
        customer, number = self._load.known(Habit.ANSWERS)
        leg = await ground.world.caller.dial(LINE, number=number)
        customer.called = now()
        try:
            await leg.answered()
            await asyncio.sleep(PRESS_AFTER_S)
            await ground.kill_database()
            try:
                await self._presses(leg, audio.read_sound(ground.stack.media(NOT_PROMISED)))
                await leg.hears_music(within=WAITS_S)
            finally:
                await ground.start_database()
                await self._witness.hear()
            await self._agents("available")
            await self._until(lambda: bool(customer.talks), "a talk on the line")
            await asyncio.sleep(PRESS_EVERY_S)
        finally:
            await leg.hang_up()
        await leg.ended()
        await self._witness.read()
        breaches = self._judged([customer])
        good = not (breaches or customer.rows)
        return what, f"told so, music on, {fate(customer)}; {len(customer.rows)} rows", good

    @staticmethod
    async def _presses(leg: Leg, answer: audio.Sound) -> None:
        """Press the key until an answer is heard: the question may not have been asked yet."""
        for left in reversed(range(PRESSES)):
            await leg.press("1")
            try:
                await leg.hears(answer, within=TOLD_S)
            except NotHeard:
                if not left:
                    raise
            else:
                return

    # --- clocks ---------------------------------------------------------------------------------

    async def clock_back(self) -> Scene:
        """The service dies while it dials, and comes back with a clock two hours slow."""
        return await self._jump(-7_200.0)

    async def clock_on(self) -> Scene:
        """The service dies while it dials, and comes back with a clock two hours fast."""
        return await self._jump(7_200.0)

    async def _jump(self, skew_s: float) -> Scene:
        ground = self._ground
        async with self._waiting() as customers:
            await self._agents("available")
            await self._until(lambda: any(one.rings for one in customers), "a dial")
            await ground.kill()
            await ground.start(skew_s=skew_s)
            # By a clock that is slow, what was promised is due later.
            await self._all_end(customers, FEW_S)
            await ground.kill()
            await ground.start()
            await self._all_end(customers)
        return self._told(f"clock {skew_s / 3600:+g} h while dialling, then right", customers)

    async def forward(self) -> Scene:
        """Clocks go forward past the begin of the calling hours."""
        ground = self._ground
        change = forward(now())
        await ground.stack.run("callback", "policy", QUEUE, f"calling={{mon-sun: {HOURS}}}")
        try:
            await ground.kill()
            # They are promised an hour before.
            await ground.start(skew_s=(change - now()) / 1000 - BEFORE_S - 3_600)
            async with self._waiting() as customers:
                await ground.kill()
                skew_s = (change - now()) / 1000 - BEFORE_S
                await ground.start(skew_s=skew_s)
                await self._agents("available")
                await self._all_end(customers)
        finally:
            await ground.stack.run("callback", "policy", QUEUE, *POLICY)
            await ground.kill()
            await ground.start()
        first = min((ring.at for one in customers for ring in one.rings), default=0)
        late = first + int(skew_s * 1000) - change
        what, came, good = self._told(
            "clocks go forward over the begin of the calling hours", customers
        )
        return what, f"{came}; first INVITE {late} ms after the change", good and 0 <= late < 10_000

    # --- two services ---------------------------------------------------------------------------

    async def twins(self) -> Scene:
        """A second service runs on the same database and PBX by mistake."""
        ground = self._ground
        async with self._waiting() as customers:
            await ground.second()
            await self._agents("available")
            await self._all_end(customers)
            await ground.kill()
            await ground.start()
        return self._told("two services on one database and PBX", customers)

    # --- what scenes share ----------------------------------------------------------------------

    @contextlib.asynccontextmanager
    async def _waiting(self) -> AsyncIterator[list[Customer]]:
        """Have callbacks wait, with nobody there to take them; their rows are read at the end."""
        await self._agents("offline")
        made = [self._load.known(Habit.ANSWERS) for _ in range(FEW)]
        lives = [asyncio.create_task(self._load.see(customer, number)) for customer, number in made]
        try:
            promised = self._witness.promised
            await self._until(
                lambda: all(number in promised and one.left for one, number in made), "promises"
            )
            yield [customer for customer, _ in made]
        finally:
            for life in lives:
                life.cancel()
            await asyncio.gather(*lives, return_exceptions=True)
        await self._witness.read()

    async def _agents(self, wanted: str) -> None:
        """Log agents in or out, one after the other; whoever is free is at once given work."""
        stack = self._ground.stack
        for agent in AGENTS:
            await stack.agent(agent, wanted)
            if wanted == "offline":
                await stack.becomes(agent, wanted, WAITS_S)

    async def _all_end(self, customers: Sequence[Customer], within: float = 90.0) -> None:
        ended = self._witness.ended
        known = self._witness.customers.items()
        numbers = [number for number, one in known if one in customers]
        with contextlib.suppress(Deadline):
            await self._until(
                lambda: (
                    all(number in ended for number in numbers)
                    and all(talk.until for one in customers for talk in one.talks)
                ),
                "all callbacks end",
                within,
            )

    async def _until(self, holds: Callable[[], bool], what: str, within: float = WAITS_S) -> None:
        await self._witness.watch.until(holds, what, within)

    def _judged(self, customers: Sequence[Customer]) -> list[Breach]:
        return judge(Facts(0, 0, now(), [], list(customers)))

    def _told(self, what: str, customers: Sequence[Customer]) -> Scene:
        breaches = self._judged(customers)
        dials = sum(len(one.rings) for one in customers)
        attempts = sum(len(row.attempts) for one in customers for row in one.rows)
        broken = "".join(f"; broken: {one.law} ({one.what})" for one in breaches)
        ends = ", ".join(sorted(fate(one) for one in customers))
        return what, f"{attempts} attempts, {dials} INVITEs: {ends}{broken}", not breaches


def forward(after_ms: int) -> int:
    """Return the next moment, in ms, at which clocks go forward in `ZONE`."""
    zone = ZoneInfo(ZONE)

    def offset(at_s: int) -> timedelta:
        return datetime.fromtimestamp(at_s, zone).utcoffset() or timedelta()

    at_s = after_ms // 3_600_000 * 3_600
    while offset(at_s + 3_600) <= offset(at_s):
        at_s += 3_600
    return (at_s + 3_600) * 1_000
