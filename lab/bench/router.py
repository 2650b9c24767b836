"""The router's own bench: how long a decision takes, and how that grows.

Pure computation: no PBX, no database. A floor of agents with skills of 50, in 10 queues whose
criteria differ, with thousands who wait: events as a full floor has them (calls arrive, offers are
accepted, declined and not answered, talks and wrap-ups end, callers hang up, agents pause) are
fed to `acd.router`, each timed by itself in CPU time, in five runs; the rate is that of the run
least disturbed, the percentiles are of all. Beside it, in the same run, what queue engines commonly
do: for each event, a scan over who waits and over every member's state.

`python -m lab.bench.router [--quick]` prints the table.
"""

from __future__ import annotations

import gc
import random
import sys
import time
import tracemalloc
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from acd.router import Router, events as ev
from acd.router.configuration import Step
from acd.router.criteria import ANYONE, AllOf, AnyOf, Criteria, Language, Site, Skill
from acd.router.events import AgentConfig, Configuration, Presence, QueueConfig, Wanted
from lab.bench.figures import Finding, Row, Spread

QUEUES = tuple(f"q{n}" for n in range(10))
SKILLS = tuple(f"s{n}" for n in range(50))
LANGUAGES = ("en", "th", "id", "ja")
SITES = ("bkk", "jkt", "tyo")

P99_GOAL_MS = 1.0
GROWTH_GOAL = 2.0
RATE_GOAL = 20_000
BYTES_GOAL = 4096
WRAP_UP_MS = 4_000
RUNS = 5


# --- the floor -------------------------------------------------------------------------------


def floor(agents: int, draw: random.Random) -> Configuration:
    """Make a floor: each agent serves 1–4 queues with 3–8 skills and 1–2 languages."""
    return Configuration(
        version=1,
        queues=tuple(
            QueueConfig(
                name,
                wrap_up_ms=WRAP_UP_MS,
                steps=(Step(_criteria(draw), 30_000), Step(_criteria(draw), 30_000))
                if number % 2
                else (),
            )
            for number, name in enumerate(QUEUES)
        ),
        agents=tuple(
            AgentConfig(
                f"a{number}",
                tuple(draw.sample(QUEUES, draw.randint(1, 4))),
                tuple((s, draw.randint(1, 5)) for s in draw.sample(SKILLS, draw.randint(3, 8))),
                tuple(draw.sample(LANGUAGES, draw.randint(1, 2))),
                draw.choice(SITES),
            )
            for number in range(agents)
        ),
    )


def _criteria(draw: random.Random) -> Criteria:
    skill = Skill(draw.choice(SKILLS), draw.randint(1, 3))
    other = Skill(draw.choice(SKILLS), 1)
    return draw.choice(
        (skill, AnyOf((skill, other)), AnyOf((skill, AllOf((other, Site(draw.choice(SITES)))))))
    )


def needs(draw: random.Random) -> tuple[Criteria, ...]:
    """Make what callers ask for: 20 different criteria, as their flows would."""
    spoken = tuple(Language(language) for language in LANGUAGES)
    return (ANYONE, *spoken, *(Skill(draw.choice(SKILLS), draw.randint(1, 2)) for _ in range(15)))


@dataclass(slots=True)
class Timed:
    """CPU times of events in ms, with an offer and without, and the time of all in seconds."""

    decisions: list[float]
    others: list[float]
    seconds: float


