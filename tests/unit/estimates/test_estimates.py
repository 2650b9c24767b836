from __future__ import annotations

import json
from random import Random

import pytest

from acd.estimates import Announcer, Estimate, Estimator, Experience, Spread, Waits
from acd.estimates.announcer import Said, rounded
from acd.estimates.experience import ENOUGH
from acd.estimates.past import recall
from acd.estimates.scores import score, scored
from acd.router import Router, events as ev
from acd.router.configuration import AgentConfig, Configuration, QueueConfig
from acd.router.criteria import Skill
from acd.router.events import Wanted
from acd.simulation import Call, World
from crm.database import Database
from crm.recorder import Recorder
from crm.records import Interaction, JournalEntry, Segment

MINUTE = 60_000


def floor(agents: int = 4, queues: tuple[str, ...] = ("q",)) -> Configuration:
    return Configuration(
        1,
        tuple(QueueConfig(name, wrap_up_ms=0) for name in queues),
        tuple(AgentConfig(f"{q}{n}", (q,), (("tax", 3),) if n == 0 else ())
              for q in queues for n in range(agents)),
    )  # fmt: skip


def known(queues: tuple[str, ...] = ("q",), ms: int = 4 * MINUTE, count: int = 400) -> Experience:
    experience = Experience()
    draw = Random(1)
    for queue in queues:
        for _ in range(count):
            experience.handled(queue, int(draw.expovariate(1 / ms)), 0)
    return experience


def busy(config: Configuration, experience: Experience) -> Router:
    """Everybody on contact since the beginning."""
    router = Router(config, "r")

    def tell(event: ev.Event) -> list[ev.Decision]:
        decisions = router.handle(event, 0)
        experience.turn(event, decisions, 0)
        return decisions

    tell(ev.Batch(tuple(ev.AgentWants(a.agent, Wanted.AVAILABLE) for a in config.agents)))
    for agent in config.agents:
        for one in tell(ev.Arrived(f"talk {agent.agent}", agent.queues[0], 0)):
            if isinstance(one, ev.Offer):
                tell(ev.OfferAccepted(one.offer))
    return router


def test_behind_n_others_n_plus_one_agents_must_come_free() -> None:
    experience = known()
    router = busy(floor(), experience)
    mean = experience.mean("q", 0)
    assert mean is not None
    for n in range(5):
        router.handle(ev.Arrived(f"c{n}", "q", n), n)
    estimator = Estimator(router, experience)
    for n in range(5):
        found = estimator.estimate(f"c{n}", 4)
        assert found is not None
        assert found.ahead == n
        assert found.agents == 4
        assert found.mean == pytest.approx((n + 1) * mean / 4, rel=0.05)
        assert found.p10 < found.p50 < found.mean < found.p90


def test_those_who_give_up_and_those_who_cannot_be_served_shorten_the_wait() -> None:
    plain, patient = known(), known()
    patient.gave_up("q", 100, 100 * 2 * MINUTE)
    routers = [busy(floor(), experience) for experience in (plain, patient)]
    for router in routers:
        router.handle(ev.Arrived("odd", "q", 0, criteria=Skill("law")), 0)
        for n in range(8):
            router.handle(ev.Arrived(f"c{n}", "q", n), n)
    first = Estimator(routers[0], plain).estimate("c7", 9)
    second = Estimator(routers[1], patient).estimate("c7", 9)
    assert first is not None
    assert second is not None
    # Who needs a skill that nobody has is nobody's hindrance, and is told nothing.
    assert first.ahead == 7
    assert second.mean < 0.8 * first.mean
    assert Estimator(routers[0], plain).estimate("odd", 9) is None


def test_a_callback_in_line_counts_and_a_rarer_skill_waits_longer() -> None:
    experience = known()
    router = busy(floor(), experience)
    for n in range(4):
        router.handle(ev.Arrived(f"c{n}", "q", 10 + n), 20)
    router.handle(ev.Arrived("callback", "q", 5, rejoins=True), 21)
    router.handle(ev.Arrived("rare", "q", 22, criteria=Skill("tax")), 22)
    router.handle(ev.Arrived("last", "q", 23), 23)
    estimator = Estimator(router, experience)
    first, last, rare = (estimator.estimate(name, 24) for name in ("c0", "last", "rare"))
    assert first is not None
    assert last is not None
    assert rare is not None
    assert first.ahead == 1
    assert rare.agents == 1
    assert rare.mean > last.mean


