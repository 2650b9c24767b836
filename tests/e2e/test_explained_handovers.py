"""Calls that were held, consulted about, shared and sent on: `sala explain` tells it as it was."""

from __future__ import annotations

import re

from handing_house import A, B, C, Office
from house import PATIENCE_S, RING_MS, until

CAME = f"""\
Interaction IT
TIME  came to sales: place 1
    asks for queue sales
    may take it: WHO
TIME  offered to 2001, to ring {RING_MS // 1000} s
    in force: asks for queue sales
    eligible and free: 2001
    eligible, not free: WHO
    chosen: 2001 was the only one of them free
TIME  2001 answered
"""


CONFERENCE = """\
TIME  2001 put the caller on hold
TIME  2001 rang 2002 to consult
TIME  2001, 2002 and the caller were brought together
"""


async def told(office: Office) -> str:
    """What is explained of the last call, without times, its id and who else there is."""
    interaction = (await office.closed())["id"]
    await until(
        office.stack.status,
        lambda now: not now["database"]["pending"],
        "all is written",
    )
    text = await office.stack.run("explain", interaction)
    assert "gave the same" in await office.stack.run("replay")
    text = text.replace(interaction, "IT")
    text = re.sub(r"(may take it|eligible, not free): .+", r"\1: WHO", text)
    return re.sub(r"\d\d:\d\d:\d\d\.\d{3}", "TIME", text)


async def test_hold_consult_attended_transfer_then_to_a_queue(office: Office) -> None:
    caller, line = await office.talk(A)
    await office.order("hold")
    await office.state("held", A)
    await office.order("resume")
    await office.state("talking", A)
    await office.log_in(B)
    await office.order("consult", B)
    other = await office.answer(B)
    await office.hear(line, other)
    await office.order("complete")
    await office.state("talking", B)
    # Once B has parted with the caller, they would be the first to be offered them.
    for agent in (A, B):
        await office.stack.agent(agent, "offline")
    await office.order("transfer", "support")
    await office.state("waiting")
    await office.stack.agent(C, "available")
    third = await office.answer(C)
    await office.hear(caller, third)
    await caller.hang_up()
    assert (
        await told(office)
        == CAME
        + f"""\
TIME  2001 put the caller on hold
TIME  2001 took the caller back from hold
TIME  2001 put the caller on hold
TIME  2001 rang 2002 to consult
TIME  2001 handed it over to 2002
TIME  2002 transferred it to support
TIME  came to support: place 1
    asks for queue support
    may take it: WHO
TIME  offered to 2003, to ring {RING_MS // 1000} s
    in force: asks for queue support
    eligible and free: 2003
    eligible, not free: WHO
    chosen: 2003 was the only one of them free
TIME  2003 answered
TIME  the contact with 2003 ended
"""
    )


async def test_conference_then_a_transfer_that_nobody_takes(office: Office) -> None:
    caller, line, other = await office.in_conference()
    await line.hang_up()
    await office.state("talking", B)
    await office.stack.agent(A, "offline")
    await office.stack.agent(C, "available")
    await office.stack.becomes(C, "available")
    await office.order("transfer", C)
    await other.ended()
    await (await office.phones[C].ringing()).ended(RING_MS / 1000 + PATIENCE_S)
    again = await office.answer(B)
    await office.state("talking", B)
    await office.hear(caller, again)
    await again.hang_up()
    assert (
        await told(office)
        == CAME
        + CONFERENCE
        + """\
TIME  2001 left the talk to 2002
TIME  2002 sent the caller on to 2003, who was rung
TIME  2003 did not answer (RONA)
TIME  2002, who had sent the caller on, was rung to take them back
TIME  2002 answered and has the caller
TIME  the contact with 2002 ended
"""
    )


async def test_by_phone_and_outside(office: Office) -> None:
    number = "+14155552611"
    outside = office.house.world.outside(number)
    caller, line = await office.talk(A)
    await office.log_in(B)
    second = await office.consulted(line, "phone", B)
    other = await office.answer(B)
    await office.hear(second, other)
    await line.refer(B, replaces=second)
    await office.state("talking", B)
    await office.stack.agent(A, "offline")
    await other.refer(number)
    rung = await outside.answer(await outside.ringing())
    await office.hear(caller, rung)
    await rung.hang_up()
    await caller.ended()
    assert (
        await told(office)
        == CAME
        + """\
TIME  2001 put the caller on hold
TIME  2001 rang 2002 to consult
TIME  2001 handed it over to 2002
TIME  2002 sent the caller on to somebody outside, who was rung
TIME  somebody outside answered and has the caller
TIME  somebody outside left the talk
"""
    )


async def test_a_consult_that_leads_to_nothing(office: Office) -> None:
    caller, line = await office.talk(A)
    await office.log_in(B)
    await office.order("consult", B)
    (await office.phones[B].ringing()).reject()
    await office.state("talking", A)
    await office.log_in(C)
    await office.order("consult", C)
    third = await office.answer(C)
    await office.hear(line, third)
    await office.order("conference")
    await office.state("conference", A)
    await office.hear(caller, line, third)
    await third.hang_up()
    await office.state("talking", A)
    await office.hear(caller, line)
    await line.hang_up()
    assert (
        await told(office)
        == CAME
        + """\
TIME  2001 put the caller on hold
TIME  2001 rang 2002 to consult
TIME  2002 declined
TIME  2001 took the caller back from hold
TIME  2001 put the caller on hold
TIME  2001 rang 2003 to consult
TIME  2001, 2003 and the caller were brought together
TIME  2003 left the talk
TIME  the contact with 2001 ended
"""
    )


async def test_it_is_the_same_from_a_checkpoint(office: Office) -> None:
    for _ in range(2):
        caller, line = await office.talk(A)
        await line.hang_up()
        await caller.ended()
        assert await told(office) == CAME + "TIME  the contact with 2001 ended\n"
        await office.stack.becomes(A, "available")
        # The second call is explained from what is kept after the first.
        assert "checkpoints were kept" in await office.stack.run("replay", "--keep")
    kept = await office.stack.db.fetchval("SELECT count(*) FROM journal WHERE epoch ~ '^check[.]'")
    assert kept >= 2
