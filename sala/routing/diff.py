"""What changes between two floors, field by field, in the admin's words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import SequenceMatcher
from typing import Any

from crm.records import Floor
from sala.routing.document import SECTIONS, document, text

_LISTS = ("steps", "recipes")
"""Fields whose entries are shown whole: their order matters."""


def diff(was: Floor, wanted: Floor) -> list[str]:
    """Return lines such as `~ queue support` and `    ring: 20s → 15s`; none if nothing changes.

    `+` is new, `-` goes, `~` changes.
    """
    before, after = document(was, full=True), document(wanted, full=True)
    short = document(wanted)
    lines: list[str] = []
    for section in SECTIONS:
        old, new = before[section], after[section]
        what = section.removesuffix("s")
        for name in (*(n for n in old if n not in new), *new):
            title = f"{what} {name}".strip()
            if name not in new:
                lines.append(f"- {title}")
            elif name not in old:
                lines.append(f"+ {title}")
                lines += [f"    {line}" for line in _fields(short[section][name])]
            elif changed := list(_changed(section, old[name], new[name])):
                lines.append(f"~ {title}")
                lines += [f"    {line}" for line in changed]
    return lines


def _fields(fields: Mapping[str, Any] | None) -> Iterator[str]:
    for key, value in (fields or {}).items():
        if key in _LISTS:
            yield f"{key}:"
            yield from (f"  + {text(one, inline=True)}" for one in value)
        else:
            yield f"{key}: {text(value, inline=True)}"


def _changed(section: str, old: Any, new: Any) -> Iterator[str]:
    if old == new or old is None:
        return
    for key in (*(key for key in old if key not in new), *new):
        was, wanted = old.get(key), new.get(key)
        if was == wanted:
            continue
        if key in _LISTS:
            yield f"{key}:"
            yield from (f"  {line}" for line in _entries(was, wanted))
        elif isinstance(was, Mapping) and isinstance(wanted, Mapping):
            yield f"{key}: {', '.join(_keys(was, wanted))}"
        elif isinstance(was, list) and isinstance(wanted, list):
            yield f"{key}: {', '.join(_members(was, wanted))}"
        else:
            yield f"{key}: {_shown(was)} → {_shown(wanted)}"


def _keys(was: Mapping[str, Any], wanted: Mapping[str, Any]) -> Iterator[str]:
    for key in (*(key for key in was if key not in wanted), *wanted):
        if key not in wanted:
            yield f"- {key}"
        elif key not in was:
            yield f"+ {key} {_shown(wanted[key])}"
        elif was[key] != wanted[key]:
            yield f"{key} {_shown(was[key])} → {_shown(wanted[key])}"
    if list(was) != list(wanted) and dict(was) == dict(wanted):
        yield f"in the order {', '.join(wanted)}"


def _members(was: list[Any], wanted: list[Any]) -> Iterator[str]:
    yield from (f"- {_shown(one)}" for one in was if one not in wanted)
    yield from (f"+ {_shown(one)}" for one in wanted if one not in was)
    if sorted(map(str, was)) == sorted(map(str, wanted)):
        yield f"in the order {', '.join(map(str, wanted))}"


def _entries(was: list[Any], wanted: list[Any]) -> Iterator[str]:
    old, new = ([text(one, inline=True) for one in some] for some in (was, wanted))
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    for tag, first, last, start, end in matcher.get_opcodes():
        if tag == "equal":
            yield from (f"  {line}" for line in old[first:last])
        else:
            yield from (f"- {line}" for line in old[first:last])
            yield from (f"+ {line}" for line in new[start:end])


def _shown(value: Any) -> str:
    return "none" if value is None else text(value, inline=True)
