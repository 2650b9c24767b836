"""The time, as the floor needs it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Protocol


class Timer(Protocol):
    """A timer that was set."""

    def cancel(self) -> None:
        """Do not fire."""


class Clock(Protocol):
    """The time and timers; real in the service, made in tests."""

    def now(self) -> int:
        """Milliseconds since the epoch, never going back."""

    def at(self, when: int, do: Callable[[], None]) -> Timer:
        """Call `do` at `when` (milliseconds since the epoch)."""


class LoopClock:
    """Wall time read once, then carried on by the event loop's clock, so it cannot jump."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._offset = time.time() - self._loop.time()

    def now(self) -> int:
        """Milliseconds since the epoch."""
        return int((self._loop.time() + self._offset) * 1000)

    def at(self, when: int, do: Callable[[], None]) -> Timer:
        """Call `do` at `when`, a millisecond late at most rather than early."""
        return self._loop.call_at(when / 1000 - self._offset + 0.0005, do)
