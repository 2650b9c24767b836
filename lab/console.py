"""The console of Sala's PBX: what an admin types there, and the channels that it has."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from pathlib import Path

from lab.errors import StackError
from lab.programs import pbx
from pbx.errors import ApplianceError

UNLISTED = "(not listed)"


@dataclass(frozen=True, slots=True)
class Console:
    """The console of the PBX that runs with the `asterisk.conf` at `conf`."""

    conf: Path

    async def __call__(self, command: str) -> str:
        """Run a command; gives its output. Raises `StackError` when the PBX does not answer."""
        try:
            return await asyncio.to_thread(pbx().rx, self.conf, command)
        except ApplianceError as error:
            raise StackError(str(error)) from error

    async def channels(self) -> list[str]:
        """The channels there are now, by name; `UNLISTED` for each that is counted beyond those.

        Asterisk lists what was last told of each channel, and counts what it holds: one that it
        should have let go of may be in the count alone.
        """
        return channels_in(
            await self("core show channels concise"), await self("core show channels count")
        )


def channels_in(listing: str, counts: str) -> list[str]:
    """Read the console's list of channels, and its count."""
    names = [line.split("!")[0] for line in listing.splitlines() if "!" in line]
    counted = re.search(r"^(\d+) active channels?$", counts, re.MULTILINE)
    if counted is None:
        raise StackError(f"the console does not count channels: {counts!r}")
    return names + [UNLISTED] * (int(counted[1]) - len(names))
