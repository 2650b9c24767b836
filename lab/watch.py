"""Waiting for a condition that changes with events."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from lab.errors import Deadline

PATIENCE_S = 12.0
"""How long is waited, if nothing is said of it, for what comes at once on an idle machine."""


class Watch:
    """Conditions somebody waits for; looked at again whenever `changed` is called."""

    def __init__(self) -> None:
        self._waiting: list[tuple[Callable[[], bool], asyncio.Future[None]]] = []

    def changed(self) -> None:
        """Look at all conditions again."""
        for holds, future in self._waiting:
            if not future.done() and holds():
                future.set_result(None)

    async def until(self, holds: Callable[[], bool], what: str, within: float) -> None:
        """Wait until `holds()`; raises `Deadline`, which tells `what` and how long."""
        if holds():
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        entry = (holds, future)
        self._waiting.append(entry)
        try:
            async with asyncio.timeout(within):
                await future
        except TimeoutError:
            raise Deadline(f"{what}: not within {within:g} s") from None
        finally:
            self._waiting.remove(entry)