class Day:
    """A full floor's events, from what the router itself decides; the same for the same seed."""

    def __init__(self, agents: int, waiting: int, seed: int = 1) -> None:
        self.draw = random.Random(seed)
        self.config = floor(agents, self.draw)
        self.needs = needs(self.draw)
        self.goal = waiting
        self.router = Router(self.config, "bench")
        self.now = 1_000_000
        self.calls = 0
        self.gone = 0
        """Contacts that ended."""
        self.ringing: dict[str, str] = {}
        """The agent of each offer."""
        self.talks: dict[str, str] = {}
        """The agent of each contact."""
        log_in = ev.Batch(tuple(ev.AgentWants(a.agent, Wanted.AVAILABLE)
                                for a in self.config.agents))  # fmt: skip
        self.take(self.router.handle(log_in, self.now))
        while len(self.ringing) < agents and self.router_waits() < waiting:
            self.now += 1
            self.tell(self.arrival())
        self.answer_all()
        while self.router_waits() < waiting:
            self.now += 1
            self.tell(self.arrival())
            self.answer_all()

    def router_waits(self) -> int:
        """How many wait, by what was told and decided."""
        return self.calls - len(self.talks) - len(self.ringing) - self.gone

    def arrival(self) -> ev.Arrived:
        """Let a call arrive."""
        self.calls += 1
        name = f"c{self.calls}"
        return ev.Arrived(
            name,
            self.draw.choice(QUEUES),
            self.now,
            self.draw.choice((0, 0, 0, 30_000)),
            criteria=self.draw.choice(self.needs),
        )

    def answer_all(self) -> None:
        """Let every agent who rings answer."""
        for offer in list(self.ringing):
            self.tell(ev.OfferAccepted(offer))

    def tell(self, event: ev.Event) -> list[ev.Decision]:
        """Feed one event and keep the books."""
        if isinstance(event, ev.OfferAccepted):
            agent = self.ringing.pop(event.offer)
            view = self.router.offer(event.offer)
            assert view is not None
            self.talks[view.interaction] = agent
        elif isinstance(event, ev.Ended):
            del self.talks[event.interaction]
            self.gone += 1
        decisions = self.router.handle(event, self.now)
        self.take(decisions)
        return decisions

    def take(self, decisions: list[ev.Decision]) -> None:
        """Note who rings."""
        for one in decisions:
            if isinstance(one, ev.Offer):
                self.ringing[one.offer] = one.agent
            elif isinstance(one, ev.CancelOffer):
                self.ringing.pop(one.offer, None)

    def events(self, count: int) -> Iterator[ev.Event]:
        """Yield events: for each talk that ends another call comes, so that as many wait."""
        draw = self.draw
        then = self.now
        for _ in range(count):
            then += 2
            if (deadline := self.router.deadline) is not None and deadline <= then:
                self.now = deadline
                yield ev.TimePassed()
                continue
            self.now = then
            kind = draw.random()
            if self.ringing and kind < 0.35:
                offer = next(iter(self.ringing))
                if draw.random() < 0.04:
                    del self.ringing[offer]
                    yield ev.OfferFailed(offer, ev.Failure.DECLINED)
                else:
                    yield ev.OfferAccepted(offer)
            elif self.talks and (self.router_waits() >= self.goal or kind < 0.5):
                talk = next(iter(self.talks))
                yield ev.Ended(talk, self.talks[talk])
            elif kind < 0.97 and self.router_waits() <= self.goal:
                yield self.arrival()
            else:
                agent = draw.choice(self.config.agents).agent
                wanted = draw.choice((Wanted.AVAILABLE, Wanted.AVAILABLE, Wanted.PAUSED))
                yield ev.AgentWants(agent, wanted)

    def run(self, count: int) -> Timed:
        """Feed events and time each."""
        timed = Timed([], [], 0.0)
        clock = time.thread_time_ns
        for event in self.events(count):
            accepted = None
            if isinstance(event, ev.OfferAccepted):
                accepted = self.router.offer(event.offer)
            begun = clock()
            decisions = self.router.handle(event, self.now)
            took = clock() - begun
            timed.seconds += took / 1e9
            offers = any(isinstance(one, ev.Offer) for one in decisions)
            (timed.decisions if offers else timed.others).append(took / 1e6)
            if isinstance(event, ev.OfferAccepted) and accepted is not None:
                self.talks[accepted.interaction] = self.ringing.pop(event.offer)
            elif isinstance(event, ev.Ended):
                del self.talks[event.interaction]
                self.gone += 1
            self.take(decisions)
        return timed


# --- what is commonly done -------------------------------------------------------------------


class Scan:
    """A queue engine as they commonly are: lists of callers and members, scanned at each event."""

    def __init__(self, day: Day) -> None:
        known = {one.agent: one for one in day.config.agents}
        self.members = [(known[view.agent], view) for view in day.router.agents()]
        self.waiting = [x for queue in QUEUES for x in day.router.waiting(queue)]
        self.asked = {x.interaction: day.draw.choice(day.needs) for x in self.waiting}

    def freed(self, number: int) -> str | None:
        """Choose for one agent among all who wait: the best key of those they may take."""
        one = self.members[number][0]
        best = None
        for call in self.waiting:
            if call.queue in one.queues and _meets(one, self.asked[call.interaction]):
                key = (call.entered - call.priority, call.entered)
                if best is None or key < best[0]:
                    best = (key, call.interaction)
        return None if best is None else best[1]

    def arrived(self, queue: str, asked: Criteria, free: Presence) -> str | None:
        """Choose for one call among all members: the longest idle of those who may take it."""
        best = None
        for one, view in self.members:
            if view.presence is free and queue in one.queues and _meets(one, asked):
                idle = (view.idle_since or 0, one.agent)
                if best is None or idle < best:
                    best = idle
        return None if best is None else best[1]


def _meets(one: AgentConfig, asked: Criteria) -> bool:
    if isinstance(asked, Skill):
        return any(name == asked.skill and has >= asked.level for name, has in one.skills)
    return not isinstance(asked, Language) or asked.language in one.languages


def scan(day: Day, rounds: int) -> Spread:
    """Time the scan's decisions on the same floor, half of either kind, in ms."""
    engine, took = Scan(day), []
    for number in range(rounds):
        begun = time.thread_time_ns()
        if number % 2:
            engine.freed(day.draw.randrange(len(engine.members)))
        else:
            engine.arrived(day.draw.choice(QUEUES), day.draw.choice(day.needs), Presence.ON_CONTACT)
        took.append((time.thread_time_ns() - begun) / 1e6)
    return Spread.of(took, "decisions by scan")


