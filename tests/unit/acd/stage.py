"""A floor on a stage: the real router, floor and ledger, with the time and the switch in hand.

The switch here only notes orders; what a PBX would tell is told by the test. How the real PBX
behaves is for the end-to-end tests.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from acd.contacts import Contact
from acd.floor import Floor
from acd.intake import Intake
from acd.ledger import Ledger
from acd.restore import Past
from acd.roster import Roster
from acd.router.codec import from_entry
from acd.router.events import AgentConfig, Arrived, Configuration, QueueConfig, Wanted
from crm.calendars import Calendar
from crm.records import Interaction, JournalEntry, Segment
from pbx.port import (
    CallEnded,
    Caller,
    CallSnapshot,
    CallState,
    Cause,
    FloorSnapshot,
    LegAnswered,
    LegConnected,
    LegEnded,
    LegSnapshot,
    SwitchBack,
    SwitchLost,
)

START = 1_000_000
RING_MS = 20_000
WRAP_UP_MS = 10_000


class Book:
    """A recorder that keeps the last state of each row."""

    def __init__(self) -> None:
        self.interactions: dict[str, Interaction] = {}
        self.segments: dict[tuple[str, int], Segment] = {}
        self.entries: list[JournalEntry] = []
        self.presences: dict[str, tuple[str, str]] = {}

    def interaction(self, row: Interaction) -> None:
        self.interactions[row.id] = row

    def segment(self, row: Segment) -> None:
        self.segments[row.interaction, row.seq] = row

    def journal(self, entry: JournalEntry) -> None:
        self.entries.append(entry)

    def agent_presence(self, agent: str, wanted: str, reason: str, at_ms: int) -> None:
        self.presences[agent] = (wanted, reason)

    def of(self, interaction: str) -> list[tuple[str, str | None]]:
        """Kind and outcome of an interaction's segments, in order."""
        return [
            (str(s.kind), s.outcome)
            for (i, _), s in sorted(self.segments.items())
            if i == interaction
        ]


@dataclass
class OneTimer:
    when: int
    do: Callable[[], None]
    live: bool = True

    def cancel(self) -> None:
        self.live = False


class HandClock:
    def __init__(self, start: int = START) -> None:
        self.time = start
        self.timers: list[OneTimer] = []

    def now(self) -> int:
        return self.time

    def at(self, when: int, do: Callable[[], None]) -> OneTimer:
        timer = OneTimer(when, do)
        self.timers.append(timer)
        return timer

    def pass_ms(self, ms: int) -> None:
        end = self.time + ms
        while due := [t for t in self.timers if t.live and t.when <= end]:
            timer = min(due, key=lambda t: t.when)
            timer.live = False
            self.time = max(self.time, timer.when)
            timer.do()
        self.time = end


@dataclass
class NotedSwitch:
    rings: list[tuple[str, str, str]] = field(default_factory=list)
    held: list[str] = field(default_factory=list)
    cancels: list[str] = field(default_factory=list)
    joins: list[str] = field(default_factory=list)
    summons: list[str] = field(default_factory=list)
    carries: dict[str, dict[str, str]] = field(default_factory=dict)

    def ring(
        self,
        offer: str,
        address: str,
        call: str,
        *,
        ring_ms: int,
        caller: Caller,
        carry: Mapping[str, str],
        held: bool = False,
    ) -> None:
        self.rings.append((offer, address, call))
        if held:
            self.held.append(offer)

    def cancel(self, offer: str) -> None:
        self.cancels.append(offer)

    def join(self, offer: str) -> None:
        self.joins.append(offer)

    def summon(self, call: str) -> None:
        self.summons.append(call)

    def carry(self, call: str, values: Mapping[str, str]) -> None:
        self.carries[call] = dict(values)


