"""The way of callbacks to the database and back: claims, results, ends, leases, and the rows.

What concerns one callback is written in order: a claim never overtakes the result before it. A
claim that cannot be made fails at once; results and ends are brought again until the database has
taken or refused them, so that a promise outlives a database that was away.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, Protocol

from acd.callbacks import events as ev
from acd.dialling import Dialling
from acd.gate import Refusal as NotDialled
from acd.ledger import Ledger
from crm import attempts, callbacks, interactions
from crm.attempts import Claim, Refusal
from crm.database import Database
from crm.errors import CrmError, DatabaseUnavailable, NotFound
from crm.records import Callback, Identity, Interaction, InteractionDetail

log = logging.getLogger(__name__)

LEASE_MS = 12_000
"""For how long a claim is held without a word; it is renewed at a third of it."""
AGAIN_S = (0.2, 1.0, 5.0)
"""The pauses between two tries to bring a result; the last holds for all that follow."""

SEAL_S = 0.5
"""For how long two who could talk wait until that is written."""

Tell = Callable[[ev.Event], None]


class Lost(Protocol):
    """Told of a claim that is not ours any more; not `sure`: or may not be."""

    def __call__(self, callback: str, fence: int, /, *, sure: bool = True) -> None:
        """Take note."""


class Store:
    """Talks to the database about callbacks; `serve` says to whom it tells what came of it.

    `holder` names this worker in claims, `kept` waits until all rows noted so far are written.
    """

    def __init__(
        self,
        database: Database,
        dialling: Dialling,
        clock: Callable[[], int],
        *,
        holder: str,
        kept: Callable[[], Awaitable[None]],
    ) -> None:
        self._database = database
        self._dialling = dialling
        self._clock = clock
        self._holder = holder[:64]
        self._kept = kept
        self._tell: Tell = lambda _event: None
        self._lost: Lost = _nobody
        self._chains: dict[str, asyncio.Task[None]] = {}
        self._leases: dict[str, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._left: dict[str, int] = {}

    def serve(self, tell: Tell, lost: Lost) -> None:
        """Tell `tell` what came of claims, and `lost` of those that are not ours any more."""
        self._tell, self._lost = tell, lost

    async def close(self) -> None:
        """Stop; what was not brought yet is left to the leases."""
        tasks = [*self._tasks, *self._leases.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # --- rows -------------------------------------------------------------------------------

    async def waiting(self) -> list[Callback]:
        """Read all that are open."""
        self._left = await attempts.leases(self._database)
        return await callbacks.waiting(self._database)

    async def sealed(self) -> list[Callback]:
        """Read those of whom it is written that they talk, and not yet what came of it."""
        return await callbacks.sealed(self._database)

    async def confirm(self) -> None:
        """Have those talk for good who were sealed by a worker that died."""
        await attempts.confirm(self._database)

    def left_ms(self, callback: str) -> int:
        """Return for how long its claim held when `waiting` read it."""
        return self._left.get(callback, 0)

    async def get(self, callback: str) -> Callback | None:
        """Read one; None if there is none any more."""
        with contextlib.suppress(NotFound):
            return await callbacks.get(self._database, callback)
        return None

    def changes(self) -> Any:
        """Yield ids of those that are new or changed; see `crm.callbacks.watch`."""
        return callbacks.watch(self._database)

    async def accounts(self, records: Sequence[Callback]) -> list[InteractionDetail]:
        """Read the interactions that callbacks go on with; make up those of which none is."""
        await self._kept()
        ids = [record.interaction or record.id for record in records]
        found = await interactions.some(self._database, ids)
        return [
            found[interaction] if interaction in found else _account(record, interaction)
            for record, interaction in zip(records, ids, strict=True)
        ]

    async def reopen(self, ledger: Ledger, record: Callback, interaction: str) -> None:
        """Have the ledger go on with the interaction of a callback. Raises CrmError."""
        if not ledger.knows(interaction):
            (detail,) = await self.accounts([record])
            if not ledger.knows(interaction):
                ledger.reopened(detail)

    # --- attempts ---------------------------------------------------------------------------

    def claim(self, callback: str) -> None:
        """Claim an attempt; `Claimed` or `ClaimFailed` follows."""
        self._then(callback, self._claim(callback))

    def finish(self, result: ev.Finish) -> None:
        """Bring an attempt's result."""
        self._let_go(result.callback)
        now = self._clock()
        row = attempts.Result(
            str(result.outcome), result.counts, str(result.state), result.reason or None,
            now, result.due,
        )  # fmt: skip
        claim = Claim(result.callback, result.fence, 0)
        self._then(
            result.callback,
            self._bring(result.callback, lambda: attempts.finish(self._database, claim, row)),
        )

    async def seal(self, callback: str, fence: int) -> None:
        """Write that customer and agent talk; a database that is away is not waited for."""
        claim, now = Claim(callback, fence, 0), self._clock()
        written = self._then(
            callback, self._bring(callback, lambda: attempts.seal(self._database, claim, now))
        )
        await asyncio.wait({written}, timeout=SEAL_S)

    def unseal(self, callback: str, fence: int) -> None:
        """Write that they do not talk after all; the attempt goes on."""
        claim = Claim(callback, fence, 0)
        self._then(callback, self._bring(callback, lambda: attempts.unseal(self._database, claim)))

    async def take_back(self, end: ev.End) -> None:
        """End a callback, and wait until that is written; a database that is away is not."""
        await asyncio.wait({self.end(end)}, timeout=SEAL_S)

    def end(self, end: ev.End) -> asyncio.Task[None]:
        """Bring how a callback ended; the task is done once it is written."""
        return self._then(end.callback, self._end(end, self._clock()))

    async def _end(self, end: ev.End, now: int) -> None:
        self._let_go(end.callback)  # only now: a claim may have been made before it
        await self._bring(
            end.callback,
            lambda: callbacks.end(
                self._database,
                end.callback,
                str(end.state),
                end.reason,
                now,
                merged_into=end.merged_into or None,
            ),
        )

    def hold(self, callback: str, fence: int) -> None:
        """Renew a claim's lease from now on, until its result is brought."""
        self._let_go(callback)
        self._leases[callback] = asyncio.create_task(
            self._renew(Claim(callback, fence, 0)), name="lease"
        )

    async def allow(self, number: str, interaction: str) -> NotDialled | None:
        """Count a call to a number, unless the dialling gate refuses it. Raises CrmError."""
        found = await self._dialling.claim(number, "callback", interaction)
        return found if isinstance(found, NotDialled) else None

    async def allowed(self, records: Sequence[Callback]) -> list[str]:
        """Return the ids of those whose numbers the caps would let be called now."""
        numbers = await self._dialling.allowed({record.number for record in records})
        return [record.id for record in records if record.number in numbers]

    async def caps(self, number: str, interaction: str) -> NotDialled | None:
        """Return why the caps would not let a number be called now. Raises CrmError."""
        return await self._dialling.caps(number, interaction)

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Have something done beside."""
        task = asyncio.create_task(work, name="callback")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _claim(self, callback: str) -> None:
        try:
            found = await attempts.claim(self._database, callback, self._holder, LEASE_MS)
            if isinstance(found, Claim):
                self.hold(callback, found.fence)
                self._tell(ev.Claimed(callback, found.fence, found.before))
                return
            if found is Refusal.DO_NOT_CALL:
                self._tell(ev.Cancelled(callback, str(found)))
            elif found in (Refusal.ENDED, Refusal.UNKNOWN):
                row = await self.get(callback)
                self._tell(ev.Known(row) if row else ev.Cancelled(callback, str(found)))
            why = str(found)
        except CrmError as error:
            why = type(error).__name__
        log.info(
            "callback not claimed: %s",
            why,
            extra={"action": "callback_not_claimed", "callback": callback, "why": why},
        )
        self._tell(ev.ClaimFailed(callback))

    async def _renew(self, claim: Claim) -> None:
        clock = asyncio.get_running_loop().time
        until = clock() + LEASE_MS / 1000
        while True:
            await asyncio.sleep(LEASE_MS / 3000)
            asked = clock()
            try:
                async with asyncio.timeout_at(until):
                    if not await attempts.renew(self._database, claim, LEASE_MS):
                        break
                until = asked + LEASE_MS / 1000
            except (CrmError, TimeoutError):
                if clock() >= until:
                    # For all we know, another worker has it by now.
                    until += LEASE_MS / 1000
                    self._lost(claim.callback, claim.fence, sure=False)
        log.warning(
            "an attempt is not ours any more",
            extra={"action": "callback_lease_lost", "callback": claim.callback},
        )
        self._leases.pop(claim.callback, None)
        self._lost(claim.callback, claim.fence)

    def _let_go(self, callback: str) -> None:
        lease = self._leases.pop(callback, None)
        if lease is not None:
            lease.cancel()

    async def _bring(self, callback: str, write: Callable[[], Awaitable[bool]]) -> None:
        tries = 0
        while True:
            try:
                if not await write():
                    log.warning(
                        "a callback's result came too late",
                        extra={"action": "callback_late", "callback": callback},
                    )
            except DatabaseUnavailable:
                await asyncio.sleep(AGAIN_S[min(tries, len(AGAIN_S) - 1)])
                tries += 1
            else:
                return

    def _then(self, callback: str, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Do something once all that came before for this callback is done."""
        before = self._chains.get(callback)

        async def after() -> None:
            if before is not None:
                await asyncio.wait({before})
            try:
                await work
            except CrmError as error:
                log.error(  # noqa: TRY400 - the text says all
                    "a callback is not written: %s",
                    error,
                    extra={"action": "callback_refused", "callback": callback},
                )

        task = asyncio.create_task(after(), name="callback")
        self._chains[callback] = task
        self._tasks.add(task)
        task.add_done_callback(lambda done: self._done(callback, done))
        return task

    def _done(self, callback: str, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if self._chains.get(callback) is task:
            del self._chains[callback]


def _account(record: Callback, interaction: str) -> InteractionDetail:
    """Make up the interaction of a callback that nobody called for."""
    return InteractionDetail(
        Interaction(
            interaction,
            record.requested_ms,
            direction="outbound",
            customer=record.customer,
            identity=Identity("phone", record.number),
            queue=record.queue,
        )
    )


def _nobody(_callback: str, _fence: int, /, *, sure: bool = True) -> None:
    """Nobody is told yet."""
