"""What all behaviours share."""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Mapping
from typing import TypeAlias, TypeVar

from ivr.flow.actions import Action, Collect, Effect, Heard, Play
from ivr.flow.frame import Frame
from ivr.flow.outcomes import Keyed, Outcome, Played
from ivr.flow.parts import Retry
from pbx.port import Digits, DigitsEnd

Steps: TypeAlias = Generator[Action, Outcome, "str | Action"]
Note: TypeAlias = Callable[[Effect], None]
_T = TypeVar("_T")


class Unfit(Exception):  # noqa: N818
    """An outcome that does not answer the action: the node is broken."""


class Gone(Exception):  # noqa: N818 - the ordinary end of a call, not a fault
    """Thrown into a behaviour whose caller has hung up: it may do one thing more without them."""


def parting(steps: Steps) -> Action | None:
    """Tell a behaviour that the caller has hung up; return what it does yet, often nothing."""
    try:
        return steps.throw(Gone())
    except (Gone, StopIteration):
        return None


def ask(action: Action, *kinds: type[_T]) -> Generator[Action, Outcome, _T]:
    """Yield an action; return its outcome, which must be of one of these kinds."""
    outcome = yield action
    if not isinstance(outcome, kinds):
        raise Unfit
    return outcome


def given(found: Mapping[str, object], name: str, kind: type[_T]) -> _T:
    """Return what a service found under a name, which must be there and of this kind."""
    value = found.get(name)
    if not isinstance(value, kind):
        raise Unfit
    return value


def take(
    action: Collect, me: Frame, keys: Collection[str] = ()
) -> Generator[Action, Outcome, Digits]:
    """Yield a taking of digits; return what the caller keyed.

    Who is told to end a number by a terminator presses it also where the number was complete
    already. It comes here then, by itself, and is no wrong input, unless it is one of `keys`: it
    is asked again.
    """
    while True:
        keyed = yield from ask(action, Keyed)
        digits = keyed.digits
        done = digits.end is DigitsEnd.COMPLETE
        may_follow, me.may_follow = me.may_follow, ""
        if done and may_follow and digits.digits not in keys and digits.digits in may_follow:
            continue
        if done and len(digits.digits) == action.max_digits:
            me.may_follow = action.terminators
        return digits


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
