"""Checks a configuration before anything of it is applied."""

from __future__ import annotations

from collections.abc import Iterable

from .configuration import AgentConfig, Configuration, QueueConfig, SelectionConfig, Step
from .criteria import LEVELS, AllOf, Criteria, Member, Skill, atoms, text
from .criteria_parser import Vocabulary
from .errors import ConfigError
from .recipes import (
    Action,
    Condition,
    LengthAtLeast,
    NoMembers,
    OverflowTo,
    PositionAtLeast,
    PositionAtMost,
    Require,
    Staffing,
    Waited,
)
from .selection import POLICIES
from .strategies import STRATEGIES
from .supply import Supply


def check(config: Configuration) -> None:
    """Raise `ConfigError`, naming the queue or agent, for what the router cannot work with."""
    _unique("queue", (queue.name for queue in config.queues))
    _unique("agent", (agent.agent for agent in config.agents))
    if config.busy_backoff_ms <= 0:
        # An agent who is free again in the instant of a failure would be offered the same call
        # for ever.
        raise ConfigError(f"busy_backoff_ms must be above 0, is {config.busy_backoff_ms}")
    names = frozenset(queue.name for queue in config.queues)
    for queue in config.queues:
        _queue(queue, names)
    for agent in config.agents:
        _agent(agent, names)
    taken: set[str] = set()
    for selection in config.selections:
        _selection(selection, names, taken)


def vocabulary(config: Configuration) -> Vocabulary:
    """Return the names that criteria may use: those declared, and those of agents and queues.

    For reading what an admin writes. The router itself takes any name, as one that nobody has: an
    agent may go whom some step names, and a skill with the last who had it.
    """
    return Vocabulary(
        frozenset(config.skills).union(skill for one in config.agents for skill, _ in one.skills),
        frozenset(config.languages).union(*(one.languages for one in config.agents)),
        frozenset(config.sites).union(one.site for one in config.agents if one.site),
        frozenset(one.agent for one in config.agents),
        frozenset(queue.name for queue in config.queues),
    )


def warnings(config: Configuration) -> list[str]:
    """Say which queues and steps nobody could ever serve, whoever logged in.

    The configuration must have passed `check`.
    """
    supply, found = Supply(config), []
    for queue in config.queues:
        member = Member(queue.name)
        if not supply.of(member):
            found.append(f"queue {queue.name!r}: no agent serves it")
            continue
        for number, step in enumerate(queue.steps, 1):
            asked = AllOf((member, step.criteria)) if step.members else step.criteria
            if not supply.of(asked):
                found.append(
                    f"queue {queue.name!r}, step {number}: no agent meets {text(step.criteria)}"
                )
    return found


def _queue(queue: QueueConfig, names: frozenset[str]) -> None:
    where = f"queue {queue.name!r}"
    if queue.strategy not in STRATEGIES:
        raise ConfigError(
            f"{where}: unknown strategy {queue.strategy!r} (known: {_list(STRATEGIES)})"
        )
    _least(where, "ring_ms", queue.ring_ms, 1)
    _least(where, "wrap_up_ms", queue.wrap_up_ms, 0)
    _least(where, "ring_at_once", queue.ring_at_once, 1)
    _least(where, "target_ms", queue.target_ms, 1)
    _least(where, "short_abandon_ms", queue.short_abandon_ms, 0)
    _least(where, "max_wait_ms", queue.max_wait_ms, 1)
    _least(where, "max_length", queue.max_length, 0)
    if queue.stay_needs is Staffing.AVAILABLE:
        raise ConfigError(f"{where}: stay_needs cannot be available: who waits has nobody free")
    for way in (queue.when_late, queue.when_full, queue.when_empty, queue.when_closed):
        if way is not None:
            _action(way, queue.name, where, names)
    for number, step in enumerate(queue.steps, 1):
        check_step(step, f"{where}, step {number}")
    for number, recipe in enumerate(queue.recipes, 1):
        place = f"{where}, recipe {number}"
        if not recipe.when:
            raise ConfigError(f"{place}: no condition")
        _least(place, "repeat_ms", recipe.repeat_ms, 1)
        for condition in recipe.when:
            _condition(condition, place)
        for action in recipe.then:
            _action(action, queue.name, place, names)


