"""`sala up`: everything in the foreground, supervised, with a live view."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import logging
import os
import signal
import sys
import time
from collections.abc import Iterator
from typing import Any

from rich.console import Console

from crm.errors import CrmError
from sala import logs, ports
from sala.control import wait_for_service
from sala.errors import AlreadyRunning, PortTaken
from sala.parts import AsteriskPart, PostgresPart, running_pid
from sala.paths import StatePaths
from sala.progress import Steps
from sala.screen import Screen
from sala.setup import SetUp, set_up
from sala.sources import Loaded
from sala.supervisor import Backoff, Child, Part, Supervisor

log = logging.getLogger(__name__)

SERVICE_READY_S = 30.0
SERVICE_STOP_S = 10.0


def run(loaded: Loaded, console: Console, *, show_secrets: bool, verbose: bool) -> None:
    """Set up, start everything, and stay until SIGINT, SIGTERM or SIGHUP.

    Raises `AlreadyRunning`, `PortTaken`, or the error of the part that could not be started;
    whatever was started is stopped then.
    """
    begun = time.monotonic()
    settings = loaded.settings
    settings.paths.create()
    with owned(settings.paths):
        if not verbose:
            logs.to_file(settings.paths.logs / "up.log", settings.log_level, terminal=False)
        ready = set_up(settings, Steps(console))
        ours = running_pid(settings, ready.pbx)
        if taken := ports.taken(settings, but_by=(ours,) if ours else ()):
            raise PortTaken("\n".join(fault.message for fault in taken))
        screen = Screen(loaded, console, ready, begun=begun, show_secrets=show_secrets)
        asyncio.run(_Up(loaded, ready, screen, verbose=verbose).run())


@contextlib.contextmanager
def owned(paths: StatePaths) -> Iterator[None]:
    """Hold the state folder's lock. Raises `AlreadyRunning` when another has it."""
    handle = os.open(paths.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            owner = os.read(handle, 32).decode("ascii", "replace").strip() or "unknown"
            raise AlreadyRunning(
                f"sala up already runs on {paths.root} (process {owner}): look with sala status, "
                "or use another folder with state in sala.toml or SALA_STATE"
            ) from error
        os.ftruncate(handle, 0)
        os.write(handle, f"{os.getpid()}\n".encode())
        yield
        os.ftruncate(handle, 0)
    finally:
        os.close(handle)


class _Up:
    """One run, from the first part's start to the last one's end."""

    def __init__(self, loaded: Loaded, ready: SetUp, screen: Screen, *, verbose: bool) -> None:
        settings = loaded.settings
        postgres = PostgresPart(settings, ready.secrets)
        socket = settings.paths.control_socket
        service = Child(
            "service",
            [
                sys.executable,
                # Without the working directory on the path: a folder there may be named like ours.
                "-P",
                "-m",
                "sala",
                *(["--config", str(loaded.file)] if loaded.file else []),
                "serve",
                "--supervised",
            ],
            output=settings.paths.logs / "service.out",
            ready=lambda: wait_for_service(socket),
            ready_s=SERVICE_READY_S,
            stop_s=SERVICE_STOP_S,
        )
        parts: list[Part] = [postgres, AsteriskPart(settings, ready.pbx, postgres), service]
        self._supervisor = Supervisor(
            parts, screen.changed, backoff=lambda: Backoff(most=settings.restart_max_s)
        )
        self._screen = screen
        self._postgres = postgres
        self._asked = 0
        self._stop = asyncio.Event()
        self._force = asyncio.Event()

    async def run(self) -> None:
        """Start, show, stop."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._signalled)
        stopping = asyncio.create_task(self._stop.wait())
        with self._screen.shown(self._supervisor.health):
            starting = asyncio.create_task(self._supervisor.start())
            try:
                await self._first(starting, stopping)
                if not starting.done():
                    # The supervisor stops what it had started before it gives up.
                    starting.cancel()
                    await self._until_forced(starting)
                    return
                starting.result()
                self._screen.ready()
                await self._watch(stopping)
            finally:
                stopping.cancel()
                await self._until_forced(asyncio.create_task(self._supervisor.stop()))

    async def _watch(self, stopping: asyncio.Task[Any]) -> None:
        showing = asyncio.create_task(self._screen.follow(self._postgres.url))
        try:
            await self._first(showing, stopping)
            if showing.done():
                showing.result()
        finally:
            showing.cancel()
            await asyncio.gather(showing, return_exceptions=True)

    @staticmethod
    async def _first(*tasks: asyncio.Task[Any]) -> None:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)

    async def _until_forced(self, ending: asyncio.Task[None]) -> None:
        """Wait for an orderly end; a second signal makes it a forced one."""
        forced = asyncio.create_task(self._force.wait())
        try:
            await self._first(ending, forced)
            if not ending.done():
                await self._supervisor.stop(force=True)
            with contextlib.suppress(asyncio.CancelledError, CrmError):
                await ending
        finally:
            forced.cancel()

    def _signalled(self) -> None:
        self._asked += 1
        if self._asked == 1:
            self._screen.ending()
            self._stop.set()
        else:
            self._force.set()