class Stage:
    """Agents `a`, `b`, … at addresses `pa`, `pb`, …, all serving queue `q`."""

    def __init__(
        self,
        agents: str = "a",
        wrap_up_ms: int = WRAP_UP_MS,
        *,
        queues: Sequence[QueueConfig] = (),
        staff: Sequence[AgentConfig] = (),
        hours: Mapping[str, Calendar] | None = None,
        start: int = START,
        **policy: Any,
    ) -> None:
        self.book = Book()
        self.clock = HandClock(start)
        self.switch = NotedSwitch()
        self.agents = agents
        self.queues = (QueueConfig("q", RING_MS, wrap_up_ms, **policy), *queues)
        self.staff = tuple(staff) or tuple(AgentConfig(a, ("q",)) for a in agents)
        self.hours = hours
        self.floor = self.service()

    def roster(self, wanted: Wanted = Wanted.AVAILABLE) -> Roster:
        return Roster(
            Configuration(1, self.queues, self.staff),
            {a: f"p{a}" for a in self.agents},
            dict.fromkeys(self.agents, (wanted, "")),
            self.hours,
        )

    def service(self, past: Past | None = None, ledger: Ledger | None = None) -> Floor:
        """A new process of the service."""
        self.ledger = ledger or Ledger(self.book, Intake("US"))
        return Floor(
            self.switch,  # type: ignore[arg-type]
            self.ledger,
            self.clock,
            self.roster(),
            epoch=f"e{len(self.book.entries)}",
            past=past,
        )

    def up(self, snapshot: FloorSnapshot | None = None) -> None:
        reachable = frozenset(f"p{a}" for a in self.agents)
        empty = FloorSnapshot(reachable=reachable)
        self.floor.event(SwitchBack(snapshot or empty))

    def snapshot(
        self,
        waiting: Mapping[str, int],
        legs: list[LegSnapshot] | None = None,
        talking: Mapping[str, int] | None = None,
    ) -> FloorSnapshot:
        """Calls by interaction with their entry times, as a PBX would list them."""

        def call(name: str, entered: int, state: CallState) -> CallSnapshot:
            carried = {"interaction": name, "queue": "q", "entered": str(entered)}
            return CallSnapshot(f"c-{name}", state, Caller("+15550100"), carried)

        calls = [call(n, t, CallState.WAITING) for n, t in waiting.items()]
        calls += [call(n, t, CallState.TALKING) for n, t in (talking or {}).items()]
        reachable = frozenset(f"p{a}" for a in self.agents)
        return FloorSnapshot(tuple(calls), tuple(legs or ()), reachable)

    def call(self, name: str, queue: str = "q", **more: Any) -> Contact:
        """A call comes in and goes into the queue, until the PBX holds it there."""
        contact = Contact(name, f"c-{name}", Caller("+15550100"))
        self.ledger.opened(contact, self.clock.now())
        self.floor.opened(contact)
        carried = self.floor.arrive(contact, Arrived(name, queue, 0, **more))
        if contact.in_line:
            self.floor.settled(contact, carried)
        return contact

    def again(self, past: Past | None = None) -> None:
        """The service is killed; a new one finds the waiting calls as the PBX lists them."""
        calls = [
            CallSnapshot(one.call, CallState.WAITING, one.caller, dict(one.carry))
            for one in self.waiting()
        ]
        self.floor = self.service(past)
        self.up(FloorSnapshot(tuple(calls), (), frozenset(f"p{a}" for a in self.agents)))

    def waiting(self) -> list[Contact]:
        found = [self.floor.contact(one["interaction"]) for one in self.floor.status()["calls"]]
        return [one for one in found if one is not None and one.in_line]

    def places(self) -> dict[str, Arrived]:
        """What was written of places, as a new process reads it."""
        found = [e for e in self.book.entries if e.epoch.startswith("place.")]
        events = [from_entry(e.kind, e.body) for e in found]
        return {e.interaction: e for e in events if isinstance(e, Arrived)}

    def last_ring(self) -> tuple[str, str, str]:
        return self.switch.rings[-1]

    def answers(self, offer: str, call: str, *, connected: bool = True) -> None:
        self.floor.event(LegAnswered(offer))
        if connected:
            self.floor.event(LegConnected(offer, call))

    def leg_ends(self, offer: str, cause: Cause = Cause.NORMAL, *, answered: bool = False) -> None:
        self.floor.event(LegEnded(offer, cause, answered))

    def hangs_up(self, name: str) -> None:
        self.floor.event(CallEnded(f"c-{name}", Cause.NORMAL, by_caller=True))

    def lost(self) -> None:
        self.floor.event(SwitchLost("test"))

    def presence(self, agent: str) -> tuple[str, str]:
        view = next(v for v in self.floor.status()["agents"] if v["agent"] == agent)
        return view["presence"], view["reason"]

    def line(self, queue: int = 0) -> list[str]:
        return [w["interaction"] for w in self.floor.status()["queues"][queue]["waiting"]]
