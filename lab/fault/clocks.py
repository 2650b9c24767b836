"""Scenes of clocks: such as jump, and such as are put forward and back with the season."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from lab.errors import Deadline
from lab.fault import queues
from lab.fault.facts import Customer, Habit, Way
from lab.fault.report import Scene
from lab.fault.staging import Staging
from lab.fault.witness import now
from sala.control import ControlClient

ZONE = "America/Los_Angeles"
"""Of all numbers that call here."""
HOUR_MS = 3_600_000
HALF_MS = HOUR_MS // 2
BEFORE_MS = 8_000
"""How long before something a service is started."""
AFTER_MS = 3_000
"""For how long afterwards it is seen that nobody is called."""
LATE_MS = 15_000
"""Within which time somebody is called when it may be, at the latest."""
JUMP_S = 7_200.0
SLOW_S = 10.0
SPRING, AUTUMN = "02:30-04:00", "01:30-03:00"
"""Calling hours. Clocks go forward from 02:00 to 03:00: there is no 02:30. They go back from 02:00
to 01:00: 01:30 comes twice, with half an hour in between at which nobody may be called."""


async def slow(staging: Staging) -> Scene:
    """The service dies while it dials, and comes back with a clock two hours slow."""
    return await _jump(staging, -JUMP_S)


async def fast(staging: Staging) -> Scene:
    """The service dies while it dials, and comes back with a clock two hours fast."""
    return await _jump(staging, JUMP_S)


async def _jump(staging: Staging, skew_s: float) -> Scene:
    ground = staging.ground
    async with staging.waiting() as customers:
        await staging.agents("available")
        await staging.until(lambda: any(one.rings for one in customers), "a dial")
        await ground.kill()
        await ground.start(skew_s=skew_s)
        # By a clock that is slow, what was promised is due later.
        await staging.all_end(customers, SLOW_S)
        await ground.kill()
        await ground.start()
        await staging.all_end(customers)
    return staging.told(f"clock {skew_s / 3600:+g} h while dialling, then right", customers)


async def forward(staging: Staging) -> Scene:
    """Clocks go forward past the begin of the calling hours."""
    change = changes(now(), forward=True)
    async with _Hours(staging, SPRING) as hours:
        # They are promised an hour before.
        await hours.at(change - BEFORE_MS - HOUR_MS)
        async with staging.waiting() as customers:
            await hours.at(change - BEFORE_MS)
            await staging.agents("available")
            await staging.all_end(customers)
            late = hours.first(customers) - change
    told = staging.told("clocks go forward over the begin of the calling hours", customers)
    return _timed(told, late, "the change")


async def back(staging: Staging) -> Scene:
    """Clocks go back within the calling hours, before these have begun once more."""
    change = changes(now(), forward=False)
    again = change + HALF_MS
    async with _Hours(staging, AUTUMN) as hours:
        await hours.at(change - BEFORE_MS - HOUR_MS)
        async with staging.waiting() as customers:
            # Within the hours; nobody is there until the change has come.
            await hours.at(change - BEFORE_MS)
            await hours.passes(change)
            await staging.agents("available")
            await _nothing(staging, customers)
            early = sum(len(one.rings) for one in customers)
            await hours.at(again - BEFORE_MS)
            await staging.all_end(customers)
            late = hours.first(customers) - again
    told = staging.told("clocks go back, from calling hours to before they begin", customers)
    what, came, good = _timed(told, late, "they began the second time")
    return what, f"{early} INVITEs between; {came}", good and not early


async def slot(staging: Staging) -> Scene:
    """A time is promised that the clock shows twice: the second of the two is meant."""
    change = changes(now(), forward=False)
    chosen = change + HALF_MS
    ground = staging.ground
    async with _Hours(staging, queues.ALWAYS) as hours:
        await hours.at(chosen - HOUR_MS - BEFORE_MS)
        await staging.agents("available")
        known = [staging.load.known(Habit.ANSWERS, way) for way in Way]
        customers = [customer for customer, _ in known]
        async with ControlClient(ground.stack.home / "state" / "control.sock") as client:
            for customer, number in known:
                queue = queues.LINES[customer.way].queue
                await client.add_callback({"number": number, "queue": queue, "due_ms": chosen})
        lives = [asyncio.create_task(staging.load.is_called(*one)) for one in known]
        try:
            # The clock shows that time, once.
            await hours.passes(chosen - HOUR_MS)
            await _nothing(staging, customers)
            early = sum(len(one.rings) for one in customers)
            await hours.at(chosen - BEFORE_MS)
            await staging.all_end(customers)
        finally:
            for life in lives:
                life.cancel()
            await asyncio.gather(*lives, return_exceptions=True)
        late = hours.first(customers) - chosen
        await staging.witness.read()
    told = staging.told("a time promised that the clock shows twice: the second", customers)
    what, came, good = _timed(told, late, "it")
    return what, f"{early} INVITEs at the first; {came}", good and not early


class _Hours:
    """Calling hours for as long as it is entered; then all is as before, clocks too."""

    def __init__(self, staging: Staging, hours: str) -> None:
        self._staging = staging
        self._hours = hours
        self._skew_ms = 0

    async def __aenter__(self) -> _Hours:
        await queues.call_only(self._staging.ground.stack, self._hours)
        return self

    async def __aexit__(self, *_: object) -> None:
        ground = self._staging.ground
        await queues.call_only(ground.stack)
        await ground.kill()
        await ground.start()

    async def at(self, at_ms: int) -> None:
        """Kill the service, and start one by whose clock it is this instant."""
        ground = self._staging.ground
        await ground.kill()
        self._skew_ms = at_ms - now()
        await ground.start(skew_s=self._skew_ms / 1000)

    async def passes(self, at_ms: int) -> None:
        """Wait until it is past an instant by the service's clock."""
        left_ms = at_ms - self._skew_ms - now()
        with contextlib.suppress(Deadline):
            await self._staging.until(lambda: False, "the time", max(left_ms, 0) / 1000)

    def first(self, customers: list[Customer]) -> int:
        """Return when somebody was called first, by the service's clock; 0: never."""
        rings = [ring.at for one in customers for ring in one.rings]
        return min(rings) + self._skew_ms if rings else 0


async def _nothing(staging: Staging, customers: list[Customer]) -> None:
    """See for a while whether anybody is called."""
    with contextlib.suppress(Deadline):
        rung = "an INVITE"
        await staging.until(lambda: any(one.rings for one in customers), rung, AFTER_MS / 1000)


def _timed(told: Scene, late_ms: int, what: str) -> Scene:
    fault, came, good = told
    return fault, f"{came}; first INVITE {late_ms} ms after {what}", good and 0 <= late_ms < LATE_MS


def changes(after_ms: int, *, forward: bool) -> int:
    """Return the next moment, in ms, at which clocks go forward or back in `ZONE`."""
    zone = ZoneInfo(ZONE)

    def offset(at_s: int) -> timedelta:
        return datetime.fromtimestamp(at_s, zone).utcoffset() or timedelta()

    at_s = after_ms // HOUR_MS * 3_600
    while (offset(at_s + 3_600) > offset(at_s)) is not forward or offset(at_s + 3_600) == offset(
        at_s
    ):
        at_s += 3_600
    return (at_s + 3_600) * 1_000
