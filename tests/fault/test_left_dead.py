"""What a test left dead is brought back, so that it does not fail the tests behind it."""

from __future__ import annotations

import pytest
from house import House

from lab.errors import StackError


async def test_a_service_that_was_left_dead_is_there_again(house: House) -> None:
    await house.stack.kill_service()
    with pytest.raises(StackError):
        await house.stack.status()
    await house.made_whole()
    await house.log_in("1001")


async def test_a_database_that_was_left_dead_takes_rows_again(house: House) -> None:
    await house.stack.kill_database()
    _, number = await house.call()
    await house.made_whole()
    await house.queued(number)


async def test_a_world_that_was_left_dead_is_there_again(house: House) -> None:
    await house.world.crash()
    assert not house.world.running
    await house.made_whole()
    await house.log_in("1001")
