"""Caller's INVITE to agent's INVITE while agents are idle.

Calls are made one after another, by turns to Sala and to app_queue, so that whatever else the
machine does hits both alike.
"""

from __future__ import annotations

from lab.bench.clients import Plan
from lab.bench.figures import Finding, Row, Spread, spread_text
from lab.bench.ground import APP_QUEUE, PEERS, SALA, Ground
from lab.errors import LabError

GOAL = 1.25
SAMPLES, QUICK_SAMPLES = 220, 30
WARM_UP = 5
"""Calls to each peer that are not counted: first calls fill caches."""
TALK_MS = 20
APART_MS = 40
CALL_S = 0.15
"""How long a call may take in all before the plan of the run is exceeded."""


async def measure(ground: Ground, *, quick: bool) -> Finding:
    """Measure. Raises `LabError` when a call fails."""
    samples = QUICK_SAMPLES if quick else SAMPLES
    plans = [Plan(peer.many, TALK_MS) for _ in range(samples + WARM_UP) for peer in PEERS]
    await ground.only(SALA)
    batch = await ground.clients.call(
        plans, rate=100, at_once=1, planned_s=len(plans) * CALL_S, apart_ms=APART_MS
    )
    if batch.failed:
        raise LabError(f"{batch.failed} of {batch.calls} calls failed: {batch.why}")
    sala = Spread.of(batch.rings(SALA.many)[WARM_UP:], "rings of idle agents by Sala")
    theirs = Spread.of(batch.rings(APP_QUEUE.many)[WARM_UP:], "rings of idle agents by app_queue")
    ratio = sala.median / theirs.median
    return Finding(
        "idle",
        (
            Row(
                "caller's INVITE → idle agent's, ms: median / p95",
                spread_text(sala),
                spread_text(theirs),
                f"{ratio:.2f}",
                f"≤ {GOAL}",
                ratio <= GOAL,
            ),
        ),
        {
            "idle_ring_ratio": round(ratio, 3),
            "idle_ring_sala_ms": round(sala.median, 3),
            "idle_ring_app_queue_ms": round(theirs.median, 3),
        },
        {"unit": "ms", "sala": sala.to_json(), "app_queue": theirs.to_json()},
    )
