"""Attempts to make a callback: claimed by one worker at a time, with a fence.

Theory of operation. A claim takes a lease on the callback's row and gives the next fence number;
while the lease holds, nobody else can claim. A worker renews the lease while its call lasts and
brings the fence with the result. When a worker dies, its lease runs out by the database's clock;
the next claim gets a higher fence and marks the old attempt `lost`, which counts as an attempt,
for the customer's phone may have rung. A result that brings an older fence is refused.

That customer and agent talk is written before they are connected (`seal`): when a worker dies about
then, nobody who has talked is called again.

A claim is one statement on one row by its key, and changes no indexed column: see ADR 0022.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from crm.database import Database


class Refusal(StrEnum):
    """Why a callback cannot be claimed."""

    HELD = "held"
    """Another attempt is live."""
    ENDED = "ended"
    DO_NOT_CALL = "do_not_call"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Claim:
    """A live attempt. `before` counts the attempts made so far, lost ones included."""

    callback: str
    fence: int
    before: int


@dataclass(frozen=True, slots=True)
class Result:
    """What came of an attempt, and what becomes of the callback.

    `state` is `waiting`, then `due_ms` says when it is due again (None: at once), or a final one.
    """

    outcome: str
    counts: bool
    state: str
    reason: str | None
    now_ms: int
    due_ms: int | None = None


async def claim(database: Database, callback: str, holder: str, lease_ms: int) -> Claim | Refusal:
    """Take the one live attempt of a callback; committed on return.

    `holder` names the worker (at most 64 characters).
    """
    row = await database.row("callbacks_claim", callback, holder, lease_ms)
    if row is not None:
        return Claim(callback, row["fence"], row["attempts"])
    why = await database.value("callbacks_refusal", callback)
    return Refusal.UNKNOWN if why is None else Refusal(why)


async def leases(database: Database) -> dict[str, int]:
    """Return, by callback, for how long (ms) each live claim holds; 0: it has run out."""
    return {row["id"]: row["left_ms"] for row in await database.rows("callbacks_leases")}


async def renew(database: Database, claim: Claim, lease_ms: int) -> bool:
    """Hold a claim for longer. False: it is not ours any more; end the call."""
    return (
        await database.value("callbacks_renew", claim.callback, claim.fence, lease_ms) is not None
    )


async def seal(database: Database, claim: Claim, now_ms: int) -> bool:
    """Write that the two talk, before they are connected. False: too late, it changed nothing.

    The callback counts as connected, and nobody else can claim or end it; its lease is still to be
    renewed. `finish` says what came of it, `unseal` that they do not talk after all.
    """
    return await database.value("callbacks_seal", claim.callback, claim.fence, now_ms) is not None


async def unseal(database: Database, claim: Claim) -> bool:
    """Take a seal back: the attempt goes on, the callback is open. False: it was not sealed.

    Raises `DataRefused` if the customer has another open callback in that queue by now.
    """
    return await database.value("callbacks_unseal", claim.callback, claim.fence) is not None


async def confirm(database: Database) -> None:
    """Have those talk for good who were sealed by a worker that died."""
    await database.rows("callbacks_confirm")


async def finish(database: Database, claim: Claim, result: Result) -> bool:
    """Bring an attempt's result. False: too late, it changed nothing.

    The same result brought again is True again.
    """
    done = await database.value(
        "callbacks_finish",
        claim.callback,
        claim.fence,
        result.outcome,
        int(result.counts),
        result.state,
        result.reason,
        result.due_ms,
        result.now_ms,
    )
    if done is not None:
        return True
    return bool(
        await database.value("callbacks_finished", claim.callback, claim.fence, result.outcome)
    )
