"""What the interpreter is told of what it asked for (`ivr.flow.actions`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from pbx.port import Digits


@dataclass(frozen=True, slots=True)
class Played:
    """All items were heard."""


@dataclass(frozen=True, slots=True)
class Keyed:
    """What the caller keyed, possibly nothing."""

    digits: Digits


@dataclass(frozen=True, slots=True)
class Spoke:
    """A recording was made: its name, and its length (0: nothing)."""

    recording: str
    length_ms: int


@dataclass(frozen=True, slots=True)
class Found:
    """What a look-up found. Fields that are missing or of another type count as failed."""

    values: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class NotFound:
    """There is no such thing."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a check of a code went: `proved`, `wrong`, `locked` or `unknown`."""

    verdict: str


@dataclass(frozen=True, slots=True)
class Directed:
    """A webhook's answer: the next node."""

    target: str


@dataclass(frozen=True, slots=True)
class Done:
    """What was asked for is done."""


@dataclass(frozen=True, slots=True)
class Talked:
    """An agent talked with the caller and hung up; the caller is still there."""


@dataclass(frozen=True, slots=True)
class Refused:
    """What was asked for cannot be: by a rule, not by a fault."""

    reason: str = ""


@dataclass(frozen=True, slots=True)
class Broken:
    """The action could not be done, or not in time, though the caller is still there."""


@dataclass(frozen=True, slots=True)
class CallerGone:
    """The caller has hung up."""


Outcome: TypeAlias = (
    Played
    | Keyed
    | Spoke
    | Found
    | NotFound
    | Verdict
    | Directed
    | Done
    | Talked
    | Refused
    | Broken
    | CallerGone
)
