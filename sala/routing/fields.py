"""Fields of queues, agents, selections and the floor: their words in files, and in the tables.

Each reader takes what YAML or an option gives and returns a record's value, or raises
`acd.policy.faults.Wrong`; each writer gives it back in the same words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from acd.policy import values
from acd.policy.faults import Wrong, shown
from acd.policy.recipes import staff
from acd.router.selection import POLICIES
from acd.router.strategies import STRATEGIES
from crm.records import Agent, FloorPolicy, Queue, Selection

CHANNELS = ("voice", "chat", "email")
_TIER = re.compile(r"[a-z][a-z0-9_-]{0,31}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Field:
    """One field: its name in files, the record's attributes it stands for, and how it is told."""

    name: str
    attribute: str
    read: Callable[[Any], Any]
    """From the admin's value to the attribute's; of several attributes, to a mapping of them."""
    write: Callable[[Any], Any]
    """From the attribute (of several: the record) to the admin's value; None to leave it out."""
    whole: bool = False
    """Whether it stands for several attributes."""


def _same(value: Any) -> Any:
    return value


def _text(value: Any) -> str:
    return values.word(value, "a word")


def _optional_text(value: Any) -> str | None:
    return None if value in (None, "none") else values.word(value)


def _way(value: Any) -> str:
    """Take `overflow sales` and `{overflow: sales}`."""
    if isinstance(value, dict):
        if len(value) != 1:
            raise Wrong(f"one way out is needed here, not {len(value)} keys")
        first, rest = next(iter(value.items()))
        return f"{first} {'' if rest is None else rest}".strip()
    return " ".join(values.word(value, "a way out").split())


def _duration(least: int, most: int) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        ms = values.duration(value)
        if not least <= ms <= most:
            low, high = values.written(least), values.written(most)
            raise Wrong(f"a time from {low} to {high} is needed, not {shown(value)}")
        return ms

    return read


def _optional(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value in (None, "none") else read(value)


def _written(ms: int | None) -> str | None:
    return None if ms is None else values.written(ms)


def _number(least: int, most: int) -> Callable[[Any], int]:
    return lambda value: values.number(value, least, most)


def _staff(value: Any) -> str | None:
    return None if value in (None, "none") else str(staff(value))


def _stay(value: Any) -> str | None:
    found = _staff(value)
    if found == "available":
        raise Wrong("logged_in or active is needed: who waits has nobody available")
    return found


def _one_of(known: Mapping[str, Any], what: str) -> Callable[[Any], str]:
    return lambda value: values.choice(value, tuple(known), what)


def _list(value: Any) -> tuple[Any, ...]:
    if value is None:
        return ()
    if not isinstance(value, list):
        raise Wrong(f"a list is needed, not {shown(value)}")
    return tuple(value)


def _tiers(value: Any) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Wrong(f"a mapping of tiers to times is needed, not {shown(value)}")
    found: dict[str, str] = {}
    for tier, head_start in value.items():
        if not _TIER.fullmatch(str(tier)):
            raise Wrong(f"{shown(tier)} is no tier: use a-z, 0-9, _ and -", (str(tier),))
        try:
            values.duration(head_start)
        except Wrong as wrong:
            raise Wrong(str(wrong), (str(tier),)) from None
        found[str(tier)] = str(head_start)
    return found


def _named_numbers(
    value: Any, least: int, most: int, what: str, plain: int | None
) -> list[tuple[str, int]]:
    """Read `{name: number}`; a list of names too, where `plain` is what each of them gets."""
    if value is None:
        return []
    if isinstance(value, dict):
        found = []
        for name, given in value.items():
            try:
                found.append((str(name), values.number(given, least, most, what)))
            except Wrong as wrong:
                raise Wrong(str(wrong), (str(name),)) from None
        return found
    if plain is None:
        raise Wrong(f"a mapping of names to {what} is needed, not {shown(value)}")
    return [(name, plain) for name in dict.fromkeys(values.words(value))]


def _queues(value: Any) -> dict[str, Any]:
    found = _named_numbers(value, 1, 100, "a rank", 1)
    ranks = tuple(rank for _, rank in found)
    return {
        "queues": tuple(queue for queue, _ in found),
        "ranks": ranks if any(rank != 1 for rank in ranks) else (),
    }


def _write_queues(agent: Agent) -> dict[str, int]:
    return dict(zip(agent.queues, agent.ranks or (1,) * len(agent.queues), strict=True))


def _skills(value: Any) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(_named_numbers(value, 1, 5, "a level", None)))


def _words(value: Any) -> tuple[str, ...]:
    return tuple(sorted(set(values.words(value))))


def _capacity(value: Any) -> dict[str, int | None]:
    given = {} if value is None else values.mapping(value, CHANNELS, "a capacity")
    found: dict[str, int | None] = dict.fromkeys(CHANNELS)
    for channel, count in given.items():
        try:
            found[channel] = values.number(count, 0, 100)
        except Wrong as wrong:
            raise Wrong(str(wrong), (channel,)) from None
    return found


