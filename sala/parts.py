"""The parts `sala up` keeps running besides the service: Postgres and the PBX."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Sequence

from crm import embedded, floor
from crm.database import Database
from crm.errors import CrmError
from crm.records import Agent
from pbx.appliance.data import data_folder, music_on_hold
from pbx.appliance.fetch import ensure
from pbx.appliance.instance import Instance
from pbx.appliance.render import Account, Layout, Plan, check, render
from pbx.appliance.root import Pbx
from pbx.asterisk.facts import TRUNK, TRUNK_SHOWN
from pbx.errors import ApplianceError
from sala import secrets
from sala.database import CALLER_ACCOUNT, prepare, running_url
from sala.errors import StartFailed, UserError
from sala.progress import Tell
from sala.secrets import Secrets
from sala.settings import PROJECT, Settings
from sala.supervisor import process_ended

PBX_READY_S = 20.0

TRUNK_ACCOUNT = re.compile(rf"trunk-\d+|{TRUNK}|{TRUNK_SHOWN}")
"""The names that trunks' accounts are given."""


def silent(what: str, fraction: float | None) -> None:
    """Take progress and show none."""


class PostgresPart:
    """The database: the embedded server's life, and the schema's state wherever it runs.

    `url` is its address once started.
    """

    name = "postgres"

    def __init__(self, settings: Settings, known: Secrets) -> None:
        self._settings = settings
        self._password = known.database
        self._launch: asyncio.Future[str] | None = None
        self._stopped = asyncio.Event()
        self.url = settings.database_url

    @property
    def pid(self) -> int | None:
        """The embedded server's process; None for a database of the admin's own."""
        return embedded.running(self._settings.state) if self._settings.embedded_database else None

    async def start(self) -> None:
        """Start the embedded server, or adopt it; bring the schema up to date."""
        try:
            if self._settings.embedded_database:
                launch = asyncio.to_thread(embedded.start, self._settings.state, self._password)
                self._launch = asyncio.ensure_future(launch)
                self.url = await asyncio.shield(self._launch)
            await prepare(self.url)
        except CrmError as error:
            raise StartFailed(str(error)) from error

    async def ended(self) -> str:
        """Wait until the embedded server has ended; one of the admin's own is not watched."""
        if not self._settings.embedded_database:
            await self._stopped.wait()
            return "stopped"
        if pid := self.pid:
            await process_ended(pid)
        return f"its log is {self._settings.paths.postgres / 'log'}"

    async def stop(self, *, force: bool = False) -> None:
        """Stop the embedded server; one of the admin's own is left alone."""
        self._stopped.set()
        if not self._settings.embedded_database:
            return
        if self._launch is not None:
            # A start cannot be taken back halfway; it is bounded, so see it through.
            await asyncio.wait({self._launch})
        patience_s = 2.0 if force else 15.0
        try:
            await asyncio.to_thread(embedded.stop, self._settings.state, timeout_s=patience_s)
        except CrmError as error:
            raise StartFailed(str(error)) from error


class AsteriskPart:
    """The PBX, with its configuration rendered anew at each start."""

    name = "asterisk"

    def __init__(self, settings: Settings, pbx: Pbx, database: PostgresPart) -> None:
        self._settings = settings
        self._pbx = pbx
        self._database = database
        self._instance: Instance | None = None

    @property
    def pid(self) -> int | None:
        """Its process id while it runs."""
        return self._instance.pid if self._instance else None

    async def start(self) -> None:
        """Render the configuration, start the PBX, wait until it has booted."""
        await put_in_force(self._settings, self._pbx, self._database.url)
        try:
            instance = Instance(self._pbx, Layout.of(self._settings.paths.asterisk).conf)
            if instance.find() is not None:
                await instance.stop()
            self._instance = instance
            await instance.start()
            await instance.wait_ready(PBX_READY_S)
        except ApplianceError as error:
            raise StartFailed(str(error)) from error

    async def ended(self) -> str:
        """Wait until it has ended; return its status."""
        assert self._instance is not None
        status = await self._instance.wait()
        return f"status {status}; its output is {self._instance.output}"

    async def stop(self, *, force: bool = False) -> None:
        """Stop it; calls in progress end."""
        if self._instance is None:
            return
        try:
            # After traffic Asterisk lingers over finished SIP dialogs, and has nothing to lose.
            await self._instance.stop(timeout=0.5 if force else 1.5)
        except ApplianceError as error:
            raise StartFailed(str(error)) from error


