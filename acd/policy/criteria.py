"""Criteria and routing steps in an admin's words.

- skill billing >= 4                  # criteria alone: for as long as it takes
- criteria: {skill: {billing: 2}, language: th}
  for: 30s
  drop: [vip-desk]
  lower: {billing: 2}
  skip_without: active
  members: false
  replaces: true
"""

from __future__ import annotations

import re
from typing import Any

from acd.router.configuration import Step
from acd.router.criteria import ANYONE, LEVELS, Criteria
from acd.router.criteria_parser import Vocabulary, parse
from acd.router.errors import CriteriaError
from acd.router.recipes import Staffing

from . import values
from .faults import Faults, Path, Wrong, nearest, shown

STEP = ("criteria", "for", "drop", "lower", "skip_without", "members", "replaces")


def criteria(value: Any, known: Vocabulary | None, below: Path = ()) -> Criteria:
    """Read criteria; `known` are the names they may use, None for any. Raises `Wrong`."""
    try:
        return parse(value, known)
    except CriteriaError as error:
        place, inside = _place(error.where)
        message = str(error).removeprefix(f"{error.where}: ")
        raise Wrong(f"{inside}{message}", (*below, *place)) from None
    except RecursionError:
        raise Wrong("criteria are nested too deep") from None


def _place(where: str) -> tuple[Path, str]:
    """Turn the parser's `all[0].skill, column 7` into keys, and what leads the message."""
    keys, _, column = where.rpartition("column ")
    path: list[str | int] = []
    for part in (keys.rstrip(", ") if column.isdigit() else where).split("."):
        name, *indexes = re.split(r"\[(\d+)\]", part)
        path += [one for one in (name, *(int(i) for i in indexes if i)) if one != ""]
    return tuple(path), f"column {column}: " if column.isdigit() else ""


def step(value: Any, names: Vocabulary, known: bool, faults: Faults) -> Step | None:
    """Read a step; `known` says whether it may use the names of `names` alone."""
    before = len(faults.found)
    if isinstance(value, str):
        value = {"criteria": value}
    try:
        given = values.mapping(value, STEP, "a step")
    except Wrong as wrong:
        faults.note(str(wrong), wrong.below)
        return None
    asked: dict[str, Any] = {"criteria": ANYONE, "lower": ()}
    for key, one in given.items():
        if one is None:
            continue
        try:
            asked[key] = _field(key, one, names if known else None)
        except Wrong as wrong:
            faults.at(key).note(str(wrong), wrong.below)
    if len(faults.found) > before:
        return None
    return Step(
        asked["criteria"],
        asked.get("for"),
        asked.get("drop", ()),
        asked["lower"],
        asked.get("skip_without"),
        asked.get("members", True),
        asked.get("replaces", False),
    )


def _field(key: str, value: Any, known: Vocabulary | None) -> Any:
    match key:
        case "criteria":
            return criteria(value, known)
        case "for":
            lasts = values.duration(value)
            if lasts < 1:
                raise Wrong(f"a time above 0 is needed, not {shown(value)}")
            return lasts
        case "drop":
            return tuple(_skill(name, known) for name in values.words(value, "a skill"))
        case "lower":
            if not isinstance(value, dict):
                raise Wrong(f"`lower` maps skills to levels, not {shown(value)}")
            return tuple(
                (_skill(name, known), values.number(level, LEVELS[0], LEVELS[-1], "a level"))
                for name, level in value.items()
            )
        case "skip_without":
            return Staffing(values.choice(value, tuple(Staffing), "way of being there,"))
        case _:
            return values.boolean(value)


def _skill(name: str, known: Vocabulary | None) -> str:
    if known is not None and name not in known.skills:
        raise Wrong(f"unknown skill {shown(name)}{nearest(name, known.skills)}")
    return name
