"""What a run will do, drawn from its seed. Pure."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from lab.fault.facts import Habit, Step

DELAYS: dict[Step, tuple[int, int]] = {
    # The tone takes 100 ms, then the key is known.
    Step.PRESSED: (80, 180),
    Step.WAITING: (0, 1_500),
    Step.RINGING: (50, 350),
    Step.TALKING: (200, 1_000),
    Step.STARTING: (0, 450),
}
"""Milliseconds from the step to the kill, where it is not `NEAR`."""
NEAR = (0, 50)
AWAY = (0, 0, 0, 0, 0, 0, 2_500)
"""From the kill to the start of the next service: a talk may be over meanwhile."""
HABITS: dict[Habit, int] = {
    Habit.ANSWERS: 60,
    Habit.BUSY_FIRST: 12,
    Habit.AWAY_FIRST: 5,
    Habit.DECLINES_FIRST: 5,
    Habit.GONE: 3,
    Habit.STAYS: 18,
}
"""Habits by weight."""


@dataclass(frozen=True, slots=True)
class Planned:
    """One kill to be done: so long after the next time that the step is seen."""

    number: int
    step: Step
    delay_ms: int
    away_ms: int
    """How long afterwards the service is started again."""


def kills(seed: int, count: int) -> list[Planned]:
    """Draw the kills: all steps as often as each other, in random order."""
    draw = random.Random(f"kills {seed}")
    steps: list[Step] = []
    while len(steps) < count:
        turn = list(Step)
        draw.shuffle(turn)
        steps += turn
    return [
        Planned(number, step, draw.randint(*DELAYS.get(step, NEAR)), draw.choice(AWAY))
        for number, step in enumerate(steps[:count], 1)
    ]


def habits(seed: int) -> Iterator[Habit]:
    """Draw customers' habits, without end."""
    draw = random.Random(f"habits {seed}")
    names, weights = list(HABITS), list(HABITS.values())
    while True:
        yield draw.choices(names, weights)[0]