async def put_in_force(settings: Settings, pbx: Pbx, url: str) -> None:
    """Render the PBX's configuration. Raises `UserError` with every fault, by file and line."""
    await _with_plan(settings, url, pbx, put=True)


async def check_pbx(settings: Settings, pbx: Pbx, url: str) -> None:
    """Do all that `put_in_force` does, but change nothing."""
    await _with_plan(settings, url, pbx, put=False)


async def _with_plan(settings: Settings, url: str, pbx: Pbx, *, put: bool) -> None:
    agents = await _agents(url)
    known = secrets.ensure(
        settings.paths.secrets, [CALLER_ACCOUNT, *(agent.address for agent in agents)]
    )
    try:
        await asyncio.to_thread(
            render if put else check,
            pbx,
            Layout.of(settings.paths.asterisk),
            plan(settings, known, agents),
            sip_configs=settings.sip_configs,
            dialplans=settings.dialplans,
            data=data_folder(pbx, silent),
            music=settings.paths.music,
        )
    except ApplianceError as error:
        raise UserError(str(error)) from error


def plan(settings: Settings, known: Secrets, agents: Sequence[Agent]) -> Plan:
    """Say what the PBX's configuration is rendered from."""
    paths = settings.paths
    accounts = [
        Account(agent.address, "agent", secret=known.sip[agent.address], display=agent.name)
        for agent in agents
    ]
    accounts.append(Account(CALLER_ACCOUNT, "caller", secret=known.sip[CALLER_ACCOUNT]))
    accounts += [
        Account(f"trunk-{number}", "trunk", host=host)
        for number, host in enumerate(settings.trunk_hosts, start=1)
    ]
    if settings.trunk_out:
        accounts.append(
            Account(
                TRUNK,
                "carrier",
                secret=settings.trunk_secret,
                host=settings.trunk_out,
                user=settings.trunk_user,
                number=settings.trunk_number or "anonymous",
            )
        )
    return Plan(
        ami_secret=known.ami,
        accounts=accounts,
        globals={
            "SALA_FASTAGI": f"127.0.0.1:{settings.agi_port}",
            "SALA_TICK": str(settings.wait_tick_s),
            "SALA_AWAY": str(settings.survival_after_s),
            "SALA_PYTHON": sys.executable,
            "SALA_SURVIVAL": str(PROJECT / "agi_scripts" / "survival.py"),
            "SALA_LANGUAGE": settings.language,
            "SALA_MEDIA": str(paths.media),
            "SALA_SPOOL": str(paths.callbacks),
            "SALA_RECORDINGS": str(paths.recordings),
        },
        sip_address=settings.sip_address,
        sip_port=settings.sip_port,
        rtp_first=settings.rtp_first,
        rtp_last=settings.rtp_last,
        external_address=settings.external_address,
        ami_port=settings.ami_port,
        trunk_silent_s=settings.trunk_silent_s,
    )


def get_pbx(settings: Settings, tell: Tell) -> Pbx:
    """Find or fetch the PBX, and all that its instances read. Blocks; see `ensure`."""
    pbx = ensure(tell, asterisk=settings.asterisk)
    data_folder(pbx, tell)
    music_on_hold(pbx, settings.paths.music, tell)
    return pbx


def running(settings: Settings, pbx: Pbx) -> Instance | None:
    """Return the PBX of this state folder if it runs."""
    conf = Layout.of(settings.paths.asterisk).conf
    if not conf.exists():
        return None
    instance = Instance(pbx, conf)
    return instance if instance.find() is not None else None


def running_pid(settings: Settings, pbx: Pbx) -> int | None:
    """Return the process id of this state folder's PBX if it runs."""
    instance = running(settings, pbx)
    return instance.pid if instance else None


async def reload_pbx(settings: Settings) -> bool:
    """Render the PBX's configuration anew and have it taken in; calls go on.

    Returns False, having done nothing, when the PBX does not run. Raises `UserError` with every
    fault, by file and line; then nothing has changed.
    """
    if not Layout.of(settings.paths.asterisk).conf.exists():
        return False
    pbx = await asyncio.to_thread(ensure, silent, asterisk=settings.asterisk)
    instance = running(settings, pbx)
    if instance is None:
        return False
    await put_in_force(settings, pbx, await asyncio.to_thread(running_url, settings))
    await instance.reload()
    return True


async def _agents(url: str) -> list[Agent]:
    database = Database(url, size=1)
    await database.open()
    try:
        return await floor.agents(database)
    finally:
        await database.close()
