"""A service that dies again and again, and is back each time."""

from __future__ import annotations

import time

from house import BRIEF, SURVIVAL_AFTER_S, House

DEATHS = 4


async def test_who_waits_is_not_sent_away_by_a_service_that_comes_back(house: House) -> None:
    call, number = await house.call(BRIEF)
    await house.waits(number)
    before = (await house.interaction(number))["id"]
    begun = time.monotonic()
    for _ in range(DEATHS):
        await house.stack.kill_service()
        # It is missed at the caller's next interval.
        await call.hears_music(2.5)
        await house.stack.start_service()
        await house.waiting(1, within=10)
    assert time.monotonic() - begun > SURVIVAL_AFTER_S
    await house.stack.agent("1001", "available")
    leg = await house.meets(house.world.phones["1001"], within=10)
    await house.talk(call, leg)
    await leg.hang_up()
    found = await house.closed(number)
    assert (found["id"], found["outcome"]) == (before, "answered")