def test_nothing_is_said_where_little_is_known_or_nobody_is_there() -> None:
    few = known(count=ENOUGH - 1)
    router = busy(floor(), few)
    router.handle(ev.Arrived("c", "q", 1), 1)
    assert Estimator(router, few).estimate("c", 2) is None
    enough = known()
    router = busy(floor(), enough)
    router.handle(ev.Arrived("c", "q", 1), 1)
    assert Estimator(router, enough).estimate("c", 2) is not None
    for agent in router.config.agents:
        router.handle(ev.AgentWants(agent.agent, Wanted.OFFLINE), 3)
    assert Estimator(router, enough).estimate("c", 4) is None
    assert Estimator(router, enough).estimate("unknown", 4) is None


def test_times_that_hardly_vary_are_told_apart_from_those_that_forget_their_age() -> None:
    experience = Experience()
    for n in range(500):
        experience.handled("q", 290_000 + n * 40, 0)
    router = busy(floor(1), experience)
    router.handle(ev.Arrived("c", "q", 1), 1)
    early = Estimator(router, experience).estimate("c", 10_000)
    late = Estimator(router, experience).estimate("c", 280_000)
    assert early is not None
    assert late is not None
    assert early.mean == pytest.approx(290_000, rel=0.1)
    assert late.mean < 80_000


def test_an_hour_with_longer_talks_is_known_as_such() -> None:
    experience = Experience()
    for _ in range(1000):
        experience.handled("q", 2 * MINUTE, 9 * 3_600_000)
        experience.handled("q", 6 * MINUTE, 15 * 3_600_000)
    morning, afternoon = (experience.mean("q", hour * 3_600_000) for hour in (9, 15))
    assert morning is not None
    assert afternoon is not None
    assert morning < 3 * MINUTE < 5 * MINUTE < afternoon


def test_quantiles_are_those_of_the_gamma_distribution() -> None:
    stats = pytest.importorskip("scipy.stats")
    for shape in (1, 2, 5, 20, 100):
        spread = Spread(shape * 10.0, shape * 100.0)
        for z, share in ((-1.2815515655, 0.1), (0.0, 0.5), (1.2815515655, 0.9)):
            assert stats.gamma(shape, scale=10).cdf(spread.quantile(z)) == pytest.approx(
                share, abs=0.012
            )


def estimate(p10: float, p90: float, ahead: int = 3, agents: int = 10) -> Estimate:
    middle = int((p10 + p90) / 2 * MINUTE)
    return Estimate(int(p10 * MINUTE), middle, int(p90 * MINUTE), middle, ahead, agents)


def test_what_is_said_is_rounded_outwards() -> None:
    assert rounded(estimate(1.2, 3.1)) == Said(1, 4)
    assert rounded(estimate(0.2, 0.8)) == Said(0, 1)
    assert rounded(estimate(8, 13)) == Said(7, 15)
    assert rounded(estimate(50, 90)) == Said(45, None)


def test_what_is_said_never_grows_without_a_reason() -> None:
    announcer = Announcer()
    assert announcer.say("c", None, 0) is None
    assert announcer.say("c", estimate(2, 5), 0) == Said(2, 5)
    assert announcer.say("c", estimate(4, 9), 30_000) == Said(2, 5)
    assert announcer.say("c", estimate(1, 3), 60_000) == Said(1, 3)
    assert announcer.say("c", estimate(2, 6), 90_000) == Said(1, 3)
    overtaken = estimate(2, 6, ahead=5)
    assert announcer.say("c", overtaken, 120_000) == Said(2, 7)
    fewer = estimate(5, 9, ahead=5, agents=6)
    assert announcer.say("c", fewer, 150_000) == Said(5, 10)
    announcer.forget("c")
    assert announcer.say("c", estimate(10, 20), 180_000) == Said(10, 20)


