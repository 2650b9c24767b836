"""Sala's trunk, as its PBX sees it: whether whoever is at the other end answers."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable

from lab.errors import Deadline
from pbx.asterisk.facts import TRUNK

AWAY = "Unavail"
"""What the console calls a trunk that does not answer."""
_THERE = re.compile(r"\bAvail\b")
_LAPSE_S = 3.5
"""Longer than `qualify_timeout`. A question of before the trunk was back makes it `Unavail` when it
lapses, though a later one was answered meanwhile."""
_ASKS_S = 0.25


async def answers(console: Callable[[str], Awaitable[str]], within: float = 25.0) -> None:
    """Have the PBX ask its trunk now, and not only at the next interval, until it answers for good.

    `console` runs a command on the PBX's console. Raises `Deadline`.
    """
    deadline = time.monotonic() + within
    since: float | None = None
    while True:
        await console(f"pjsip qualify {TRUNK}")
        await asyncio.sleep(_ASKS_S)
        there = _THERE.search(await console(f"pjsip show aor {TRUNK}"))
        now = time.monotonic()
        since = (since or now) if there else None
        if since is not None and now - since >= _LAPSE_S:
            return
        if now > deadline:
            raise Deadline(f"the trunk does not answer, after {within:g} s")
