"""Reads criteria as an admin writes them: one line of text, or the mappings of YAML and JSON.

Text, loosest first: `or`, `and`, `not`, parentheses, then what is asked for:

    skill billing >= 3        language th        site bkk        agent 1001
    agent in [1001, 1002]     queue support      any

A name with other characters than letters, digits and `_.-@+` stands in double quotes. A skill
without a level asks for level 1.

Mappings: `skill: billing` or `skill: {billing: 3}`, `language`, `site`, `queue` and `agent` with
a name or a list of names (one of them), `all:` and `any:` with a list, `not:` with one criteria.
Several keys in one mapping must all hold. Text may stand wherever a mapping may.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from .criteria import (
    ANYONE,
    LEVELS,
    AllOf,
    AnyOf,
    Anyone,
    Criteria,
    Language,
    Member,
    Named,
    Not,
    Site,
    Skill,
    canonical,
)
from .errors import CriteriaError


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The names that criteria may use."""

    skills: frozenset[str] = frozenset()
    languages: frozenset[str] = frozenset()
    sites: frozenset[str] = frozenset()
    agents: frozenset[str] = frozenset()
    queues: frozenset[str] = frozenset()

    def check(self, criteria: Criteria, where: str = "") -> None:
        """Raise `CriteriaError` for a name that is not known, with the nearest that is."""
        match criteria:
            case Anyone():
                pass
            case Skill(skill, level):
                _known("skill", skill, self.skills, where)
                if level not in LEVELS:
                    raise CriteriaError(f"level {level} of skill {skill!r} is not 1 to 5", where)
            case Language(language):
                _known("language", language, self.languages, where)
            case Site(site):
                _known("site", site, self.sites, where)
            case Member(queue):
                _known("queue", queue, self.queues, where)
            case Named(agents):
                for agent in agents:
                    _known("agent", agent, self.agents, where)
            case AllOf(parts) | AnyOf(parts):
                for part in parts:
                    self.check(part, where)
            case Not(part):
                self.check(part, where)


def parse(given: Any, known: Vocabulary | None = None, where: str = "") -> Criteria:
    """Read criteria and return their canonical form.

    `given` is text or a mapping; `known` the names they may use (None: any); `where` names the
    place for messages. Raises `CriteriaError`.
    """
    read = _read(given, known, where)
    return canonical(read)


def _read(given: Any, known: Vocabulary | None, where: str) -> Criteria:
    if isinstance(given, str):
        return _Text(given, known, where).read()
    if isinstance(given, Mapping):
        parts = [_entry(key, value, known, _at(where, str(key))) for key, value in given.items()]
        if not parts:
            raise CriteriaError("empty criteria; write `any` if anyone will do", where)
        return parts[0] if len(parts) == 1 else AllOf(tuple(parts))
    raise CriteriaError(f"criteria must be text or a mapping, not {_kind(given)}", where)


_DIGITS = frozenset(map(str, LEVELS))
"""Levels as YAML's scalars are when they are kept as written."""
_KEYS = ("skill", "language", "site", "agent", "queue", "all", "any", "not")


def _entry(key: Any, value: Any, known: Vocabulary | None, where: str) -> Criteria:
    if key in ("all", "any"):
        if not isinstance(value, list | tuple) or not value:
            raise CriteriaError(f"`{key}` needs a list of criteria", where)
        parts = tuple(_read(one, known, f"{where}[{n}]") for n, one in enumerate(value))
        return AllOf(parts) if key == "all" else AnyOf(parts)
    if key == "not":
        return Not(_read(value, known, where))
    if key not in _KEYS:
        raise CriteriaError(f"unknown word {str(key)!r}{_nearest(str(key), _KEYS)}", where)
    if key == "skill" and isinstance(value, Mapping):
        if not value:
            raise CriteriaError("`skill` needs a name", where)
        skills = tuple(Skill(_word(n, where), _level(v, where)) for n, v in value.items())
        made: Criteria = skills[0] if len(skills) == 1 else AllOf(skills)
    else:
        listed = isinstance(value, list | tuple)
        names = [_word(one, where) for one in (value if listed else [value])]
        if not names:
            raise CriteriaError(f"`{key}` needs a name", where)
        made = _named(key, names)
    if known is not None:
        known.check(made, where)
    return made


def _named(key: str, names: list[str]) -> Criteria:
    if key == "agent":
        return Named(tuple(names))
    kind = {"skill": Skill, "language": Language, "site": Site, "queue": Member}[key]
    parts = tuple(kind(name) for name in names)
    return parts[0] if len(parts) == 1 else AnyOf(parts)


def _word(given: Any, where: str) -> str:
    if isinstance(given, bool) or not isinstance(given, str | int) or given == "":
        raise CriteriaError(f"a name is needed, not {_kind(given)}", where)
    return str(given)


