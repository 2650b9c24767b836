"""A stored floor → the router's configuration, with every fault in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from acd.router import check
from acd.router.configuration import (
    AgentConfig,
    Capacity,
    Channel,
    Configuration,
    QueueConfig,
    SelectionConfig,
)
from acd.router.criteria_parser import Vocabulary
from acd.router.errors import ConfigError
from acd.router.recipes import Exit, Staffing
from acd.router.strategies import STRATEGIES
from crm import calendars, records
from crm.calendars import Calendar

from . import values
from .criteria import step
from .faults import Fault, Faults, Wrong, nearest, shown
from .recipes import WAIT, exit_, recipe, staff, tier_name

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Reading:
    """What a floor's rows say. With faults, each faulty part has its default, or is left out.

    The configuration always passes `acd.router.check.check`.
    """

    configuration: Configuration
    calendars: dict[str, Calendar]
    hours: dict[str, Calendar]
    """By queue: when it is open; a queue that is not in it always is."""
    faults: tuple[Fault, ...]


def read(floor: records.Floor, *, known: bool = False) -> Reading:
    """Read a stored floor.

    With `known`, criteria may use only names that are there, as for what an admin writes now; the
    router itself takes any, as one that nobody has. Never raises.
    """
    faults = Faults()
    names = vocabulary(floor)
    config = Configuration(
        version=floor.version,
        queues=tuple(_queue(one, names, known, faults) for one in floor.queues),
        agents=tuple(_agent(one, floor.policy, names, faults) for one in floor.agents),
        busy_backoff_ms=_backoff(floor.policy, faults.at("floor", "busy_backoff")),
        capacity=Capacity(floor.policy.voice, floor.policy.chat, floor.policy.email),
        blocks=_blocks(floor.policy.blocks, faults.at("floor", "blocks")),
        skills=floor.skills,
        languages=floor.languages,
        sites=floor.sites,
    )
    selections = {one.name: _selection(one) for one in floor.selections if one.queues}
    config = _checked(config, selections, faults)
    opened = {one.name: _calendar(one, faults) for one in floor.calendars}
    hours: dict[str, Calendar] = {}
    for queue in floor.queues:
        if queue.calendar is None:
            continue
        if queue.calendar in opened:
            hours[queue.name] = opened[queue.calendar]
        else:
            hint = nearest(queue.calendar, opened)
            faults.at("queues", queue.name, "calendar").note(
                f"there is no calendar {shown(queue.calendar)}{hint}"
            )
    return Reading(config, opened, hours, tuple(faults.found))


def vocabulary(floor: records.Floor) -> Vocabulary:
    """Return the names that criteria may use."""
    return Vocabulary(
        frozenset(floor.skills),
        frozenset(floor.languages),
        frozenset(floor.sites),
        frozenset(one.id for one in floor.agents),
        frozenset(one.name for one in floor.queues),
    )


def _calendar(calendar: records.CalendarSource, faults: Faults) -> Calendar:
    place = faults.at("calendars", calendar.name)
    return calendars.read(
        calendar.name, calendar.source, lambda path, message: place.note(message, path)
    )


def _queue(queue: records.Queue, names: Vocabulary, known: bool, all_: Faults) -> QueueConfig:
    faults = all_.at("queues", queue.name)
    plain = QueueConfig(queue.name)
    others = names.queues - {queue.name}

    def way(key: str, given: Any, default: Exit | None, reason: str) -> Exit | None:
        return _or(default, faults.at(key), lambda: exit_(given, others, reason))

    def steps() -> Iterable[Any]:
        for index, one in enumerate(queue.steps):
            yield step(one, names, known, faults.at("steps", index))

    def recipes() -> Iterable[Any]:
        for index, one in enumerate(queue.recipes):
            yield recipe(one, replace(names, queues=others), known, faults.at("recipes", index))

    waits = queue.when_closed.strip() == WAIT
    return QueueConfig(
        queue.name,
        queue.ring_ms,
        queue.wrap_up_ms,
        _or(
            plain.strategy,
            faults.at("strategy"),
            lambda: values.choice(queue.strategy, tuple(STRATEGIES), "strategy"),
        ),
        queue.ring_at_once,
        tuple(one for one in steps() if one is not None),
        tuple(one for one in recipes() if one is not None),
        tuple(_tiers(queue.tiers, faults.at("tiers"))),
        queue.target_ms,
        queue.short_abandon_ms,
        queue.max_wait_ms,
        way("when_late", queue.when_late, plain.when_late, "max_wait") or plain.when_late,
        queue.max_length,
        way("when_full", queue.when_full, plain.when_full, "full") or plain.when_full,
        _staffing(queue.join_needs, faults.at("join_needs")),
        _staffing(queue.stay_needs, faults.at("stay_needs")),
        way("when_empty", queue.when_empty, plain.when_empty, "empty") or plain.when_empty,
        None if waits else way("when_closed", queue.when_closed, plain.when_closed, "closed"),
        queue.closing_clears,
    )


def _or(default: T, faults: Faults, read_: Callable[[], T]) -> T:
    try:
        return read_()
    except Wrong as wrong:
        faults.note(str(wrong), wrong.below)
        return default


def _staffing(given: str | None, faults: Faults) -> Staffing | None:
    return None if given is None else _or(None, faults, lambda: Staffing(staff(given)))


def _tiers(given: Any, faults: Faults) -> Iterable[tuple[str, int]]:
    for tier, head_start in given.items():
        try:
            yield tier_name(tier), values.duration(head_start)
        except Wrong as wrong:
            faults.at(tier).note(str(wrong))


def _agent(
    agent: records.Agent, floor: records.FloorPolicy, names: Vocabulary, all_: Faults
) -> AgentConfig:
    faults = all_.at("agents", agent.id)
    for what, given, there in (
        ("queue", agent.queues, names.queues),
        ("skill", [skill for skill, _ in agent.skills], names.skills),
        ("language", agent.languages, names.languages),
        ("site", [agent.site] if agent.site else [], names.sites),
    ):
        for one in given:
            if one not in there:
                place = faults.at(what if what == "site" else f"{what}s")
                place.note(f"there is no {what} {shown(one)}{nearest(one, there)}")
    served = [index for index, queue in enumerate(agent.queues) if queue in names.queues]
    ranks = tuple(agent.ranks[index] for index in served) if agent.ranks else ()
    own = (agent.voice, agent.chat, agent.email)
    whole = (floor.voice, floor.chat, floor.email)
    return AgentConfig(
        agent.id,
        tuple(agent.queues[index] for index in served),
        agent.skills,
        agent.languages,
        agent.site,
        ranks if any(rank != 1 for rank in ranks) else (),
        None
        if own == (None, None, None)
        else Capacity(*(w if o is None else o for o, w in zip(own, whole, strict=True))),
        agent.weight,
    )


def _selection(selection: records.Selection) -> SelectionConfig:
    """A selection as it is written; `_checked` looks whether it can be used."""
    return SelectionConfig(
        tuple(queue for queue, _ in selection.queues),
        selection.policy,
        tuple((queue, weight) for queue, weight in selection.queues if weight != 1),
    )


def _backoff(policy: records.FloorPolicy, faults: Faults) -> int:
    if policy.busy_backoff_ms >= 1:
        return policy.busy_backoff_ms
    faults.note("a time above 0 is needed")
    return records.FloorPolicy().busy_backoff_ms


def _blocks(given: Any, faults: Faults) -> tuple[tuple[Channel, tuple[Channel, ...]], ...]:
    found: list[tuple[Channel, tuple[Channel, ...]]] = []
    for channel, others in given.items():
        try:
            blocker = Channel(values.choice(channel, tuple(Channel), "channel"))
            blocked = [
                Channel(values.choice(one, tuple(Channel), "channel"))
                for one in values.words(others, "a channel")
            ]
        except Wrong as wrong:
            faults.at(channel).note(str(wrong))
        else:
            found.append((blocker, tuple(blocked)))
    return tuple(found)


def _checked(
    config: Configuration, selections: dict[str, SelectionConfig], faults: Faults
) -> Configuration:
    """Return what of a configuration the router's own check takes; note what it does not."""
    whole = replace(config, selections=tuple(selections.values()))
    try:
        check.check(whole)
    except ConfigError:
        pass
    else:
        return whole
    queues = tuple(_alone(config, queue, faults) for queue in config.queues)
    bare = replace(config, queues=queues, agents=())
    agents = tuple(
        agent
        for agent in config.agents
        if _takes(replace(bare, agents=(agent,)), faults.at("agents", agent.agent))
    )
    kept: tuple[SelectionConfig, ...] = ()
    for name, one in selections.items():
        if _takes(replace(bare, selections=(*kept, one)), faults.at("selections", name)):
            kept = (*kept, one)
    return replace(bare, agents=agents, selections=kept)


def _alone(config: Configuration, queue: QueueConfig, faults: Faults) -> QueueConfig:
    others = tuple(QueueConfig(one.name) for one in config.queues if one.name != queue.name)
    alone = Configuration(queues=(queue, *others))
    return queue if _takes(alone, faults.at("queues", queue.name)) else QueueConfig(queue.name)


def _takes(config: Configuration, faults: Faults) -> bool:
    try:
        check.check(config)
    except ConfigError as error:
        # Its first words name what our own place names too.
        faults.note(str(error).partition(": ")[2] or str(error))
        return False
    return True
