"""The call rate that is held: 99 of 100 callers reach an agent's phone in 50 ms, and none fails.

The rate is doubled until it is not held, then the gap is halved a few times. A rate counts as not
held when it failed twice, so that one hiccup of the machine does not decide.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

from lab.bench.clients import Plan
from lab.bench.figures import Finding, Row, Spread, ms
from lab.bench.ground import APP_QUEUE, MANY, SALA, Ground, Peer

P99_MS = 50.0
FIRST, MOST = 10, 320
STEP_S, QUICK_STEP_S = 8, 2
HALVINGS, QUICK_HALVINGS = 3, 0
TALK_MS = 200
LAG = 0.9
"""Less than this share of the rate asked for means that the clients could not call that fast."""


@dataclass(frozen=True, slots=True)
class Step:
    """One try at one rate (calls a second)."""

    rate: int
    held: bool
    failed: int
    p99_ms: float
    made: float
    """Calls a second that were really made."""


async def measure(ground: Ground, *, quick: bool) -> Finding:
    """Measure."""
    ours = await _side(ground, SALA, quick)
    theirs = await _side(ground, APP_QUEUE, quick)
    sala, app_queue = _held(ours), _held(theirs)
    ratio = sala / app_queue if app_queue else 0.0
    return Finding(
        "rate",
        (
            Row(
                f"calls a second held (p99 ring ≤ {P99_MS:.0f} ms)",
                _text(ours),
                _text(theirs),
                f"{ratio:.2f}" if app_queue else "–",
            ),
        ),
        {"rate_ratio": round(ratio, 3), "rate_sala": sala, "rate_app_queue": app_queue},
        {
            "unit": "calls a second",
            "agents": MANY,
            "talk_ms": TALK_MS,
            "sala": [asdict(step) for step in ours],
            "app_queue": [asdict(step) for step in theirs],
        },
    )


def _held(steps: list[Step]) -> int:
    return max((step.rate for step in steps if step.held), default=0)


def _text(steps: list[Step]) -> str:
    best = max((step for step in steps if step.held), key=lambda step: step.rate, default=None)
    return f"{best.rate} (p99 {ms(best.p99_ms)} ms)" if best else f"below {FIRST}"


async def _side(ground: Ground, peer: Peer, quick: bool) -> list[Step]:
    seconds = QUICK_STEP_S if quick else STEP_S
    steps: list[Step] = []

    async def holds(rate: int) -> bool:
        for _ in range(1 if quick else 2):
            steps.append(await _step(ground, peer, rate, seconds))
            if steps[-1].held:
                return True
        return False

    async with ground.alone(peer):
        low, high = 0, FIRST
        while high <= MOST and await holds(high):
            low, high = high, high * 2
        for _ in range(QUICK_HALVINGS if quick else HALVINGS):
            middle = (low + high) // 2
            if high > MOST or middle in {low, high}:
                break
            if await holds(middle):
                low = middle
            else:
                high = middle
    return steps


async def _step(ground: Ground, peer: Peer, rate: int, seconds: int) -> Step:
    plans = [Plan(peer.many, TALK_MS)] * (rate * seconds)
    batch = await ground.clients.call(plans, rate=rate, at_once=len(plans), planned_s=seconds + 5.0)
    rings = batch.rings()
    p99 = Spread.of(rings, f"rings at {rate} calls a second by {peer.key}").p99
    made = batch.rate()
    failed = max(batch.failed, batch.calls - len(rings))
    held = failed == 0 and p99 <= P99_MS and made >= LAG * rate
    return Step(rate, held, failed, round(p99, 3), round(made, 1))
