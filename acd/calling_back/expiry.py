"""The end of callbacks that nobody makes: without a trunk they are kept until they expire."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping

from acd.callbacks import Policy
from acd.callbacks.words import Stage
from crm import attempts, callbacks
from crm.database import Database
from crm.errors import CrmError

log = logging.getLogger(__name__)

EVERY_S = 600.0


async def expire(database: Database, policies: Mapping[str, Policy], now: int) -> None:
    """End those whose time is over, but for those whom another worker calls. Raises CrmError."""
    await attempts.confirm(database)
    leases = await attempts.leases(database)
    for row in await callbacks.waiting(database):
        policy = policies.get(row.queue or "") or Policy()
        if policy.expires(row) <= now and not leases.get(row.id):
            await callbacks.end(database, row.id, str(Stage.EXPIRED), "expired", now)


async def expiring(
    database: Database, policies: Callable[[], Mapping[str, Policy]], clock: Callable[[], int]
) -> None:
    """Do so every ten minutes. Never returns."""
    while True:
        try:
            await expire(database, policies(), clock())
        except CrmError as error:
            log.warning("callbacks not read: %s", error, extra={"action": "callbacks_unread"})
        await asyncio.sleep(EVERY_S)
