"""A service that dies again and again, and is back each time."""

from __future__ import annotations

import asyncio
import math
import re
import time

from house import BRIEF, House, until

from lab.leg import Leg

DEATHS = 4
ABSENCES = 3
"""So many absences in a row are longer than the service may be away at once."""
LAST = re.compile(r"^\s*SALA_AWAY_LAST=(\d+)", re.MULTILINE)


async def missed(house: House) -> None:
    """Wait until a caller's request has failed since the service was there last."""

    async def last() -> int:
        found = LAST.search(await house.stack.console("dialplan show globals"))
        return int(found[1]) if found else 0

    await until(last, bool, "the service is missed", 10)


async def dies(house: House, call: Leg) -> float:
    """The service is killed, missed and started again, with music all the while; in seconds."""
    begun = time.monotonic()
    await house.stack.kill_service()
    async with asyncio.TaskGroup() as meanwhile:
        meanwhile.create_task(call.hears_music(2.5))
        await missed(house)
        await house.stack.start_service()
    absent = time.monotonic() - begun
    await house.waiting(1, within=10)
    return absent


async def test_who_waits_is_not_sent_away_by_a_service_that_comes_back(house: House) -> None:
    call, number = await house.call(BRIEF)
    await house.waits(number)
    before = (await house.interaction(number))["id"]
    # How long it takes to come back is a matter of the machine.
    limit = math.ceil(ABSENCES * await dies(house, call))
    async with house.survival_after(limit):
        begun, deaths = time.monotonic(), 1
        while deaths < DEATHS or time.monotonic() - begun <= limit:
            await dies(house, call)
            deaths += 1
    await house.stack.agent("1001", "available")
    leg = await house.meets(house.world.phones["1001"], within=10)
    await house.talk(call, leg)
    await leg.hang_up()
    found = await house.closed(number)
    assert (found["id"], found["outcome"]) == (before, "answered")
