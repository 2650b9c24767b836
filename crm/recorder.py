"""The recorder: everything the live path wants remembered, written behind it.

The live path calls plain methods that return at once; a task writes what has come together, about
four times a second, as one statement (so one transaction) for interactions, segments, journal and
presence. What is written for the same row within one batch is written once, as it stands last.

Order and exactly-once: batches are written one after another, each whole or not at all. When the
answer to one is lost, the very same batch is sent again, and writing a batch twice changes
nothing (rows are matched by key, journal entries by epoch and seq). While the database is away
batches go to the spool on disk (`crm.spool`), which is written out first when it is back, by this
process or the next. Where there is no spool, or its disk is full, they stay in memory up to a
bound; beyond it new rows are refused, counted, and told in the log. A batch whose data the
database refuses is taken apart, so that one bad row costs only itself, and that row too is counted
and told.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Coroutine, Hashable
from typing import Any

from crm.batch import INTERACTIONS, JOURNAL, PRESENCE, SEGMENTS, Batch, Tables, apart
from crm.database import Database
from crm.errors import CrmError, DatabaseUnavailable, DataRefused, SpoolError
from crm.records import Interaction, JournalEntry, Segment
from crm.spool import Spool

logger = logging.getLogger(__name__)

_FIRST_BACKOFF_S = 0.1
_LAST_BACKOFF_S = 5.0


class Recorder:
    """Takes rows without waiting, and writes them in order.

    One event loop only. `every_s` is how long rows gather, `batch_rows` how many are written at
    once at most, `most_rows` how many may wait in memory.
    """

    def __init__(
        self,
        database: Database,
        spool: Spool | None = None,
        *,
        every_s: float = 0.25,
        batch_rows: int = 500,
        most_rows: int = 200_000,
    ) -> None:
        self._database = database
        self._spool = spool
        self._spool_full = False
        self._spooled_at = 0.0
        self._every_s = every_s
        self._batch_rows = batch_rows
        self._most_rows = most_rows
        self._batches: deque[Batch] = deque()
        self._rows = 0
        self._writing = False
        self._refused = 0
        self._refusing = False
        self._healthy = True
        self._wake = asyncio.Event()
        self._full = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()
        self._task: asyncio.Task[None] | None = None

    # --- the live path ---------------------------------------------------------------------------

    def interaction(self, row: Interaction) -> None:
        """Remember an interaction, as it stands now. Its customer is found or made on writing."""
        self._take(INTERACTIONS, row.id, row)

    def segment(self, row: Segment) -> None:
        """Remember a segment, as it stands now. Its interaction must have been given before."""
        self._take(SEGMENTS, (row.interaction, row.seq), row)

    def journal(self, entry: JournalEntry) -> None:
        """Remember a journal entry. Its body must not change afterwards."""
        self._take(JOURNAL, (entry.epoch, entry.seq), entry)

    def agent_presence(self, agent: str, wanted: str, reason: str, at_ms: int) -> None:
        """Remember what an agent asked to be, so that it outlives the service."""
        row = {"agent": agent, "wanted": wanted, "reason": reason, "at_ms": at_ms}
        self._take(PRESENCE, agent, row)

    def _take(self, table: int, key: Hashable, row: object) -> None:
        batch = self._batches[-1] if self._batches else None
        # The head is not to change while it is being written: it may have to be sent again.
        if batch is not None and self._writing and len(self._batches) == 1:
            batch = None
        if batch is not None and batch.has(table, key):
            batch.put(table, key, row)
            return
        if self._rows >= self._most_rows:
            self._refuse(key)
            return
        self._refusing = False
        if batch is None or len(batch) >= self._batch_rows:
            batch = Batch(asyncio.get_running_loop().time())
            self._batches.append(batch)
        batch.put(table, key, row)
        self._rows += 1
        self._wake.set()
        self._empty.clear()
        if len(batch) >= self._batch_rows:
            self._full.set()

    def _refuse(self, key: Hashable) -> None:
        self._refused += 1
        # Once when it begins and then at each thousand: the log must not drown as well.
        if not self._refusing or self._refused % 1000 == 0:
            logger.error(
                "rows are lost: the database is away and memory for rows is full",
                extra={"action": "recorder_refuse", "row": str(key), "refused": self._refused},
            )
        self._refusing = True

    # --- how it goes -----------------------------------------------------------------------------

    @property
    def healthy(self) -> bool:
        """Whether the last write went well (or none was needed yet)."""
        return self._healthy

    @property
    def pending(self) -> int:
        """Rows not written to the database yet."""
        return self._rows + self.spooled

    @property
    def spooled(self) -> int:
        """Of these, rows that are safe on disk."""
        return self._spool.rows if self._spool is not None else 0

    @property
    def refused(self) -> int:
        """Rows lost since the start: for want of memory, or refused by the database."""
        return self._refused

    @property
    def lag_ms(self) -> int:
        """Age of the oldest row not written yet; 0 when all is written."""
        if self.spooled:
            born = self._spooled_at
        elif self._batches:
            born = self._batches[0].born
        else:
            return 0
        return int((asyncio.get_running_loop().time() - born) * 1000)

    # --- writing ---------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to write, in a task of its own."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="recorder")

    async def resume(self, timeout_s: float = 10.0) -> None:
        """Begin, with what an earlier process left in the spool: written when this returns.

        Raises `DatabaseUnavailable` at the time-out, `SpoolError` for a spool that cannot be read.
        """
        if self._spool is not None:
            await self._spool.open()
        if self.spooled:
            logger.warning(
                "rows of an earlier run are written now",
                extra={"action": "recorder_resume", "rows": self.spooled},
            )
            self._spooled_at = asyncio.get_running_loop().time()
            self._empty.clear()
            self._wake.set()
        self.start()
        await self.flush(timeout_s)

    async def flush(self, timeout_s: float = 10.0) -> None:
        """Wait until the database has all that was given; `DatabaseUnavailable` at the time-out."""
        if self._batches:
            self._full.set()
        try:
            async with asyncio.timeout(timeout_s):
                await self._empty.wait()
        except TimeoutError as error:
            raise DatabaseUnavailable(f"{self.pending} rows are not written yet.") from error

    async def drain(self, timeout_s: float = 10.0) -> int:
        """Write what is left, until the time-out, and stop; return how many rows are lost.

        What is in the spool by then is not lost: the next process writes it.
        """
        with contextlib.suppress(DatabaseUnavailable):
            await self.flush(timeout_s)
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        await self._set_aside()
        if self._spool is not None:
            if self.spooled:
                logger.warning(
                    "rows wait on disk for the database",
                    extra={"action": "recorder_drain", "rows": self.spooled},
                )
            await self._spool.close()
        if self._rows:
            logger.error(
                "rows are lost: the database did not take them before the stop",
                extra={"action": "recorder_drain", "rows": self._rows},
            )
        return self._rows

    async def _run(self) -> None:
        backoff_s = _FIRST_BACKOFF_S
        while True:
            await self._wake.wait()
            if len(self._batches) == 1 and not self.spooled and self._healthy:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._every_s):
                        await self._full.wait()
            self._full.clear()
            try:
                await self._write_head()
            except CrmError as error:
                if self._healthy:
                    # No traceback: the driver's text in it may hold a phone number.
                    logger.error(  # noqa: TRY400
                        "the database takes no rows: %s", error, extra={"action": "recorder_down"}
                    )
                self._healthy = False
                await self._back_off(backoff_s)
                backoff_s = min(backoff_s * 2, _LAST_BACKOFF_S)
                continue
            if not self._healthy:
                logger.warning("the database takes rows again", extra={"action": "recorder_up"})
            self._healthy = True
            backoff_s = _FIRST_BACKOFF_S
            if not self._batches and not self.spooled:
                self._wake.clear()
                self._empty.set()

    async def _back_off(self, seconds: float) -> None:
        """Leave the database alone for a while; what comes meanwhile goes to disk as it comes."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while True:
            await self._set_aside()
            left = until - loop.time()
            if left <= 0:
                return
            await asyncio.sleep(min(left, self._every_s))

    async def _set_aside(self) -> None:
        """Move what is in memory to the spool; it stays where it is if the spool takes nothing."""
        if self._spool is None or not self._batches:
            return
        moved, self._batches = self._batches, deque()
        if not self.spooled:
            self._spooled_at = moved[0].born
        try:
            await _whole(self._spool.append([(len(batch), batch.encoded()) for batch in moved]))
        except SpoolError as error:
            moved.extend(self._batches)
            self._batches = moved
            if not self._spool_full:
                logger.error(  # noqa: TRY400
                    "rows stay in memory: %s", error, extra={"action": "recorder_spool"}
                )
            self._spool_full = True
            return
        self._spool_full = False
        self._rows -= sum(map(len, moved))

    async def _write_head(self) -> None:
        head = await self._spool.head() if self._spool is not None else None
        if head is not None and self._spool is not None:
            at, tables = head
            await self._write_whole_or_apart(tables)
            await _whole(self._spool.remove(at))
            return
        if not self._batches:
            return
        batch = self._batches[0]
        self._writing = True
        try:
            await self._write_whole_or_apart(batch.encoded())
        finally:
            self._writing = False
        self._batches.popleft()
        self._rows -= len(batch)

    async def _write_whole_or_apart(self, tables: Tables) -> None:
        try:
            await self._database.rows("record_batch", *tables)
        except DataRefused:
            for key, alone in apart(tables):
                try:
                    await self._database.rows("record_batch", *alone)
                except DataRefused as error:
                    self._refused += 1
                    logger.error(  # noqa: TRY400 - as above
                        "a row is lost: %s",
                        error,
                        extra={"action": "recorder_refused_row", "row": key},
                    )


async def _whole(doing: Coroutine[Any, Any, None]) -> None:
    """Await what must not be left half done, also when cancelled meanwhile."""
    task = asyncio.ensure_future(doing)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise
