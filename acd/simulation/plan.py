"""Plans: what a simulation file says, read with every fault and where it is.

```yaml
simulation: 1
day: {from: "08:00", to: "18:00"}
days: 20                                  # each drawn anew; intervals are over days
seed: 1
routing: new.yaml                         # a file of `sala apply`; else the floor as it is
compare: other.yaml                       # the same callers on a second floor
answer: 3s                                # how long agents let it ring
lines: 60                                 # calls at once; one more is blocked
queues:
  sales:
    arrivals: [{from: "08:00", to: "12:00", per_hour: 120}]
    talk: {mean: 4m, spread: 0.8}         # spread: standard deviation / mean; 1 is exponential
    patience: 3m                          # mean; left out: nobody hangs up
    tiers: {vip: 0.1}                     # shares of callers
staff:                                    # left out: every agent of the floor, all day
  - {count: 12, queues: [sales], skills: {tax: 3}, from: "08:00", to: "16:00"}
```

What a queue leaves out is taken from history, if the command is given any; so is, without `staff`,
when the floor's agents are there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from acd.policy.faults import Faults, Wrong, nearest, shown
from acd.policy.values import duration, number, word, words

VERSION = 1
MOST_CALLS = 5_000_000
ENOUGH = 20
"""Fewer talks than this tell nothing of how long talks are."""
_CLOCK = re.compile(r"([01]?\d|2[0-4]):([0-5]\d)", re.ASCII)
_HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class Period:
    """Arrivals at one rate. Times in ms since midnight."""

    begins: int
    ends: int
    per_hour: float


@dataclass(frozen=True, slots=True)
class Spread:
    """A duration: mean in ms, and standard deviation over mean."""

    mean_ms: float
    spread: float = 1.0


@dataclass(frozen=True, slots=True)
class QueuePlan:
    """What comes to a queue. `patience_ms` None: nobody hangs up."""

    arrivals: tuple[Period, ...]
    talk: Spread
    patience_ms: float | None = None
    tiers: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Shift:
    """So many agents of one kind, there for a while."""

    count: int
    queues: tuple[str, ...]
    begins: int
    ends: int
    skills: tuple[tuple[str, int], ...] = ()
    languages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """A simulation. Times in ms since midnight."""

    begins: int
    ends: int
    days: int
    seed: int
    queues: Mapping[str, QueuePlan]
    staff: tuple[Shift, ...] = ()
    routing: str = ""
    compare: str = ""
    answer_ms: int = 0
    lines: int | None = None
    there: Mapping[str, tuple[tuple[int, int], ...]] = field(default_factory=dict)
    """Without `staff`: when the floor's agents are there; empty: all of them, all day."""


@dataclass(frozen=True, slots=True)
class Learnt:
    """What history knows of queues."""

    queues: Mapping[str, QueuePlan] = field(default_factory=dict)
    thin: Mapping[str, int] = field(default_factory=dict)
    """Queues of which it knows too little, with how many talks."""
    there: Mapping[str, tuple[tuple[int, int], ...]] = field(default_factory=dict)
    """When agents are there on a usual day: spans in ms since midnight."""

    def only(self, queues: Collection[str], agents: Collection[str]) -> Learnt:
        """Return what is known of these queues and agents."""
        return Learnt(
            {name: one for name, one in self.queues.items() if name in queues},
            {name: talks for name, talks in self.thin.items() if name in queues},
            {name: spans for name, spans in self.there.items() if name in agents},
        )

    def short(self) -> str:
        """Say of which queues it knows too little; empty if of none."""
        told = ", ".join(f"{queue}: {talks} talks" for queue, talks in sorted(self.thin.items()))
        return f"{told}; {ENOUGH} are needed" if told else ""


def read(value: Any, learnt: Learnt | None = None) -> tuple[Plan | None, Faults]:
    """Read a file's value. None, and every fault, for one that cannot be simulated."""
    faults = Faults()
    plan = _Reading(faults, learnt).plan(value)
    return (None if faults.found else plan), faults