def test_only_lines_that_changed_are_estimated_anew_and_all_are_fresh() -> None:
    config = floor(3, ("red", "green"))
    experience = known(("red", "green"))
    kept: list[JournalEntry] = []
    waits = Waits(experience, "ewt.1", kept.append)
    checked = 0

    def turn(event: ev.Event, decisions: list[ev.Decision], now: int) -> None:
        nonlocal checked
        waits.turn(world.router, event, decisions, now)
        told = waits.estimates(now)
        fresh = Estimator(world.router, experience)
        for view in world.router.interactions():
            if view.interaction in told:
                checked += 1
                anew = fresh.estimate(view.interaction, now)
                mine = told[view.interaction]
                assert (mine is None) == (anew is None)
                # Time alone changes little; who is ahead and on duty is always as it is.
                if mine is not None and anew is not None:
                    assert (mine.ahead, mine.agents) == (anew.ahead, anew.agents)

    world = World(config, turn=turn)
    draw = Random(3)
    at, calls = 0.0, []
    for n in range(150):
        at += draw.expovariate(1 / 35_000)
        calls.append(Call(f"c{n}", draw.choice(("red", "green")), int(at),
                          int(draw.expovariate(1 / 240_000)),
                          int(draw.expovariate(1 / 600_000))))  # fmt: skip
    there = tuple(ev.AgentWants(a.agent, Wanted.AVAILABLE) for a in config.agents)
    world.run(calls, [(0, ev.Batch(there))])
    assert checked > 500
    assert kept
    assert [one.seq for one in kept] == list(range(1, len(kept) + 1))
    json.dumps([one.body for one in kept])
    assert waits.say("c0", int(at)) is None


async def test_estimates_are_scored_against_what_came(database: Database) -> None:
    recorder = Recorder(database)
    recorder.start()
    names = [f"0192aaaa-0000-7000-8000-00000000000{n}" for n in range(5)]
    fates = (("answered", 30_000), ("answered", 2_000), ("answered", 99_000),
             ("abandoned", 20_000), ("abandoned", 80_000))  # fmt: skip
    for seq, (name, (outcome, waited)) in enumerate(zip(names, fates, strict=True), 1):
        over = 1_000_000 + waited
        recorder.interaction(Interaction(name, 1_000_000, ended_ms=over, outcome=outcome))
        recorder.segment(Segment(name, 1, "queue", 1_000_000, "q", ended_ms=over, outcome=outcome))
        body = {"interaction": name, "queue": "q", "p10": 10_000, "p50": 30_000, "p90": 60_000,
                "mean": 33_000, "ahead": 1, "agents": 2}  # fmt: skip
        recorder.journal(JournalEntry("ewt.1", seq, 1_000_000, 1, "estimate", body))
    await recorder.drain()
    (found,) = await scored(database, 0, 2_000_000)
    assert (found.given, found.held, found.below, found.above, found.unknown) == (5, 1, 1, 2, 1)
    assert found.coverage == 0.25
    assert await scored(database, 2_000_000, 3_000_000) == []
    assert score([]) == []


async def test_a_new_process_knows_what_the_record_knows(database: Database) -> None:
    recorder = Recorder(database)
    recorder.start()
    for n in range(30):
        name = f"0192aaaa-0000-7000-8000-0000000000{n:02}"
        end = 1_000_000 + n
        recorder.interaction(Interaction(name, end, ended_ms=end + 9, outcome="answered"))
        recorder.segment(Segment(name, 1, "talk", end, "q", "a", "o", end + 60_000, "ended"))
        recorder.segment(Segment(name, 2, "wrap_up", end + 60_000, "q", "a", None,
                                 end + 70_000, "done"))  # fmt: skip
    lost = "0192bbbb-0000-7000-8000-000000000000"
    recorder.interaction(Interaction(lost, 5, ended_ms=50_005, outcome="abandoned"))
    recorder.segment(Segment(lost, 1, "queue", 5, "q", ended_ms=50_005, outcome="abandoned"))
    await recorder.drain()
    experience = Experience()
    await recall(database, experience, 2_000_000)
    assert experience.mean("q", 2_000_000) == pytest.approx(70_000)
    assert experience.hazard("q") == pytest.approx(1 / 50_000)
