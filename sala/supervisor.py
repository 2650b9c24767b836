"""Keep parts up: start them in order, restart what dies, stop them in the opposite order.

A part is anything with a life: a child process (`Child`), or a server somebody else knows how to
start and stop. The supervisor owns the order, the back-off and the deadlines; a part owns its how.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from sala.errors import SalaError, StartFailed

log = logging.getLogger(__name__)

STEADY_S = 60.0
"""A part that lived this long before it died is restarted without growing patience."""


class Part(Protocol):
    """One thing to keep up."""

    @property
    def name(self) -> str:
        """What it is called in the view."""

    @property
    def pid(self) -> int | None:
        """Its process id while it lives."""

    async def start(self) -> None:
        """Bring it up; return when it is ready. Raises `SalaError` when it cannot be."""

    async def ended(self) -> str:
        """Wait until it has ended; return why, in a few words."""

    async def stop(self, *, force: bool = False) -> None:
        """End it, in bounded time, by force at once if asked. Does nothing if it is not up."""


class State(StrEnum):
    """How a part is."""

    DOWN = "down"
    STARTING = "starting"
    UP = "up"
    RESTARTING = "restarting"
    STOPPING = "stopping"
    STUCK = "stuck"
    """It does not stop, and is left as it is."""


@dataclass(slots=True)
class Health:
    """What the supervisor knows of a part."""

    part: Part
    state: State = State.DOWN
    restarts: int = 0
    why: str = ""
    """Why it ended last, or could not be started."""


class Backoff:
    """Seconds to wait before each further try: doubling, from `first` up to `most`."""

    def __init__(self, first: float = 0.25, most: float = 15.0) -> None:
        self._first = first
        self._most = most
        self._next = first

    def wait_s(self) -> float:
        """Say how long to wait now, and wait longer the next time."""
        now, self._next = self._next, min(self._next * 2, self._most)
        return now

    def reset(self) -> None:
        """Begin again from the first wait."""
        self._next = self._first


class Supervisor:
    """Keeps parts up until `stop`.

    `changed` is called with a part's health whenever it changes; it must not block.
    """

    def __init__(
        self,
        parts: Sequence[Part],
        changed: Callable[[Health], None] = lambda health: None,
        *,
        backoff: Callable[[], Backoff] = Backoff,
    ) -> None:
        self.health = tuple(Health(part) for part in parts)
        self._changed = changed
        self._backoff = backoff
        self._watches: list[asyncio.Task[None]] = []
        self._stopping: asyncio.Task[None] | None = None
        self._forced = False

    async def start(self) -> None:
        """Start every part in order, each once the one before it is ready.

        When one cannot be started, those before it are stopped again and its error is raised.
        """
        try:
            for health in self.health:
                self._become(health, State.STARTING)
                await health.part.start()
                self._become(health, State.UP)
                self._watches.append(
                    asyncio.create_task(self._watch(health), name=f"watch {health.part.name}")
                )
        except BaseException:
            await self.stop()
            raise

    async def stop(self, *, force: bool = False) -> None:
        """Stop every part, the last started first.

        Called again with `force` meanwhile, it ends at once what is being stopped, and the rest.
        """
        self._forced = self._forced or force
        if self._stopping is None or self._stopping.done():
            self._stopping = asyncio.create_task(self._stop_all(), name="stop")
        elif force:
            for health in self.health:
                if health.state is State.STOPPING:
                    await self._end(health)
        await asyncio.shield(self._stopping)

    async def _stop_all(self) -> None:
        watches, self._watches = self._watches, []
        for watch in watches:
            watch.cancel()
        await asyncio.gather(*watches, return_exceptions=True)
        for health in reversed(self.health):
            if health.state is not State.DOWN:
                self._become(health, State.STOPPING)
                self._become(health, await self._end(health))

    async def _end(self, health: Health) -> State:
        try:
            await health.part.stop(force=self._forced)
        except SalaError as error:
            health.why = str(error)
            log.warning("part does not stop", extra={"action": "stop", "part": health.part.name})
            return State.STUCK
        return State.DOWN

    async def _watch(self, health: Health) -> None:
        loop = asyncio.get_running_loop()
        backoff = self._backoff()
        while True:
            born = loop.time()
            health.why = await health.part.ended()
            if loop.time() - born >= STEADY_S:
                backoff.reset()
            log.warning("part ended", extra={"action": "part_ended", "part": health.part.name})
            await self._restart(health, backoff)

    async def _restart(self, health: Health, backoff: Backoff) -> None:
        while True:
            health.restarts += 1
            self._become(health, State.RESTARTING)
            await asyncio.sleep(backoff.wait_s())
            try:
                await health.part.start()
            except SalaError as error:
                health.why = str(error)
                log.warning(
                    "part cannot be restarted",
                    extra={"action": "part_restart_failed", "part": health.part.name},
                )
            else:
                self._become(health, State.UP)
                return

    def _become(self, health: Health, state: State) -> None:
        health.state = state
        self._changed(health)


async def process_ended(pid: int) -> None:
    """Wait until a process has ended that need not be our child (pidfd_open(2))."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    loop = asyncio.get_running_loop()
    gone = loop.create_future()
    loop.add_reader(handle, gone.cancel)
    try:
        await asyncio.wait({gone})
    finally:
        loop.remove_reader(handle)
        os.close(handle)