# --- measuring -------------------------------------------------------------------------------


def bytes_per_waiting(agents: int, waiting: int) -> float:
    """Measure what each further waiting interaction holds, event and decisions forgotten."""
    day = Day(agents, waiting // 10)
    gc.collect()
    tracemalloc.start()
    held = tracemalloc.get_traced_memory()[0]
    router, draw = day.router, day.draw
    for number in range(waiting):
        day.now += 1
        router.handle(
            ev.Arrived(f"m{number}", draw.choice(QUEUES), day.now, criteria=draw.choice(day.needs)),
            day.now,
        )
    gc.collect()
    grown = tracemalloc.get_traced_memory()[0] - held
    tracemalloc.stop()
    return grown / waiting


def measure(quick: bool) -> dict[str, Any]:
    """Measure everything; gives the figures, what they are made of, and the table's rows."""
    count = 20_000 if quick else 100_000
    sizes = ((1_000, 10_000), (5_000, 1_000), (5_000, 10_000)) + (
        () if quick else ((5_000, 100_000),)
    )
    details: dict[str, Any] = {}
    runs: dict[tuple[int, int], tuple[Spread, float]] = {}
    ratio, scanned = 0.0, None
    for agents, waiting in sizes:
        day = Day(agents, waiting)
        gc.collect()
        gc.freeze()
        parts = [day.run(count // RUNS) for _ in range(RUNS)]
        gc.unfreeze()
        spread = Spread.of([ms for part in parts for ms in part.decisions], "decisions")
        every = [ms for part in parts for ms in (*part.decisions, *part.others)]
        rates = [count // RUNS / part.seconds for part in parts]
        runs[agents, waiting] = (spread, max(rates))
        details[f"{agents}x{waiting}"] = {
            "decision_ms": spread.to_json(),
            "event_ms": Spread.of(every, "events").to_json(),
            "events_per_s": [round(rate) for rate in rates],
            "waiting_at_end": day.router_waits(),
        }
        if (agents, waiting) == (5_000, 10_000):
            scanned = scan(day, 40 if quick else 200)
            ratio = scanned.median / spread.median
            details["scan_ms"] = scanned.to_json()
    most = max(waiting for agents, waiting in sizes if agents == 5_000)
    growth = runs[5_000, most][0].median / runs[5_000, 1_000][0].median
    size = bytes_per_waiting(1_000, 5_000 if quick else 20_000)
    goal, rate = runs[5_000, 10_000]
    figures = {
        "router_p99_ms": round(goal.p99, 3),
        "router_growth": round(growth, 2),
        "router_events_per_s": round(rate),
        "router_bytes_per_waiting": round(size),
        "router_scan_ratio": round(ratio, 1),
    }
    rows = [
        ("decision, 5,000 agents × 10,000 waiting, p50 / p99",
         f"{goal.median:.3f} / {goal.p99:.3f} ms", f"≤ {P99_GOAL_MS:g} ms", goal.p99 <= P99_GOAL_MS,
         f"{scanned.median:.1f} / {scanned.p99:.1f} ms" if scanned else "", f"{ratio:.0f}×"),
        (f"growth of a decision (p50), 1,000 → {most:,} waiting", f"{growth:.2f}×",
         f"≤ {GROWTH_GOAL:g}×", growth <= GROWTH_GOAL, "", ""),
        ("events a second", f"{rate:,.0f}", f"≥ {RATE_GOAL:,}", rate >= RATE_GOAL, "", ""),
        ("memory of a waiting interaction", f"{size:,.0f} bytes", f"≤ {BYTES_GOAL:,}",
         size <= BYTES_GOAL, "", ""),
    ]  # fmt: skip
    return {"figures": figures, "details": details, "rows": rows}


async def finding(_ground: object, *, quick: bool) -> Finding:
    """Measure, as one part of the bench's table; the scan stands in the place of the peer.

    Nothing else of the bench runs meanwhile, so it need not give way.
    """
    found = measure(quick)
    rows = tuple(
        Row(
            f"{what} (beside it: a linear scan)" if theirs else what,
            mine,
            theirs,
            ratio,
            goal,
            met,
        )
        for what, mine, goal, met, theirs, ratio in found["rows"]
    )
    return Finding("router", rows, found["figures"], found["details"])


def main() -> int:
    """Measure and print."""
    found = measure("--quick" in sys.argv[1:])
    console = Console(width=None if sys.stdout.isatty() else 120)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("router")
    for column in ("Sala", "linear scan", "ratio", "goal"):
        table.add_column(column, justify="right")
    table.add_column("")
    for what, mine, goal, met, theirs, ratio in found["rows"]:
        table.add_row(what, mine, theirs, ratio, goal, "reached" if met else "missed")
    console.print(table)
    for name, detail in found["details"].items():
        console.print(f"{name}: {detail}", markup=False, highlight=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
