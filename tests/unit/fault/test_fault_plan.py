"""What a run will do is drawn from its seed alone."""

from __future__ import annotations

from collections import Counter
from itertools import islice

from hypothesis import given, strategies as st

from lab.fault import plan
from lab.fault.facts import Habit, Way


@given(st.integers(0, 10**6), st.integers(1, 300))
def test_each_step_is_killed_as_often_as_any_other(seed: int, count: int) -> None:
    drawn = plan.kills(seed, count)
    assert [one.number for one in drawn] == list(range(1, count + 1))
    often = Counter((one.way, one.step) for one in drawn)
    assert max(often.values()) - min(often.get(kind, 0) for kind in plan.KINDS) <= 1
    for one in drawn:
        least, most = plan.DELAYS.get(one.step, plan.NEAR)
        assert least <= one.delay_ms <= most
        assert one.away_ms in plan.AWAY


def test_the_same_seed_draws_the_same() -> None:
    assert plan.kills(7, 50) == plan.kills(7, 50) != plan.kills(8, 50)
    for way in Way:
        first, again = (list(islice(plan.habits(7)[way], 500)) for _ in range(2))
        assert first == again
        assert set(first) == set(plan.HABITS[way])
        hasty = set(islice(plan.habits(7, hasty=True)[way], 500))
        assert hasty == set(first) - {Habit.LATER_FIRST}
