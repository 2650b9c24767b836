"""Waking channels that wait in the dialplan, by a key that no telephone has.

Unlike a redirection, a key cannot pull a caller out of a talk that has just begun: a channel that
waits no more does not heed it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from pbx.asterisk.link import Headers

KEY = "D"
TIMES, APART_S = 3, 0.5
"""How often a call is summoned that does not ask, and how far apart: one that is between two steps
of the dialplan misses the key."""


class Signals:
    """Wakes channels; `order` sends an AMI action whose answer nobody needs."""

    def __init__(self, order: Callable[[str, Headers], object]) -> None:
        self._order = order
        self._again: dict[str, asyncio.TimerHandle] = {}

    def wake(self, channel: str, key: str = KEY) -> None:
        """Press the key, once, as if it came from the channel's telephone."""
        self._order("PlayDTMF", [("Channel", channel), ("Digit", key), ("Receive", "true")])

    def summon(self, call: str, times: int = TIMES) -> None:
        """Wake a call until `heeded`, a few times at most."""
        self.heeded(call)
        self.wake(call)
        if times > 1:
            loop = asyncio.get_running_loop()
            self._again[call] = loop.call_later(APART_S, self.summon, call, times - 1)

    def heeded(self, call: str) -> None:
        """It asked what there is, talks, or is gone."""
        again = self._again.pop(call, None)
        if again is not None:
            again.cancel()

    def stop(self) -> None:
        """Summon nobody any more."""
        for call in list(self._again):
            self.heeded(call)
