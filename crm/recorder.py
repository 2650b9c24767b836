"""The recorder: everything the live path wants remembered, written behind it.

The live path calls plain methods that return at once; a task writes what has come together, about
four times a second, as one statement (so one transaction) for interactions, segments, journal and
presence. What is written for the same row within one batch is written once, as it stands last.

Order and exactly-once: batches are written one after another, each whole or not at all. When the
answer to one is lost, the very same batch is sent again, and writing a batch twice changes
nothing (rows are matched by key, journal entries by epoch and seq). While the database is away
batches stay in memory, up to a bound, and the head is tried again with back-off; beyond the bound
new rows are refused, counted, and told in the log. A batch whose data the database refuses is
taken apart, so that one bad row costs only itself, and that row too is counted and told.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Hashable

from crm.database import Database
from crm.encoding import encode
from crm.errors import CrmError, DatabaseUnavailable, DataRefused
from crm.records import Interaction, JournalEntry, Segment

logger = logging.getLogger(__name__)

_FIRST_BACKOFF_S = 0.1
_LAST_BACKOFF_S = 5.0


class _Batch:
    """Rows by key, in the order they came; `born` is the loop's time of the first."""

    __slots__ = ("born", "interactions", "journal", "presence", "segments")

    def __init__(self, born: float) -> None:
        self.born = born
        self.interactions: dict[Hashable, object] = {}
        self.segments: dict[Hashable, object] = {}
        self.journal: dict[Hashable, object] = {}
        self.presence: dict[Hashable, object] = {}

    def tables(self) -> tuple[dict[Hashable, object], ...]:
        return self.interactions, self.segments, self.journal, self.presence

    def __len__(self) -> int:
        return len(self.interactions) + len(self.segments) + len(self.journal) + len(self.presence)

    def apart(self) -> list[_Batch]:
        """Return a batch for each row, parents before children."""
        batches = []
        for index, table in enumerate(self.tables()):
            for key, row in table.items():
                batch = _Batch(self.born)
                batch.tables()[index][key] = row
                batches.append(batch)
        return batches

    def key(self) -> Hashable:
        """Return the key of the first row: of a batch taken apart, the only one."""
        return next(key for table in self.tables() for key in table)


class Recorder:
    """Takes rows without waiting, and writes them in order.

    One event loop only. `every_s` is how long rows gather, `batch_rows` how many are written at
    once at most, `most_rows` how many may wait in memory.
    """

    def __init__(
        self,
        database: Database,
        *,
        every_s: float = 0.25,
        batch_rows: int = 500,
        most_rows: int = 200_000,
    ) -> None:
        self._database = database
        self._every_s = every_s
        self._batch_rows = batch_rows
        self._most_rows = most_rows
        self._batches: deque[_Batch] = deque()
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
        self._take(0, row.id, row)

    def segment(self, row: Segment) -> None:
        """Remember a segment, as it stands now. Its interaction must have been given before."""
        self._take(1, (row.interaction, row.seq), row)

    def journal(self, entry: JournalEntry) -> None:
        """Remember a journal entry. Its body must not change afterwards."""
        self._take(2, (entry.epoch, entry.seq), entry)

    def agent_presence(self, agent: str, wanted: str, reason: str, at_ms: int) -> None:
        """Remember what an agent asked to be, so that it outlives the service."""
        row = {"agent": agent, "wanted": wanted, "reason": reason, "at_ms": at_ms}
        self._take(3, agent, row)

    def _take(self, index: int, key: Hashable, row: object) -> None:
        batch = self._batches[-1] if self._batches else None
        # The head is not to change while it is being written: it may have to be sent again.
        if batch is not None and self._writing and len(self._batches) == 1:
            batch = None
        if batch is not None and key in batch.tables()[index]:
            batch.tables()[index][key] = row
            return
        if self._rows >= self._most_rows:
            self._refuse(key)
            return
        self._refusing = False
        if batch is None or len(batch) >= self._batch_rows:
            batch = _Batch(asyncio.get_running_loop().time())
            self._batches.append(batch)
        batch.tables()[index][key] = row
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
        """Rows not written yet."""
        return self._rows

    @property
    def refused(self) -> int:
        """Rows lost since the start: for want of memory, or refused by the database."""
        return self._refused

    @property
    def lag_ms(self) -> int:
        """Age of the oldest row not written yet; 0 when all is written."""
        if not self._batches:
            return 0
        return int((asyncio.get_running_loop().time() - self._batches[0].born) * 1000)

    # --- writing ---------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to write, in a task of its own."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="recorder")

    async def flush(self, timeout_s: float = 10.0) -> None:
        """Wait until all that was given is written; `DatabaseUnavailable` at the time-out."""
        if self._batches:
            self._full.set()
        try:
            async with asyncio.timeout(timeout_s):
                await self._empty.wait()
        except TimeoutError as error:
            raise DatabaseUnavailable(f"{self._rows} rows are not written yet.") from error

    async def drain(self, timeout_s: float = 10.0) -> int:
        """Write what is left, until the time-out, and stop; return how many rows are lost."""
        with contextlib.suppress(DatabaseUnavailable):
            await self.flush(timeout_s)
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
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
            if len(self._batches) == 1 and self._healthy:
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
                await asyncio.sleep(backoff_s)
                backoff_s = min(backoff_s * 2, _LAST_BACKOFF_S)
                continue
            if not self._healthy:
                logger.warning("the database takes rows again", extra={"action": "recorder_up"})
            self._healthy = True
            backoff_s = _FIRST_BACKOFF_S
            if not self._batches:
                self._wake.clear()
                self._empty.set()

    async def _write_head(self) -> None:
        batch = self._batches[0]
        self._writing = True
        try:
            await self._write(batch)
        except DataRefused:
            await self._write_apart(batch)
        finally:
            self._writing = False
        self._batches.popleft()
        self._rows -= len(batch)

    async def _write_apart(self, batch: _Batch) -> None:
        for single in batch.apart():
            try:
                await self._write(single)
            except DataRefused as error:
                self._refused += 1
                logger.error(  # noqa: TRY400 - as above
                    "a row is lost: %s",
                    error,
                    extra={"action": "recorder_refused_row", "row": str(single.key())},
                )

    async def _write(self, batch: _Batch) -> None:
        await self._database.rows(
            "record_batch",
            *(
                "[" + b",".join(map(encode, table.values())).decode() + "]"
                for table in batch.tables()
            ),
        )
