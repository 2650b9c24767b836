"""What a test left dead is brought back, so that it does not fail the tests behind it."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
from pathlib import Path

import pytest
from house import House, until

from lab import family
from lab.errors import StackError

ROOT = Path(__file__).resolve().parents[2]


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


RUNS = """
import asyncio
from lab.stack import Stack

async def main():
    stack = Stack()
    await stack.start()
    print(stack.home, flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


async def test_a_sala_whose_tests_were_killed_goes_with_them() -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", RUNS), cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    state = Path((await process.stdout.readline()).decode().strip()) / "state"
    assert family.of(state)
    os.kill(process.pid, signal.SIGKILL)
    await process.wait()

    async def running() -> list[int]:
        # Not by name, which those have no more that end meanwhile.
        return [one.pid for one in await asyncio.to_thread(family.of, state)]

    await until(running, lambda them: not them, "it is gone", 30)
    await asyncio.to_thread(shutil.rmtree, state.parent, ignore_errors=True)
