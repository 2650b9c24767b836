"""What a test left dead is brought back, so that it does not fail the tests behind it."""

from __future__ import annotations

import pytest
from house import House

from lab.errors import StackError


async def test_all_that_was_killed_and_left_is_brought_back(house: House) -> None:
    await house.stack.kill_service()
    with pytest.raises(StackError):
        await house.stack.status()
    await house.stack.kill_database()
    await house.stack.kill_pbx()
    await house.stack.mend()
    status = await house.stack.status()
    assert (status["switch"], status["database"]["pending"]) == ("up", 0)
    for phone in house.world.phones.values():
        await phone.unregister(within=15)
        await phone.register(within=15)


async def test_a_world_that_was_left_dead_is_there_again(house: House) -> None:
    await house.world.crash()
    assert not house.world.running
    await house.made_whole()
    await house.log_in("1001")
