"""What a run will do, drawn from its seed. Pure."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from lab.fault.facts import STEPS, Habit, Step, Way

DELAYS: dict[Step, tuple[int, int]] = {
    # The tone takes 100 ms, then the key is known, and the promise is made.
    Step.PRESSED: (80, 180),
    Step.ASKED: (0, 800),
    Step.CHOSE: (80, 200),
    Step.HOLDING: (0, 200),
    Step.WAITING: (0, 1_500),
    Step.RINGING: (50, 350),
    Step.TALKING: (200, 1_000),
    Step.STARTING: (0, 450),
}
"""Milliseconds from the step to the kill, where it is not `NEAR`."""
NEAR = (0, 50)
AWAY = (0, 0, 0, 0, 0, 0, 2_500)
"""From the kill to the start of the next service: a talk may be over meanwhile."""
HABITS: dict[Way, dict[Habit, int]] = {
    Way.AGENT: {
        Habit.ANSWERS: 62,
        Habit.BUSY_FIRST: 10,
        Habit.AWAY_FIRST: 4,
        Habit.DECLINES_FIRST: 5,
        Habit.GONE: 3,
        Habit.STAYS: 16,
    },
    Way.CUSTOMER: {
        Habit.ANSWERS: 62,
        Habit.BUSY_FIRST: 8,
        Habit.AWAY_FIRST: 4,
        Habit.DECLINES_FIRST: 4,
        Habit.GONE: 2,
        Habit.LATER_FIRST: 6,
        Habit.CANCELS: 4,
        Habit.STAYS: 10,
    },
}
"""Habits by weight."""
SLOW = frozenset({Habit.LATER_FIRST})
KINDS: tuple[tuple[Way | None, Step], ...] = (
    *((way, step) for way, steps in STEPS.items() for step in steps),
    (None, Step.STARTING),
)
"""What there is to kill at."""


@dataclass(frozen=True, slots=True)
class Planned:
    """One kill to be done: so long after the next time that the step is seen."""

    number: int
    way: Way | None
    step: Step
    delay_ms: int
    away_ms: int
    """How long afterwards the service is started again."""


def kills(seed: int, count: int) -> list[Planned]:
    """Draw the kills: all kinds as often as each other, in random order."""
    draw = random.Random(f"kills {seed}")
    drawn: list[tuple[Way | None, Step]] = []
    while len(drawn) < count:
        turn = list(KINDS)
        draw.shuffle(turn)
        drawn += turn
    return [
        Planned(number, way, step, draw.randint(*DELAYS.get(step, NEAR)), draw.choice(AWAY))
        for number, (way, step) in enumerate(drawn[:count], 1)
    ]


def habits(seed: int, *, hasty: bool = False) -> dict[Way, Iterator[Habit]]:
    """Draw habits for each queue, without end; `hasty` without any that take a minute."""
    return {way: _habits(f"habits {seed} {way}", HABITS[way], hasty=hasty) for way in Way}


def _habits(seed: str, weights: Mapping[Habit, int], *, hasty: bool) -> Iterator[Habit]:
    draw = random.Random(seed)
    drawn = {one: much for one, much in weights.items() if not (hasty and one in SLOW)}
    while True:
        yield draw.choices(list(drawn), list(drawn.values()))[0]
