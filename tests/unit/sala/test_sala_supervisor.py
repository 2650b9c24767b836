"""The supervisor, with real child processes."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from sala.errors import StartFailed
from sala.supervisor import Backoff, Child, Health, Part, State, Supervisor, process_ended

DEADLINE_S = 20.0
SLEEPS = "import time\nwhile True: time.sleep(60)"
DEAF = (
    "import signal, time, pathlib, sys\n"
    "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    "pathlib.Path(sys.argv[1]).touch()\n"
    "while True: time.sleep(60)"
)
MOTHER = (
    "import subprocess, sys, time, pathlib\n"
    "grandchild = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
    "new = pathlib.Path(sys.argv[1] + '.new')\n"
    "new.write_text(str(grandchild.pid))\n"
    "new.rename(sys.argv[1])\n"
    "while True: time.sleep(60)"
)


class Watcher:
    """Collects what the supervisor tells, and waits for it."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, State]] = []
        self._changed = asyncio.Event()

    def __call__(self, health: Health) -> None:
        self.seen.append((health.part.name, health.state))
        self._changed.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(DEADLINE_S):
            while not condition():
                self._changed.clear()
                await self._changed.wait()


def child(tmp_path: Path, code: str, name: str = "child", **options: object) -> Child:
    argv = [sys.executable, "-c", code, str(tmp_path / f"{name}.mark")]
    return Child(name, argv, output=tmp_path / f"{name}.out", **options)  # type: ignore[arg-type]


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what other processes do, of which no event is to be had."""
    async with asyncio.timeout(DEADLINE_S):
        while not condition():
            await asyncio.sleep(0.01)


async def appears(path: Path) -> None:
    await until(path.exists)


async def gone(pid: int) -> None:
    """Wait until a process is gone, or is a zombie that somebody else has to reap."""

    def over() -> bool:
        try:
            return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return True

    await until(over)


def at_once() -> Backoff:
    return Backoff(first=0.0, most=0.0)


async def test_parts_start_in_order_and_stop_in_the_opposite_one(tmp_path: Path) -> None:
    watcher = Watcher()
    parts: list[Part] = [child(tmp_path, SLEEPS, name) for name in ("one", "two")]
    supervisor = Supervisor(parts, watcher)
    await supervisor.start()
    pids = [part.pid for part in parts]
    await supervisor.stop()
    assert watcher.seen == [
        ("one", State.STARTING),
        ("one", State.UP),
        ("two", State.STARTING),
        ("two", State.UP),
        ("two", State.STOPPING),
        ("two", State.DOWN),
        ("one", State.STOPPING),
        ("one", State.DOWN),
    ]
    assert all(pid is not None and not psutil.pid_exists(pid) for pid in pids)


async def test_a_child_that_dies_is_restarted_and_told(tmp_path: Path) -> None:
    watcher = Watcher()
    part = child(tmp_path, "import time\nprint('last words', flush=True)\ntime.sleep(600)")
    supervisor = Supervisor([part], watcher, backoff=at_once)
    await supervisor.start()
    first = part.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    health = supervisor.health[0]
    await watcher.until(lambda: health.restarts == 1 and health.state is State.UP)
    assert part.pid not in (None, first)
    assert "SIGKILL" in health.why
    assert ("child", State.RESTARTING) in watcher.seen
    await supervisor.stop()


async def test_a_child_that_cannot_stay_up_is_tried_again_and_again(tmp_path: Path) -> None:
    watcher = Watcher()
    part = child(tmp_path, "import sys\nprint('no disk')\nsys.exit(3)")
    supervisor = Supervisor([part], watcher, backoff=at_once)
    await supervisor.start()
    health = supervisor.health[0]
    await watcher.until(lambda: health.restarts >= 3)
    assert "exit status 3" in health.why
    assert "no disk" in health.why
    await supervisor.stop()
    assert part.pid is None


async def test_one_that_does_not_start_takes_the_others_down_again(tmp_path: Path) -> None:
    watcher = Watcher()
    never = asyncio.Event()

    async def ready() -> None:
        await never.wait()

    one = child(tmp_path, SLEEPS, "one")
    two = child(tmp_path, "print('port taken')", "two", ready=ready)
    supervisor = Supervisor([one, two], watcher)
    with pytest.raises(StartFailed, match=r"two ended at its start: exit status 0: port taken"):
        await supervisor.start()
    assert one.pid is None
    assert two.pid is None
    assert watcher.seen[-1] == ("one", State.DOWN)


async def test_one_that_is_never_ready_is_told_and_ended(tmp_path: Path) -> None:
    never = asyncio.Event()

    async def ready() -> None:
        await never.wait()

    part = child(tmp_path, SLEEPS, ready=ready, ready_s=0.2)
    with pytest.raises(StartFailed, match=r"was not ready in 0\.2 s"):
        await part.start()
    assert part.pid is None


async def test_a_hung_child_is_killed_after_the_deadline(tmp_path: Path) -> None:
    mark = tmp_path / "child.mark"
    part = child(tmp_path, DEAF, ready=lambda: appears(mark), stop_s=0.2)
    await part.start()
    pid = part.pid
    assert pid is not None
    await part.stop()
    assert not psutil.pid_exists(pid)


async def test_a_second_stop_forces(tmp_path: Path) -> None:
    mark = tmp_path / "child.mark"
    watcher = Watcher()
    part = child(tmp_path, DEAF, ready=lambda: appears(mark), stop_s=600.0)
    supervisor = Supervisor([part], watcher)
    await supervisor.start()
    orderly = asyncio.create_task(supervisor.stop())
    await watcher.until(lambda: supervisor.health[0].state is State.STOPPING)
    async with asyncio.timeout(DEADLINE_S):
        await supervisor.stop(force=True)
        await orderly
    assert part.pid is None


@pytest.mark.parametrize("dies", [False, True])
async def test_grandchildren_are_not_left_behind(tmp_path: Path, dies: bool) -> None:
    mark = tmp_path / "child.mark"
    part = child(tmp_path, MOTHER, ready=lambda: appears(mark))
    await part.start()
    grandchild = int(mark.read_text())
    if dies:
        assert part.pid is not None
        os.kill(part.pid, signal.SIGKILL)
        await part.ended()
    else:
        await part.stop()
    await gone(grandchild)


async def test_a_start_that_is_cancelled_leaves_nothing(tmp_path: Path) -> None:
    mark = tmp_path / "child.mark"
    never = asyncio.Event()
    started = asyncio.Event()

    async def ready() -> None:
        await appears(mark)
        started.set()
        await never.wait()

    part = child(tmp_path, DEAF, ready=ready, ready_s=600.0)
    supervisor = Supervisor([part])
    starting = asyncio.create_task(supervisor.start())
    async with asyncio.timeout(DEADLINE_S):
        await started.wait()
    pid = part.pid
    starting.cancel()
    await asyncio.wait({starting})
    assert pid is not None
    assert not psutil.pid_exists(pid)


async def test_one_that_does_not_stop_is_told_and_the_others_are_stopped(tmp_path: Path) -> None:
    class Stuck(Child):
        async def stop(self, *, force: bool = False) -> None:
            await super().stop(force=True)
            raise StartFailed("it hangs")

    one = child(tmp_path, SLEEPS, "one")
    stuck = Stuck("two", [sys.executable, "-c", SLEEPS], output=tmp_path / "two.out")
    supervisor = Supervisor([one, stuck])
    await supervisor.start()
    await supervisor.stop()
    assert [health.state for health in supervisor.health] == [State.DOWN, State.STUCK]
    assert supervisor.health[1].why == "it hangs"
    assert one.pid is None


async def test_a_program_that_is_not_there_is_told(tmp_path: Path) -> None:
    part = Child("x", [str(tmp_path / "none")], output=tmp_path / "out")
    with pytest.raises(StartFailed, match="x cannot be started"):
        await part.start()


def test_waits_double_up_to_a_limit_and_begin_anew() -> None:
    backoff = Backoff(first=1.0, most=5.0)
    assert [backoff.wait_s() for _ in range(5)] == [1.0, 2.0, 4.0, 5.0, 5.0]
    backoff.reset()
    assert backoff.wait_s() == 1.0


async def test_the_end_of_any_process_can_be_waited_for(tmp_path: Path) -> None:
    part = child(tmp_path, SLEEPS)
    await part.start()
    assert part.pid is not None
    waiting = asyncio.create_task(process_ended(part.pid))
    await asyncio.sleep(0)
    assert not waiting.done()
    await part.stop()
    async with asyncio.timeout(DEADLINE_S):
        await waiting
    await process_ended(2**22 - 1)
