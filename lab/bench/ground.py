"""The ground both peers stand on: one throw-away Sala whose Asterisk has app_queue too.

It is Sala's own configuration with four changes: the module app_queue with its queues, a local
dialplan with the numbers that lead there, agents' phones that are not checked on (`qualify`),
since the clients answer calls alone, and a trunk whose channels take the caller's number by
themselves, as app_queue needs it (Sala reads it once more, in its dialplan). Each peer has agents
of its own: a large queue for the ring and rate measurements, and a small one that is always full.
Both choose who has been idle longest.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import psutil

from crm import floor
from crm.database import Database
from crm.records import EntryPoint, Queue
from lab.bench.clients import TRUNK, Clients
from lab.errors import LabError
from lab.stack import Stack
from sala.settings import PROJECT

MANY, FEW = 60, 5
"""Agents of the large and of the small queue."""
RETRY_S = 5
"""app_queue's default pause before it tries again."""
READY_S = 10.0


@dataclass(frozen=True, slots=True)
class Peer:
    """One of the two: the numbers that lead to its large and small queue, and their agents."""

    key: str
    many: str
    few: str
    many_agents: tuple[str, ...]
    few_agents: tuple[str, ...]


def _named(first: int, count: int) -> tuple[str, ...]:
    return tuple(str(first + number) for number in range(count))


SALA = Peer("sala", "600", "605", _named(2001, MANY), _named(2101, FEW))
APP_QUEUE = Peer("app_queue", "700", "705", _named(3001, MANY), _named(3101, FEW))
PEERS = (SALA, APP_QUEUE)

UNKNOWN = "callerid = <unknown>\n"
"""The line of `pjsip.conf` that keeps Asterisk from reading who calls."""

FLOW = """\
sala: 1
title: Straight to the agents
start: line
nodes:
  line: {{type: queue, queue: {queue}, failed: end}}
  end: {{type: hangup}}
"""
DIALPLAN = """\
[from-trunk]
exten => {number},1,Answer(,i)
 same => n,Queue({queue})
 same => n,Hangup()

"""


class Ground:
    """An async context manager: entering brings both peers up with all agents logged in."""

    def __init__(self) -> None:
        self._folder = Path()
        self._stack = Stack()
        self._served = True
        self.clients: Clients

    async def __aenter__(self) -> Ground:
        self._folder = Path(tempfile.mkdtemp(prefix="sala-bench-"))
        try:
            await asyncio.to_thread(configure, self._folder)
            self._stack = Stack(
                {
                    "trunk_hosts": TRUNK,
                    "trunk_silent_s": "0",
                    **{
                        key: str(self._folder / key)
                        for key in ("sip_configs", "dialplans", "flows")
                    },
                }
            )
            await self._stack.start()
            self.clients = Clients(self._folder, self._stack.sip)
            await self._staff()
        except BaseException:
            await self._down()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._down()

    async def _down(self) -> None:
        try:
            if hasattr(self, "clients"):
                await self.clients.close()
            await self._stack.stop()
        finally:
            await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)

    async def _staff(self) -> None:
        """Hire everyone: accounts for all, queues for Sala's own, phones, presence."""
        database = Database(self._stack.database_url(), size=1)
        await database.open()
        try:
            await floor.put_queue(database, Queue("sales", wrap_up_ms=0))
            await floor.put_queue(database, Queue("support", wrap_up_ms=0))
            await floor.put_entry_point(database, EntryPoint(SALA.few, "few"))
            for agents, queues in (
                (SALA.many_agents, ["sales"]),
                (SALA.few_agents, ["support"]),
                (APP_QUEUE.many_agents + APP_QUEUE.few_agents, []),
            ):
                for agent in agents:
                    await floor.add_agent(database, agent, name=agent, address=agent, queues=queues)
        finally:
            await database.close()
        await self._stack.run("reload")
        wanted = {agent for peer in PEERS for agent in (*peer.many_agents, *peer.few_agents)}
        phones = self._stack.accounts().phones
        await self.clients.open({agent: phones[agent] for agent in sorted(wanted)})
        for agent in (*SALA.many_agents, *SALA.few_agents):
            await self._stack.agent(agent, "available")
        await self._all_available()

    async def _all_available(self) -> None:
        """Wait until every agent of Sala's is reachable and free."""
        wanted = {*SALA.many_agents, *SALA.few_agents}
        deadline = time.monotonic() + READY_S
        while missing := wanted - await self._free():
            if time.monotonic() > deadline:
                raise LabError(f"agents are not available: {', '.join(sorted(missing))}")
            await asyncio.sleep(0.1)

    async def _free(self) -> set[str]:
        return {
            row["agent"]
            for row in (await self._stack.status())["agents"]
            if row["presence"] == "available" and row["reachable"]
        }

    def turns(self) -> tuple[Peer, Peer]:
        """Both peers, first the one that can begin at once."""
        return PEERS if self._served else (APP_QUEUE, SALA)

    async def only(self, peer: Peer) -> None:
        """Have this peer alone do work: for app_queue, Sala's service is taken away."""
        if peer is SALA:
            if not self._served:
                await self._stack.start_service()
                self._served = True
            await self._all_available()
        elif self._served:
            await self._stack.kill_service()
            self._served = False

    def processes(self, peer: Peer) -> Mapping[str, psutil.Process]:
        """The processes that serve a peer's calls, by what they are."""
        state = self._stack.home / "state"
        found = {"asterisk": process_of(state / "asterisk" / "run" / "asterisk.pid")}
        if peer is SALA:
            found["service"] = self._stack.service()
            found["postgres"] = process_of(state / "pg" / "data" / "postmaster.pid")
        return found

    async def versions(self) -> dict[str, str]:
        """The versions of what is measured."""
        asterisk = (await self._stack.console("core show version")).split()
        return {
            "asterisk": asterisk[1] if len(asterisk) > 1 else "?",
            "postgres": str(await self._stack.db.fetchval("SHOW server_version")),
        }


