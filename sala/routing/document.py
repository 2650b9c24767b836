"""A floor as a document: what `sala export` prints and `sala apply` reads.

version: 1
skills: [billing]
queues:
  support:
    ring: 15s
    steps: [skill billing >= 3]
agents:
  1001: {queues: [support], skills: {billing: 4}}
"""

from __future__ import annotations

from typing import Any

import yaml

from crm.records import Floor
from sala.routing import fields, readers

VERSION = "1"
"""Of the schema; a file names it so that a later one can still be read."""

NAMES = ("skills", "languages", "sites")
SECTIONS = (*NAMES, "floor", "calendars", "queues", "agents", "selections", "numbers")

Section = dict[str, Any]


def document(floor: Floor, *, full: bool = False) -> dict[str, Section]:
    """Return sections of names, each with its fields in the admin's words.

    What is at its default is left out, unless `full`.
    """
    return {
        **{section: dict.fromkeys(getattr(floor, section)) for section in NAMES},
        "floor": {"": entity(floor.policy, full=full)},
        "calendars": {one.name: readers.as_read(one.source) for one in floor.calendars},
        "queues": {one.name: entity(one, full=full) for one in floor.queues},
        "agents": {one.id: entity(one, full=full) for one in floor.agents},
        "selections": {one.name: entity(one, full=full) for one in floor.selections},
        "numbers": {one.number: {"flow": one.flow} for one in floor.entry_points},
    }


def entity(record: Any, *, full: bool = False) -> Section:
    """Return a record's fields in the admin's words."""
    plain = fields.plain(record)
    found = {field.name: fields.told(field, record) for field in fields.of(record)}
    return {
        field.name: found[field.name]
        for field in fields.of(record)
        if full
        or (found[field.name] is not None and found[field.name] != fields.told(field, plain))
    }


def dump(floor: Floor) -> str:
    """Return a floor as a file. It has all sections, so that it manages all there is."""
    found = document(floor)
    named = {section: list(found[section]) for section in NAMES}
    agents, selections = (
        {name: _listed(one) for name, one in found[section].items()}
        for section in ("agents", "selections")
    )
    return text(
        {
            "version": VERSION,
            **named,
            "floor": found["floor"][""],
            "calendars": found["calendars"],
            "queues": found["queues"],
            "agents": agents,
            "selections": selections,
            "numbers": {number: one["flow"] for number, one in found["numbers"].items()},
        }
    )


def _listed(one: Section) -> Section:
    """Write queues of which all count the same as a list."""
    counts = one.get("queues", {})
    return {**one, "queues": list(counts)} if set(counts.values()) == {1} else one


def text(value: Any, *, inline: bool = False) -> str:
    """Write plain values as YAML, in which no scalar is quoted but where it must be."""
    written: str = yaml.dump(
        readers.as_read(value),
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        default_flow_style=True if inline else None,
        width=10_000 if inline else 100,
    )
    return written.removesuffix("\n").removesuffix("\n...") if inline else written


_Base: type = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


class _Dumper(_Base):  # type: ignore[misc]
    """Takes all scalars but nulls for text, as our reader does."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - the base class has it so
        first: [(tag, pattern) for tag, pattern in found if tag.endswith(":null")]
        for first, found in yaml.SafeDumper.yaml_implicit_resolvers.items()
    }

    def ignore_aliases(self, data: Any) -> bool:
        return True
