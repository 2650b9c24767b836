"""Busy days on random floors, beside the naive model: the same decisions, event by event.

SALA_TEST_DAYS sets how many floors (each of 150 events).
"""

from __future__ import annotations

import os
from random import Random

import pytest
from busy_days import Draw
from naive_floor import NaiveFloor

from acd.router import InteractionState, Router, events as ev
from acd.router.codec import from_entry, to_entry

DAYS = int(os.environ.get("SALA_TEST_DAYS", "60"))
EVENTS = 150
GROUPS = 6


def day(seed: int) -> None:
    draw = Draw(Random(seed))
    config = draw.configuration(1)
    router, naive, again = Router(config, "run"), NaiveFloor(config, "run"), Router(config, "run")
    now = 100
    for calls in range(EVENTS):
        now += draw.one(0, 0, 1, 2, 7)
        for _ in range(20):
            deadline = router.deadline
            if deadline is None or deadline > now:
                break
            rings = any(x.state is InteractionState.RINGING for x in router.interactions())
            if not rings:
                assert naive.deadline() == deadline
            both(router, naive, again, ev.TimePassed(), deadline)
        event: ev.Event = draw.event(router, calls, now)
        if draw.often() < 0.01:
            event = ev.ConfigChanged(draw.configuration(calls))
        if draw.often() < 0.05:
            event = ev.Batch((event, draw.event(router, EVENTS + calls, now)))
        both(router, naive, again, event, now)
    assert again.interactions() == router.interactions()
    assert again.agents() == router.agents()


def both(router: Router, naive: NaiveFloor, again: Router, event: ev.Event, now: int) -> None:
    """The router, the naive model, and a router that reads the journal decide the same."""
    decisions = router.handle(event, now)
    assert decisions == naive.handle(event, now)
    assert again.handle(from_entry(*to_entry(event)), now) == decisions


@pytest.mark.parametrize("group", range(GROUPS))
def test_busy_days(group: int) -> None:
    for seed in range(group, DAYS, GROUPS):
        try:
            day(seed)
        except Exception as error:
            error.add_note(f"on day {seed}")
            raise
