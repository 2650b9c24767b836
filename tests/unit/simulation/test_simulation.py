from __future__ import annotations

from datetime import UTC
from pathlib import Path
from random import Random
from statistics import fmean, stdev
from zoneinfo import ZoneInfo

import pytest

from acd.router import events as ev
from acd.router.configuration import AgentConfig, Configuration, QueueConfig
from acd.router.events import Wanted
from acd.router.recipes import OverflowTo
from acd.simulation import Call, World
from acd.simulation.day import callers, draw, play
from acd.simulation.history import usual
from acd.simulation.outcome import run, student
from acd.simulation.plan import Learnt, Period, Plan, QueuePlan, Spread, read
from sala import simulating
from sala.errors import UserError

HOUR = 3_600_000
FLOOR = Configuration(
    1,
    (QueueConfig("sales", wrap_up_ms=10_000), QueueConfig("tax", wrap_up_ms=0)),
    (AgentConfig("a", ("sales",)), AgentConfig("b", ("sales", "tax"))),
)
FILE = {
    "simulation": "1",
    "day": {"from": "08:00", "to": "10:00"},
    "days": "4",
    "queues": {
        "sales": {
            "arrivals": [{"from": "08:00", "to": "09:00", "per_hour": "30"}],
            "talk": {"mean": "2m", "spread": "0.5"},
            "patience": "2m",
            "tiers": {"vip": "0.2"},
        },
    },
}


def plan(**changes: object) -> Plan:
    found, faults = read({**FILE, **changes})
    assert faults.found == []
    assert found is not None
    return found


def log_in(config: Configuration) -> tuple[int, ev.Event]:
    return 0, ev.Batch(tuple(ev.AgentWants(a.agent, Wanted.AVAILABLE) for a in config.agents))


def test_calls_wait_talk_and_give_up() -> None:
    calls = [
        Call("one", "tax", 1_000, 5_000),
        Call("two", "tax", 2_000, 1_000, patience_ms=3_000),
        Call("three", "tax", 3_000, 1_000, patience_ms=9_000),
    ]
    World(FLOOR, answer_ms=500).run(calls, [log_in(FLOOR)])
    assert [(one.outcome, one.waited_ms, one.agent) for one in calls] == [
        ("answered", 500, "b"),
        ("abandoned", 3_000, ""),
        ("answered", 4_000, "b"),
    ]


def test_a_call_too_many_for_the_lines_is_blocked_and_an_overflow_is_followed() -> None:
    calls = [Call(f"c{n}", "tax", n, 5_000) for n in range(3)]
    World(FLOOR, lines=2).run(calls, [log_in(FLOOR)])
    assert [one.outcome for one in calls] == ["answered", "answered", "blocked"]
    full = Configuration(
        1,
        (FLOOR.queues[0], QueueConfig("tax", max_length=0, when_full=OverflowTo("sales"))),
        FLOOR.agents,
    )
    moved = [Call("c", "tax", 0, 5_000)]
    World(full).run(moved, [log_in(full)])
    assert (moved[0].queue, moved[0].first_queue, moved[0].outcome) == ("sales", "tax", "answered")


def test_who_is_there_on_a_usual_day() -> None:
    def stay(agent: str, day: int, begins: float, ends: float) -> tuple[str, int, int]:
        midnight = day * 24 * HOUR
        return agent, midnight + int(begins * HOUR), midnight + int(ends * HOUR)

    stays = [
        *(stay("a", day, 8, 12) for day in range(4)),
        *(stay("b", day, 8.5, 10.5) for day in range(4)),
        stay("c", 0, 9, 10),
        stay("c", 3, 22.5, 23.5),
    ]
    # On average 1.5 from eight, 2.25 from nine, 1.5 from ten, 1 from eleven.
    hours = {8: 2, 9: 2, 10: 2, 11: 1}
    found = usual(stays, UTC)
    assert found == {"a": ((8 * HOUR, 12 * HOUR),), "b": ((8 * HOUR, 11 * HOUR),)}
    for hour, count in hours.items():
        there = [one for one, spans in found.items()
                 if any(begins <= hour * HOUR < ends for begins, ends in spans)]  # fmt: skip
        assert len(there) == count
    bangkok = usual(stays[:4], ZoneInfo("Asia/Bangkok"))
    assert bangkok == {"a": ((15 * HOUR, 19 * HOUR),)}


