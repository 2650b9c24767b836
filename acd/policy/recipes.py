"""Recipes in an admin's words: what becomes of who waits, and when.

    - when: [waited 60s, length >= 5]
      then: [prioritise 30s, say still-busy]
      repeat: 1m
    - when: no agents active
      then: overflow sales

Conditions: `waited TIME`, `position <= N`, `position >= N`, `length >= N`, `no agents [HOW]`,
`no members [HOW]`, `tier NAME` or `tier in [NAME, …]`; HOW is logged_in (when none is told), active
or available. Actions: `require CRITERIA`, `relax [SKILL …]`, `prioritise TIME`, `overflow QUEUE`,
`callback`, `voicemail`, `say PROMPT`, `turn_away [REASON]`. An action may be a mapping of its first
word to the rest: `{overflow: sales}`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, get_args

from acd.router.criteria_parser import Vocabulary
from acd.router.recipes import (
    Action,
    Callback,
    Condition,
    Exit,
    LengthAtLeast,
    NoAgents,
    NoMembers,
    OverflowTo,
    PositionAtLeast,
    PositionAtMost,
    Prioritise,
    Recipe,
    Relax,
    Require,
    Say,
    Staffing,
    TierIn,
    TurnAway,
    Voicemail,
    Waited,
)

from . import values
from .criteria import criteria
from .faults import Faults, Wrong, nearest, shown

CONDITIONS = ("waited", "position", "length", "no", "tier")
ACTIONS = (
    "require", "relax", "prioritise", "overflow", "callback", "voicemail", "say", "turn_away",
)  # fmt: skip
EXITS = ("overflow", "voicemail", "turn_away")
WAIT = "wait"
"""Of a closed queue: who arrives waits for it to open."""
MANY = 1_000_000
_WORD = re.compile(r"[a-z][a-z0-9_-]{0,31}", re.ASCII)
_PROMPT = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}", re.ASCII)


def recipe(value: Any, names: Vocabulary, known: bool, faults: Faults) -> Recipe | None:
    """Read a recipe; `known` says whether criteria may use the names of `names` alone."""
    before = len(faults.found)
    try:
        given = values.mapping(value, ("when", "then", "repeat"), "a recipe")
    except Wrong as wrong:
        faults.note(str(wrong), wrong.below)
        return None
    when = _each(given, "when", faults, condition)
    then = _each(given, "then", faults, lambda one: action(one, names, known=known))
    repeat = None
    if given.get("repeat") is not None:
        try:
            repeat = _time(given["repeat"], 1)
        except Wrong as wrong:
            faults.at("repeat").note(str(wrong))
    return None if len(faults.found) > before else Recipe(tuple(when), tuple(then), repeat)


def _each(given: dict[str, Any], key: str, faults: Faults, read: Callable[[Any], Any]) -> list[Any]:
    value = given.get(key)
    if value is None or value == []:
        what = "a condition" if key == "when" else "an action"
        faults.note(f"a recipe needs {what} in `{key}`")
        return []
    found = []
    for index, one in enumerate(value if isinstance(value, list) else [value]):
        place = faults.at(key, index) if isinstance(value, list) else faults.at(key)
        try:
            found.append(read(one))
        except Wrong as wrong:
            place.note(str(wrong), wrong.below)
    return found


def condition(value: Any) -> Condition:
    """Read one condition. Raises `Wrong`."""
    first, rest = _split(value, CONDITIONS, "condition")
    match first:
        case "waited":
            return Waited(_time(rest, 0))
        case "position":
            sign, count = _compared(rest, "position", ("<=", ">="))
            return PositionAtMost(count) if sign == "<=" else PositionAtLeast(count)
        case "length":
            return LengthAtLeast(_compared(rest, "length", (">=",))[1])
        case "tier":
            listed = re.fullmatch(r"in\s*\[(.*)\]", rest)
            names = listed[1].split(",") if listed else [rest]
            return TierIn(tuple(tier_name(name.strip()) for name in names))
        case _:
            whose, _, how = rest.partition(" ")
            values.choice(whose, ("agents", "members"), "word after `no`,")
            staffing = Staffing(staff(how.strip() or Staffing.LOGGED_IN))
            if whose == "agents":
                return NoAgents(staffing)
            if staffing is Staffing.AVAILABLE:
                raise Wrong("members are asked for as logged_in or active")
            return NoMembers(staffing)


def action(value: Any, names: Vocabulary, *, known: bool) -> Action:
    """Read one action. Raises `Wrong`."""
    first, rest = _split(value, ACTIONS, "action")
    match first:
        case "require":
            given = value[first] if isinstance(value, dict) else rest
            below = (first,) if isinstance(value, dict) else ()
            return Require(criteria(given, names if known else None, below))
        case "relax":
            skills = tuple(rest.replace(",", " ").split())
            for skill in skills if known else ():
                if skill not in names.skills:
                    raise Wrong(f"unknown skill {shown(skill)}{nearest(skill, names.skills)}")
            return Relax(skills)
        case "prioritise":
            return Prioritise(_time(rest, None))
        case "say":
            if not _PROMPT.fullmatch(rest):
                raise Wrong(f"`say` needs the name of a prompt, not {shown(rest)}")
            return Say(rest)
        case "callback":
            _nothing(rest, first)
            return Callback()
        case _:
            return _way(first, rest, names.queues, "rejected")


def exit_(value: Any, queues: frozenset[str], reason: str) -> Exit:
    """Read how an interaction leaves a queue; `reason` is that of a plain `turn_away`."""
    first, rest = _split(value, EXITS, "way out of the queue,")
    return _way(first, rest, queues, reason)


def _way(first: str, rest: str, queues: frozenset[str], reason: str) -> Exit:
    if first == "overflow":
        if not rest:
            raise Wrong("`overflow` needs a queue")
        if rest not in queues:
            raise Wrong(f"there is no queue {shown(rest)}{nearest(rest, queues)}")
        return OverflowTo(rest)
    if first == "voicemail":
        _nothing(rest, first)
        return Voicemail()
    if rest and not _WORD.fullmatch(rest):
        raise Wrong(f"a reason is one word in lower case, not {shown(rest)}")
    return TurnAway(rest or reason)


assert set(get_args(Exit)) == {OverflowTo, Voicemail, TurnAway}


def tier_name(value: Any) -> str:
    """Read a tier, as `customers` may have it. Raises `Wrong`."""
    if not _WORD.fullmatch(str(value)):
        raise Wrong(f"{shown(value)} is no tier: use a-z, 0-9, _ and -, a letter first")
    return str(value)


def staff(value: Any) -> str:
    """Read how much an agent must be there. Raises `Wrong`."""
    return values.choice(value, tuple(Staffing), "way of being there,")


def _split(value: Any, known: tuple[str, ...], what: str) -> tuple[str, str]:
    if isinstance(value, dict):
        if len(value) != 1:
            raise Wrong(f"one {what.rstrip(',')} is needed here, not {len(value)} keys")
        first, rest = next(iter(value.items()))
        rest = " ".join(map(str, rest)) if isinstance(rest, list) else rest
        text = "" if rest is None or isinstance(rest, dict) else str(rest).strip()
    elif isinstance(value, str):
        first, _, text = value.strip().partition(" ")
    else:
        article = "an" if what[0] in "aeiou" else "a"
        raise Wrong(f"{article} {what.rstrip(',')} is needed, not {shown(value)}")
    return values.choice(first, known, what), text.strip()


def _time(value: Any, least: int | None) -> int:
    ms = values.duration(value)
    if least is not None and ms < least:
        raise Wrong(f"a time {'above 0' if least else 'not below 0'} is needed, not {shown(value)}")
    return ms


def _compared(rest: str, what: str, signs: tuple[str, ...]) -> tuple[str, int]:
    found = re.fullmatch(r"(<=|>=)\s*(\S+)", rest)
    if found is None or found[1] not in signs:
        forms = " or ".join(f"`{what} {sign} N`" for sign in signs)
        raise Wrong(f"write {forms}, not {shown(f'{what} {rest}')}")
    return found[1], values.number(found[2], 1, MANY)


def _nothing(rest: str, first: str) -> None:
    if rest:
        raise Wrong(f"`{first}` takes nothing more, not {shown(rest)}")
