"""Sala's trunk, as its PBX sees it: whether whoever is at the other end answers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from lab.errors import Deadline
from pbx.asterisk.facts import TRUNK

AWAY = "Unavail"
"""What the console calls a trunk that does not answer."""


async def answers(console: Callable[[str], Awaitable[str]], within: float = 20.0) -> None:
    """Have the PBX ask its trunk now, and not only at the next interval, until it answers.

    `console` runs a command on the PBX's console. Raises `Deadline`.
    """
    deadline = time.monotonic() + within
    while True:
        await console(f"pjsip qualify {TRUNK}")
        await asyncio.sleep(0.2)
        if AWAY not in await console(f"pjsip show aor {TRUNK}"):
            return
        if time.monotonic() > deadline:
            raise Deadline(f"the trunk does not answer, after {within:g} s")