def process_of(pid_file: Path) -> psutil.Process:
    """The process of a pid file. Raises `LabError` when there is none."""
    try:
        return psutil.Process(int(pid_file.read_text(encoding="ascii").split()[0]))
    except (OSError, ValueError, IndexError, psutil.Error) as error:
        raise LabError(f"no process is known by {pid_file.name}: {error}") from error


def configure(folder: Path) -> None:
    """Write the bench's configuration: Sala's own folders as they are, and the additions."""
    for name in ("sip_configs", "dialplans"):
        shutil.copytree(PROJECT / name, folder / name)
    sip = folder / "sip_configs" / "asterisk"
    with (sip / "modules.conf").open("a", encoding="utf-8") as file:
        file.write("\nload = app_queue.so\n")
    with (sip / "accounts" / "agent.conf").open("a", encoding="utf-8") as file:
        file.write("qualify_frequency = 0\n")
    pjsip = sip / "pjsip.conf"
    text = pjsip.read_text(encoding="utf-8")
    pjsip.write_text(text.replace(UNKNOWN, ""), encoding="utf-8")
    (sip / "queues.conf").write_text(queues(), encoding="utf-8")
    (folder / "dialplans" / "asterisk" / "local.conf").write_text(
        DIALPLAN.format(number=APP_QUEUE.many, queue="many")
        + DIALPLAN.format(number=APP_QUEUE.few, queue="few"),
        encoding="utf-8",
    )
    flows = folder / "flows"
    flows.mkdir()
    (flows / "main.yaml").write_text(FLOW.format(queue="sales"), encoding="utf-8")
    (flows / "few.yaml").write_text(FLOW.format(queue="support"), encoding="utf-8")


def queues() -> str:
    """Write app_queue's configuration: its defaults, and what Sala does too."""
    lines = ["[general]", "persistentmembers = no", "autofill = yes", ""]
    for name, agents in (("many", APP_QUEUE.many_agents), ("few", APP_QUEUE.few_agents)):
        lines += [
            f"[{name}]",
            "strategy = leastrecent",
            "timeout = 20",
            f"retry = {RETRY_S}",
            "wrapuptime = 0",
            "autofill = yes",
            "ringinuse = no",
            "musicclass = default",
            *(f"member => PJSIP/{agent}" for agent in agents),
            "",
        ]
    return "\n".join(lines)
