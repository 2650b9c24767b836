"""Floors of the literature, and a plain queue beside the router, fed with the same draws.

The plain queue (Kiefer and Wolfowitz' recursion) has nothing in common with the router but the
calls. Its exact mean is known, so exact × router / plain estimates the router's mean with most of
the noise of the draws gone: common random numbers. Near saturation no run of bearable length would
come within 4 % otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush, heapreplace
from random import Random

from acd.router import events as ev
from acd.router.configuration import AgentConfig, Configuration, QueueConfig
from acd.router.events import Wanted
from acd.simulation import Call, World

AHT_MS = 600_000
"""Long against a millisecond, so that whole milliseconds round nothing of note away."""


def calls(
    count: int,
    rate: float,
    *,
    queues: Sequence[str] = ("q",),
    patience: float | None = None,
    seed: int = 1,
) -> Iterator[Call]:
    """Poisson arrivals of `rate` a handling time, evenly over queues; exponential all the rest."""
    gaps, talks, ends, kinds = (Random(f"{seed} {what}") for what in "gtpk")
    at = 0.0
    for number in range(count):
        at += gaps.expovariate(rate) * AHT_MS
        talk = talks.expovariate(1.0) * AHT_MS
        gives_up = None if patience is None else int(ends.expovariate(1.0) * patience * AHT_MS)
        yield Call(f"c{number}", kinds.choice(queues), int(at), int(talk), gives_up)


@dataclass(slots=True)
class Tally:
    """Sums over the calls after a warm-up."""

    warm_up: int
    seen: int = 0
    count: int = 0
    waited: float = 0.0
    """In handling times, of all who got in."""
    waiting: int = 0
    abandoned: int = 0
    blocked: int = 0
    by_queue: dict[str, float] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)

    def add(self, number: int, queue: str, waited_ms: int, outcome: str) -> None:
        if number < self.warm_up:
            return
        if outcome == "blocked":
            self.blocked += 1
            return
        self.count += 1
        self.waited += waited_ms / AHT_MS
        self.waiting += waited_ms > 0
        self.abandoned += outcome == "abandoned"
        self.by_queue[queue] = self.by_queue.get(queue, 0.0) + waited_ms / AHT_MS
        self.numbers[queue] = self.numbers.get(queue, 0) + 1

    def done(self, call: Call) -> None:
        self.add(int(call.id[1:]), call.queue, call.waited_ms, call.outcome)

    @property
    def mean_wait(self) -> float:
        return self.waited / self.count

    @property
    def waits(self) -> float:
        return self.waiting / self.count

    @property
    def abandons(self) -> float:
        return self.abandoned / self.count

    @property
    def blocks(self) -> float:
        return self.blocked / (self.count + self.blocked)


def plain(source: Iterator[Call], agents: int, tally: Tally, places: int | None = None) -> Tally:
    """First come, first served at `agents`, by nothing but the times at which they are free."""
    free = [0] * agents
    leaving: list[int] = []
    """When those in line will leave it."""
    for call in source:
        while leaving and leaving[0] <= call.at:
            heappop(leaving)
        starts = max(free[0], call.at)
        number = int(call.id[1:])
        if starts > call.at and places is not None and len(leaving) >= places:
            tally.add(number, call.queue, 0, "blocked")
            continue
        gone = call.patience_ms is not None and starts - call.at > call.patience_ms
        leaves = call.at + (call.patience_ms or 0) if gone else starts
        if leaves > call.at:
            heappush(leaving, leaves)
        if not gone:
            heapreplace(free, starts + call.talk_ms)
        tally.add(number, call.queue, leaves - call.at, "abandoned" if gone else "answered")
    return tally


def log_in(config: Configuration) -> list[tuple[int, ev.Event]]:
    """Everybody is there from the beginning."""
    return [(0, ev.Batch(tuple(ev.AgentWants(a.agent, Wanted.AVAILABLE) for a in config.agents)))]


def routed(
    source: Iterator[Call],
    config: Configuration,
    tally: Tally,
    lines: int | None = None,
    world: Callable[..., World] = World,
) -> Tally:
    """The same calls by the router."""
    world(config, lines=lines, done=tally.done).run(source, log_in(config))
    return tally


def one_queue(agents: int) -> Configuration:
    return Configuration(
        1,
        (QueueConfig("q", wrap_up_ms=0),),
        tuple(AgentConfig(f"a{n}", ("q",)) for n in range(agents)),
    )


TYPES = tuple(f"t{n}" for n in range(6))


def wallace_whitt(skills: int) -> Configuration:
    """Six call types, 15 agents primary in each, with so many skills an agent."""
    agents = []
    for primary in range(6):
        for number in range(15):
            # With two skills, 3 agents for each pair; with more, on from there.
            first = number // 3
            others = [(primary + 1 + (first + k) % 5) % 6 for k in range(skills - 1)]
            queues = tuple(TYPES[n] for n in (primary, *others))
            agents.append(AgentConfig(f"a{primary}.{number}", queues,
                                      ranks=tuple(range(1, skills + 1))))  # fmt: skip
    return Configuration(1, tuple(QueueConfig(t, wrap_up_ms=0) for t in TYPES), tuple(agents))


def shared(weights: tuple[int, int], policy: str) -> Configuration:
    """Two queues that share 100 agents, by a selection policy."""
    from acd.router.configuration import SelectionConfig

    return Configuration(
        1,
        (QueueConfig("t0", wrap_up_ms=0), QueueConfig("t1", wrap_up_ms=0)),
        tuple(AgentConfig(f"a{n}", ("t0", "t1")) for n in range(100)),
        selections=(
            SelectionConfig(("t0", "t1"), policy, tuple(zip(("t0", "t1"), weights, strict=True))),
        ),
    )