def _floor_capacity(value: Any) -> dict[str, int]:
    plain = FloorPolicy()
    read = _capacity(value)
    return {
        channel: getattr(plain, channel) if count is None else count
        for channel, count in read.items()
    }


def _write_capacity(one: Agent | FloorPolicy) -> dict[str, int]:
    found = {channel: getattr(one, channel) for channel in CHANNELS}
    return {channel: count for channel, count in found.items() if count is not None}


def _blocks(value: Any) -> dict[str, list[str]]:
    given = {} if value is None else values.mapping(value, CHANNELS, "what blocks")
    found = {}
    for channel, others in given.items():
        try:
            found[channel] = [
                values.choice(one, CHANNELS, "channel") for one in values.words(others)
            ]
        except Wrong as wrong:
            raise Wrong(str(wrong), (channel,)) from None
    return found


def as_read(value: Any) -> Any:
    """Return plain values as a file's reader gives them: all scalars but None as text."""
    if isinstance(value, Mapping):
        return {str(key): as_read(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [as_read(one) for one in value]
    if isinstance(value, bool):
        return str(value).lower()
    return value if value is None else str(value)


_HOUR, _DAY = 3_600_000, 86_400_000

QUEUE = (
    Field("strategy", "strategy", _one_of(STRATEGIES, "strategy"), _same),
    Field("ring", "ring_ms", _duration(1_000, 300_000), _written),
    Field("ring_at_once", "ring_at_once", _number(1, 50), _same),
    Field("wrap_up", "wrap_up_ms", _duration(0, _HOUR), _written),
    Field("target", "target_ms", _duration(1, _DAY), _written),
    Field("short_abandon", "short_abandon_ms", _duration(0, _DAY), _written),
    Field("max_wait", "max_wait_ms", _optional(_duration(1, _DAY)), _written),
    Field("when_late", "when_late", _way, _same),
    Field("max_length", "max_length", _optional(_number(0, 1_000_000)), _same),
    Field("when_full", "when_full", _way, _same),
    Field("join_needs", "join_needs", _staff, _same),
    Field("stay_needs", "stay_needs", _stay, _same),
    Field("when_empty", "when_empty", _way, _same),
    Field("calendar", "calendar", _optional_text, _same),
    Field("when_closed", "when_closed", _way, _same),
    Field("closing_clears", "closing_clears", values.boolean, _same),
    Field("tiers", "tiers", _tiers, as_read),
    Field("steps", "steps", _list, as_read),
    Field("recipes", "recipes", _list, as_read),
)
AGENT = (
    Field("name", "name", _text, _same),
    Field("account", "address", _text, _same),
    Field("queues", "queues", _queues, _write_queues, whole=True),
    Field("skills", "skills", _skills, dict),
    Field("languages", "languages", _words, list),
    Field("site", "site", lambda value: _optional_text(value) or "", lambda site: site or None),
    Field("capacity", "voice", _capacity, _write_capacity, whole=True),
    Field("weight", "weight", _number(1, 1_000), _same),
)
SELECTION = (
    Field("policy", "policy", _one_of(POLICIES, "policy"), _same),
    Field(
        "queues", "queues",
        lambda value: tuple(sorted(_named_numbers(value, 1, 1_000, "a weight", 1))), dict,
    ),
)  # fmt: skip
FLOOR = (
    Field("busy_backoff", "busy_backoff_ms", _duration(1, _HOUR), _written),
    Field("capacity", "voice", _floor_capacity, _write_capacity, whole=True),
    Field("blocks", "blocks", _blocks, as_read),
)
_PLAIN: dict[type, Any] = {
    Queue: lambda one: Queue(one.name),
    Agent: lambda one: Agent(one.id, one.id, one.id),
    Selection: lambda one: Selection(one.name),
    FloorPolicy: lambda one: FloorPolicy(),
}
_FIELDS: dict[type, tuple[Field, ...]] = {
    Queue: QUEUE,
    Agent: AGENT,
    Selection: SELECTION,
    FloorPolicy: FLOOR,
}


def of(record: Any) -> tuple[Field, ...]:
    """Return the fields of a record."""
    return _FIELDS[type(record)]


def plain(record: Any) -> Any:
    """Return the record of the same name with every field at its default."""
    return _PLAIN[type(record)](record)


def told(field: Field, record: Any) -> Any:
    """Return a record's field in the admin's words; None if it is not set."""
    return field.write(record if field.whole else getattr(record, field.attribute))


def changes(field: Field, value: Any) -> dict[str, Any]:
    """Read a value; return the record's attributes that it gives. Raises `Wrong`."""
    found = field.read(value)
    return dict(found) if field.whole else {field.attribute: found}