class Child:
    """A child process in a process group of its own, so that nothing of it is left behind.

    `ready` is awaited after the start with a deadline of `ready_s`; it returns once the child
    serves. What the child prints goes to `output`, which is begun anew at each start.
    """

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        *,
        output: Path,
        ready: Callable[[], Awaitable[None]] | None = None,
        ready_s: float = 30.0,
        stop_s: float = 10.0,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._name = name
        self._argv = tuple(argv)
        self._output = output
        self._ready = ready
        self._ready_s = ready_s
        self._stop_s = stop_s
        self._environment = environment
        self._process: asyncio.subprocess.Process | None = None

    @property
    def name(self) -> str:
        """What it is called in the view."""
        return self._name

    @property
    def pid(self) -> int | None:
        """Its process id while it lives."""
        process = self._process
        return process.pid if process and process.returncode is None else None

    async def start(self) -> None:
        """Start it and wait until it is ready. Raises `StartFailed`."""
        handle = os.open(self._output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            self._process = await asyncio.create_subprocess_exec(
                *self._argv,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=handle,
                stderr=handle,
                start_new_session=True,
                env=self._environment,
            )
        except OSError as error:
            raise StartFailed(
                f"{self._name} cannot be started: {self._argv[0]}: {error.strerror}"
            ) from error
        finally:
            os.close(handle)
        if self._ready is not None:
            try:
                await self._until_ready(self._ready)
            except BaseException:
                await self.stop(force=True)
                raise

    async def _until_ready(self, ready: Callable[[], Awaitable[None]]) -> None:
        async def be_ready() -> None:
            await ready()

        waiting = asyncio.create_task(be_ready())
        ending = asyncio.create_task(self.ended())
        try:
            await asyncio.wait(
                {waiting, ending}, timeout=self._ready_s, return_when=asyncio.FIRST_COMPLETED
            )
            if waiting.done():
                waiting.result()
            elif ending.done():
                raise StartFailed(f"{self._name} ended at its start: {ending.result()}")
            else:
                raise StartFailed(
                    f"{self._name} was not ready in {self._ready_s:g} s{self._last_words()}"
                )
        finally:
            for task in (waiting, ending):
                task.cancel()
            await asyncio.gather(waiting, ending, return_exceptions=True)

    async def ended(self) -> str:
        """Wait until it has ended; return its exit status or signal, and its last words."""
        assert self._process is not None
        status = await self._process.wait()
        self._sweep(self._process)
        killer = signal.Signals(-status).name if status < 0 else ""
        return (f"killed by {killer}" if killer else f"exit status {status}") + self._last_words()

    async def stop(self, *, force: bool = False) -> None:
        """Ask it to end (SIGTERM), and kill its whole group when it has not by the deadline."""
        process = self._process
        if process is None:
            return
        if process.returncode is None:
            if not force:
                process.terminate()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(process.wait(), self._stop_s)
            self._sweep(process)
            await process.wait()
        self._process = None

    @staticmethod
    def _sweep(process: asyncio.subprocess.Process) -> None:
        """Kill the whole group: the child, if it lives, and what it left behind."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)

    def _last_words(self) -> str:
        try:
            with self._output.open("rb") as file:
                file.seek(max(0, self._output.stat().st_size - 2048))
                lines = file.read().decode("utf-8", "replace").split("\n")
        except OSError:
            return ""
        said = [line.strip() for line in lines if line.strip()]
        return f": {said[-1][:300]} ({self._output})" if said else ""
