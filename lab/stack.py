"""A whole throw-away Sala: `sala up` on free ports and a state folder of its own.

It is driven as an admin drives it: by its commands, its settings, its control socket and its
database. To have the service away for a while, `sala up` is stopped (SIGSTOP), so that it does not
start the service again before `start_service`.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import sys
import tempfile
import time
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import aiohttp
import asyncpg
import psutil

from lab import family, ports
from lab.console import Console
from lab.errors import Deadline, StackError
from pbx.appliance.process import dies_with_parent

ROOT = Path(__file__).resolve().parent.parent
RTP_PORTS = 400
STOP_S = 25.0
ANSWER_S = 12.0
"""Longest wait for an answer of the service."""


@dataclass(frozen=True, slots=True)
class Accounts:
    """SIP accounts and their secrets: the outside caller's, and the agents' phones."""

    caller: tuple[str, str]
    phones: Mapping[str, str]


class Stack:
    """An async context manager: entering brings Sala up, leaving takes all of it down.

    `settings` are further settings (`SALA_…` without the prefix, in lower case).
    """

    def __init__(self, settings: Mapping[str, str] | None = None) -> None:
        self._more = dict(settings or {})
        self._up: asyncio.subprocess.Process | None = None
        self._held = False
        self._session: aiohttp.ClientSession | None = None
        self._pool: asyncpg.Pool | None = None
        self.home = Path()
        self.sip: tuple[str, int] = ("127.0.0.1", 0)
        self.environment: dict[str, str] = {}
        self._ports: list[int] = []
        self.ready_s = 0.0

    # --- life -----------------------------------------------------------------------------------

    async def __aenter__(self) -> Stack:
        try:
            await self.start()
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    async def start(self, within: float = 60.0) -> None:
        """Bring everything up; the set-up (fetching, rendering) is done if it was not before.

        Raises `StackError` with the last that `sala up` said.
        """
        begun = time.monotonic()
        self.home = Path(tempfile.mkdtemp(prefix="sala-"))
        self.environment = self._environment()
        await asyncio.to_thread(_lay, ROOT / ".sala" / "media", self.home / "state" / "media")
        with (self.home / "up.out").open("wb") as output:
            self._up = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "sala", "up", "--no-secrets"),
                env=self.environment,
                cwd=self.home,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=dies_with_parent(signal.SIGINT),
            )
        await self.service_ready(within)
        self.ready_s = time.monotonic() - begun
        self._pool = await asyncpg.create_pool(self.database_url(), min_size=1, max_size=2)

    def _environment(self) -> dict[str, str]:
        sip, ami, agi = ports.free(3)
        first, last = ports.free_range(RTP_PORTS)
        self._ports = [sip, ami, agi, *range(first, last + 1)]
        self.sip = ("127.0.0.1", sip)
        settings = {
            "state": str(self.home / "state"),
            "sip_port": str(sip),
            "ami_port": str(ami),
            "agi_port": str(agi),
            "rtp_first": str(first),
            "rtp_last": str(last),
            **self._more,
        }
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("SALA_") or name in {"SALA_CACHE", "SALA_ASTERISK"}
        }
        path = os.pathsep.join(part for part in (str(ROOT), kept.get("PYTHONPATH", "")) if part)
        return {
            **kept,
            "PYTHONPATH": path,
            **{f"SALA_{key.upper()}": value for key, value in settings.items()},
        }

    async def stop(self) -> None:
        """Take everything down, by Ctrl-C as an admin would, and throw the folder away.

        Raises `StackError` when something of it was left running; that is then killed.
        """
        if self._session is not None:
            await self._session.close()
            self._session = None
        if self._pool is not None:
            self._pool.terminate()
            self._pool = None
        left: list[str] = []
        if self._up is not None:
            running = family.of(self.home / "state")
            self._signal_up(signal.SIGCONT)
            self._signal_up(signal.SIGINT)
            try:
                async with asyncio.timeout(STOP_S):
                    await self._up.wait()
            except TimeoutError:
                left.append("sala up itself")
                self._signal_up(signal.SIGKILL)
                await self._up.wait()
            left += family.kill_left(running)
            self._up = None
        if self.home != Path():
            await asyncio.to_thread(shutil.rmtree, self.home, ignore_errors=True)
            self.home = Path()
        ports.give_back(self._ports)
        if left:
            raise StackError(f"left running after the end of sala up: {', '.join(left)}")

    def _signal_up(self, number: signal.Signals) -> None:
        if self._up is not None and self._up.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._up.send_signal(number)

    def said(self, lines: int = 15) -> str:
        """Give the last lines `sala up` and the service wrote."""
        parts = []
        for path in (
            self.home / "up.out",
            self.home / "state" / "logs" / "service.out",
            self.home / "state" / "logs" / "service.log",
        ):
            with contextlib.suppress(OSError):
                text = path.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:]
                if text:
                    parts.append("\n".join([f"{path.name}:", *text]))
        return "\n".join(parts)

    # --- the service ----------------------------------------------------------------------------

    def service(self) -> psutil.Process:
        """The service's process. Raises `StackError` when there is none."""
        if self._up is not None:
            with contextlib.suppress(psutil.Error):
                for child in psutil.Process(self._up.pid).children():
                    with contextlib.suppress(psutil.Error):
                        if child.status() != psutil.STATUS_ZOMBIE and "serve" in child.cmdline():
                            return child
        raise StackError("the service does not run")

    async def service_ready(self, within: float = 30.0) -> dict[str, Any]:
        """Wait until the service answers and its link to the PBX is up; gives its status."""
        deadline = time.monotonic() + within
        while True:
            with contextlib.suppress(StackError):
                status = await self.status()
                if status["switch"] == "up" and status.get("switch_up"):
                    return status
            if self._up is not None and self._up.returncode is not None:
                raise StackError(f"sala up ended (status {self._up.returncode})\n{self.said()}")
            if time.monotonic() > deadline:
                raise StackError(f"the service was not ready in {within:g} s\n{self.said()}")
            await asyncio.sleep(0.05)

    async def kill_service(self) -> None:
        """Kill the service (SIGKILL), and keep it away until `start_service`."""
        await self._kill(self.service())

    async def start_service(self, within: float = 30.0) -> dict[str, Any]:
        """Let the service start again after `kill_service`, and wait until it is ready."""
        self._signal_up(signal.SIGCONT)
        self._held = False
        return await self.service_ready(within)

    async def kill_database(self) -> None:
        """Kill the embedded database (SIGKILL), and keep it away until `start_database`."""
        pid_file = self.home / "state" / "pg" / "data" / "postmaster.pid"
        pid = int(pid_file.read_text(encoding="utf-8").splitlines()[0])
        await self._kill(psutil.Process(pid))

    async def start_database(self, within: float = 30.0) -> None:
        """Let the database start again after `kill_database`, and wait until it takes rows."""
        self._signal_up(signal.SIGCONT)
        self._held = False
        deadline = time.monotonic() + within
        while (status := await self.status())["database"]["pending"]:
            if time.monotonic() > deadline:
                raise StackError(f"the database takes no rows: {status['database']}")
            await asyncio.sleep(0.05)

    async def kill_pbx(self) -> None:
        """Kill Sala's PBX (SIGKILL); `sala up` starts it again."""
        conf = str(self.home / "state" / "asterisk")
        if self._up is not None:
            for child in psutil.Process(self._up.pid).children():
                with contextlib.suppress(psutil.Error):  # what was killed before lies here still
                    if any(conf in word for word in child.cmdline()):
                        child.kill()
                        return
        raise StackError("the PBX does not run")

    async def mend(self, within: float = 60.0) -> None:
        """Have all back that was killed and not started again: service, database and PBX.

        Raises `StackError` when it does not come back.
        """
        await self.start_service(within)
        await self.start_database(within)

    async def _kill(self, process: psutil.Process) -> None:
        """Kill a process that `sala up` would start again, and have it wait with that."""
        self._signal_up(signal.SIGSTOP)
        self._held = True
        process.kill()
        while True:
            with contextlib.suppress(psutil.Error):
                if process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
                    await asyncio.sleep(0.01)
                    continue
            break

    # --- asking ---------------------------------------------------------------------------------

    async def status(self) -> dict[str, Any]:
        """What the service tells of itself. Raises `StackError` when it does not answer."""
        return await self._ask("GET", "/status")

    async def agent(self, agent: str, wanted: str, reason: str = "") -> None:
        """Log an agent in (`available`) or out (`offline`), or pause them (`paused`)."""
        await self._ask("POST", f"/agents/{agent}/presence", {"wanted": wanted, "reason": reason})

    async def call(self, interaction: str, verb: str, to: str = "", **more: bool) -> None:
        """Hand a call on, as `sala call` does."""
        await self._ask("POST", f"/calls/{interaction}/{verb}", {"to": to, **more})

    async def reload(self) -> None:
        """Have changed configuration taken in."""
        await self._ask("POST", "/reload")

    async def presence(self, agent: str) -> str:
        """Give an agent's presence, as the service tells it."""
        for row in (await self.status()).get("agents", []):
            if row.get("agent") == agent:
                return str(row.get("presence"))
        raise StackError(f"the service knows no agent {agent}")

    async def becomes(self, agent: str, presence: str, within: float = 12.0) -> None:
        """Wait until an agent's presence is this; raises `Deadline` with what it is."""
        deadline = time.monotonic() + within
        while (found := await self.presence(agent)) != presence:
            if time.monotonic() > deadline:
                raise Deadline(f"agent {agent}: {found}, not {presence}, after {within:g} s")
            await asyncio.sleep(0.05)

    async def _ask(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        if self._session is None:
            connector = aiohttp.UnixConnector(path=str(self.home / "state" / "control.sock"))
            self._session = aiohttp.ClientSession(
                connector=connector, timeout=aiohttp.ClientTimeout(total=ANSWER_S)
            )
        try:
            async with self._session.request(method, f"http://sala{path}", json=body) as reply:
                content = await reply.json(content_type=None)
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            raise StackError(f"the service does not answer {path}: {error}") from error
        if reply.status >= 400 or not isinstance(content, dict):
            raise StackError(f"{method} {path}: {content}")
        return content

    def database_url(self) -> str:
        """Where the embedded database listens."""
        pid_file = self.home / "state" / "pg" / "data" / "postmaster.pid"
        lines = pid_file.read_text(encoding="utf-8").splitlines()
        return f"postgresql://sala:{self._secrets()['database']}@/sala?host={lines[4]}"

    @property
    def db(self) -> asyncpg.Pool:
        """Connections to the database, to look at rows."""
        if self._pool is None:
            raise StackError("the database is not open")
        return self._pool

    def accounts(self) -> Accounts:
        """The SIP accounts there are now."""
        sip = dict(self._secrets()["sip"])
        return Accounts(("caller", sip.pop("caller")), sip)

    def _secrets(self) -> dict[str, Any]:
        return tomllib.loads((self.home / "state" / "secrets.toml").read_text(encoding="utf-8"))

    async def run(self, *arguments: str, within: float = 60.0, typed: str = "") -> str:
        """Run a `sala` command on this Sala; gives its output, raises `StackError` if it fails.

        `typed` is what it reads from its standard input.
        """
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "sala", *arguments),
            env=self.environment,
            cwd=self.home,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            async with asyncio.timeout(within):
                output, _ = await process.communicate(typed.encode())
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        text = output.decode("utf-8", "replace")
        if process.returncode != 0:
            raise StackError(f"sala {' '.join(arguments)}: status {process.returncode}\n{text}")
        return text

    @property
    def console(self) -> Console:
        """The console of Sala's PBX."""
        return Console(self.home / "state" / "asterisk" / "etc" / "asterisk.conf")

    def media(self, prompt: str, language: str = "en") -> Path:
        """Where a prompt's rendered sound lies."""
        return self.home / "state" / "media" / language / f"{prompt}.ulaw"


def _lay(rendered: Path, media: Path) -> None:
    """Lay prompts that set-up has rendered before, so that only what differs is rendered here."""
    # Links will do: a prompt that is rendered anew takes the place of the file, and is not in it.
    for copy in (os.link, shutil.copy2):
        with contextlib.suppress(OSError):
            shutil.copytree(rendered, media, copy_function=copy)
            return
        shutil.rmtree(media, ignore_errors=True)