class _Reading:
    def __init__(self, faults: Faults, learnt: Learnt | None) -> None:
        self._faults = faults
        self._asked = learnt is not None
        self._learnt = learnt or Learnt()

    def plan(self, value: Any) -> Plan | None:
        faults = self._faults
        known = ("simulation", "day", "days", "seed", "routing", "compare", "answer", "lines",
                 "queues", "staff")  # fmt: skip
        if not isinstance(value, dict):
            faults.note(f"a mapping with `simulation: {VERSION}` is needed")
            return None
        self._unknown(value, known, faults)
        if str(value.get("simulation")) != str(VERSION):
            faults.at("simulation").note(f"write `simulation: {VERSION}`")
        begins, ends = self._span(value.get("day") or {}, faults.at("day"), 0, 24 * _HOUR_MS)
        queues = {}
        given = value.get("queues")
        if given is None and self._learnt.queues:
            given = dict.fromkeys(self._learnt.queues)
        if given is None and self._asked:
            faults.at("queues").note(
                f"history tells too little ({self._learnt.short() or 'no calls'}): go further "
                "back, or write the queues with their arrivals and talk"
            )
            given = {}
        elif not isinstance(given, dict) or not given:
            faults.at("queues").note("a mapping of queues is needed, one at least")
            given = {}
        for name, one in given.items():
            found = self._queue(name, one, faults.at("queues", name), begins, ends)
            if found is not None:
                queues[str(name)] = found
        staff = value.get("staff") or []
        if not isinstance(staff, list):
            faults.at("staff").note("a list of shifts is needed")
            staff = []
        shifts = [self._shift(one, faults.at("staff", n), begins, ends)
                  for n, one in enumerate(staff)]  # fmt: skip
        lines = value.get("lines")
        plan = Plan(
            begins,
            ends,
            self._or(1, faults.at("days"), lambda: number(value.get("days", 10), 1, 1000)),
            self._or(1, faults.at("seed"), lambda: number(value.get("seed", 1), 0, 10**9)),
            queues,
            tuple(shift for shift in shifts if shift is not None),
            str(value.get("routing") or ""),
            str(value.get("compare") or ""),
            self._or(0, faults.at("answer"), lambda: _within(value.get("answer", 0), 0, 300_000)),
            None if lines is None
            else self._or(1, faults.at("lines"), lambda: number(lines, 1, 100_000)),
            {} if staff else self._learnt.there,
        )  # fmt: skip
        calls = plan.days * sum(
            p.per_hour * (p.ends - p.begins) / _HOUR_MS
            for queue in queues.values()
            for p in queue.arrivals
        )
        if calls > MOST_CALLS:
            faults.at("days").note(
                f"{calls:,.0f} calls would come; at most {MOST_CALLS:,} are simulated: fewer days"
            )
        return plan

    def _queue(
        self, name: str, value: Any, faults: Faults, begins: int, ends: int
    ) -> QueuePlan | None:
        learnt = self._learnt.queues.get(name)
        value = {} if value is None else value
        if not isinstance(value, dict):
            faults.note("a mapping is needed: arrivals, talk, patience, tiers")
            return None
        self._unknown(value, ("arrivals", "talk", "patience", "tiers"), faults)
        for part in ("arrivals", "talk"):
            if part not in value and learnt is None:
                faults.note(f"{part} is missing, and {self._untold(name)}")
                return None
        periods = self._arrivals(value, faults.at("arrivals"), begins, ends, learnt)
        talk = learnt.talk if learnt else Spread(1.0)
        if "talk" in value:
            talk = self._or(talk, faults.at("talk"), lambda: _spread(value["talk"]))
        patience = learnt.patience_ms if learnt else None
        if value.get("patience") is not None:
            patience = self._or(1.0, faults.at("patience"), lambda: _patience(value["patience"]))
        tiers = self._or((), faults.at("tiers"), lambda: _shares(value.get("tiers") or {}))
        return QueuePlan(periods, talk, patience, tiers)

    def _untold(self, name: str) -> str:
        if name not in self._learnt.thin:
            return f"there is no history of {name}"
        talks = self._learnt.thin[name]
        return f"history tells too little of {name}: {talks} talks, {ENOUGH} are needed"

    def _arrivals(
        self, value: Any, faults: Faults, begins: int, ends: int, learnt: QueuePlan | None
    ) -> tuple[Period, ...]:
        given = value.get("arrivals")
        if given is None:
            return _between(learnt.arrivals, begins, ends) if learnt else ()
        if not isinstance(given, list) or not given:
            faults.note('a list is needed, such as [{from: "08:00", to: "12:00", per_hour: 90}]')
            return ()
        periods: list[Period] = []
        for at, one in enumerate(given):
            below = faults.at(at)
            if not isinstance(one, dict):
                below.note("from, to and per_hour are needed")
                continue
            self._unknown(one, ("from", "to", "per_hour"), below)
            first, last = self._span(one, below, begins, ends)
            rate = self._rate(one.get("per_hour"), below.at("per_hour"))
            if first < begins or last > ends:
                below.note("lies outside the day")
            elif periods and first < periods[-1].ends:
                below.note("begins before the one above ends")
            else:
                periods.append(Period(first, last, rate))
        return tuple(periods)

    def _shift(self, value: Any, faults: Faults, begins: int, ends: int) -> Shift | None:
        if not isinstance(value, dict):
            faults.note("a mapping is needed: count, queues, and skills, languages, from, to")
            return None
        self._unknown(value, ("count", "queues", "skills", "languages", "from", "to"), faults)
        first, last = self._span(value, faults, begins, ends)
        skills = value.get("skills") or {}
        if not isinstance(skills, dict):
            faults.at("skills").note("a mapping of skills to levels is needed")
            skills = {}
        return Shift(
            self._or(1, faults.at("count"), lambda: number(value.get("count"), 1, 5000)),
            self._or((), faults.at("queues"), lambda: words(value.get("queues"))),
            first,
            last,
            tuple((str(skill), self._level(level, faults.at("skills", skill)))
                  for skill, level in skills.items()),
            self._or((), faults.at("languages"), lambda: words(value.get("languages") or [])),
        )  # fmt: skip

    def _rate(self, value: Any, faults: Faults) -> float:
        rate: float = self._or(0.0, faults, lambda: _real(value, 0, 1_000_000, "a number of calls"))
        return rate

    def _level(self, value: Any, faults: Faults) -> int:
        level: int = self._or(1, faults, lambda: number(value, 1, 5))
        return level

    def _span(self, value: Any, faults: Faults, begins: int, ends: int) -> tuple[int, int]:
        if not isinstance(value, dict):
            faults.note("from and to are needed")
            return begins, ends
        first = self._or(begins, faults.at("from"), lambda: _clock(value.get("from"), begins))
        last = self._or(ends, faults.at("to"), lambda: _clock(value.get("to"), ends))
        if last <= first:
            faults.at("to").note("must be later than from")
            return begins, ends
        return first, last

    def _unknown(self, value: Mapping[Any, Any], known: tuple[str, ...], faults: Faults) -> None:
        for key in value:
            if key not in known:
                faults.at(key).note(f"there is no such field{nearest(str(key), known)}")

    def _or(self, default: Any, faults: Faults, read_: Callable[[], Any]) -> Any:
        try:
            return read_()
        except Wrong as wrong:
            faults.note(str(wrong), wrong.below)
            return default