def test_draws_have_the_mean_and_spread_asked_for() -> None:
    for spread in (0.5, 1.0, 2.0):
        times = [
            draw(random, Spread(60_000, spread)) for random in [Random(1)] for _ in range(40_000)
        ]
        assert fmean(times) == pytest.approx(60_000, rel=0.03)
        assert stdev(times) == pytest.approx(60_000 * spread, rel=0.1)
    assert draw(Random(1), Spread(60_000, 0)) == 60_000


def test_the_same_callers_come_to_every_floor() -> None:
    one, two = list(callers(plan(), 0)), list(callers(plan(), 0))
    assert [(c.at, c.talk_ms, c.patience_ms, c.tier) for c in one] == [
        (c.at, c.talk_ms, c.patience_ms, c.tier) for c in two
    ]
    assert [c.at for c in callers(plan(), 1)] != [c.at for c in one]
    assert {c.tier for c in one} == {"", "vip"}


def test_two_floors_are_compared_with_intervals() -> None:
    more = Configuration(1, FLOOR.queues, tuple(AgentConfig(f"n{n}", ("sales",)) for n in range(4)))
    mine, change = run(plan(days="8"), FLOOR, more)
    assert change is not None
    gain = change["sales"]["service_level"]
    assert gain.mean - gain.half > 0
    assert mine["sales"]["offered"].mean > 15
    same, nothing = run(plan(), FLOOR, FLOOR)
    assert nothing is not None
    assert {(i.mean, i.half) for i in nothing["sales"].values()} == {(0.0, 0.0)}
    assert same["sales"]["asa_s"].half > 0


def test_who_is_left_in_line_when_everybody_goes_home_is_lost() -> None:
    staff = [{"count": "1", "queues": ["sales"], "from": "08:00", "to": "08:10"}]
    figures = play(plan(staff=staff), FLOOR, 0)["sales"]
    assert figures.offered == figures.answered + figures.abandoned
    assert figures.abandons > 0.5


def test_student_is_as_in_tables() -> None:
    for freedom, known in ((1, 12.706), (2, 4.303), (4, 2.776), (9, 2.262), (30, 2.042)):
        assert student(freedom) == pytest.approx(known, rel=0.006)


BAD = """\
simulation: 1
day: {from: "08:00", to: "07:00"}
days: 0
lines: many
queues:
  sales:
    arrivals:
      - {from: "08:00", to: "10:00", per_hour: -5}
      - {from: "09:00", to: "11:00", per_hour: 5}
    talk: {mean: 0s}
    patience: soon
    tiers: {vip: 0.7, gold: 0.7}
  tax: {patience: 1m}
staff:
  - {count: 2.5, queues: [sales], skills: {tax: 9}, colour: red}
"""


def test_a_file_with_impossible_numbers_names_every_line(tmp_path: Path) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text(BAD)
    with pytest.raises(UserError) as refused:
        simulating.plan(file)
    told = [line.removeprefix(f"{file}:") for line in str(refused.value).splitlines()]
    assert [int(line.split(":")[0]) for line in told] == [2, 3, 4, 8, 9, 10, 11, 12, 13, 15, 15, 15]
    assert told[3].endswith("a number of calls from 0 to 1e+06 is needed, not '-5'")
    assert told[4].endswith("begins before the one above ends")
    assert "arrivals is missing, and there is no history of tax" in told[8]


def test_too_many_calls_are_refused() -> None:
    found, faults = read({**FILE, "days": "1000", "queues": {"sales": {
        "arrivals": [{"per_hour": "100000"}], "talk": "1m"}}})  # fmt: skip
    assert found is None
    assert "at most 5,000,000 are simulated" in str(faults.found[0])


def test_what_a_file_leaves_out_comes_from_history() -> None:
    known = plan(queues={"sales": {**FILE["queues"]["sales"], "tiers": {}}}).queues
    found, faults = read({"simulation": "1", "days": "2"}, Learnt(known, {"tax": 3}))
    assert faults.found == []
    assert found is not None
    assert found.queues == known


def test_of_what_history_knows_only_the_hours_of_the_day_count() -> None:
    hours = tuple(Period(hour * HOUR, (hour + 1) * HOUR, 6) for hour in (7, 8, 9))
    learnt = Learnt({"sales": QueuePlan(hours, Spread(60_000))})
    day = {"from": "08:30", "to": "09:30"}
    found, _ = read({"simulation": "1", "day": day}, learnt)
    assert found is not None
    assert [(one.begins / HOUR, one.ends / HOUR) for one in found.queues["sales"].arrivals] == [
        (8.5, 9),
        (9, 9.5),
    ]
