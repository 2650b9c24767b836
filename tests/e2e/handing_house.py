"""Soft phones for agents and a caller, as tests of handovers use them."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio
from house import BRIEF, House, of_kind, until

from lab.hearing import hear_each_other
from lab.leg import Leg
from lab.softphone import Line, SoftPhone

A, B, C = AGENTS = ("2001", "2002", "2003")
_NUMBERS = itertools.count(1000)


class Office:
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

    async def talk(self, agent: str = A) -> tuple[Line, Line]:
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
        )
        row: dict[str, Any] = rows[0]
        return row

    async def order(self, verb: str, to: str = "", **more: bool) -> None:
        rows = (await self.stack.status())["calls"]
        await self.stack.call(rows[0]["interaction"], verb, to, **more)

    async def consulted(self, line: Line, how: str, to: str) -> Line:
        """The agent consults; gives the line on which they do."""
        if how == "command":
            await self.order("consult", to)
            return line
        await line.hold()
        await self.state("held", A)
        second = await self.phones[A].dial(to)
        await second.answered()
        return second

    async def in_conference(self) -> tuple[Line, Line, Line]:
        caller, line = await self.talk(A)
        await self.log_in(B)
        await self.order("consult", B)
        other = await self.answer(B)
        await self.hear(line, other)
        await self.order("conference")
        await self.state("conference", A)
        await self.hear(caller, line, other)
        return caller, line, other

    async def hear(self, *parties: Leg | Line) -> None:
        """All hear each other."""
        await hear_each_other(*parties)

    async def closed(self) -> dict[str, Any]:
        """The interaction, once it and all its segments are over, wrap-ups among them."""
        await until(
            self.stack.status,
            lambda now: not (now["calls"] or now["legs"] or now["database"]["pending"]),
            "all is over and written",
        )
        found: dict[str, Any] = await until(
            lambda: self.house.interaction(self.number),
            lambda one: bool(one.get("ended_ms")) and all(s["ended_ms"] for s in one["segments"]),
            "the interaction is closed",
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


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def opened(house: House) -> AsyncIterator[Office]:
    """Put up the agents' phones and the caller's."""
    known = house.stack.accounts().phones
    for agent in AGENTS:
        if agent not in known:
            await house.stack.run("agent", "add", agent)
    await house.stack.reload()
    accounts = house.stack.accounts()
    async with contextlib.AsyncExitStack() as entered:
        phones = {
            agent: await entered.enter_async_context(
                SoftPhone(house.stack.sip, agent, accounts.phones[agent])
            )
            for agent in AGENTS
        }
        caller = SoftPhone(house.stack.sip, *accounts.caller)
        outside = await entered.enter_async_context(caller)
        yield Office(house, phones, outside)


@pytest_asyncio.fixture(loop_scope="session")
async def office(opened: Office, clean: None) -> AsyncIterator[Office]:
    """Nothing is left of a test."""
    yield opened
    for phone in (*opened.phones.values(), opened.outside):
        await phone.hang_up_all()
        phone.forget()
    for agent in AGENTS:
        await opened.stack.agent(agent, "offline")
    for agent in AGENTS:
        await opened.stack.becomes(agent, "offline")
