"""Writing down afterwards: what happened is noted at first, and written when the turn is over."""

from __future__ import annotations

import functools
import logging
from collections import deque
from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

log = logging.getLogger(__name__)

P = ParamSpec("P")
S = TypeVar("S", bound="Afterwards")

Soon = Callable[[Callable[[], None]], object]
"""Asked to call once the event loop's turn is over."""


def at_once(do: Callable[[], None]) -> None:
    """Do not wait for the end of the turn."""
    do()


class Afterwards:
    """Keeps notes and has them written, in order, once the turn is over."""

    def __init__(self, soon: Soon) -> None:
        self._soon = soon
        self._notes: deque[Callable[[], None]] = deque()

    def note(self, write: Callable[[], None]) -> None:
        """Have something written when the turn is over."""
        self._notes.append(write)
        if len(self._notes) == 1:
            self._soon(self.catch_up)

    def catch_up(self) -> None:
        """Write down what was noted."""
        while self._notes:
            write = self._notes.popleft()
            try:
                write()
            except Exception:
                # One fault must not keep the rest from being written.
                log.exception("not written", extra={"action": "ledger_fault"})


def afterwards(write: Callable[Concatenate[S, P], None]) -> Callable[Concatenate[S, P], None]:
    """Note the call, and make it when the turn is over, in order."""

    def noted(self: S, /, *args: P.args, **kwargs: P.kwargs) -> None:
        self.note(functools.partial(write, self, *args, **kwargs))

    noted.__doc__ = write.__doc__
    return noted
