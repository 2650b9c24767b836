"""A talk on a real Asterisk, as the tests of what becomes of talks begin with it."""

from __future__ import annotations

import asyncio

from port_house import House

from lab.softphone import Line, SoftPhone
from pbx.port import Call, Caller, CallState, FloorSnapshot, LegConnected

NOBODY = Caller(None)


class Place(House):
    """The house, with an outside caller whose telephone takes sound as it comes.

    (An Asterisk that transcodes drops what comes after the source of the sound has changed.)
    """

    def __init__(self, home: House, outside: SoftPhone) -> None:
        self.__dict__.update(home.__dict__)
        self.outside = outside


class Talk:
    """A caller, by leg and by id."""

    def __init__(self, place: Place, leg: Line, call: str) -> None:
        self.place, self.leg, self.call = place, leg, call

    async def state(self, wanted: CallState, carrying: str = "interaction") -> FloorSnapshot:
        """Wait until the call is in a state and carries a fact; give the floor as it is then."""
        async with asyncio.timeout(6):
            while True:
                found = await self.place.switch.snapshot()
                if any(
                    c.call == self.call and c.state is wanted and carrying in c.carried
                    for c in found.calls
                ):
                    return found
                await asyncio.sleep(0.05)


async def talk(place: Place) -> Talk:
    """Somebody calls and waits."""
    ids: asyncio.Queue[str] = asyncio.Queue()

    async def script(call: Call) -> None:
        await call.carry({"interaction": "i1"})
        ids.put_nowait(call.id)
        await call.wait()

    place.handler.script = script
    leg = await place.outside.dial("600")
    call = await asyncio.wait_for(ids.get(), 5)
    made = Talk(place, leg, call)
    await made.state(CallState.WAITING)
    return made


async def connected(place: Place, offer: str, times: int = 1) -> None:
    async with asyncio.timeout(8):
        while sum(e == LegConnected(offer, _call(e)) for e in place.handler.events) < times:
            await asyncio.sleep(0.02)


def _call(event: object) -> str:
    return event.call if isinstance(event, LegConnected) else ""


async def meets(one: Talk, offer: str, phone: SoftPhone) -> Line:
    one.place.switch.ring(
        offer, phone.account, one.call, ring_ms=9000, caller=NOBODY, carry={"interaction": "i1"}
    )
    line = await (await phone.ringing()).answer()
    await connected(one.place, offer)
    return line
