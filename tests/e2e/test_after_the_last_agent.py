"""The flow behind a queue goes on when the last agent has gone, and only then."""

from __future__ import annotations

import pytest
from handing_house import A, B, Office, way

from lab.leg import Leg
from lab.softphone import Line

SURVEYED = "605"
ASKED = "How content are you with this call? Press 1 for not at all, up to 5 for very."
SOLVED = "Is your question answered? Press 1 for yes, 2 for no."


async def talk(office: Office) -> tuple[Leg, Line]:
    """Somebody who is to be asked afterwards is answered by A."""
    (phone,) = await office.log_in(A)
    caller, office.number = await office.house.call(SURVEYED)
    line = await (await phone.ringing()).answer()
    await office.state("talking", A)
    return caller, line


async def asked(office: Office, caller: Leg) -> None:
    """The survey runs now, to its end."""
    # It comes in another RTP stream than the talk did: what is heard is recorded anew.
    await caller.flush()
    await caller.hears(office.house.spoken(ASKED), within=15, at_least=0.7)
    await caller.press("5")
    await caller.hears(office.house.spoken(SOLVED))
    await caller.press("1")
    await caller.ended(15)
    await office.house.closed(office.number)
    assert await office.house.answers(office.number) == {"satisfied": "5", "solved": "1"}


@pytest.mark.parametrize("how", ["blind", "attended", "conference"])
async def test_the_first_agent_goes_and_the_second_does(office: Office, how: str) -> None:
    caller, line = await talk(office)
    await office.log_in(B)
    await office.order("transfer" if how == "blind" else "consult", B)
    other = await office.answer(B)
    if how != "blind":
        await office.hear(line, other)
        await office.order("complete" if how == "attended" else "conference")
    if how == "conference":
        await office.state("conference", A)
        await office.hear(caller, line, other)
        await line.hang_up()
    await line.ended()
    await office.state("talking", B)
    await office.hear(caller, other)
    assert "ask" not in await office.house.way(office.number)
    await other.hang_up()
    await other.ended()
    await asked(office, caller)
    assert [one[1] for one in way(await office.closed(), "talk")][-1] == B


async def test_the_agent_hangs_up_with_the_caller_on_hold(office: Office) -> None:
    caller, line = await talk(office)
    await office.order("hold")
    await office.state("held", A)
    await line.hang_up()
    await asked(office, caller)
    assert (await office.closed())["outcome"] == "answered"
