"""An agent's BYE to the next INVITE to the same agent, while callers wait.

Few agents, a line that stays full, and talks of random length, so that agents become free at any
time: what polls is caught between two polls. Both peers get the same talks in the same order.
"""

from __future__ import annotations

import random
from collections.abc import Iterable

from lab.bench.clients import Batch, Plan
from lab.bench.figures import Finding, Row, Spread, spread_text
from lab.bench.ground import APP_QUEUE, FEW, RETRY_S, SALA, Ground, Peer
from lab.bench.trace import Message, is_request
from lab.errors import LabError

GOAL_MS, GOAL_RATIO = 10.0, 1 / 60
WAITING, QUICK_WAITING = 20, 10
SAMPLES, QUICK_SAMPLES = 100, 20
TALK_MS, QUICK_TALK_MS = (500, 2000), (200, 600)
SEED = 20
ARRIVALS = 50
"""Callers a second, while the line fills up."""
POLL_S = 1.5
"""How long a free agent may wait on average before the plan of the run is exceeded."""


async def measure(ground: Ground, *, quick: bool) -> Finding:
    """Measure. Raises `LabError` when calls fail."""
    found = {peer: await _side(ground, peer, quick) for peer in ground.turns()}
    sala, theirs = found[SALA], found[APP_QUEUE]
    ratio = sala.median / theirs.median
    return Finding(
        "freed",
        (
            Row(
                "agent freed → next INVITE, ms: median / p95",
                spread_text(sala),
                spread_text(theirs),
                f"1/{1 / ratio:.0f}" if ratio < 1 else f"{ratio:.2f}",
                f"≤ {GOAL_MS:.0f} ms, ≤ 1/{1 / GOAL_RATIO:.0f}",
                sala.median <= GOAL_MS and ratio <= GOAL_RATIO,
            ),
        ),
        {
            "freed_ring_ms": round(sala.median, 3),
            "freed_ring_app_queue_ms": round(theirs.median, 3),
            "freed_ring_ratio": round(ratio, 5),
        },
        {
            "unit": "ms",
            "agents": FEW,
            "waiting": QUICK_WAITING if quick else WAITING,
            "app_queue_retry_s": RETRY_S,
            "sala": sala.to_json(),
            "app_queue": theirs.to_json(),
        },
    )


async def _side(ground: Ground, peer: Peer, quick: bool) -> Spread:
    samples, waiting = (QUICK_SAMPLES, QUICK_WAITING) if quick else (SAMPLES, WAITING)
    shortest, longest = QUICK_TALK_MS if quick else TALK_MS
    rng = random.Random(SEED)
    # The first calls find agents who were free before, the last ones nobody waiting behind them.
    count = samples + FEW + waiting
    plans = [Plan(peer.few, rng.randint(shortest, longest)) for _ in range(count)]
    talk_s = sum(plan.talk_ms for plan in plans) / 1000
    await ground.only(peer)
    batch = await ground.clients.call(
        plans,
        rate=ARRIVALS,
        at_once=waiting + FEW,
        planned_s=(talk_s + count * POLL_S) / FEW,
    )
    if batch.failed:
        raise LabError(f"{peer.key}: {batch.failed} of {batch.calls} calls failed: {batch.why}")
    return Spread.of(freed_ms(batch), f"rings of freed agents by {peer.key}")


def freed_ms(batch: Batch) -> list[float]:
    """Give how long each freed agent waited for the next INVITE, while there were callers in line.

    A time counts if the agent was freed before the last caller called: from then on the line runs
    dry.
    """
    last = max(
        (m.at for m in batch.callers if m.sent and is_request(m, "INVITE")), default=float("-inf")
    )
    free_since: dict[str, float] = {}
    found = []
    for agent, invited, at in _turns(batch.agents):
        if not invited:
            free_since[agent] = at
        elif (since := free_since.pop(agent, None)) is not None and since < last:
            found.append((at - since) * 1000)
    return found


def _turns(messages: Iterable[Message]) -> list[tuple[str, bool, float]]:
    """Give each agent's turns in order: (agent, invited or else free, when)."""
    agent_of: dict[str, str] = {}
    done: set[str] = set()
    turns = []
    for message in messages:
        call = message.call_id
        if not message.sent and is_request(message, "INVITE") and call not in agent_of:
            agent_of[call] = message.target
            turns.append((message.target, True, message.at))
        elif message.sent and is_request(message, "BYE") and call in agent_of and call not in done:
            done.add(call)
            turns.append((agent_of[call], False, message.at))
    return turns
