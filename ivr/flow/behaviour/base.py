"""What all behaviours share."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TypeAlias, TypeVar

from ivr.flow.actions import (
    Action,
    Effect,
    Heard,
    Outcome,
    Play,
    Played,
)
from ivr.flow.frame import Frame
from ivr.flow.parts import Retry
from pbx.port import Digits, DigitsEnd

Steps: TypeAlias = Generator[Action, Outcome, "str | Action"]
Note: TypeAlias = Callable[[Effect], None]
_T = TypeVar("_T")


class Unfit(Exception):  # noqa: N818
    """An outcome that does not answer the action: the node is broken."""


def ask(action: Action, *kinds: type[_T]) -> Generator[Action, Outcome, _T]:
    """Yield an action; return its outcome, which must be of one of these kinds."""
    outcome = yield action
    if not isinstance(outcome, kinds):
        raise Unfit
    return outcome


def silent(digits: Digits) -> bool:
    """Tell whether the caller keyed nothing at all."""
    # A terminator alone completes with no digits: the caller did press a key.
    return not digits.digits and digits.end is DigitsEnd.TIMEOUT


class Tries:
    """Counts wrong keys and silences against their retries."""

    def __init__(self, me: Frame, invalid: Retry, timeout: Retry) -> None:
        self._me = me
        self._retries = {False: invalid, True: timeout}
        self._counts = {False: 0, True: 0}

    def over(self, *, silent: bool) -> str | tuple[Heard, ...]:
        """Count one; return where it ends, or what is said before the next try."""
        self._counts[silent] += 1
        retry = self._retries[silent]
        if self._counts[silent] > retry.retries:
            return retry.next
        return self._me.heard(retry.prompt)


def ms(seconds: float) -> int:
    """Return seconds as milliseconds."""
    return round(seconds * 1000)


def play(items: tuple[Heard, ...], me: Frame) -> Generator[Action, Outcome, None]:
    """Let items be heard to their end."""
    yield from ask(Play(items=items, language=me.language), Played)
