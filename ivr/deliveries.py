"""Tells others what flows raise by `event` nodes: signed, tried again, at least once, in order.

The journal is the outbox: an event is written there like all that happens, behind a spool that
outlives a database that is away, and from there it is told to one address. What was told, and what
was given up, is in the table `event_deliveries`, so that a restart neither loses nor repeats more
than the event that was under way.

The body is JSON: `id` (rises; the same when told again), `event`, `interaction`, `at_ms`, `data`.
Headers: `Sala-Signature: sha256=<HMAC of the body>` (RFC 2104) under the setting webhook_secret.
An answer of 2xx takes the event. Others are tried again after 5 s, doubled each time up to 15
minutes, for a day at most; meanwhile later events are told, so that one that is never taken does
not keep the rest.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import logging
from collections.abc import Callable

import aiohttp

from crm import deliveries
from crm.database import Database
from crm.errors import CrmError

log = logging.getLogger(__name__)

EVERY_S = 2.0
MOST = 50
TIMEOUT_S = 10.0
FIRST_MS = 5_000
LONGEST_MS = 15 * 60_000
KEPT_MS = 24 * 3_600_000
"""An event older than this is given up."""


class Deliveries:
    """Tells events to one address. `clock` gives milliseconds since the epoch."""

    def __init__(self, url: str, secret: str, database: Database, clock: Callable[[], int]) -> None:
        self._url = url
        self._secret = secret.encode()
        self._database = database
        self._clock = clock

    async def run(self) -> None:
        """Tell what comes, for ever."""
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
        async with aiohttp.ClientSession(
            timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()
        ) as session:
            while True:
                try:
                    told = await self.tell(session)
                except CrmError as failure:
                    log.warning("events wait: %s", failure, extra={"action": "events_wait"})
                    told = 0
                if told < MOST:
                    await asyncio.sleep(EVERY_S)

    async def tell(self, session: aiohttp.ClientSession) -> int:
        """Tell all that is due, `MOST` at most; return how many were tried. Raises CrmError."""
        now = self._clock()
        # Twice as old as what is given up, so that what became too old meanwhile is noted so.
        due = await deliveries.due(self._database, now - 2 * KEPT_MS, now, MOST)
        for event in due:
            fault = await self._post(session, event)
            now = self._clock()
            if fault is None:
                await deliveries.done(self._database, event, now)
                continue
            last = now - event.at_ms >= KEPT_MS
            pause = min(FIRST_MS * 2 ** min(event.attempts, 20), LONGEST_MS)
            await deliveries.failed(self._database, event, now + pause, fault, last=last)
            (log.error if last else log.warning)(
                "event not taken: %s",
                fault,
                extra={"action": "event_given_up" if last else "event_refused", "event": event.id},
            )
        return len(due)

    async def _post(self, session: aiohttp.ClientSession, event: deliveries.Due) -> str | None:
        """Return why an event was not taken; None: it was."""
        body = json.dumps({"id": event.id, "at_ms": event.at_ms, **event.body}).encode()
        signed = hmac.new(self._secret, body, hashlib.sha256).hexdigest()
        headers = {"Content-Type": "application/json", "Sala-Signature": f"sha256={signed}"}
        try:
            async with session.post(
                self._url, data=body, headers=headers, allow_redirects=False
            ) as answer:
                return None if answer.status // 100 == 2 else f"status {answer.status}"
        except TimeoutError:
            return "no answer in time"
        except (aiohttp.ClientError, OSError) as error:
            return type(error).__name__
