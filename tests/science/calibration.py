"""Scenes on which estimates of waits are held against what came.

Every caller who has to wait is given an estimate on arrival, by the estimator that runs live and
from nothing but what passed through the router before. What came is the wait offered to them: for
those who give up, how long it would have been, which is when the next of their queue behind them
is offered to an agent, or an agent is left without anybody to take.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random

from scenes import AHT_MS, log_in, one_queue

from acd.estimates import Estimate, Estimator, Experience
from acd.router import events as ev
from acd.router.configuration import AgentConfig, Configuration, QueueConfig
from acd.simulation import Call, World


@dataclass(slots=True)
class Score:
    """How estimates did."""

    name: str
    given: int = 0
    held: int = 0
    below: int = 0
    squares: float = 0.0
    waited: float = 0.0
    told: float = 0.0
    ql: float | None = None
    """Mean squared error of QL given a wait, exact, in squared handling times."""
    agents: int = 0
    ql_squares: float = 0.0
    """What QL, told the true handling time, came to on the same waits."""

    @property
    def coverage(self) -> float:
        return self.held / self.given

    @property
    def error(self) -> float:
        """Mean squared error of the mean, in squared handling times."""
        return self.squares / self.given / AHT_MS**2

    @property
    def beside_ql(self) -> float | None:
        """The mean squared error over that of QL on the same waits."""
        return self.squares / self.ql_squares if self.ql and self.ql_squares else None

    @property
    def bias(self) -> float:
        return self.told / self.waited - 1

    @property
    def holds(self) -> bool:
        good = 0.75 <= self.coverage <= 0.85
        return good and (self.beside_ql is None or self.beside_ql <= 1.1)

    def add(self, estimate: Estimate, waited: int) -> None:
        self.given += 1
        self.held += estimate.p10 <= waited <= estimate.p90
        self.below += waited < estimate.p10
        self.squares += (estimate.mean - waited) ** 2
        if self.ql is not None:
            self.ql_squares += ((estimate.ahead + 1) * AHT_MS / self.agents - waited) ** 2
        self.waited += waited
        self.told += estimate.mean


@dataclass(slots=True)
class Watch:
    """Gives estimates and waits for what comes."""

    score: Score
    after: int
    """From which time on estimates count."""
    experience: Experience = field(default_factory=Experience)
    world: World | None = None
    estimator: Estimator | None = None
    open: dict[str, dict[str, tuple[int, Estimate]]] = field(default_factory=dict)
    """By queue and interaction: when it came, and what it was told."""
    gone: dict[str, set[str]] = field(default_factory=dict)

    def turn(self, event: ev.Event, decisions: list[ev.Decision], now: int) -> None:
        self.experience.turn(event, decisions, now)
        assert self.world is not None
        if self.estimator is None:
            self.estimator = Estimator(self.world.router, self.experience)
        offered = [one for one in decisions if isinstance(one, ev.Offer)]
        for offer in offered:
            self._served(offer, now)
        if isinstance(event, ev.Left):
            call = self.world.calls[event.interaction]
            if event.interaction in self.open.get(call.queue, {}):
                self.gone.setdefault(call.queue, set()).add(event.interaction)
        if isinstance(event, ev.Ended) and not offered:
            self._left_over(event.agent, now)
        if isinstance(event, ev.Arrived) and not offered and now >= self.after:
            estimate = self.estimator.estimate(event.interaction, now)
            if estimate is not None:
                self.open.setdefault(event.queue, {})[event.interaction] = (now, estimate)

    def _served(self, offer: ev.Offer, now: int) -> None:
        known = self.open.get(offer.queue, {})
        mine = known.pop(offer.interaction, None)
        if mine is not None:
            self.score.add(mine[1], now - mine[0])
        assert self.world is not None
        entered = self.world.calls[offer.interaction].at
        for name in list(self.gone.get(offer.queue, ())):
            if known[name][0] < entered:
                self._ghost(offer.queue, name, now)

    def _left_over(self, agent: str, now: int) -> None:
        assert self.world is not None
        for queue in self.world.router.floor.agents[agent].config.queues:  # type: ignore[union-attr]
            for name in list(self.gone.get(queue, ())):
                self._ghost(queue, name, now)

    def _ghost(self, queue: str, name: str, now: int) -> None:
        at, estimate = self.open[queue].pop(name)
        self.gone[queue].discard(name)
        self.score.add(estimate, now - at)


def arrivals(
    count: int,
    rate: float,
    seed: str,
    *,
    queues: tuple[str, ...] = ("q",),
    patience: float | None = None,
    doubles: bool = False,
) -> Iterator[Call]:
    """Poisson arrivals; where they double, the rate goes to and fro between 1 and 2 in an hour."""
    draw = Random(seed)
    at = 0.0
    number = 0
    while number < count:
        at += draw.expovariate(rate * (2 if doubles else 1)) * AHT_MS
        if doubles:
            phase = at % 7_200_000 / 3_600_000
            if draw.random() >= (1 + (phase if phase < 1 else 2 - phase)) / 2:
                continue
        talk = int(draw.expovariate(1.0) * AHT_MS)
        end = None if patience is None else int(draw.expovariate(1.0) * patience * AHT_MS)
        yield Call(f"c{number}", draw.choice(queues), int(at), talk, end)
        number += 1


def two_skills() -> Configuration:
    """40 agents for each of two queues, and 20 who take either."""
    agents = [AgentConfig(f"a{n}", ("t0",)) for n in range(40)]
    agents += [AgentConfig(f"b{n}", ("t1",)) for n in range(40)]
    agents += [AgentConfig(f"c{n}", ("t0", "t1")) for n in range(20)]
    queues = (QueueConfig("t0", wrap_up_ms=0), QueueConfig("t1", wrap_up_ms=0))
    return Configuration(1, queues, tuple(agents))


def play(
    name: str,
    config: Configuration,
    calls: Iterator[Call],
    *,
    warm_up: float = 10.0,
    ql: float | None = None,
) -> Score:
    """Let one scene play; estimates count after `warm_up` handling times."""
    score = Score(name, ql=ql, agents=len(config.agents))
    watch = Watch(score, int(warm_up * AHT_MS))
    watch.world = World(config, turn=watch.turn)
    watch.world.run(calls, log_in(config))
    return score


def scenes(count: int) -> Iterator[Score]:
    """Yield the score of every scene."""
    for rho in (0.80, 0.90, 0.93, 0.95, 0.98):
        ql = 1 / (100**2 * (1 - rho))
        more = count * 2 if rho < 0.9 else count
        yield play(f"M/M/100, ρ {rho:.2f}", one_queue(100), arrivals(more, 100 * rho, f"m{rho}"),
                   warm_up=20.0, ql=ql)  # fmt: skip
    for agents, rho in ((10, 0.80), (10, 0.95), (30, 0.90)):
        yield play(f"M/M/{agents}, ρ {rho:.2f}", one_queue(agents),
                   arrivals(count, agents * rho, f"s{agents}{rho}"), warm_up=50.0)  # fmt: skip
    for agents, load, patience in ((50, 48, 1.0), (100, 110, 0.5), (20, 22, 2.0)):
        yield play(f"M/M/{agents}+M, load {load}, patience {patience:g}", one_queue(agents),
                   arrivals(count, load, f"a{agents}", patience=patience))  # fmt: skip
    yield play("M/M/50, arrivals double within the hour", one_queue(50),
               arrivals(count, 31, "d", doubles=True))  # fmt: skip
    yield play("M/M/50+M, arrivals double within the hour", one_queue(50),
               arrivals(count, 36, "e", doubles=True, patience=1.0))  # fmt: skip
    yield play("two skills, load 95", two_skills(),
               arrivals(count, 95, "k", queues=("t0", "t1")))  # fmt: skip
    yield play("two skills, load 105, patience 1", two_skills(),
               arrivals(count, 105, "l", queues=("t0", "t1", "t1"), patience=1.0))  # fmt: skip
