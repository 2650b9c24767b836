"""What `sala doctor` looks at: one function a part, each of which says what to do.

A check never raises for what it finds. It fetches nothing, starts nothing and changes nothing, but
that prompts which are not rendered yet are.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import stat
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib import metadata
from pathlib import Path
from typing import Any

import asyncpg

from acd import policy
from crm import embedded, floor, migrations, queries
from crm.database import Database
from crm.errors import CrmError
from ivr.errors import FlowInvalid, IvrError
from pbx.appliance import apt
from pbx.appliance.fetch import store
from pbx.appliance.host import OLDEST, architecture, distribution
from pbx.appliance.root import Pbx, open_own, open_root
from pbx.errors import ApplianceError
from sala import dialplans, flows, ports, secrets
from sala.control import ControlClient
from sala.database import running_url
from sala.errors import SalaError, ServiceUnreachable
from sala.parts import check_pbx, running_pid
from sala.routing.changing import warnings
from sala.settings import Settings
from sala.view import stranded, switch_up

PYTHONS = ((3, 11), (3, 14))
"""The oldest Python that serves, and the first that does not any more."""


class Verdict(StrEnum):
    """How one check went."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """One check's result: what was looked at, what was found, and what to do about it."""

    part: str
    verdict: Verdict
    found: str
    advice: str = ""


def ok(part: str, found: str) -> Finding:
    """Say that a part is as it should be."""
    return Finding(part, Verdict.OK, found)


def warn(part: str, found: str, advice: str) -> Finding:
    """Say that a part is doubtful, or not there yet."""
    return Finding(part, Verdict.WARN, found, advice)


def fail(part: str, found: str, advice: str) -> Finding:
    """Say that a part does not work."""
    return Finding(part, Verdict.FAIL, found, advice)


async def examine(settings: Settings) -> AsyncIterator[Finding]:
    """Run every check in order; those that need a part that failed are left out."""
    yield python()
    yield dependencies()
    for finding in state(settings):
        yield finding
    pbx, finding = find_pbx(settings)
    yield finding
    live = await ask(settings)
    for finding in listeners(settings, pbx, live):
        yield finding
    url: str | None = None
    async for finding, address in database(settings):
        url = address or url
        yield finding
    if pbx is not None and url is not None:
        yield await configuration(settings, pbx, url)
    if url is not None:
        yield await routing(url)
    yield await flows_and_prompts(settings, url)
    for finding in service(live):
        yield finding


def python() -> Finding:
    """Look at the interpreter."""
    found = ".".join(map(str, sys.version_info[:3]))
    if not PYTHONS[0] <= sys.version_info[:2] < PYTHONS[1]:
        return fail("python", found, "use Python 3.11, 3.12 or 3.13: make PYTHON=python3.12 setup")
    return ok("python", found)


def dependencies() -> Finding:
    """Look whether what Sala needs is installed."""
    missing = []
    for line in metadata.requires("sala") or []:
        if "extra ==" in line:
            continue
        name = re.split(r"[^A-Za-z0-9._-]", line, maxsplit=1)[0]
        try:
            metadata.version(name)
        except metadata.PackageNotFoundError:
            missing.append(name)
    if missing:
        return fail("packages", f"missing: {', '.join(missing)}", "run: make setup")
    return ok("packages", f"all there, in {sys.prefix}")


def state(settings: Settings) -> Iterator[Finding]:
    """Look at the state folder and the secrets in it."""
    folder = settings.state
    if not folder.is_dir():
        yield warn("state", f"{folder} is not there yet", "run: sala setup")
        return
    mode = stat.S_IMODE(folder.stat().st_mode)
    if mode & 0o077:
        yield fail(
            "state", f"{folder} is open to others (mode {mode:04o})", f"run: chmod 700 {folder}"
        )
    else:
        yield ok("state", str(folder))
    try:
        known = secrets.load(settings.paths.secrets)
    except SalaError as error:
        yield fail("secrets", *_split(str(error)))
    else:
        yield ok("secrets", f"{len(known.sip)} SIP accounts, mode 0600")


def find_pbx(settings: Settings) -> tuple[Pbx | None, Finding]:
    """Look for a PBX the way a start does, but fetch none."""
    try:
        own = (
            settings.asterisk
            or shutil.which("asterisk")
            or shutil.which("asterisk", path="/usr/sbin:/usr/local/sbin")
        )
        if own:
            try:
                pbx = open_own(Path(own))
            except ApplianceError:
                if settings.asterisk:
                    raise
            else:
                return pbx, ok("pbx", f"Asterisk {pbx.version_text} at {own}")
        arch = architecture()
        facts = store().pointed(f"current-{arch.debian}")
        if facts is None:
            return None, _fetchable()
        pbx = open_root(store().folder / str(facts["key"]) / "root", arch)
    except ApplianceError as error:
        return None, fail("pbx", *_split(str(error)))
    return pbx, ok("pbx", f"Asterisk {pbx.version_text}, bundled, in {pbx.root}")


def _fetchable() -> Finding:
    """Say whether a PBX could be fetched here."""
    apt.need_commands()
    apt.find_keyring(distribution())
    return warn("pbx", f"no Asterisk {OLDEST} or later is here yet", "run: sala setup")


def listeners(settings: Settings, pbx: Pbx | None, live: Live) -> Iterator[Finding]:
    """Look whether the ports are free, or ours."""
    pids = (running_pid(settings, pbx) if pbx else None, live.status.get("pid"))
    ours = {pid for pid in pids if pid is not None}
    faults = ports.taken(settings, but_by=ours)
    for fault in faults:
        found, _, advice = fault.message.partition(": ")
        yield fail("ports", found, advice)
    if not faults:
        whose = "ours" if ours else "free"
        yield ok(
            "ports",
            f"{whose}: SIP {settings.sip_port}, AMI {settings.ami_port}, AGI {settings.agi_port}",
        )


