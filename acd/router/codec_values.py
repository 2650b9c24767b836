"""Values within journal entries: criteria, steps, recipes and the configuration, as plain data.

A value of a closed family (criteria, conditions, actions) is a dict with its `kind`. A field that
is missing takes its default, so that an older configuration can be read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from enum import Enum
from typing import Any

from . import configuration as conf, criteria as crit, recipes as rec
from .recipes import Staffing

KINDS: Mapping[str, type[Any]] = {
    "anyone": crit.Anyone,
    "skill": crit.Skill,
    "language": crit.Language,
    "site": crit.Site,
    "named": crit.Named,
    "member": crit.Member,
    "all_of": crit.AllOf,
    "any_of": crit.AnyOf,
    "not": crit.Not,
    "waited": rec.Waited,
    "position_at_most": rec.PositionAtMost,
    "position_at_least": rec.PositionAtLeast,
    "length_at_least": rec.LengthAtLeast,
    "no_agents": rec.NoAgents,
    "no_members": rec.NoMembers,
    "tier_in": rec.TierIn,
    "require": rec.Require,
    "relax": rec.Relax,
    "prioritise": rec.Prioritise,
    "overflow_to": rec.OverflowTo,
    "callback": rec.Callback,
    "voicemail": rec.Voicemail,
    "say": rec.Say,
    "turn_away": rec.TurnAway,
}
"""Every value that is told apart by its kind."""

_NAMES = {kind: name for name, kind in KINDS.items()}
_CRITERIA = frozenset(
    {"anyone", "skill", "language", "site", "named", "member", "all_of", "any_of", "not"}
)
_CONDITIONS = frozenset(
    {"waited", "position_at_most", "position_at_least", "length_at_least", "no_agents",
     "no_members", "tier_in"}
)  # fmt: skip
_ACTIONS = frozenset(KINDS) - _CRITERIA - _CONDITIONS


def write(value: Any) -> Any:
    """Return a value as strings, integers, booleans, None, lists and dicts."""
    if isinstance(value, Enum):
        return value.value
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, tuple):
        return [write(one) for one in value]
    entry = {field.name: write(getattr(value, field.name)) for field in fields(value)}
    name = _NAMES.get(type(value))
    return entry if name is None else {"kind": name, **entry}


# --- reading: raises TypeError, ValueError or KeyError for what `write` did not write ----------


def _rows(value: Any) -> tuple[Any, ...]:
    """Lists within lists, as tuples within tuples."""
    if not isinstance(value, list | tuple):
        raise TypeError(f"a list is needed, not {value!r}")
    return tuple(_rows(one) if isinstance(one, list | tuple) else one for one in value)


def _optional(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value is None else read(value)


def _many(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: tuple(read(one) for one in value)


def _plain(kind: type[Any], entry: Mapping[str, Any]) -> Any:
    readers = _READERS.get(kind, {})
    return kind(**{name: readers.get(name, _same)(value) for name, value in entry.items()})


def _same(value: Any) -> Any:
    return _rows(value) if isinstance(value, list) else value


def _family(names: frozenset[str]) -> Callable[[Any], Any]:
    def read(entry: Any) -> Any:
        rest = dict(entry)
        name = rest.pop("kind")
        if name not in names:
            raise ValueError(f"unknown kind {name!r}")
        return _plain(KINDS[name], rest)

    return read


criteria: Callable[[Any], crit.Criteria] = _family(_CRITERIA)
"""Read criteria."""
_condition = _family(_CONDITIONS)
_action = _family(_ACTIONS)


def recipe(entry: Mapping[str, Any]) -> rec.Recipe:
    """Read a recipe."""
    made: rec.Recipe = _plain(rec.Recipe, entry)
    return made


def step(entry: Mapping[str, Any]) -> conf.Step:
    """Read a routing step."""
    made: conf.Step = _plain(conf.Step, entry)
    return made


def queue(entry: Mapping[str, Any]) -> conf.QueueConfig:
    """Read a queue's policy."""
    made: conf.QueueConfig = _plain(conf.QueueConfig, entry)
    return made


def _agent(entry: Mapping[str, Any]) -> Any:
    return _plain(conf.AgentConfig, {**entry, "queues": entry["queues"]})


def _selection(entry: Mapping[str, Any]) -> Any:
    return _plain(conf.SelectionConfig, entry)


def _capacity(entry: Mapping[str, Any]) -> Any:
    return _plain(conf.Capacity, entry)


def _blocks(value: Any) -> Any:
    return tuple(
        (conf.Channel(channel), tuple(conf.Channel(other) for other in others))
        for channel, others in value
    )


def configuration(entry: Mapping[str, Any]) -> conf.Configuration:
    """Read a configuration."""
    made: conf.Configuration = _plain(conf.Configuration, entry)
    return made


_READERS: Mapping[type[Any], Mapping[str, Callable[[Any], Any]]] = {
    crit.AllOf: {"parts": _many(criteria)},
    crit.AnyOf: {"parts": _many(criteria)},
    crit.Not: {"part": criteria},
    rec.NoAgents: {"staffing": Staffing},
    rec.NoMembers: {"staffing": Staffing},
    rec.Require: {"criteria": criteria},
    rec.Recipe: {"when": _many(_condition), "then": _many(_action)},
    conf.Step: {"criteria": criteria, "skip_without": _optional(Staffing)},
    conf.QueueConfig: {
        "steps": _many(step),
        "recipes": _many(recipe),
        "when_late": _action,
        "when_full": _action,
        "join_needs": _optional(Staffing),
        "stay_needs": _optional(Staffing),
        "when_empty": _action,
        "when_closed": _optional(_action),
    },
    conf.AgentConfig: {"capacity": _optional(_capacity)},
    conf.Configuration: {
        "queues": _many(queue),
        "agents": _many(_agent),
        "selections": _many(_selection),
        "capacity": _capacity,
        "blocks": _blocks,
    },
}
