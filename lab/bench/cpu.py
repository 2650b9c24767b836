"""CPU time a call costs: the service and Postgres, over Asterisk itself.

Calls come at a steady, moderate rate and are short. What the processes use while nobody calls is
measured first and subtracted.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Mapping

import psutil

from lab.bench.clients import Plan
from lab.bench.figures import Finding, Row, ms
from lab.bench.ground import APP_QUEUE, SALA, Ground, Peer
from lab.errors import LabError

GOAL = 0.35
RATE = 10
LOAD_S, QUICK_LOAD_S = 20, 3
IDLE_S, QUICK_IDLE_S = 4.0, 1.0
TALK_MS = 300
WARM_UP, QUICK_WARM_UP = 10, 5
"""Calls before the measurement begins."""
TAIL_S = 1.0
"""What a call leaves to be done, in the PBX and the database, is done this long after it."""


async def measure(ground: Ground, *, quick: bool) -> Finding:
    """Measure. Raises `LabError` when calls fail."""
    found = {peer: await _side(ground, peer, quick) for peer in ground.turns()}
    ours, theirs = found[SALA], found[APP_QUEUE]
    added = ours["service"] + ours["postgres"]
    ratio = added / ours["asterisk"]
    whole = added + ours["asterisk"]
    return Finding(
        "cpu",
        (
            Row(
                "CPU a call, ms: service + Postgres over Asterisk",
                f"{ms(ours['service'])} + {ms(ours['postgres'])} over {ms(ours['asterisk'])}",
                "",
                f"{ratio:.2f}",
                f"≤ {GOAL}",
                ratio <= GOAL,
            ),
            Row(
                "CPU a call, ms: all of it",
                ms(whole),
                ms(theirs["asterisk"]),
                f"{whole / theirs['asterisk']:.2f}",
            ),
        ),
        {
            "cpu_ratio": round(ratio, 3),
            "cpu_service_ms": round(ours["service"], 3),
            "cpu_postgres_ms": round(ours["postgres"], 3),
            "cpu_asterisk_ms": round(ours["asterisk"], 3),
            "cpu_app_queue_ms": round(theirs["asterisk"], 3),
        },
        {"unit": "ms a call", "calls_a_second": RATE, "sala": ours, "app_queue": theirs},
    )


async def _side(ground: Ground, peer: Peer, quick: bool) -> dict[str, float]:
    load_s, idle_s = (QUICK_LOAD_S, QUICK_IDLE_S) if quick else (LOAD_S, IDLE_S)
    await ground.only(peer)
    processes = ground.processes(peer)
    await _calls(ground, peer, QUICK_WARM_UP if quick else WARM_UP)
    idle = await _spent_while(processes, asyncio.sleep(idle_s))
    loaded = await _spent_while(processes, _calls(ground, peer, RATE * load_s))
    calls = RATE * load_s
    a_second = {name: spent / idle[1] for name, spent in idle[0].items()}
    return {
        name: max(spent - a_second[name] * loaded[1], 0.0) / calls * 1000
        for name, spent in loaded[0].items()
    }


async def _calls(ground: Ground, peer: Peer, count: int) -> None:
    plans = [Plan(peer.many, TALK_MS)] * count
    batch = await ground.clients.call(
        plans, rate=RATE, at_once=count, planned_s=count / RATE + TALK_MS / 1000
    )
    if batch.failed:
        raise LabError(f"{peer.key}: {batch.failed} of {batch.calls} calls failed: {batch.why}")
    await asyncio.sleep(TAIL_S)


async def _spent_while(
    processes: Mapping[str, psutil.Process], doing: Awaitable[None]
) -> tuple[dict[str, float], float]:
    """Await `doing`; give each process's CPU seconds meanwhile, and how long it took."""
    begun = time.monotonic()
    before = {name: cpu_seconds(process) for name, process in processes.items()}
    await doing
    after = {name: cpu_seconds(process) for name, process in processes.items()}
    return {name: after[name] - before[name] for name in processes}, time.monotonic() - begun


def cpu_seconds(process: psutil.Process) -> float:
    """Give the CPU time, user and system, of a process and of all below it, also those gone.

    Raises `LabError` when the process itself is gone.
    """
    total = 0.0
    try:
        family = [process, *process.children(recursive=True)]
    except psutil.Error as error:
        raise LabError(f"a measured process is gone: {error}") from error
    for member in family:
        with contextlib.suppress(psutil.Error):
            spent = member.cpu_times()
            total += spent.user + spent.system + spent.children_user + spent.children_system
    return total
