"""A run: customers come and go, and the service is killed at each step again and again."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import time
from collections.abc import Callable, Sequence

from lab.errors import LabError
from lab.fault.facts import Facts, Kill, Step, Way
from lab.fault.ground import Ground
from lab.fault.load import Load
from lab.fault.plan import Planned
from lab.fault.queues import AGENTS
from lab.fault.witness import Witness, now

LIVES = 26
"""Customers at a time; five agents serve them."""
QUICK_LIVES = 14
WINDOW = 6
"""Of so many kills that are planned next, that one is done whose step a callback comes to first."""
STEP_S = 15.0
"""How long a callback is waited for; then the first of them is done without one."""
SETTLE_S = 20.0
"""How long after the last customer all must be as it was at the beginning."""

FAULTS = (
    "recorder_refused_row",
    "decision_fault",
    "callback_fault",
    "event_handler_failed",
    "agi_handler_failed",
    "callback_refused",
)
"""What no service may ever log."""

Tell = Callable[[str], None]


async def run(
    ground: Ground,
    witness: Witness,
    load: Load,
    seed: int,
    planned: Sequence[Planned],
    tell: Tell,
    *,
    lives: int = LIVES,
) -> Facts:
    """Do all planned kills under load, let the load run out, and give what was seen."""
    serving = {way: sum(way in ways for ways in AGENTS.values()) for way in Way}
    facts = Facts(seed, now(), agents=serving)
    await ground.log_in()
    load.open(lives)
    try:
        left = list(planned)
        while left:
            one, number = await _next(witness, left[:WINDOW])
            left.remove(one)
            facts.kills.append(await _kill(ground, witness, one, number, len(facts.kills) + 1))
            if len(facts.kills) % 10 == 0:
                tell(
                    f"{len(facts.kills)} of {len(planned)} kills, "
                    f"{len(witness.customers)} customers, {len(witness.ended)} callbacks ended"
                )
        tell("no more kills; the load runs out")
        await load.close()
    finally:
        await load.cancel()
    facts.left_over = [*load.faults, *await _left_over(ground)]
    await witness.read()
    # What comes afterwards is no part of this run.
    facts.customers = copy.deepcopy(list(witness.customers.values()))
    facts.ended = now()
    return facts


async def _next(witness: Witness, near: Sequence[Planned]) -> tuple[Planned, str]:
    """Wait for a step of a callback at which one is to be done; give it, and whose step it was."""
    if near[0].way is None:
        return near[0], ""
    wanted = {(one.way, one.step): one for one in reversed(near) if one.way is not None}
    found = await witness.next(wanted, STEP_S)
    return (near[0], "") if found is None else (wanted[found[0]], found[1])


async def _kill(
    ground: Ground, witness: Witness, planned: Planned, number: str, count: int
) -> Kill:
    if planned.step is Step.STARTING:
        # The last kill's successor answers already: it is killed for one that is just coming up.
        await ground.kill()
        await ground.launch()
    await asyncio.sleep(planned.delay_ms / 1000)
    at = now()
    await ground.kill()
    await asyncio.sleep(planned.away_ms / 1000)
    await ground.start()
    customer = witness.customers.get(number)
    name = customer.name if customer is not None else ""
    return Kill(count, planned.way, planned.step, planned.delay_ms, name, at, now())


async def _left_over(ground: Ground) -> list[str]:
    """Tell what is not as it was before; wait a while until all is."""
    deadline = time.monotonic() + SETTLE_S
    while found := await _found(ground):
        if time.monotonic() > deadline:
            return found
        await asyncio.sleep(0.25)
    return []


async def _found(ground: Ground) -> list[str]:
    found: list[str] = []
    with contextlib.suppress(LabError):
        channels = await ground.stack.console.channels()
        found += [f"channel {one.rpartition('-')[0] or one}" for one in channels]
        found += ["channel outside" for _ in await ground.world.channels()]
        status = await ground.stack.status()
        found += [f"{status[what]} {what}" for what in ("calls", "legs") if status[what]]
        for key in ("pending", "refused"):
            if status["database"][key]:
                found.append(f"{status['database'][key]} rows {key}")
        for row in status["agents"]:
            if row["agent"] in AGENTS and row["presence"] != "available":
                found.append(f"agent {row['agent']} {row['presence']}")
        open_ = await ground.stack.db.fetchval(
            "SELECT count(*) FROM interactions WHERE ended_at IS NULL"
        )
        found += [f"{open_} interactions open"] if open_ else []
        log = (ground.stack.home / "state" / "logs" / "service.log").read_text(encoding="utf-8")
        for action in FAULTS:
            if count := log.count(f'"action":"{action}"'):
                found.append(f"{count} times {action} in the log")
        return found
    return ["the service does not answer"]
