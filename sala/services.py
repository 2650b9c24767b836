"""What flows need of the world outside (`ivr.services`), made of settings and the database."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

from acd.dialling import Dialling
from acd.gate import Gate, Rules
from acd.promises import Promises
from crm.database import Database
from crm.recorder import Recorder
from ivr.deliveries import Deliveries
from ivr.lookups import HttpService, NamedQueries
from ivr.mailboxes import Mailboxes
from ivr.services import Services
from sala.asking import FlowCallbacks, Lines
from sala.notebook import Notebook, Proofs
from sala.settings import Settings


def gate(settings: Settings) -> Gate:
    """Return the dialling gate of these settings."""
    return Gate(
        Rules(
            settings.default_region,
            allowed=settings.dial_allowed,
            denied=settings.dial_denied,
            sip_hosts=settings.dial_sip_hosts,
            per_number=settings.dial_per_number,
            per_day=settings.dial_per_day,
            at_once=settings.dial_at_once,
        )
    )


class FlowServices:
    """All of them. `services` and `notebook` are for sessions, `dialling` for whoever dials,
    `promises` for whoever promises callbacks.

    `clock` gives milliseconds since the epoch; `agent` an agent's address, empty if unknown;
    `lines` is the floor as promises see it.
    """

    def __init__(
        self,
        settings: Settings,
        database: Database,
        recorder: Recorder,
        clock: Callable[[], int],
        *,
        agent: Callable[[str], str],
        lines: Lines,
    ) -> None:
        self._http = HttpService(settings.flow_hosts, secret=settings.webhook_secret)
        signed = self._http if settings.webhook_secret else None
        self._deliveries = (
            Deliveries(settings.event_url, settings.webhook_secret, database, clock)
            if settings.event_url
            else None
        )
        self.notebook = Notebook(
            recorder,
            database,
            epoch=f"ivr.{time.time_ns() // 1_000_000:x}",
            clock=clock,
            patience_ms=settings.record_wait_ms,
        )
        allowed = gate(settings)
        self.dialling = Dialling(allowed, database, clock, agent=agent)
        self.promises = Promises(allowed, database, clock, lines)
        self.services = Services(
            http=self._http,
            sql=NamedQueries(Path(settings.flows), database),
            customers=self.notebook,
            verifier=Proofs(database, clock, signed),
            callbacks=FlowCallbacks(self.promises, lines, database, clock),
            voicemail=Mailboxes(Path(settings.paths.recordings), database, clock),
            gate=self.dialling,
            webhooks=signed,
            notes=self.notebook,
        )

    def tasks(self) -> list[asyncio.Task[None]]:
        """Start what runs beside calls."""
        if self._deliveries is None:
            return []
        return [asyncio.create_task(self._deliveries.run(), name="events")]

    async def close(self) -> None:
        """Close all connections to others."""
        await self._http.close()
