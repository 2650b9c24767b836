"""What explanation costs and how fast it is: replay, simulation, estimates, the journal.

Pure computation: no PBX, no database, CPU time of one core. `python -m lab.bench.insight [--quick]`
prints the table.
"""

from __future__ import annotations

import asyncio
import functools
import gc
import random
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator

from rich import box
from rich.console import Console
from rich.table import Table

from acd.estimates import Experience, Waits
from acd.replay import Replayer, difference
from acd.router import Router, events as ev
from acd.router.configuration import AgentConfig, Configuration, QueueConfig
from acd.router.events import Wanted
from acd.router.journal import to_body
from acd.simulation import Call, World
from crm.encoding import encode
from crm.records import JournalEntry
from lab.bench.figures import Finding, Row

DAY_CALLS, AGENTS, QUEUES = 50_000, 500, 10
REPLAY_GOAL_S = 60.0
JOURNAL_GOAL = 0.05
WAITING = 10_000


def floor(agents: int, queues: int, serves: int = 2) -> Configuration:
    """Agents who serve some queues each, in turn."""
    names = [f"q{n}" for n in range(queues)]
    return Configuration(
        1,
        tuple(QueueConfig(name, wrap_up_ms=15_000) for name in names),
        tuple(
            AgentConfig(f"a{n}", tuple(names[(n + k) % queues] for k in range(serves)))
            for n in range(agents)
        ),
    )


def callers(count: int, queues: int, seed: int = 1) -> Iterator[Call]:
    """A day's callers: as many as keep most agents busy."""
    draw = random.Random(seed)
    gap = 36_000_000 / count
    at = 0.0
    for number in range(count):
        at += draw.expovariate(1 / gap)
        talk = int(draw.expovariate(1 / 240_000))
        yield Call(f"c{number}", f"q{draw.randrange(queues)}", int(at), talk,
                   int(draw.expovariate(1 / 180_000)))  # fmt: skip


def log_in(config: Configuration) -> ev.Batch:
    """Everybody is there."""
    there = (ev.AgentWants(one.agent, Wanted.AVAILABLE) for one in config.agents)
    return ev.Batch((ev.ConfigChanged(config), *there))


def journal(calls: int) -> tuple[list[JournalEntry], float]:
    """Let a day pass and keep its journal; gives the CPU seconds without keeping, too."""
    config = floor(AGENTS, QUEUES)
    begun = time.thread_time()
    World(config).run(callers(calls, QUEUES), [(0, log_in(config))])
    took = time.thread_time() - begun
    entries: list[JournalEntry] = []

    def turn(event: ev.Event, decisions: list[ev.Decision], now: int) -> None:
        kind, body = to_body(event, decisions)
        entries.append(JournalEntry("bench", len(entries) + 1, now, 1, kind, body))

    World(config, epoch="bench", turn=turn).run(callers(calls, QUEUES), [(0, log_in(config))])
    return entries, took


def replay(entries: list[JournalEntry]) -> float:
    """Replay a day and check every decision; gives the CPU seconds."""
    begun = time.thread_time()
    replayer = Replayer("bench")
    for entry in entries:
        if difference(replayer.feed(entry)) is not None:
            raise RuntimeError("the replay differs")
    return time.thread_time() - begun


def journal_cost(entries: list[JournalEntry]) -> tuple[float, float, float]:
    """Time decisions that offer: gives microseconds of a decision, of noting it, of writing it."""
    replayer = Replayer("cost")
    notes: deque[Callable[[], object]] = deque()
    decided = noted = written = 0.0
    count = 0
    clock = time.thread_time
    for seq, entry in enumerate(entries, 1):
        event, _ = replayer.read(entry)
        if seq == 1:
            replayer.begin(event)
        begun = clock()
        decisions = replayer.router.handle(event, entry.at_ms)
        after = clock()
        notes.append(functools.partial(to_body, event, decisions))
        then = clock()
        write = notes.popleft()
        encode(write())
        done = clock()
        if any(isinstance(one, ev.Offer) for one in decisions):
            count += 1
            decided += after - begun
            noted += then - after
            written += done - then
    return decided / count * 1e6, noted / count * 1e6, written / count * 1e6


