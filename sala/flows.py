"""Flows and prompts as the service and commands meet them: read, checked, rendered, published."""

from __future__ import annotations

import asyncio
import getpass
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from acd import policy
from crm import floor as stored_floor, flows as published, voicemail
from crm.calendars import Calendar
from crm.database import Database
from crm.records import Floor
from ivr.errors import FlowInvalid
from ivr.flow import testing
from ivr.flow.check import Context, Skilled
from ivr.flow.frame import World
from ivr.flow.load import Flow
from ivr.flow.problems import Problem, Severity
from ivr.library import Library, check_one, parse_all
from ivr.lookups import query_names
from ivr.prompts import Catalogue, PromptStore
from ivr.shelf import TEST_SUFFIX, Folder, Published, Stored, calendars, flow_files, read
from ivr.speech.espeak import Espeak
from pbx.dialplan.read import records
from sala.errors import UserError
from sala.services import gate
from sala.settings import Settings


def prompts(settings: Settings) -> PromptStore:
    """Make the prompt store of these settings."""
    return PromptStore(settings.media, settings.state, Espeak(), language=settings.language)


def context(
    settings: Settings, stored: Floor | None, mailboxes: Collection[str] | None = None
) -> Context:
    """Return what checks may know: settings, and the floor and mailboxes if they are known."""
    rules = gate(settings)
    known = Context(
        hosts=settings.flow_hosts,
        queries=query_names(Path(settings.flows)),
        mailboxes=mailboxes,
        refuses=rules.refuses,
        refuses_sip=rules.refuses_sip,
        recorded=records(Path(settings.dialplans) / "asterisk" / "extensions.conf"),
    )
    if stored is None:
        return known
    found = policy.read(stored)
    return replace(
        known,
        queues=[queue.name for queue in stored.queues],
        agents=[Skilled(agent.queues, dict(agent.skills)) for agent in stored.agents],
        calendars=found.calendars,
        queue_hours=found.hours,
    )


async def known(settings: Settings, database: Database, stored: Floor | None = None) -> Context:
    """Return what checks may know, with all that the database tells; `stored`: if it is loaded."""
    boxes = [box.name for box in await voicemail.mailboxes(database)]
    floor = stored or await stored_floor.load(database)
    # A floor of thousands is read for a while, in which calls must go on.
    return await asyncio.to_thread(context, settings, floor, boxes)


def library(
    settings: Settings,
    store: PromptStore,
    database: Database,
    context: Callable[[], Context],
) -> Library:
    """Make the service's library: what was published. `context`: what checks know now."""
    return Library(
        Published(database),
        settings.state,
        store,
        context=context,
    )


