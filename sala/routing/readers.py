"""Values of a routing file's fields: from the admin's words to a record's, and back.

A reader raises `acd.policy.faults.Wrong`; a writer gives back what its reader takes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from acd.policy import values
from acd.policy.faults import Wrong, shown
from acd.policy.recipes import staff, tier_name
from crm.records import Agent, FloorPolicy

CHANNELS = ("voice", "chat", "email")


def as_it_is(value: Any) -> Any:
    """Take a value as it is."""
    return value


def one_word(value: Any) -> str:
    """Read a name or other text."""
    return values.word(value, "a word")


def name_or_none(value: Any) -> str | None:
    """Read a name; `none` for None."""
    return None if value in (None, "none") else values.word(value)


def way(value: Any) -> str:
    """Take `overflow sales` and `{overflow: sales}`."""
    if isinstance(value, dict):
        if len(value) != 1:
            raise Wrong(f"one way out is needed here, not {len(value)} keys")
        first, rest = next(iter(value.items()))
        return f"{first} {'' if rest is None else rest}".strip()
    return " ".join(values.word(value, "a way out").split())


def lasting(least: int, most: int) -> Callable[[Any], int]:
    """Return a reader of times within bounds, in ms."""

    def read(value: Any) -> int:
        ms = values.duration(value)
        if not least <= ms <= most:
            low, high = values.written(least), values.written(most)
            raise Wrong(f"a time from {low} to {high} is needed, not {shown(value)}")
        return ms

    return read


def or_none(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return a reader that takes `none` for None, too."""
    return lambda value: None if value in (None, "none") else read(value)


def written_or_none(ms: int | None) -> str | None:
    """Write a time, if there is one."""
    return None if ms is None else values.written(ms)


def whole_number(least: int, most: int) -> Callable[[Any], int]:
    """Return a reader of whole numbers within bounds."""
    return lambda value: values.number(value, least, most)


def staffing(value: Any) -> str | None:
    """Read how much an agent must be there; `none` for None."""
    return None if value in (None, "none") else str(staff(value))


def staying(value: Any) -> str | None:
    """Read what staying in a queue needs; `none` for None."""
    found = staffing(value)
    if found == "available":
        raise Wrong("logged_in or active is needed: who waits has nobody available")
    return found


def one_of(known: Mapping[str, Any], what: str) -> Callable[[Any], str]:
    """Return a reader of some words."""
    return lambda value: values.choice(value, tuple(known), what)


def entries(value: Any) -> tuple[Any, ...]:
    """Read a list of steps or recipes; `acd.policy` reads the entries."""
    if value is None:
        return ()
    if not isinstance(value, list):
        raise Wrong(f"a list is needed, not {shown(value)}")
    return tuple(value)


def fields(value: Any) -> dict[str, Any]:
    """Read a mapping of fields, kept in the admin's words; who knows them checks them."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Wrong(f"a mapping of fields is needed, not {shown(value)}")
    return {str(key): one for key, one in value.items() if one is not None}


def tiers(value: Any) -> dict[str, str]:
    """Read tiers with their head starts, kept in the admin's words."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Wrong(f"a mapping of tiers to times is needed, not {shown(value)}")
    found: dict[str, str] = {}
    for tier, head_start in value.items():
        try:
            tier_name(tier)
            values.duration(head_start)
        except Wrong as wrong:
            raise Wrong(str(wrong), (str(tier),)) from None
        found[str(tier)] = str(head_start)
    return found


def named_numbers(
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


def queues(value: Any) -> dict[str, Any]:
    """Read the queues an agent serves, with ranks."""
    found = named_numbers(value, 1, 100, "a rank", 1)
    ranks = tuple(rank for _, rank in found)
    return {
        "queues": tuple(queue for queue, _ in found),
        "ranks": ranks if any(rank != 1 for rank in ranks) else (),
    }


def write_queues(agent: Agent) -> dict[str, int]:
    """Write the queues an agent serves, with ranks."""
    return dict(zip(agent.queues, agent.ranks or (1,) * len(agent.queues), strict=True))


def skills(value: Any) -> tuple[tuple[str, int], ...]:
    """Read skills with levels."""
    return tuple(sorted(named_numbers(value, 1, 5, "a level", None)))


def names(value: Any) -> tuple[str, ...]:
    """Read names, sorted."""
    return tuple(sorted(set(values.words(value))))


def capacity(value: Any) -> dict[str, int | None]:
    """Read capacities by channel; None where the floor's holds."""
    given = {} if value is None else values.mapping(value, CHANNELS, "a capacity")
    found: dict[str, int | None] = dict.fromkeys(CHANNELS)
    for channel, count in given.items():
        try:
            found[channel] = values.number(count, 0, 100)
        except Wrong as wrong:
            raise Wrong(str(wrong), (channel,)) from None
    return found


def floor_capacity(value: Any) -> dict[str, int]:
    """Read the floor's capacities, the defaults where none is told."""
    plain = FloorPolicy()
    read = capacity(value)
    return {
        channel: getattr(plain, channel) if count is None else count
        for channel, count in read.items()
    }


def write_capacity(one: Agent | FloorPolicy) -> dict[str, int]:
    """Write the capacities that are set."""
    found = {channel: getattr(one, channel) for channel in CHANNELS}
    return {channel: count for channel, count in found.items() if count is not None}


def blocks(value: Any) -> dict[str, list[str]]:
    """Read which channels block which others."""
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
    """Return plain values as a file's reader gives them: all scalars but None as text.

    Halves of characters, which a file cannot hold, become question marks.
    """
    if isinstance(value, Mapping):
        return {as_read(str(key)): as_read(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [as_read(one) for one in value]
    if isinstance(value, bool):
        return str(value).lower()
    return None if value is None else str(value).encode("utf-8", "replace").decode()
