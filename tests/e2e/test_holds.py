"""Holding a caller on the real PBX, by phone and by command."""

from __future__ import annotations

import time

import pytest
from handing_house import A, Office, seconds, way


@pytest.mark.parametrize("how", ["phone", "command"])
async def test_hold_with_music_and_back_is_no_talk_time(office: Office, how: str) -> None:
    caller, line = await office.talk(A)
    await office.hear(caller, line)
    await (line.hold() if how == "phone" else office.order("hold"))
    await office.state("held", A)
    held = time.monotonic()
    await caller.hears_music()
    music = time.monotonic() - held
    await (line.resume() if how == "phone" else office.order("resume"))
    await office.state("talking", A)
    await office.hear(caller, line)
    await line.hang_up()
    found = await office.closed()
    assert way(found, "talk", "hold", "wrap_up") == [
        ("talk", A, "held"),
        ("hold", A, "resumed"),
        ("talk", A, "ended"),
        ("wrap_up", A, "done"),
    ]
    assert (found["outcome"], found["ended_by"]) == ("answered", "agent")
    assert seconds(found, "hold", A) >= music


@pytest.mark.parametrize("how", ["phone", "command"])
@pytest.mark.parametrize("who", ["caller", "agent"])
async def test_hanging_up_while_on_hold(office: Office, how: str, who: str) -> None:
    caller, line = await office.talk(A)
    await (line.hold() if how == "phone" else office.order("hold"))
    await office.state("held", A)
    await (caller if who == "caller" else line).hang_up()
    await caller.ended()
    await line.ended()
    found = await office.closed()
    assert found["ended_by"] == ("customer" if who == "caller" else "agent")
    assert way(found, "talk", "hold", "wrap_up") == [
        ("talk", A, "held"),
        ("hold", A, "ended"),
        ("wrap_up", A, "done"),
    ]