def _level(given: Any, where: str) -> int:
    level = int(given) if isinstance(given, str) and given in _DIGITS else given
    if isinstance(level, bool) or not isinstance(level, int) or level not in LEVELS:
        raise CriteriaError(f"a skill's level is 1 to 5, not {given!r}", where)
    return level


def _kind(given: Any) -> str:
    return "nothing" if given is None else f"{type(given).__name__} {given!r}"


def _at(where: str, key: str) -> str:
    return f"{where}.{key}" if where else key


def _known(what: str, name: str, names: Iterable[str], where: str) -> None:
    names = list(names)
    if name not in names:
        raise CriteriaError(f"unknown {what} {name!r}{_nearest(name, names)}", where)


def _nearest(name: str, names: Iterable[str]) -> str:
    found = get_close_matches(name, list(names), n=1, cutoff=0.5)
    return f" (did you mean {found[0]!r}?)" if found else ""


_TOKEN = re.compile(
    r'\s*(?:(?P<name>[\w.\-@+]+)|"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<sign>>=|[()\[\],]))'
)
_STARTS = ("any", "not", "skill", "language", "site", "agent", "queue")


class _Text:
    """A recursive-descent reader of one line."""

    def __init__(self, given: str, known: Vocabulary | None, where: str) -> None:
        self._known, self._where, self._at = known, where, 0
        self._tokens: list[tuple[str, str, int]] = []
        """Kind (`name`, `quoted`, `sign`), text, column from 1."""
        at, end = 0, len(given.rstrip())
        while at < end:
            found = _TOKEN.match(given, at)
            if found is None:
                at += len(given[at:]) - len(given[at:].lstrip())
                raise CriteriaError(f"{given[at]!r} is not expected here", self._place(at + 1))
            kind = str(found.lastgroup)
            token = found[kind]
            if kind == "quoted":
                token = re.sub(r"\\(.)", r"\1", token)
            self._tokens.append((kind, token, found.start(kind) + 1))
            at = found.end()
        self._end = end + 1

    def read(self) -> Criteria:
        made = self._either()
        if self._at < len(self._tokens):
            _, token, column = self._tokens[self._at]
            hint = _nearest(token, ("and", "or"))
            raise CriteriaError(f"{token!r} is not expected here{hint}", self._place(column))
        return made

    def _either(self) -> Criteria:
        parts = [self._both()]
        while self._take("or"):
            parts.append(self._both())
        return parts[0] if len(parts) == 1 else AnyOf(tuple(parts))

    def _both(self) -> Criteria:
        parts = [self._one()]
        while self._take("and"):
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else AllOf(tuple(parts))

    def _one(self) -> Criteria:
        if self._take("not"):
            return Not(self._one())
        if self._take("("):
            made = self._either()
            self._need(")")
            return made
        if self._take("any"):
            return ANYONE
        column = self._column()
        kind, word, _ = self._next("what is asked for")
        if kind != "name" or word not in _STARTS:
            raise CriteriaError(
                f"unknown word {word!r}{_nearest(word, _STARTS)}", self._place(column)
            )
        column = self._column()
        if word == "agent" and self._take("in"):
            self._need("[")
            names = [self._name("an agent")]
            while self._take(","):
                names.append(self._name("an agent"))
            self._need("]")
            made = Named(tuple(names))
        elif word == "skill":
            made = Skill(self._name("a skill"), self._level_of())
        else:
            made = _named(word, [self._name(f"a name after `{word}`")])
        if self._known is not None:
            self._known.check(made, self._place(column))
        return made

    def _level_of(self) -> int:
        if not self._take(">="):
            return 1
        column = self._column()
        _, token, _ = self._next("a level from 1 to 5")
        if not token.isdigit() or int(token) not in LEVELS:
            raise CriteriaError(f"a skill's level is 1 to 5, not {token!r}", self._place(column))
        return int(token)

    def _name(self, what: str) -> str:
        column = self._column()
        kind, token, _ = self._next(what)
        if kind == "sign" or not token:
            raise CriteriaError(f"{what} is needed, not {token!r}", self._place(column))
        return token

    def _next(self, what: str) -> tuple[str, str, int]:
        if self._at == len(self._tokens):
            raise CriteriaError(f"the line ends where {what} is needed", self._place(self._end))
        self._at += 1
        return self._tokens[self._at - 1]

    def _take(self, token: str) -> bool:
        there = self._at < len(self._tokens)
        if there and self._tokens[self._at][0] != "quoted" and self._tokens[self._at][1] == token:
            self._at += 1
            return True
        return False

    def _need(self, sign: str) -> None:
        column = self._column()
        if not self._take(sign):
            raise CriteriaError(f"{sign!r} is needed here", self._place(column))

    def _column(self) -> int:
        return self._tokens[self._at][2] if self._at < len(self._tokens) else self._end

    def _place(self, column: int) -> str:
        return f"{self._where}, column {column}" if self._where else f"column {column}"
