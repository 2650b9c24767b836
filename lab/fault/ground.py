"""The ground of fault tests: a Sala whose service we start and kill ourselves, and the world.

`sala up` brings up Postgres and the PBX; its own service is then killed for good and `sala up` is
stopped (SIGSTOP), so that its patience with a service that dies all the time plays no part. The
service under test is a `sala serve` of ours (`nest`).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType

import psutil

from crm import embedded
from lab import ports, reach
from lab.ami import AmiEvent, AmiLink
from lab.errors import StackError
from lab.fault import queues
from lab.fault.queues import AGENTS, SETTINGS
from lab.programs import pbx
from lab.stack import Stack
from lab.world import World
from sala import secrets as secrets_of
from sala.control import wait_for_service
from sala.supervisor import process_ended

TRUNK_NUMBER = "+14155550100"
STOP_S = 10.0
SECOND_S = 30.0
"""How long a second service, or rows of ours, may take to be there."""


class Ground:
    """An async context manager: entering brings all up, with agents logged in; `service` serves.

    `settings` go before those of the fault tests.
    """

    def __init__(self, settings: Mapping[str, str] | None = None) -> None:
        self._more = dict(settings or {})
        self._folder = Path()
        self._secret = secrets.token_urlsafe(24)
        self._stack: Stack | None = None
        self._world: World | None = None
        self._watch: AmiLink | None = None
        self._nest: asyncio.subprocess.Process | None = None
        self._services: list[psutil.Process] = []

    async def __aenter__(self) -> Ground:
        try:
            await self._up()
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

    @property
    def stack(self) -> Stack:
        """Sala."""
        if self._stack is None:
            raise StackError("the ground is not up")
        return self._stack

    @property
    def world(self) -> World:
        """The world outside."""
        if self._world is None:
            raise StackError("the ground is not up")
        return self._world

    async def _up(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="sala-fault-"))
        trunk = ports.free(1)[0]
        await asyncio.to_thread(queues.write, self._folder, self._secret)
        ours = {key: str(self._folder / key) for key in ("sip_configs", "flows")}
        settings = {**SETTINGS, "trunk_out": f"127.0.0.1:{trunk}", "trunk_number": TRUNK_NUMBER}
        self._stack = stack = Stack({**settings, **ours, **self._more})
        await stack.start()
        await queues.make(stack, self._folder)
        await stack.kill_service()
        await self.start()
        accounts = stack.accounts()
        self._world = world = World(
            pbx(), stack.sip, accounts.caller, accounts.phones, sip_port=trunk
        )
        await world.start()
        for agent in AGENTS:
            await world.phones[agent].registered()
            await world.phones[agent].behave("answer", after_s=0.1)
        await reach.answer(stack.console)

    async def listen(self, on_event: Callable[[AmiEvent], None]) -> None:
        """Have the events of Sala's own PBX told, by an account that only listens."""
        port = int(self.stack.environment["SALA_AMI_PORT"])
        self._watch = AmiLink(port, self._secret, on_event)
        await self._watch.open()

    async def log_in(self) -> None:
        """Log all agents in."""
        for agent in AGENTS:
            await self.stack.agent(agent, "available")
        for agent in AGENTS:
            await self.stack.becomes(agent, "available")

    # --- the service ----------------------------------------------------------------------------

    async def start(
        self, *, skew_s: float = 0.0, environment: Mapping[str, str] | None = None
    ) -> None:
        """Start the service and wait until it serves.

        `skew_s` is how far its clock is off, `environment` holds further variables.
        """
        await self.launch(skew_s=skew_s, environment=environment)
        await self.stack.service_ready()

    async def launch(
        self, *, skew_s: float = 0.0, environment: Mapping[str, str] | None = None
    ) -> None:
        """Start a service, and do not wait."""
        if self._nest is None:
            self._nest = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "lab.fault.nest"),
                env=self.stack.environment,
                cwd=self.stack.home,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                start_new_session=True,
            )
        assert self._nest.stdin is not None
        assert self._nest.stdout is not None
        order = {
            "environment": dict(environment or {}),
            "skew_s": skew_s,
            "output": str(self.stack.home / "serve.out"),
        }
        self._nest.stdin.write(json.dumps(order).encode() + b"\n")
        async with asyncio.timeout(SECOND_S):
            self._services.append(psutil.Process(int(await self._nest.stdout.readline())))

    async def kill(self) -> None:
        """Kill every service of ours (SIGKILL), and wait until they are gone."""
        for service in self._services:
            with contextlib.suppress(psutil.NoSuchProcess):
                service.kill()
        await self._gone()

    async def _gone(self) -> None:
        async with asyncio.timeout(STOP_S):
            for service in self._services:
                await process_ended(service.pid)
        self._services.clear()

    async def second(self) -> None:
        """Start one more service, with a state folder of its own, as if by mistake."""
        stack = self.stack
        state = self._folder / "second"
        await asyncio.to_thread(_second, stack.home / "state", state)
        (agi,) = ports.free(1)
        await self.launch(
            environment={
                "SALA_STATE": str(state),
                "SALA_DATABASE_URL": stack.database_url(),
                "SALA_AGI_PORT": str(agi),
            }
        )
        async with asyncio.timeout(SECOND_S):
            await wait_for_service(state / "control.sock")

    # --- the database ---------------------------------------------------------------------------

    async def kill_database(self) -> None:
        """Kill Postgres (SIGKILL), and wait until it is gone."""
        await self.stack.kill_database()

    async def start_database(self) -> None:
        """Start Postgres again, and wait until the service has written what it kept."""
        state = self.stack.home / "state"
        known = await asyncio.to_thread(secrets_of.load, state / "secrets.toml")
        await asyncio.to_thread(embedded.start, state, known.database)
        deadline = time.monotonic() + SECOND_S
        while (await self.stack.status())["database"]["pending"]:
            if time.monotonic() > deadline:
                raise StackError("the database takes no rows")
            await asyncio.sleep(0.05)

    # --- the end --------------------------------------------------------------------------------

    async def _end(self) -> None:
        """Have our services end in order."""
        try:
            for service in self._services:
                with contextlib.suppress(psutil.NoSuchProcess):
                    service.terminate()
            await self._gone()
        finally:
            await self.kill()
            if self._nest is not None:
                self._nest.kill()
                await self._nest.wait()

    async def _down(self) -> None:
        if self._watch is not None:
            self._watch.close()
        try:
            if self._world is not None:
                await self._world.stop()
            if self._stack is not None:
                await self._end()
                await self._stack.stop()
        finally:
            self._stack = self._world = None
            await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)


def _second(first: Path, state: Path) -> None:
    """Make a state folder with the same secrets and prompts."""
    state.mkdir(mode=0o700)
    shutil.copy(first / "secrets.toml", state / "secrets.toml")
    (state / "media").symlink_to(first / "media")