def refresh(waiting: int, groups: int) -> tuple[float, float]:
    """Estimates for so many in line: gives ms for all, and for those whom one change touches."""
    config = floor(groups * 10, groups, serves=1)
    router, experience = Router(config, "bench"), Experience()
    draw = random.Random(1)
    for queue in config.queues:
        for _ in range(200):
            experience.handled(queue.name, int(draw.expovariate(1 / 240_000)), 0)
    waits = Waits(experience, "ewt.bench", lambda entry: None)

    def tell(event: ev.Event, now: int) -> None:
        waits.turn(router, event, router.handle(event, now), now)

    tell(log_in(config), 0)
    for number in range(waiting + groups * 10):
        event = ev.Arrived(f"c{number}", f"q{number % groups}", number)
        decisions = router.handle(event, number)
        experience.turn(event, decisions, number)
        for one in decisions:
            if isinstance(one, ev.Offer):
                tell(ev.OfferAccepted(one.offer), number)
    now = waiting + groups * 10
    begun = time.thread_time()
    waits.estimates(now)
    full = time.thread_time() - begun
    talks = [view for view in router.interactions() if view.place is None][:20]
    begun = time.thread_time()
    for view in talks:
        now += 1
        tell(ev.Ended(view.interaction, view.agent or ""), now)
        waits.estimates(now)
    return full * 1e3, (time.thread_time() - begun) / len(talks) * 1e3


def finding(quick: bool) -> Finding:
    """Measure, as one part of the bench's table."""
    calls = 5_000 if quick else DAY_CALLS
    entries, simulated = journal(calls)
    gc.collect()
    gc.freeze()
    replayed = replay(entries) * DAY_CALLS / calls
    decided, noted, written = journal_cost(entries)
    gc.unfreeze()
    full, one = refresh(WAITING, 50)
    rate = calls / simulated
    rows = (
        Row(f"replay of {DAY_CALLS:,} calls × {AGENTS} agents, every decision checked",
            f"{replayed:.1f} s", "", "", f"≤ {REPLAY_GOAL_S:g} s", replayed <= REPLAY_GOAL_S),
        Row(f"simulation, {AGENTS} agents", f"{rate:,.0f} calls/s", ""),
        Row(f"estimates for {WAITING:,} who wait in 50 lines, all", f"{full:.1f} ms", ""),
        Row("… after a change, those of its line", f"{one:.2f} ms", ""),
        Row("journal's cost on a decision, of the decision", f"{noted / decided:.1%}", "", "",
            f"≤ {JOURNAL_GOAL:.0%}", noted / decided <= JOURNAL_GOAL),
        Row("journal's cost after the turn, a decision", f"{written:.1f} µs", ""),
    )  # fmt: skip
    figures = {
        "replay_day_s": round(replayed, 2),
        "simulation_calls_per_s": round(rate),
        "ewt_refresh_all_ms": round(full, 2),
        "ewt_refresh_change_ms": round(one, 3),
        "journal_share": round(noted / decided, 4),
        "journal_after_us": round(written, 2),
    }
    details = {
        "entries": len(entries),
        "decision_us": round(decided, 2),
        "note_us": round(noted, 3),
    }
    return Finding("insight", rows, figures, details)


async def measure(ground: object, *, quick: bool) -> Finding:
    """Measure as a part of `python -m lab.bench`; the ground is not needed."""
    return await asyncio.to_thread(finding, quick)


def main() -> int:
    """Measure and print."""
    found = finding("--quick" in sys.argv[1:])
    console = Console(width=None if sys.stdout.isatty() else 120)
    table = Table("insight", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("Sala", "goal"):
        table.add_column(column, justify="right")
    table.add_column("")
    for row in found.rows:
        met = "" if row.met is None else "reached" if row.met else "missed"
        table.add_row(row.what, row.sala, row.goal, met)
    console.print(table)
    console.print(str({**found.figures, **found.details}), markup=False, highlight=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
