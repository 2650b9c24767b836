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
from sala.routing import fields

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
        "calendars": {one.name: fields.as_read(one.source) for one in floor.calendars},
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
    """Return a floor as a file."""
    sections = document(floor)
    written: dict[str, Any] = {"version": VERSION}
    for section in NAMES:
        if sections[section]:
            written[section] = list(sections[section])
    if sections["floor"][""]:
        written["floor"] = sections["floor"][""]
    for section in ("calendars", "queues", "agents", "selections"):
        if sections[section]:
            written[section] = sections[section]
    for agent in written.get("agents", {}).values():
        if set(agent.get("queues", {}).values()) == {1}:
            agent["queues"] = list(agent["queues"])
    for selection in written.get("selections", {}).values():
        if set(selection.get("queues", {}).values()) == {1}:
            selection["queues"] = list(selection["queues"])
    if sections["numbers"]:
        written["numbers"] = {number: one["flow"] for number, one in sections["numbers"].items()}
    return text(written)


def text(value: Any, *, inline: bool = False) -> str:
    """Write plain values as YAML, in which no scalar is quoted but where it must be."""
    written: str = yaml.dump(
        fields.as_read(value),
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        default_flow_style=True if inline else None,
        width=10_000 if inline else 100,
    )
    return written.removesuffix("\n").removesuffix("\n...") if inline else written


class _Dumper(yaml.SafeDumper):
    """Takes all scalars but nulls for text, as our reader does."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - the base class has it so
        first: [(tag, pattern) for tag, pattern in found if tag.endswith(":null")]
        for first, found in yaml.SafeDumper.yaml_implicit_resolvers.items()
    }

    def ignore_aliases(self, data: Any) -> bool:
        return True
