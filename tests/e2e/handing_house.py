"""Soft phones for agents and a caller, as tests of handovers use them."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import AsyncIterator
from typing import Any

from house import BRIEF, House, of_kind, until

from lab import audio
from lab.softphone import Line, SoftPhone

AGENTS = ("2001", "2002", "2003")
SPEECH_S = 1.5
HEARD = 0.25
"""Sound that crosses a bridge while it changes comes with gaps."""
_NUMBERS = itertools.count(1000)
_VOICES = itertools.count(50_000)


class Desk:
    """Agents with soft phones, and callers from outside."""

    def __init__(self, house: House, phones: dict[str, SoftPhone], outside: SoftPhone) -> None:
        self.house, self.stack = house, house.stack
        self.phones, self.outside = phones, outside
        self.number = ""

    async def log_in(self, *agents: str) -> list[SoftPhone]:
        for agent in agents:
            await self.stack.agent(agent, "available")
            await self.stack.becomes(agent, "available")
        return [self.phones[agent] for agent in agents]

    async def call(self) -> Line:
        """Somebody calls from a number nobody has used."""
        self.number = self.outside.number = f"+1212555{next(_NUMBERS)}"
        line = await self.outside.dial(BRIEF)
        await line.answered()
        return line

    async def talk(self, agent: str = "2001") -> tuple[Line, Line]:
        """Somebody calls and is answered by an agent."""
        (phone,) = await self.log_in(agent)
        caller = await self.call()
        line = await (await phone.ringing()).answer()
        await self.stack.becomes(agent, "on_contact")
        await self.state("talking")
        return caller, line

    async def answer(self, agent: str) -> Line:
        return await (await self.phones[agent].ringing()).answer()

    async def state(self, wanted: str, agent: str | None = None) -> dict[str, Any]:
        """Wait until the only call is in a state."""

        async def asked() -> list[dict[str, Any]]:
            rows: list[dict[str, Any]] = (await self.stack.status())["calls"]
            return rows

        rows = await until(
            asked,
            lambda found: (
                len(found) == 1
                and found[0]["state"] == wanted
                and (agent is None or found[0]["agent"] == agent)
            ),
            f"the call is {wanted}",
            8,
        )
        row: dict[str, Any] = rows[0]
        return row

    async def order(self, verb: str, to: str = "", **more: bool) -> None:
        rows = (await self.stack.status())["calls"]
        await self.stack.call(rows[0]["interaction"], verb, to, **more)

    async def hear(self, *lines: Line) -> None:
        """All hear each other, two by two."""
        for one, other in itertools.permutations(lines, 2):
            said = one.say(audio.voice(next(_VOICES), SPEECH_S))
            await other.hears(said, at_least=HEARD)

    async def closed(self) -> dict[str, Any]:
        """The interaction, once it and all its segments are over."""
        found: dict[str, Any] = await until(
            lambda: self.house.interaction(self.number),
            lambda one: bool(one.get("ended_ms")) and all(s["ended_ms"] for s in one["segments"]),
            "the interaction is closed",
            10,
        )
        return found


def way(found: dict[str, Any], *kinds: str) -> list[tuple[str, str | None, str]]:
    """Kind, agent and outcome of an interaction's segments, in order."""
    return [
        (one["kind"], one["agent"], one["outcome"])
        for one in found["segments"]
        if not kinds or one["kind"] in kinds
    ]


def seconds(found: dict[str, Any], kind: str, agent: str | None) -> float:
    """How long all segments of a kind with an agent took together."""
    mine = [one for one in of_kind(found, kind) if one["agent"] == agent]
    return sum(float(one["ended_ms"] - one["started_ms"]) for one in mine) / 1000


@contextlib.asynccontextmanager
async def desk_of(house: House) -> AsyncIterator[Desk]:
    """Put up the agents' phones and the caller's."""
    known = house.stack.accounts().phones
    for agent in AGENTS:
        if agent not in known:
            await house.stack.run("agent", "add", agent)
    await house.stack.reload()
    accounts = house.stack.accounts()
    async with contextlib.AsyncExitStack() as opened:
        phones = {
            agent: await opened.enter_async_context(
                SoftPhone(house.stack.sip, agent, accounts.phones[agent])
            )
            for agent in AGENTS
        }
        outside = await opened.enter_async_context(SoftPhone(house.stack.sip, *accounts.caller))
        yield Desk(house, phones, outside)


async def cleared(desk: Desk) -> None:
    """Nothing is left of a test."""
    for phone in (*desk.phones.values(), desk.outside):
        await phone.hang_up_all()
        phone.forget()
    for agent in AGENTS:
        await desk.stack.agent(agent, "offline")
    for agent in AGENTS:
        await desk.stack.becomes(agent, "offline", 8)