def check_step(step: Step, where: str) -> None:
    """Raise `ConfigError` for a routing step that cannot be used."""
    _levels(step.criteria, where)
    _least(where, "lasts_ms", step.lasts_ms, 1)
    for skill, level in step.lower:
        if level not in LEVELS:
            raise ConfigError(f"{where}: {skill!r} is lowered to {level}, which is not 1 to 5")


def _levels(criteria: Criteria, where: str) -> None:
    for atom in atoms(criteria):
        if isinstance(atom, Skill) and atom.level not in LEVELS:
            raise ConfigError(f"{where}: level {atom.level} of {atom.skill!r} is not 1 to 5")


def _condition(condition: Condition, where: str) -> None:
    match condition:
        case Waited(ms):
            _least(where, "the wait", ms, 0)
        case PositionAtMost(place) | PositionAtLeast(place):
            _least(where, "the position", place, 1)
        case LengthAtLeast(length):
            _least(where, "the length", length, 1)
        case NoMembers(Staffing.AVAILABLE):
            raise ConfigError(f"{where}: members are asked for as logged_in or active")
        case _:
            pass


def _action(action: Action, queue: str, where: str, names: frozenset[str]) -> None:
    match action:
        case OverflowTo(to):
            if to not in names:
                raise ConfigError(f"{where}: overflow to {to!r}, and there is no such queue")
            if to == queue:
                raise ConfigError(f"{where}: overflow to itself")
        case Require(criteria):
            _levels(criteria, where)
        case _:
            pass


def _agent(agent: AgentConfig, names: frozenset[str]) -> None:
    where = f"agent {agent.agent!r}"
    for name in agent.queues:
        if name not in names:
            raise ConfigError(f"{where}: there is no queue {name!r}")
    _unique(f"{where}: skill", (skill for skill, _ in agent.skills))
    for skill, level in agent.skills:
        if level not in LEVELS:
            raise ConfigError(f"{where}: skill {skill!r} has level {level}, which is not 1 to 5")
    if agent.ranks and len(agent.ranks) != len(agent.queues):
        raise ConfigError(f"{where}: {len(agent.ranks)} ranks for {len(agent.queues)} queues")
    for rank in agent.ranks:
        _least(where, "a rank", rank, 1)
    _least(where, "weight", agent.weight, 1)


def _selection(selection: SelectionConfig, names: frozenset[str], taken: set[str]) -> None:
    where = f"selection of {_list(selection.queues)}"
    if selection.policy not in POLICIES:
        raise ConfigError(
            f"{where}: unknown policy {selection.policy!r} (known: {_list(POLICIES)})"
        )
    for name in selection.queues:
        if name not in names:
            raise ConfigError(f"{where}: there is no queue {name!r}")
        if name in taken:
            raise ConfigError(f"{where}: queue {name!r} is selected twice")
        taken.add(name)
    for name, weight in selection.weights:
        if name not in selection.queues:
            raise ConfigError(f"{where}: a weight for {name!r}, which is not among them")
        _least(where, f"the weight of {name!r}", weight, 1)


def _least(where: str, what: str, given: int | None, least: int) -> None:
    if given is not None and given < least:
        bound = "below 0" if least == 0 else None
        must = f"must not be {bound}" if bound else f"must be above {least - 1}"
        raise ConfigError(f"{where}: {what} {must}, is {given}")


def _list(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))


def _unique(what: str, names: Iterable[str]) -> None:
    seen = set()
    for name in names:
        if name in seen:
            raise ConfigError(f"{what} {name!r} is configured twice")
        seen.add(name)
