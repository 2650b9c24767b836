"""Whom Sala's PBX can reach: whether its trunk, or a phone, answers when asked (OPTIONS)."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable

from lab.errors import Deadline
from pbx.asterisk.facts import TRUNK

Console = Callable[[str], Awaitable[str]]
"""Runs a command on the PBX's console."""
_LAPSE_S = 3.5
"""Longer than `qualify_timeout`. A question of before they were back makes them `Unavail` when it
lapses, though a later one was answered meanwhile."""
_ASKS_S = 0.25


async def answer(console: Console, *names: str, within: float = 25.0) -> None:
    """Have the PBX ask its trunk now, and not only at the next interval, until it answers for good.

    `names` are those of phones that must answer, too. Raises `Deadline`.
    """
    asked = (TRUNK, *names)
    deadline = time.monotonic() + within
    since: float | None = None
    while True:
        for name in asked:
            await console(f"pjsip qualify {name}")
        await asyncio.sleep(_ASKS_S)
        shown = await console("pjsip show contacts")
        away = [name for name in asked if not _there(shown, name)]
        now = time.monotonic()
        since = None if away else (since or now)
        if since is not None and now - since >= _LAPSE_S:
            return
        if now > deadline:
            raise Deadline(f"{', '.join(away) or 'somebody'} does not answer, after {within:g} s")


async def silent(console: Console, within: float = 40.0) -> None:
    """Wait until the PBX knows that its trunk does not answer. Raises `Deadline`."""
    deadline = time.monotonic() + within
    while _there(await console("pjsip show contacts"), TRUNK):
        if time.monotonic() > deadline:
            raise Deadline(f"the trunk answers still, after {within:g} s")
        await asyncio.sleep(_ASKS_S)


def _there(shown: str, name: str) -> bool:
    """Whether a contact of a name answered when asked last, as `pjsip show contacts` has it."""
    return bool(
        re.search(rf"^\s*Contact:\s+{re.escape(name)}/\S+\s.*\bAvail\b", shown, re.MULTILINE)
    )
