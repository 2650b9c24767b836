"""A house with its callers, as tests of the port use it; nothing is left of a test."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from port_house import TICK_S, House, house

from lab import audio
from pbx.port import (
    Audio,
    Call,
    CallState,
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def home(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    base = tmp_path_factory.mktemp("port")
    media = base / "media"
    media.mkdir()
    for name, seed in (("one", 1), ("two", 2)):
        audio.write_ulaw(media / f"{name}.ulaw", audio.voice(seed, 1.0))
    async with house(base, media) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="module")
async def place(home: House) -> AsyncIterator[House]:
    home.handler.events.clear()
    home.handler.script = home.handler.on_wait = None
    for phone in home.world.phones.values():
        phone.forget()
    home.handler.keys = asyncio.Queue()
    home.handler.done = asyncio.Queue()
    yield home
    await home.world.hang_up_all()
    left: list[object] = []
    try:
        async with asyncio.timeout(10):
            while left := await remains(home):
                await asyncio.sleep(0.05)
    except TimeoutError:
        pytest.fail(f"there is left of the test: {left}")


async def remains(home: House) -> list[object]:
    """All that is left of calls, in the PBX and in the adapter."""
    floor, switch = await home.switch.snapshot(), home.switch
    left = [*floor.calls, *floor.legs, *await home.console.channels()]
    return [*left, *switch._legs._live, *switch._agi._tasks, *switch._requests._keys]


def sound(home: House, name: str) -> Audio:
    return Audio(str(home.home / "media" / name))


async def opening(call: Call, listens: asyncio.Event) -> None:
    """Script: answer, and wait for the listener: what is played at once comes before they are."""
    await call.answer()
    await call.play([])
    await listens.wait()


@contextlib.asynccontextmanager
async def ticking(place: House, seconds: int) -> AsyncIterator[None]:
    """Whoever begins to wait now is asked for so often, and no more often, by the dialplan."""
    await place.console(f"dialplan set global SALA_TICK {seconds}")
    try:
        yield
    finally:
        await place.console(f"dialplan set global SALA_TICK {TICK_S}")


async def wait_in_line(place: House) -> str:
    """Script: put the caller in line; gives the call's id."""
    calls: list[str] = []

    async def script(call: Call) -> None:
        calls.append(call.id)
        await call.answer()
        await call.carry({"interaction": "i1", "queue": "q", "entered": "123"})
        await call.wait()

    place.handler.script = script
    await place.world.caller.dial("600", number="+14155550123")
    await place.handler.finished()
    return calls[0]


async def in_state(place: House, state: CallState) -> None:
    async with asyncio.timeout(10):
        while [c.state for c in (await place.switch.snapshot()).calls] != [state]:
            await asyncio.sleep(0.02)
