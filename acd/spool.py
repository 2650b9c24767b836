"""The survival spool: callback requests that `agi_scripts` took while the service was away.

Each file is taken in exactly once (the database knows their names), then removed. A file that is
no request, or whose number is none, is put aside in `rejected/` and told in the log. One that can
be neither removed nor put aside now is tried again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import orjson

from acd.gate import Gate, Refusal
from crm import callbacks
from crm.database import Database
from crm.errors import CrmError, DataRefused

log = logging.getLogger(__name__)

EVERY_S = 5.0
VERSION = 1
MAX_BYTES = 16 * 1024


class Spool:
    """Takes in the requests of one folder.

    `gate` says which numbers may be called; `queue` takes requests that name none (empty: they
    wait until somebody assigns them); `taken` is told the interaction of each request that came
    from one.
    """

    def __init__(
        self,
        folder: Path,
        database: Database,
        gate: Gate,
        taken: Callable[[str], None],
        *,
        queue: str = "",
    ) -> None:
        self._folder = folder
        self._database = database
        self._gate = gate
        self._taken = taken
        self._queue = queue

    async def run(self) -> None:
        """Take in what comes, for ever."""
        while True:
            try:
                await self.take_in()
            except CrmError as failure:
                log.warning("spool waits: %s", failure, extra={"action": "spool_waits"})
            await asyncio.sleep(EVERY_S)

    async def take_in(self) -> int:
        """Take in all that is there, oldest first; gives how many. Raises CrmError."""
        if not self._folder.is_dir():
            return 0
        count = 0
        for path in sorted(self._folder.glob("*.json")):
            try:
                count += await self._take(path)
            except OSError as failure:
                log.warning(
                    "request waits: %s", failure.strerror, extra={"action": "spool_file_failed"}
                )
        return count

    async def _take(self, path: Path) -> bool:
        request = _read(path)
        number = self._gate.number(request["number"]) if request else Refusal.NOT_A_NUMBER
        if request is None or isinstance(number, Refusal):
            self._reject(path)
            return False
        carry = dict(parse_qsl(request.get("carry", "")))
        interaction = carry.get("interaction")
        try:
            await callbacks.ingest(
                self._database,
                path.name,
                number,
                _since(request["requested_ms"], carry),
                interaction=interaction,
                queue=carry.get("queue") or self._queue or None,
            )
        except DataRefused as refusal:
            log.warning("request refused: %s", refusal, extra={"action": "spool_refused"})
            self._reject(path)
            return False
        path.unlink()  # noqa: ASYNC240 - a local file, small and rare
        if interaction:
            self._taken(interaction)
        log.info("callback request taken in", extra={"action": "spool_taken", "file": path.name})
        return True

    def _reject(self, path: Path) -> None:
        aside = self._folder / "rejected"
        aside.mkdir(mode=0o700, exist_ok=True)
        path.rename(aside / path.name)
        log.warning("no callback request", extra={"action": "spool_rejected", "file": path.name})


def _since(requested_ms: int, carry: dict[str, str]) -> int:
    """Return the place in line: that of the wait, where the caller was in a queue already."""
    entered = carry.get("entered", "")
    waited = "queue" in carry and entered.isascii() and entered.isdigit() and len(entered) <= 15
    return min(int(entered), requested_ms) if waited else requested_ms


def _read(path: Path) -> dict[str, Any] | None:
    try:
        if path.stat().st_size > MAX_BYTES:
            return None
        request = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return None
    if not isinstance(request, dict) or request.get("version") != VERSION:
        return None
    kinds = {"number": str, "requested_ms": int, "carry": str}
    if any(not isinstance(request.get(key), kind) for key, kind in kinds.items()):
        return None
    return request
