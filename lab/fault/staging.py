"""What scenes share: a fault on a ground that is up, and what came of it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence

from lab.errors import Deadline
from lab.fault.facts import Customer, Facts, Habit, Way
from lab.fault.ground import Ground
from lab.fault.judge import Breach, judge
from lab.fault.load import Load
from lab.fault.queues import AGENTS
from lab.fault.report import Scene, fate
from lab.fault.witness import Witness, now

FEW = 4
"""Callbacks a scene has waiting."""
WAITS_S = 30.0


class Staging:
    """A ground that is up, who watches it, and who calls."""

    def __init__(self, ground: Ground, witness: Witness, load: Load) -> None:
        self.ground = ground
        self.witness = witness
        self.load = load

    @contextlib.asynccontextmanager
    async def waiting(
        self, way: Way = Way.AGENT, habits: Sequence[Habit] = (Habit.ANSWERS,) * FEW
    ) -> AsyncIterator[list[Customer]]:
        """Have callbacks wait, with nobody there to take them; their rows are read at the end."""
        await self.agents("offline")
        made = [self.load.known(habit, way) for habit in habits]
        lives = [asyncio.create_task(self.load.see(customer, number)) for customer, number in made]
        try:
            promised = self.witness.promised
            await self.until(
                lambda: all(number in promised and one.left for one, number in made), "promises"
            )
            yield [customer for customer, _ in made]
        finally:
            for life in lives:
                life.cancel()
            await asyncio.gather(*lives, return_exceptions=True)
        await self.witness.read()

    async def agents(self, wanted: str) -> None:
        """Log agents in or out, one after the other; whoever is free is at once given work."""
        stack = self.ground.stack
        for agent in AGENTS:
            await stack.agent(agent, wanted)
            if wanted == "offline":
                await stack.becomes(agent, wanted, WAITS_S)

    async def all_end(self, customers: Sequence[Customer], within: float = 90.0) -> None:
        """Wait until all their callbacks and talks are over; who never ends is judged later."""
        ended = self.witness.ended
        known = self.witness.customers.items()
        numbers = [number for number, one in known if one in customers]
        with contextlib.suppress(Deadline):
            await self.until(
                lambda: (
                    all(number in ended for number in numbers)
                    and all(span.until for one in customers for span in (*one.rings, *one.talks))
                ),
                "all callbacks end",
                within,
            )

    async def until(self, holds: Callable[[], bool], what: str, within: float = WAITS_S) -> None:
        """Wait until something has been witnessed; raises `Deadline`."""
        await self.witness.watch.until(holds, what, within)

    @staticmethod
    def judged(customers: Sequence[Customer]) -> list[Breach]:
        """Hold what became of some customers against the laws."""
        return judge(Facts(0, 0, now(), [], list(customers)))

    def told(self, what: str, customers: Sequence[Customer]) -> Scene:
        """Tell what became of some customers, and whether that is as it must be."""
        breaches = self.judged(customers)
        dials = sum(len(one.rings) for one in customers)
        attempts = sum(len(row.attempts) for one in customers for row in one.rows)
        broken = "".join(f"; broken: {one.law} ({one.what})" for one in breaches)
        ends = ", ".join(sorted(fate(one) for one in customers))
        return what, f"{attempts} attempts, {dials} INVITEs: {ends}{broken}", not breaches
