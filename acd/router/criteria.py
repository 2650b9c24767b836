"""Criteria: which agents may take an interaction, as a value that can be compared and shown.

A small closed language, never code: skill at a level, language, site, named agents, members of a
queue, anyone; nested by all, any and not. `canonical` brings equal criteria to one form, so that
interactions that ask for the same share a line.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

LEVELS = range(1, 6)
"""Skill levels: 1 has a notion of it, 5 teaches it."""


@dataclass(frozen=True, slots=True)
class Anyone:
    """No requirement."""


@dataclass(frozen=True, slots=True)
class Skill:
    """A skill at a level (1–5) or above."""

    skill: str
    level: int = 1


@dataclass(frozen=True, slots=True)
class Language:
    """Speaks a language."""

    language: str


@dataclass(frozen=True, slots=True)
class Site:
    """Works at a site."""

    site: str


@dataclass(frozen=True, slots=True)
class Named:
    """One of these agents."""

    agents: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Member:
    """Serves a queue."""

    queue: str


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every part holds."""

    parts: tuple[Criteria, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """One part holds at least."""

    parts: tuple[Criteria, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold."""

    part: Criteria


Criteria = Anyone | Skill | Language | Site | Named | Member | AllOf | AnyOf | Not

ANYONE = Anyone()
NOBODY = Not(ANYONE)


def canonical(criteria: Criteria) -> Criteria:
    """Return the one form that these criteria share with those that are equal but for order.

    Flattens and sorts nested parts, joins levels of one skill and lists of agents, and drops what
    says nothing. Two criteria that mean the same for deeper reasons may keep different forms.
    """
    match criteria:
        case AllOf(parts):
            return _joined(AllOf, parts)
        case AnyOf(parts):
            return _joined(AnyOf, parts)
        case Not(part):
            inner = canonical(part)
            return inner.part if isinstance(inner, Not) else Not(inner)
        case Named(agents):
            return Named(tuple(sorted(set(agents)))) if agents else NOBODY
        case _:
            return criteria


def _joined(kind: type[AllOf | AnyOf], parts: tuple[Criteria, ...]) -> Criteria:
    every = kind is AllOf
    idle, decisive = (ANYONE, NOBODY) if every else (NOBODY, ANYONE)
    found: dict[Criteria, None] = {}
    levels: dict[str, int] = {}
    named: set[str] | None = None
    for part in _flat(kind, parts):
        if part == decisive:
            return decisive
        if part == idle:
            continue
        if isinstance(part, Skill):
            known = levels.get(part.skill, part.level)
            levels[part.skill] = max(known, part.level) if every else min(known, part.level)
        elif isinstance(part, Named):
            agents = set(part.agents)
            known_as = agents if named is None else named
            named = known_as & agents if every else known_as | agents
        else:
            found[part] = None
    if named is not None:
        if not named:
            return NOBODY
        found[Named(tuple(sorted(named)))] = None
    found.update((Skill(skill, level), None) for skill, level in levels.items())
    kept = [one for one in found if not _implied(one, found, every=every)]
    if not kept:
        return idle
    return kept[0] if len(kept) == 1 else kind(tuple(sorted(kept, key=text)))


def _flat(kind: type[AllOf | AnyOf], parts: tuple[Criteria, ...]) -> Iterator[Criteria]:
    for part in parts:
        one = canonical(part)
        if isinstance(one, AllOf | AnyOf) and type(one) is kind:
            yield from one.parts
        else:
            yield one


def _implied(one: Criteria, among: dict[Criteria, None], *, every: bool) -> bool:
    """Whether another part makes this one superfluous: `a or (a and b)` is `a`."""
    inner = AnyOf if every else AllOf
    if not isinstance(one, inner):
        return False
    mine = set(one.parts)
    for other in among:
        if other is not one:
            theirs = set(other.parts) if isinstance(other, inner) else {other}
            if theirs <= mine:
                return True
    return False


def relaxed(
    criteria: Criteria, drop: tuple[str, ...], lower: tuple[tuple[str, int], ...]
) -> Criteria:
    """Return the criteria without some skills, and with others asked for at most at a level.

    What stands below a `Not` stays: relaxing it would shut agents out.
    """
    match criteria:
        case Skill(skill, level):
            if skill in drop:
                return ANYONE
            for name, most in lower:
                if name == skill and most < level:
                    return Skill(skill, most) if most >= 1 else ANYONE
            return criteria
        case AllOf(parts):
            return AllOf(tuple(relaxed(part, drop, lower) for part in parts))
        case AnyOf(parts):
            return AnyOf(tuple(relaxed(part, drop, lower) for part in parts))
        case _:
            return criteria


def atoms(criteria: Criteria) -> Iterator[Criteria]:
    """Yield every part that has no parts."""
    match criteria:
        case AllOf(parts) | AnyOf(parts):
            for part in parts:
                yield from atoms(part)
        case Not(part):
            yield from atoms(part)
        case _:
            yield criteria


def asked_skills(criteria: Criteria) -> tuple[str, ...]:
    """Return the skills asked for, those that must be absent left out, sorted."""
    match criteria:
        case Skill(skill):
            return (skill,)
        case AllOf(parts) | AnyOf(parts):
            return tuple(sorted({name for part in parts for name in asked_skills(part)}))
        case _:
            return ()


_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-@+")
WORDS = frozenset({"any", "and", "or", "not", "in", "skill", "language", "site",
                   "agent", "queue"})  # fmt: skip


def _name(name: str) -> str:
    if name and _PLAIN.issuperset(name) and name not in WORDS:
        return name
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def text(criteria: Criteria) -> str:
    """Write criteria in the language that `criteria_parser.parse` reads."""
    match criteria:
        case Anyone():
            return "any"
        case Skill(skill, level):
            return f"skill {_name(skill)} >= {level}"
        case Language(language):
            return f"language {_name(language)}"
        case Site(site):
            return f"site {_name(site)}"
        case Member(queue):
            return f"queue {_name(queue)}"
        case Named(agents):
            return f"agent in [{', '.join(map(_name, agents))}]"
        case Not(part):
            return f"not {_inner(part)}"
        case AllOf(parts):
            return " and ".join(map(_inner, parts)) if parts else "any"
        case AnyOf(parts):
            return " or ".join(map(_inner, parts)) if parts else "not any"


def _inner(part: Criteria) -> str:
    return f"({text(part)})" if isinstance(part, AllOf | AnyOf) else text(part)
