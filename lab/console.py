"""The console of Sala's PBX: what an admin types there, and the channels that it lists."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from lab.errors import StackError
from lab.programs import pbx
from pbx.errors import ApplianceError


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
        """The channels there are now, by name, but for `surrogates`."""
        return [line[0] for line in await self._channels() if not _is_surrogate(line)]

    async def surrogates(self) -> list[str]:
        """Channels that the PBX keeps of calls which `Bridge()` pulled away: down, and idle."""
        return [line[0] for line in await self._channels() if _is_surrogate(line)]

    async def _channels(self) -> list[list[str]]:
        output = await self("core show channels concise")
        return [line.split("!") for line in output.splitlines() if "!" in line]


def _is_surrogate(line: list[str]) -> bool:
    """Tell by name, state and application, as the console lists them."""
    name, _context, _exten, _priority, state, application = (*line, *[""] * 6)[:6]
    idle = state == "Down" and application in ("", "(None)")
    return name.startswith("Surrogate/") and idle
