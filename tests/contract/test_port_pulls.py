"""Agents' legs pull callers out of their wait, many times; the PBX keeps nothing of it."""

from __future__ import annotations

import asyncio
import time

import pytest
from port_house import House
from port_place import wait_in_line

from pbx.port import Caller, LegConnected, LegEnded

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]

CALLERS = 16
TURNS = 60
WITHIN_S = 10.0


async def test_nothing_is_left_of_channels_that_were_pulled_away(place: House) -> None:
    """Were what is pulled away to end before it is listed again, some would stay for good."""
    for phone in place.world.phones.values():
        await phone.behave("answer", after_s=0)
    calls = [await wait_in_line(place) for _ in range(CALLERS)]
    await asyncio.gather(*(_pull(place, call, at) for at, call in enumerate(calls)))
    await place.world.hang_up_all()
    deadline = time.monotonic() + WITHIN_S
    while (left := await place.console.channels()) and time.monotonic() < deadline:
        await asyncio.sleep(0.05)
    assert left == []


async def _pull(place: House, call: str, at: int) -> None:
    """Ring, talk, and send the caller back to wait, again and again."""
    accounts = sorted(place.world.phones)
    for turn in range(TURNS):
        offer = f"p{at}x{turn}"
        account = accounts[(at + turn) % len(accounts)]
        place.switch.ring(offer, account, call, ring_ms=9000, caller=Caller(None), carry={})
        await place.handler.saw(lambda e, o=offer: isinstance(e, LegConnected) and e.offer == o)
        place.switch.requeue(call)
        await place.handler.saw(lambda e, o=offer: isinstance(e, LegEnded) and e.offer == o)
