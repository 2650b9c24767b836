"""The call rate that is held: 99 of 100 callers reach an agent's phone in 50 ms, and none fails.

The rate is doubled until it is not held, then the gap is halved a few times. A rate that is barely
missed is tried once more, so that one hiccup of the machine does not decide.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

from lab.bench.clients import Plan
from lab.bench.figures import Finding, Row, Spread, ms
from lab.bench.ground import APP_QUEUE, MANY, SALA, Ground, Peer

P99_MS = 50.0
BARELY_MS = 150.0
"""Up to here a missed 99th percentile may be a hiccup."""
FIRST, MOST = 10, 320
QUICK_FIRST, QUICK_MOST = 20, 80
STEP_S, QUICK_STEP_S = 6, 1
LEAST, QUICK_LEAST = 150, 30
"""Calls in a step at least: fewer would make the 99th percentile the slowest one."""
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

    @property
    def barely_missed(self) -> bool:
        """Whether another try may well hold."""
        return not self.held and not self.failed and self.p99_ms <= BARELY_MS


async def measure(ground: Ground, *, quick: bool) -> Finding:
    """Measure."""
    found = {peer: await _side(ground, peer, quick) for peer in ground.turns()}
    ours, theirs = found[SALA], found[APP_QUEUE]
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
    return f"{best.rate} (p99 {ms(best.p99_ms)} ms)" if best else f"below {steps[0].rate}"


async def _side(ground: Ground, peer: Peer, quick: bool) -> list[Step]:
    seconds, least = (QUICK_STEP_S, QUICK_LEAST) if quick else (STEP_S, LEAST)
    first, most = (QUICK_FIRST, QUICK_MOST) if quick else (FIRST, MOST)
    steps: list[Step] = []

    async def holds(rate: int) -> bool:
        calls = max(rate * seconds, least)
        steps.append(await _step(ground, peer, rate, calls))
        if not quick and steps[-1].barely_missed:
            steps.append(await _step(ground, peer, rate, calls))
        return steps[-1].held

    await ground.only(peer)
    low, high = 0, first
    while high <= most and await holds(high):
        low, high = high, high * 2
    for _ in range(QUICK_HALVINGS if quick else HALVINGS):
        middle = (low + high) // 2
        if high > most or middle in {low, high}:
            break
        if await holds(middle):
            low = middle
        else:
            high = middle
    return steps


async def _step(ground: Ground, peer: Peer, rate: int, calls: int) -> Step:
    plans = [Plan(peer.many, TALK_MS)] * calls
    batch = await ground.clients.call(plans, rate=rate, at_once=calls, planned_s=calls / rate + 5.0)
    rings = batch.rings()
    p99 = Spread.of(rings, f"rings at {rate} calls a second by {peer.key}").p99
    made = batch.rate()
    failed = max(batch.failed, batch.calls - len(rings))
    held = failed == 0 and p99 <= P99_MS and made >= LAG * rate
    return Step(rate, held, failed, round(p99, 3), round(made, 1))