def _between(periods: tuple[Period, ...], begins: int, ends: int) -> tuple[Period, ...]:
    """Return what of the periods lies within the day."""
    return tuple(
        replace(one, begins=max(one.begins, begins), ends=min(one.ends, ends))
        for one in periods
        if one.begins < ends and one.ends > begins
    )


def _clock(value: Any, default: int) -> int:
    if value is None:
        return default
    found = _CLOCK.fullmatch(str(value))
    at = int(found[1]) * _HOUR_MS + int(found[2]) * 60_000 if found else -1
    if not 0 <= at <= 24 * _HOUR_MS:
        raise Wrong(f'{shown(value)} is no time of day, such as "08:30" (in quotes)')
    return at


def _within(value: Any, least: int, most: int) -> int:
    found = duration(value)
    if not least <= found <= most:
        raise Wrong(f"a time from {least} ms to {most // 1000} s is needed, not {shown(value)}")
    return found


def _real(value: Any, least: float, most: float, what: str) -> float:
    try:
        found = float(value)
    except (TypeError, ValueError):
        found = float("nan")
    if isinstance(value, bool) or not least <= found <= most:
        raise Wrong(f"{what} from {least:g} to {most:g} is needed, not {shown(value)}")
    return found


def _patience(value: Any) -> float:
    return float(_within(value, 1, 24 * _HOUR_MS))


def _spread(value: Any) -> Spread:
    if not isinstance(value, dict):
        return Spread(float(_within(value, 1, 24 * _HOUR_MS)))
    for key in value:
        if key not in ("mean", "spread"):
            raise Wrong("there is no such field; known: mean, spread", (key,))
    if "mean" not in value:
        raise Wrong("mean is missing")
    return Spread(
        float(_within(value["mean"], 1, 24 * _HOUR_MS)),
        _real(value.get("spread", 1), 0, 10, "a spread"),
    )


def _shares(value: Any) -> tuple[tuple[str, float], ...]:
    if not isinstance(value, dict):
        raise Wrong("a mapping of tiers to shares is needed")
    found = tuple((word(tier), _real(share, 0, 1, "a share")) for tier, share in value.items())
    if sum(share for _, share in found) > 1:
        raise Wrong("the shares come to more than 1")
    return found
