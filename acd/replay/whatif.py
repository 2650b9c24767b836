"""What another configuration would have changed: the same past, on two floors.

Both are played by the simulator, the real configuration too: what differs between them comes from
the configurations alone, and how far the first is from what really was tells how good the play is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from heapq import merge

from acd.router import events as ev
from acd.router.configuration import Configuration
from acd.simulation import WAITING, Call, World

from .past import Past


@dataclass(frozen=True, slots=True)
class Service:
    """How a queue served those who came to it.

    Offered are all who came: answered, abandoned, waiting, and those the queue sent elsewhere.
    """

    offered: int
    answered: int
    abandoned: int
    waiting: int
    """Still in line at the end."""
    asa_ms: float
    service_level: float
    """Answered within the target, of all offered but those who wait and are within it yet."""


@dataclass(frozen=True, slots=True)
class Changed:
    """One interaction that fared otherwise. Outcomes as in `simulation.Call`, waits in ms."""

    interaction: str
    queue: str
    before: str
    waited_before: int
    after: str
    waited_after: int

    @property
    def gain_ms(self) -> int:
        """How much less it waited; being answered at all counts before everything."""
        return self.waited_before - self.waited_after


@dataclass(frozen=True, slots=True)
class Comparison:
    """By queue how it was, how the play of the same configuration was, and of the new one."""

    was: dict[str, Service]
    played: dict[str, Service]
    new: dict[str, Service]
    gained: list[Changed]
    """Answered who were not, then who waited less; the most first."""
    lost: list[Changed]


NOTED_MS = 1_000
"""Waits that differ by less are the same."""


def compare(past: Past, new: Configuration, seed: int = 1) -> Comparison:
    """Play a past on its own configuration and on another."""
    old = past.config or Configuration()
    before = _play(past, old, past.configured, seed)
    after = _play(past, new, [], seed)
    changed = [
        Changed(a.id, a.first_queue, a.outcome, a.waited_ms, b.outcome, b.waited_ms)
        for a in before.values()
        if (b := after.get(a.id)) is not None
    ]
    gained = [one for one in changed if _better(one) > 0]
    lost = [one for one in changed if _better(one) < 0]
    real = past.waits().values()
    return Comparison(
        _services(real, old),
        _services(((c.first_queue, c.outcome, c.waited_ms) for c in before.values()), old),
        _services(((c.first_queue, c.outcome, c.waited_ms) for c in after.values()), new),
        sorted(gained, key=lambda one: (-_better(one), -one.gain_ms, one.interaction)),
        sorted(lost, key=lambda one: (_better(one), one.gain_ms, one.interaction)),
    )


def _play(
    past: Past, config: Configuration, changes: list[tuple[int, ev.Event]], seed: int
) -> dict[str, Call]:
    done: dict[str, Call] = {}
    known = {agent.agent for agent in config.agents}
    events = [one for one in past.events if getattr(one[1], "agent", "") in ("", *known)]

    def over(call: Call) -> None:
        done[call.id] = call

    world = World(config, answer_ms=past.answer_ms, done=over)
    world.run(past.calls(seed), merge(events, changes, key=lambda one: one[0]), until=past.last)
    for call in world.calls.values():
        if not call.outcome:
            call.outcome, call.over = WAITING, past.last
            done[call.id] = call
    return done


def _better(one: Changed) -> int:
    """2 for answered at last, 1 for sooner; below 0 the other way round."""
    answered = (one.before == "answered", one.after == "answered")
    if answered[0] != answered[1]:
        return 2 if answered[1] else -2
    if not answered[0] or abs(one.gain_ms) < NOTED_MS:
        return 0
    return 1 if one.gain_ms > 0 else -1


def _services(fates: Iterable[tuple[str, str, int]], config: Configuration) -> dict[str, Service]:
    targets = {queue.name: queue.target_ms for queue in config.queues}
    by_queue: dict[str, list[tuple[str, int]]] = {}
    for queue, outcome, waited in fates:
        by_queue.setdefault(queue, []).append((outcome, waited))
    found = {}
    for queue, rows in sorted(by_queue.items()):
        waits = [waited for outcome, waited in rows if outcome == "answered"]
        target = targets.get(queue, 20_000)
        within = sum(waited <= target for waited in waits)
        open_ = sum(outcome == WAITING and waited <= target for outcome, waited in rows)
        found[queue] = Service(
            len(rows),
            len(waits),
            sum(outcome == "abandoned" for outcome, _ in rows),
            sum(outcome == WAITING for outcome, _ in rows),
            sum(waits) / len(waits) if waits else 0.0,
            within / (len(rows) - open_) if len(rows) > open_ else 1.0,
        )
    return found
