"""One day of a plan on a floor: its callers and shifts drawn, its figures counted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from heapq import merge
from math import log, sqrt
from random import Random

from acd.router import events as ev
from acd.router.configuration import AgentConfig, Configuration
from acd.router.events import Wanted

from .plan import Plan, QueuePlan, Spread
from .world import Call, World

DAY_MS = 86_400_000


@dataclass(slots=True)
class Figures:
    """What became of the callers of one queue in one day."""

    offered: int = 0
    answered: int = 0
    abandoned: int = 0
    blocked: int = 0
    turned_away: int = 0
    waited_ms: int = 0
    """Of those answered."""
    within: int = 0
    """Of those answered, within the queue's service level target."""
    longest_ms: int = 0
    waits: list[int] = field(default_factory=list)

    def add(self, call: Call, target_ms: int) -> None:
        """Count one call."""
        self.offered += 1
        if call.outcome == "answered":
            self.answered += 1
            self.waited_ms += call.waited_ms
            self.within += call.waited_ms <= target_ms
            self.waits.append(call.waited_ms)
        elif call.outcome == "abandoned":
            self.abandoned += 1
        elif call.outcome == "blocked":
            self.blocked += 1
        else:
            self.turned_away += 1
        self.longest_ms = max(self.longest_ms, call.waited_ms)

    @property
    def service_level(self) -> float:
        """Answered within the target, of all offered; 1 where nobody came."""
        return self.within / self.offered if self.offered else 1.0

    @property
    def asa_ms(self) -> float:
        """Average speed of answer."""
        return self.waited_ms / self.answered if self.answered else 0.0

    @property
    def abandons(self) -> float:
        """The share who hung up."""
        return self.abandoned / self.offered if self.offered else 0.0


def callers(plan: Plan, day: int) -> Iterator[Call]:
    """Draw a day's callers, in order of time; the same on any floor."""
    streams = [
        _stream(name, queue, f"{plan.seed} {day} {name}") for name, queue in plan.queues.items()
    ]
    return merge(*streams, key=_at)


def _at(call: Call) -> int:
    return call.at


def _stream(name: str, queue: QueuePlan, seed: str) -> Iterator[Call]:
    gaps, talks, ends, tiers = (Random(f"{seed} {what}") for what in "gtpk")
    number = 0
    for period in queue.arrivals:
        at = float(period.begins)
        while period.per_hour > 0:
            at += gaps.expovariate(period.per_hour / 3_600_000)
            if at >= period.ends:
                break
            number += 1
            patience = queue.patience_ms
            yield Call(
                f"{name}.{number}",
                name,
                int(at),
                draw(talks, queue.talk),
                None if patience is None else int(ends.expovariate(1 / patience)),
                tier=_tier(tiers, queue),
            )


def draw(random: Random, spread: Spread) -> int:
    """Draw a time: exponential at a spread of 1, else log-normal, or always the same at 0."""
    if spread.spread == 1:
        return int(random.expovariate(1 / spread.mean_ms))
    if spread.spread == 0:
        return int(spread.mean_ms)
    variance = log(1 + spread.spread**2)
    return int(random.lognormvariate(log(spread.mean_ms) - variance / 2, sqrt(variance)))


def _tier(random: Random, queue: QueuePlan) -> str:
    at = random.random()
    for tier, share in queue.tiers:
        at -= share
        if at < 0:
            return tier
    return ""


def staffed(plan: Plan, floor: Configuration) -> tuple[Configuration, list[tuple[int, ev.Event]]]:
    """Return the floor with the plan's staff, and when who comes and goes."""
    events: list[tuple[int, ev.Event]] = []
    if not plan.staff:
        agents = floor.agents
        if plan.there:
            return floor, sorted(_usual(plan), key=_when)
        there = tuple(ev.AgentWants(one.agent, Wanted.AVAILABLE) for one in agents)
        return floor, [(plan.begins, ev.Batch(there))]
    made: list[AgentConfig] = []
    for number, shift in enumerate(plan.staff, 1):
        names = [f"shift {number}.{one}" for one in range(1, shift.count + 1)]
        made += [AgentConfig(name, shift.queues, shift.skills, shift.languages) for name in names]
        come = tuple(ev.AgentWants(name, Wanted.AVAILABLE) for name in names)
        go = tuple(ev.AgentWants(name, Wanted.OFFLINE) for name in names)
        events += [(shift.begins, ev.Batch(come)), (shift.ends, ev.Batch(go))]
    return replace(floor, agents=tuple(made)), sorted(events, key=_when)


def _usual(plan: Plan) -> Iterator[tuple[int, ev.Event]]:
    """Who comes and goes as history has it."""
    for agent, spans in plan.there.items():
        for begins, ends in spans:
            first, last = max(begins, plan.begins), min(ends, plan.ends)
            if first < last:
                yield first, ev.AgentWants(agent, Wanted.AVAILABLE)
                yield last, ev.AgentWants(agent, Wanted.OFFLINE)


def _when(event: tuple[int, ev.Event]) -> int:
    return event[0]


def play(plan: Plan, floor: Configuration, day: int) -> dict[str, Figures]:
    """Let one day pass; callers still in line when it ends wait until nobody is left to serve."""
    config, shifts = staffed(plan, floor)
    targets = {queue.name: queue.target_ms for queue in config.queues}
    figures = {name: Figures() for name in plan.queues}

    def done(call: Call) -> None:
        figures[call.first_queue].add(call, targets.get(call.first_queue, 20_000))

    world = World(config, answer_ms=plan.answer_ms, lines=plan.lines, done=done)
    world.run(callers(plan, day), shifts, until=DAY_MS)
    for call in world.calls.values():
        if not call.outcome:
            call.outcome, call.over = "abandoned", max(world.now, call.at)
            done(call)
    return figures