async def database(settings: Settings) -> AsyncIterator[tuple[Finding, str | None]]:
    """Look at the database: whether it answers, whose version, whether its schema is ours."""
    if settings.embedded_database and embedded.running(settings.state) is None:
        yield warn("database", "the embedded one does not run", "run: sala up"), None
        return
    try:
        url = await asyncio.to_thread(running_url, settings)
        opened = Database(url, size=1)
        await opened.open()
    except (CrmError, SalaError) as error:
        yield fail("database", str(error), "see database_url in sala config show"), None
        return
    try:
        async with opened.connection() as connection:
            server = connection.get_server_version()
            yield ok("database", f"Postgres {server.major}.{server.minor}"), url
            yield await _schema(connection), url
    except CrmError as error:
        yield fail("database", str(error), "see the database's log"), None
    finally:
        await opened.close()


async def _schema(connection: Any) -> Finding:
    ours = migrations.load()
    try:
        applied = await connection.fetch(queries.load()["migrations_applied"])
    except asyncpg.UndefinedTableError:
        applied = []
    told = {row["name"]: row["checksum"] for row in applied}
    missing = [one.name for one in ours if one.name not in told]
    if changed := [one.name for one in ours if told.get(one.name, one.checksum) != one.checksum]:
        return fail("schema", f"{changed[0]} was changed since it was applied", "restore that file")
    if missing:
        return warn("schema", f"{len(missing)} migrations are not applied", "run: sala up")
    return ok("schema", f"{len(ours)} migrations applied")


async def configuration(settings: Settings, pbx: Pbx, url: str) -> Finding:
    """Look whether dialplans and PBX templates are sane."""
    advice = "mend these lines, then: sala reload"
    try:
        faults = await asyncio.to_thread(dialplans.found, settings)
        await check_pbx(settings, pbx, url)
    except SalaError as error:
        return fail("dialplans", str(error), advice)
    if faults:
        look = warn if all(fault.warning for fault in faults) else fail
        return look("dialplans", "\n".join(map(str, faults)), advice)
    return ok("dialplans", "dialplans and PBX templates are right")


async def routing(url: str) -> Finding:
    """Look whether what is stored can be routed by, and whether every queue can be served."""
    opened = Database(url, size=1)
    try:
        await opened.open()
        stored = await floor.load(opened)
    except CrmError as error:
        return fail("routing", str(error), "run: sala up")
    finally:
        await opened.close()
    if faults := policy.read(stored).faults:
        return fail(
            "routing",
            "\n".join(map(str, faults)),
            "mend it with sala queue set, sala agent set or sala apply; until then the service "
            "keeps the last configuration that was right",
        )
    if found := warnings(stored):
        return warn(
            "routing", "\n".join(found), "give agents the queues and skills: sala agent set"
        )
    return ok("routing", f"{len(stored.queues)} queues, {len(stored.agents)} agents")


async def flows_and_prompts(settings: Settings, url: str | None) -> Finding:
    """Look whether flows are right, and their prompts rendered."""
    if not settings.state.is_dir():
        return warn("flows", "not looked at before set-up", "run: sala setup")
    known = None
    if url is not None:
        opened = Database(url, size=1)
        try:
            await opened.open()
            known = await flows.known(settings, opened)
        except CrmError:
            pass  # told already, where the database is looked at
        finally:
            await opened.close()
    try:
        warnings = await flows.prepare(settings, known=known)
    except FlowInvalid as error:
        return fail("flows", str(error), "mend these lines, then: sala reload")
    except IvrError as error:
        return fail("flows", str(error), "run: sala setup")
    if warnings:
        return warn("flows", "\n".join(map(str, warnings)), "mend these lines, then: sala reload")
    return ok("flows", f"{', '.join(flows.aliases(settings)) or 'none'}; prompts rendered")


@dataclass(frozen=True, slots=True)
class Live:
    """What the running service says of itself; `silence` tells why it says nothing."""

    status: Mapping[str, Any]
    silence: SalaError | None = None


async def ask(settings: Settings) -> Live:
    """Ask the service how everything is."""
    try:
        async with ControlClient(settings.paths.control_socket, timeout_s=3.0) as client:
            return Live(await client.status())
    except SalaError as error:
        return Live({}, error)


def service(live: Live) -> Iterator[Finding]:
    """Look at the service, and the agents' phones as it sees them."""
    if isinstance(live.silence, ServiceUnreachable):
        yield warn("service", "it does not run", "run: sala up")
        return
    if live.silence is not None:
        yield fail("service", str(live.silence), "see logs/service.log in the state folder")
        return
    if not switch_up(live.status):
        yield fail("service", "it has no link to the PBX", "see logs/service.log")
    else:
        yield ok("service", f"it answers (process {live.status.get('pid')})")
    agents = live.status.get("agents", [])
    away = [str(agent["agent"]) for agent in agents if not agent.get("reachable")]
    if away:
        advice = "register them: sala agent show AGENT tells with what"
        yield warn("agents", f"phones not registered: {', '.join(away)}", advice)
    else:
        yield ok("agents", f"{len(agents)} phones registered")
    for found, advice in stranded(live.status):
        yield warn("floor", found, advice)


def _split(message: str) -> tuple[str, str]:
    """Split a message that ends in what to do into finding and advice."""
    for mark in ("; run: ", ": run ", "; ", ": "):
        found, cut, advice = message.rpartition(mark)
        if cut:
            return found, (f"run: {advice}" if "run" in mark else advice)
    return message, ""
