"""What the interpreter asks for (actions) and what it is told (outcomes).

Every action bears the node it belongs to and `path`: the nodes entered since the action before,
so that whoever drives a flow can note a caller's way without asking.
"""

from __future__ import annotations

from dataclasses import dataclass

from ivr.flow.model import Item
from pbx.port import Cause, Digits


@dataclass(frozen=True, slots=True)
class Play:
    """Let the caller hear all items; no key interrupts. Answer with `Played`."""

    node: str
    path: tuple[str, ...]
    items: tuple[Item, ...]
    language: str


@dataclass(frozen=True, slots=True)
class Collect:
    """Let the caller hear the items and key digits, which cut the items short.

    Answer with `Keyed`. Times are milliseconds; their meaning is that of `pbx.port.Call.collect`.
    """

    node: str
    path: tuple[str, ...]
    items: tuple[Item, ...]
    language: str
    max_digits: int
    first_ms: int
    next_ms: int
    terminators: str


@dataclass(frozen=True, slots=True)
class EnterQueue:
    """Let the caller wait for an agent.

    Answer with `Talked` when the agent has hung up, or with `Refused` when the queue cannot take
    the caller. `resumes` tells whether the flow goes on after the talk.
    """

    node: str
    path: tuple[str, ...]
    queue: str
    resumes: bool


@dataclass(frozen=True, slots=True)
class HangUp:
    """End the call. Nothing follows."""

    node: str
    path: tuple[str, ...]
    cause: Cause


@dataclass(frozen=True, slots=True)
class Ended:
    """The caller is gone; nothing is to be done and nothing follows."""

    node: str
    path: tuple[str, ...] = ()


Action = Play | Collect | EnterQueue | HangUp | Ended


@dataclass(frozen=True, slots=True)
class Played:
    """All items were heard."""


@dataclass(frozen=True, slots=True)
class Keyed:
    """What the caller keyed, possibly nothing."""

    digits: Digits


@dataclass(frozen=True, slots=True)
class Talked:
    """An agent talked with the caller and hung up; the caller is still there."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The queue cannot take the caller."""


@dataclass(frozen=True, slots=True)
class Broken:
    """The action could not be done, though the caller is still there."""


@dataclass(frozen=True, slots=True)
class CallerGone:
    """The caller has hung up."""


Outcome = Played | Keyed | Talked | Refused | Broken | CallerGone