async def prepare(
    settings: Settings,
    *,
    known: Context | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[Problem]:
    """Check the folder's flows and prompts, and render what is not rendered yet; return warnings.

    `known` is what the database tells, None if it is not asked. Raises `FlowInvalid` with every
    fault, or `SpeechError`.
    """
    store = prompts(settings)
    at = known or context(settings, None)
    try:
        files = Library(
            Folder(Path(settings.flows)),
            settings.state,
            store,
            context=lambda: at,
        )
        return await files.reload(progress)
    finally:
        await store.close()


def aliases(settings: Settings) -> list[str]:
    """List the names of the folder's flows, without reading them."""
    return sorted(path.stem for path in flow_files(Path(settings.flows)))


# --- one flow among those beside it ------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Desk:
    """An admin's folder, read: its flows, their faults, calendars and prompts."""

    folder: Path
    flows: dict[str, Flow]
    faults: tuple[Problem, ...]
    calendars: dict[str, Calendar]
    catalogue: Catalogue | None

    def flow(self, path: Path) -> Flow:
        """Return the flow of a file. Raises FlowInvalid if it has faults of schema."""
        if (found := self.flows.get(path.stem)) is not None and Path(found.file) == path:
            return found
        faults = [fault for fault in self.faults if Path(fault.file) == path]
        if faults:
            raise FlowInvalid(faults)
        raise UserError(f"there is no flow file {path}")

    def check(self, flow: Flow, known: Context) -> list[Problem]:
        """Return all problems of a flow."""
        return check_one(flow, known, self.catalogue, self.calendars, list(self.flows.values()))

    def world(self, known: Context | None = None) -> World:
        """Return what flows of the folder refer to by name; `known` may tell of more calendars."""
        return World(
            {**((known and known.calendars) or {}), **self.calendars},
            lambda alias: self.flows[alias].document if alias in self.flows else None,
        )

    def suite(self, flow: Flow) -> testing.Suite | None:
        """Return a flow's tests, None if it has none. Raises FlowInvalid."""
        path = self.folder / f"{flow.alias}{TEST_SUFFIX}"
        if not path.is_file():
            return None
        return testing.parse(path.read_bytes(), file=str(path))


def desk(settings: Settings, folder: Path | None = None) -> Desk:
    """Read a folder of flows, by default that of the settings.

    Raises FlowInvalid for faults in calendars and prompts; those of flows are kept.
    """
    folder = folder or Path(settings.flows)
    stored: list[Stored] = []
    faults: list[Problem] = []
    for path in flow_files(folder):
        try:
            stored.append(read(path))
        except FlowInvalid as error:
            faults += error.problems
    flows, more = parse_all(stored)
    return Desk(
        folder,
        {flow.alias: flow for flow in flows},
        (*faults, *more),
        calendars(folder),
        prompts(settings).read(),
    )


# --- publishing --------------------------------------------------------------------------------


def author() -> str:
    """Return who publishes: the user of this machine."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def trial(at: Desk, flow: Flow, known: Context) -> list[str]:
    """Check and test a flow; return what keeps it from being published."""
    found = at.check(flow, known)
    faults = [str(problem) for problem in found if problem.severity is Severity.ERROR]
    suite = at.suite(flow)
    for name, case in (suite.tests if suite else {}).items():
        result = testing.run(flow, case, name, at.world(known))
        faults += [f"{flow.alias}{TEST_SUFFIX}: {name}: {fault}" for fault in result.faults]
    return faults


async def publish(
    database: Database,
    at: Desk,
    flows: Sequence[Flow],
    known: Context,
    *,
    note: str,
    alias: str | None = None,
) -> list[tuple[Flow, bool]]:
    """Check, test and publish flows, with the subflows they use, which move no alias they have.

    Returns each with whether anything changed. Raises UserError with all faults; then nothing is
    published.
    """
    used = {name for flow in flows for name in flow.uses}
    below = [at.flows[name] for name in sorted(used) if name not in {f.alias for f in flows}]
    faults = [fault for flow in (*below, *flows) for fault in trial(at, flow, known)]
    if faults:
        raise UserError("\n".join([*faults, "nothing was published"]))
    done: list[tuple[Flow, bool]] = []
    for flow in (*below, *flows):
        changed = await published.publish(
            database,
            flow=flow.alias,
            version=flow.version,
            content=flow.content.decode("utf-8-sig"),
            uses=flow.uses,
            author=author(),
            note=note,
            alias=alias if flow in flows else None,
        )
        done.append((flow, changed))
    return done


async def publish_new(settings: Settings, database: Database, known: Context) -> list[str]:
    """Publish the folder's flows that have no alias yet; return their names.

    This is how a first start comes by its flows. What is published is not touched, so that a
    restart neither undoes a roll-back nor brings in what an admin is still writing.
    """
    there = {one.alias for one in await published.aliases(database)}
    if there.issuperset(aliases(settings)):
        return []
    at = desk(settings)
    new = [flow for flow in at.flows.values() if flow.alias not in there]
    done = await publish(database, at, new, known, note="first start")
    return [flow.alias for flow, _ in done]


async def publish_edited(
    settings: Settings, database: Database, known: Context
) -> tuple[list[str], list[str]]:
    """Publish the folder's flows whose content never was; return (published, left alone).

    A flow is left alone whose file is an earlier version than the one its alias points at, or
    that was rolled back: publishing it anew is the admin's own decision.
    """
    at = desk(settings)
    if at.faults:
        raise FlowInvalid(at.faults)
    pointed = {one.alias: one.version for one in await published.aliases(database)}
    new: list[Flow] = []
    left: list[str] = []
    for flow in at.flows.values():
        if pointed.get(flow.alias) == flow.version:
            continue
        known_versions = await published.versions(database, flow.alias, 1_000)
        if flow.version in {one.version for one in known_versions} and flow.alias in pointed:
            left.append(flow.alias)
        else:
            new.append(flow)
    done = await publish(database, at, new, known, note="reload") if new else []
    return [flow.alias for flow, _ in done], left
