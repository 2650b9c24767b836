"""An agent's fields as options give them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from acd.policy.faults import Wrong
from crm.records import Agent, Floor
from sala.errors import UserError
from sala.routing import fields, readers


@dataclass(frozen=True, slots=True)
class Wishes:
    """What an admin asks an agent to be; None and empty: as they are."""

    name: str | None = None
    queues: Sequence[str] | None = None
    """Each `QUEUE` or `QUEUE=RANK`; replaces those there are."""
    skills: Sequence[str] = ()
    """Each `SKILL=LEVEL`, or `SKILL=` to take it away."""
    languages: Sequence[str] | None = None
    """Replaces those there are."""
    site: str | None = None
    """Empty: none."""
    capacity: Sequence[str] = ()
    """Each `CHANNEL=NUMBER`, or `CHANNEL=` for the floor's."""
    weight: int | None = None


def edited(agent: Agent, wishes: Wishes) -> Agent:
    """Return an agent as wished. Raises UserError for a wish that cannot be read."""
    given: dict[str, object] = {}
    if wishes.name is not None:
        given["name"] = wishes.name or agent.id
    if wishes.queues is not None:
        given["queues"] = {
            name: rank or 1 for name, rank in (_pair(one, None) for one in wishes.queues) if name
        }
    if wishes.skills:
        given["skills"] = _changed(dict(agent.skills), wishes.skills, "SKILL=LEVEL")
    if wishes.languages is not None:
        given["languages"] = [one for one in wishes.languages if one]
    if wishes.site is not None:
        given["site"] = wishes.site or "none"
    if wishes.capacity:
        own = {name: getattr(agent, name) for name in readers.CHANNELS}
        there = {name: count for name, count in own.items() if count is not None}
        given["capacity"] = _changed(there, wishes.capacity, "CHANNEL=NUMBER")
    if wishes.weight is not None:
        given["weight"] = wishes.weight
    known = {field.name: field for field in fields.AGENT}
    for key, value in given.items():
        try:
            agent = replace(agent, **fields.changes(known[key], value))
        except Wrong as wrong:
            raise UserError(f"agent {agent.id}: {key}: {wrong}; nothing was changed") from None
    return agent


def declared(floor: Floor, agent: Agent) -> Floor:
    """Return a floor that knows the agent's languages and site; skills are added by themselves."""
    return replace(
        floor,
        languages=tuple(sorted({*floor.languages, *agent.languages})),
        sites=tuple(sorted({*floor.sites, *([agent.site] if agent.site else [])})),
    )


def _pair(given: str, form: str | None) -> tuple[str, str]:
    name, equals, value = given.partition("=")
    if form is not None and not equals:
        raise UserError(f"write {form}, not {given!r}; nothing was changed")
    return name.strip(), value.strip()


def _changed(there: dict[str, int], wishes: Sequence[str], form: str) -> dict[str, object]:
    found: dict[str, object] = dict(there)
    for name, value in (_pair(one, form) for one in wishes):
        found.pop(name, None)
        if value:
            found[name] = value
    return found
