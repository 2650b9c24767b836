"""The only place that wires shells together: database, flows, floor and switch as one service."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from acd.calling_back import Store, expiring
from acd.clock import LoopClock
from acd.estimates import Experience, Waits
from acd.estimates.past import recall
from acd.floor import Floor
from acd.intake import Intake
from acd.ledger import Ledger
from acd.roster import Roster
from acd.router.events import Wanted
from acd.spool import Spool
from crm import floor as stored_floor, records
from crm.database import Database
from crm.errors import CrmError, DatabaseUnavailable
from crm.recorder import Recorder
from crm.spool import Spool as RowSpool
from ivr.errors import FlowInvalid, IvrError, SpeechError
from ivr.flow.check import Context
from ivr.library import Library
from ivr.prompts import PromptStore
from pbx.asterisk.switch import AsteriskSwitch
from sala import flows, hours
from sala.asking import Lines
from sala.handing import Handing, Verb
from sala.ordering import CallbackRefused, Orders
from sala.past import recalled
from sala.personal import Personal
from sala.reception import Reception
from sala.rescues import Rescues
from sala.secrets import Secrets
from sala.services import FlowServices, gate
from sala.settings import Settings

log = logging.getLogger(__name__)

AMI_USER = "sala"
LOOPBACK = "127.0.0.1"
DRAIN_S = 5.0
KEPT_S = 1.0
RESUME_S = 300.0


class Service:
    """The whole service against a PBX and a database that already run."""

    def __init__(self) -> None:
        self._database: Database | None = None
        self._recorder: Recorder | None = None
        self._ledger: Ledger | None = None
        self._floor: Floor | None = None
        self._reception: Reception | None = None
        self._handing: Handing | None = None
        self._switch: AsteriskSwitch | None = None
        self._library: Library | None = None
        self._prompts: PromptStore | None = None
        self._stored = records.Floor(version=0)
        self._settings: Settings | None = None
        self._known = Context()
        self._outside: FlowServices | None = None
        self._lines: Lines | None = None
        self._rescues: Rescues | None = None
        self._ordering: Orders | None = None
        self._store: Store | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._configuring = asyncio.Lock()
        """Held so that no older configuration is taken after a newer one."""

    async def start(self, settings: Settings, *, secrets: Secrets, database_url: str) -> None:
        """Bring everything up; returns when calls can come in.

        Raises CrmError when the database cannot be used, FlowInvalid for faults in flows,
        OSError when the FastAGI port is taken. The PBX may still be away: it is awaited.
        """
        clock = LoopClock()
        self._settings = settings
        database = self._database = Database(database_url)
        await database.open()
        recorder = self._recorder = Recorder(database, RowSpool(settings.paths.rows))
        # What an earlier run could not write comes before anything is read.
        await recorder.resume(RESUME_S)
        await hours.publish(settings, database)
        stored = self._stored = await stored_floor.load(database)
        loop = asyncio.get_running_loop()
        ledger = self._ledger = Ledger(recorder, Intake(settings.default_region), loop.call_soon)
        prompts = self._prompts = flows.prompts(settings)
        self._known = await flows.known(settings, database, stored)
        await flows.publish_new(settings, database, self._known)
        library = self._library = flows.library(settings, prompts, database, lambda: self._known)
        for warning in await library.reload():
            log.warning("%s", warning, extra={"action": "flow_warning"})
        roster = Roster.of(stored)
        for fault in roster.faults:
            # There is no earlier configuration to keep: the floor works with what is right.
            log.error("in the stored configuration: %s", fault, extra={"action": "configure"})
        epoch, zone = f"{time.time_ns() // 1_000_000:x}", ZoneInfo(settings.timezone)
        past = await recalled(database, ledger, roster, library, clock.now(), zone)
        spool = Spool(
            settings.paths.callbacks,
            database,
            gate(settings),
            lambda interaction: ledger.called_back(interaction, clock.now()),
            queue=settings.survival_queue,
        )
        await spool.take_in()
        switch = self._switch = AsteriskSwitch(
            host=LOOPBACK,
            ami_port=settings.ami_port,
            user=AMI_USER,
            secret=secrets.ami,
            agi_port=settings.agi_port,
            recordings=Path(settings.paths.recordings),
        )
        floor = self._floor = Floor(
            switch,
            ledger,
            clock,
            roster,
            epoch=epoch,
            past=past,
            zone=zone,
        )
        experience = Experience(lambda ms: datetime.fromtimestamp(ms / 1000, zone).hour)
        await recall(database, experience, clock.now())
        floor.estimate(Waits(experience, f"ewt.{epoch}", recorder.journal))
        lines = self._lines = Lines(floor, ledger, roster, clock.now)
        outside = self._outside = FlowServices(
            settings,
            database,
            recorder,
            clock.now,
            agent=self._address,
            lines=lines,
        )
        rescues = self._rescues = Rescues(
            outside.promises,
            floor,
            database,
            lines.queue,
            clock.now,
            region=settings.default_region,
        )
        floor.parted, floor.cut = rescues.parted, rescues.cut
        orders = Orders(outside.promises, database, lambda: lines.roster, clock.now)
        self._ordering = orders
        handing = self._handing = Handing(
            floor, roster, outside.dialling if settings.trunk_out else None
        )
        if settings.trunk_out:
            await self._call_back(settings, database, outside, clock, epoch)
        self._reception = Reception(
            floor,
            ledger,
            library,
            prompts,
            clock,
            roster=roster,
            entry_points={entry.number: entry.flow for entry in stored.entry_points},
            region=settings.default_region,
            language=settings.language,
            kept=self._kept,
            services=outside.services,
            notebook=outside.notebook,
            handing=handing,
            personal=Personal(
                orders,
                database,
                prompts,
                clock.now,
                kept=self._kept,
                language=settings.language,
            ),
            announces=settings.announce_waits,
        )
        await switch.start(self._reception)
        self._tasks = [
            asyncio.create_task(self._follow(database), name="configuration"),
            asyncio.create_task(spool.run(), name="spool"),
            *outside.tasks(),
        ]
        callbacks = (
            expiring(database, lambda: lines.roster.callbacks, clock.now)
            if self._store is None
            else floor.callbacks.incoming.follow()
        )
        self._tasks.append(asyncio.create_task(callbacks, name="callbacks"))

    async def _call_back(
        self,
        settings: Settings,
        database: Database,
        outside: FlowServices,
        clock: LoopClock,
        epoch: str,
    ) -> None:
        """Have callbacks made, from those that are open."""
        assert self._floor is not None
        store = self._store = Store(
            database,
            outside.dialling,
            clock.now,
            holder=f"{socket.gethostname()[:40]}.{epoch}",
            kept=self._kept,
        )
        rows = [*await store.waiting(), *await store.sealed()]
        self._floor.callbacks.serve(store, rows, settings.default_region)
        await self._floor.callbacks.ahead()

    async def stop(self) -> None:
        """Let go of everything; calls in progress and callers in line stay with the PBX."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        if self._switch is not None:
            await self._switch.stop()
        if self._prompts is not None:
            await self._prompts.close()
        if self._ledger is not None:
            self._ledger.catch_up()
        if self._rescues is not None:
            await self._rescues.close()
        if self._store is not None:
            await self._store.close()
        if self._outside is not None:
            await self._outside.close()
        if self._recorder is not None:
            await self._recorder.drain(DRAIN_S)
        if self._database is not None:
            await self._database.close()

    def status(self) -> dict[str, Any]:
        """How everything is, in values that JSON knows."""
        recorder, floor, switch = self._recorder, self._floor, self._switch
        return {
            "pid": os.getpid(),
            "switch": "up" if switch is not None and switch.up else "down",
            "database": {
                "healthy": recorder is not None and recorder.healthy,
                "pending": recorder.pending if recorder is not None else 0,
                "spooled": recorder.spooled if recorder is not None else 0,
                "lag_ms": recorder.lag_ms if recorder is not None else 0,
                "refused": recorder.refused if recorder is not None else 0,
            },
            "configuration": self._stored.version,
            "entry_points": {e.number: e.flow for e in self._stored.entry_points},
            "tasks": len(asyncio.all_tasks()),
            "descriptors": len(os.listdir("/proc/self/fd")),  # noqa: PTH208 - not a tree
            **(floor.status() if floor is not None else {}),
        }

    async def reload(self) -> list[str]:
        """Take changed flows and configuration in; gives faults, and then nothing was changed."""
        if self._library is None or self._database is None:
            return ["the service has not started yet"]
        try:
            await self._library.reload()
        except FlowInvalid as invalid:
            return [str(problem) for problem in invalid.problems]
        except SpeechError as failure:
            return [str(failure)]
        return await self._configure(self._database)

    async def agent_wants(self, agent: str, wanted: Wanted, reason: str) -> None:
        """Log an agent in or out, pause or resume. Raises `LookupError` for an unknown agent.

        Returns once it is written, so that what was confirmed outlives this process.
        """
        if self._floor is None:
            raise LookupError(agent)
        self._floor.agent_wants(agent, wanted, reason)
        await self._kept()

    async def call(self, interaction: str, verb: Verb, to: str, *, keep_place: bool) -> None:
        """Hold, transfer or otherwise hand on a call.

        Raises `LookupError` for a call that is not there, `HandoverRefused` for what cannot be.
        """
        if self._handing is None:
            raise LookupError(interaction)
        await self._handing.order(interaction, verb, to, keep_place=keep_place)

    async def callbacks(self, queue: str, customer: str, interaction: str) -> list[dict[str, Any]]:
        """List open callbacks; of a queue, of a customer or an interaction's (empty: all)."""
        if self._ordering is None:
            return []
        return await self._ordering.open(queue, customer, interaction)

    async def add_callback(self, wish: Mapping[str, Any]) -> dict[str, Any]:
        """Promise a callback. Raises `CallbackRefused`, `LookupError` for an unknown call."""
        if self._ordering is None or self._floor is None:
            raise CallbackRefused("the service has not started yet")
        interaction, contact = str(wish.get("interaction", "")), None
        if interaction and (contact := self._floor.contact(interaction)) is None:
            raise LookupError(f"there is no call {interaction}")
        try:
            made = await self._ordering.add(wish, contact)
        except DatabaseUnavailable as error:
            raise CallbackRefused("the database is away: nothing is promised") from error
        return {"callback": made.callback, "answer": str(made.answer)}

    async def change_callback(self, callback: str, number: str) -> str:
        """Have another number called; empty: cancel. Raises `CallbackRefused`, `LookupError`."""
        if self._ordering is None:
            raise LookupError(callback)
        return await self._ordering.change(callback, number)

    def _address(self, agent: str) -> str:
        return next((one.address for one in self._stored.agents if one.id == agent), "")

    async def _kept(self) -> None:
        """Wait until all is written, but not for a database that is away."""
        if self._recorder is not None and self._ledger is not None:
            self._ledger.catch_up()
            with contextlib.suppress(DatabaseUnavailable):
                await self._recorder.flush(KEPT_S)

    async def _follow(self, database: Database) -> None:
        """Take each new configuration as it is made."""
        async for version in stored_floor.watch(database):
            if version != self._stored.version:
                try:
                    await self._configure(database)
                    await self._reload_flows()
                except (CrmError, IvrError) as failure:
                    log.warning("no new configuration: %s", failure, extra={"action": "configure"})

    async def _reload_flows(self) -> None:
        """Take flows in as they are published now; calls go on with the version they have."""
        if self._library is not None:
            for warning in await self._library.reload():
                log.warning("%s", warning, extra={"action": "flow_warning"})

    async def _configure(self, database: Database) -> list[str]:
        """Take the stored configuration; give its faults, and then nothing was changed."""
        async with self._configuring:
            stored = await stored_floor.load(database)
            # A floor of thousands is read for a while, in which calls must go on.
            roster = await asyncio.to_thread(Roster.of, stored)
            if roster.faults:
                # Only other hands than our commands' write such rows. What holds now is better
                # than a part of it.
                faults = [f"in the stored configuration: {fault}" for fault in roster.faults]
                log.error(
                    "version %s is not taken: %s",
                    stored.version,
                    "; ".join(map(str, roster.faults)),
                    extra={"action": "configure", "version": stored.version},
                )
                return faults
            self._stored = stored
            if self._settings is not None:
                self._known = await flows.known(self._settings, database, stored)
            if self._floor is not None and self._reception is not None:
                if self._lines is not None:
                    self._lines.roster = roster
                self._floor.configure(roster)
                entry_points = {e.number: e.flow for e in stored.entry_points}
                self._reception.configure(roster, entry_points)
        log.info("configured", extra={"action": "configured", "version": stored.version})
        return []
