"""One running Asterisk: start it, know when it is ready, reload it, stop it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import re
import resource
import signal
import time
from pathlib import Path

from pbx.appliance.process import dies_with_parent
from pbx.appliance.root import Pbx
from pbx.errors import ApplianceError

log = logging.getLogger(__name__)

_RELOADS = {
    "dialplan": "dialplan reload",
    "sip": "module reload res_pjsip.so",
    "identify": "module reload res_pjsip_endpoint_identifier_ip.so",
    "manager": "manager reload",
    "music": "moh reload",
    "rtp": "module reload res_rtp_asterisk.so",
    "logger": "logger reload",
}
"""What can be reloaded, and by which console command."""

_STOP_S = 1.5
_KILL_S = 1.0
_POLL_S = 0.02
_DIRECTORY = re.compile(r"^\s*(astrundir|astlogdir)\s*=>?\s*(.+?)\s*$", re.MULTILINE)


class Instance:
    """One Asterisk that runs, or is to run, with one `asterisk.conf`.

    It knows nothing of Sala's own configuration: any rendered folder will do. `output` is the file
    that takes what the process prints. With `die_with_parent` the kernel kills it when this
    process dies, however that happens.
    """

    def __init__(
        self, pbx: Pbx, conf: Path, *, output: Path | None = None, die_with_parent: bool = True
    ) -> None:
        self.pbx = pbx
        self.conf = conf
        try:
            folders = dict(_DIRECTORY.findall(conf.read_text(encoding="utf-8")))
            self.run_folder = Path(folders["astrundir"])
            self.output = output or Path(folders["astlogdir"]) / "output"
        except (OSError, KeyError) as error:
            raise ApplianceError(f"{conf}: not a rendered asterisk.conf ({error})") from error
        self._die_with_parent = die_with_parent
        self._process: asyncio.subprocess.Process | None = None
        self._adopted: int | None = None

    @property
    def pid(self) -> int | None:
        """The process's id while it runs, else None."""
        if self._process is not None:
            return self._process.pid if self._process.returncode is None else None
        if self._adopted is not None and self._is_ours(self._adopted):
            return self._adopted
        return None

    @property
    def control(self) -> Path:
        """The control socket."""
        return self.run_folder / "asterisk.ctl"

    def find(self) -> int | None:
        """Adopt an Asterisk that already runs with this configuration; return its pid."""
        try:
            pid = int((self.run_folder / "asterisk.pid").read_text(encoding="ascii"))
        except (OSError, ValueError):
            return None
        if not self._is_ours(pid):
            return None
        if self._process is None:
            self._adopted = pid
        return pid

    def _is_ours(self, pid: int) -> bool:
        """Tell whether the process runs with this configuration: pids are used again."""
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            return False
        return os.fsencode(self.conf) in words

    async def start(self) -> None:
        """Start it. Raises `ApplianceError` if one already runs here, or it cannot be run."""
        if pid := self.pid or self.find():
            raise ApplianceError(
                f"an Asterisk already runs with {self.conf} (process {pid}): stop it first"
            )
        for name in ("asterisk.ctl", "asterisk.pid"):
            (self.run_folder / name).unlink(missing_ok=True)
        guard = dies_with_parent()
        die = self._die_with_parent

        def prepare() -> None:
            if die:
                guard()
            # Each call takes several descriptors, and the usual soft limit is 1024.
            _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
            soft = hard if hard != resource.RLIM_INFINITY else 65536
            resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 65536), hard))

        self.output.parent.mkdir(parents=True, exist_ok=True)
        with self.output.open("ab") as output:
            try:
                self._process = await asyncio.create_subprocess_exec(
                    *self.pbx.argv, "-C", str(self.conf), "-f", "-n",
                    stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=output,
                    start_new_session=True, preexec_fn=prepare, env=_environment(),
                )  # fmt: skip
            except OSError as error:
                raise ApplianceError(f"Asterisk cannot be started: {error}") from error
        self._adopted = None
        log.info("PBX started", extra={"action": "appliance.started", "pid": self._process.pid})

    async def wait_ready(self, timeout: float = 15.0) -> None:
        """Return when it has fully booted; `ApplianceError` if it ends, or is not in time."""
        deadline = time.monotonic() + timeout
        while not self.control.exists():
            self._must_run()
            if time.monotonic() > deadline:
                raise ApplianceError(
                    f"Asterisk did not get ready in {timeout:.0f} s\n{self._tail()}"
                )
            await asyncio.sleep(_POLL_S)
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                raise ApplianceError(
                    f"Asterisk did not get ready in {timeout:.0f} s\n{self._tail()}"
                )
            with contextlib.suppress(ApplianceError):
                if "fully booted" in await self.rx("core waitfullybooted", timeout=left):
                    return
            self._must_run()
            await asyncio.sleep(_POLL_S)

    def _must_run(self) -> None:
        if self.pid is None:
            code = self._process.returncode if self._process else None
            raise ApplianceError(f"Asterisk ended while starting (status {code})\n{self._tail()}")

    def _tail(self) -> str:
        try:
            lines = self.output.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return ""
        return "\n".join([*lines[-5:], f"(all of it: {self.output})"])

    async def rx(self, command: str, *, timeout: float = 10.0) -> str:
        """Run a console command and return its output; `ApplianceError` if it cannot be run."""
        process = await asyncio.create_subprocess_exec(
            *self.pbx.argv, "-C", str(self.conf), "-rx", command,
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT, env=_environment(),
        )  # fmt: skip
        try:
            async with asyncio.timeout(timeout):
                output, _ = await process.communicate()
        except TimeoutError as error:
            raise ApplianceError(
                f"Asterisk did not answer `{command}` in {timeout:.0f} s"
            ) from error
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        text = output.decode("utf-8", "replace")
        if process.returncode != 0:
            raise ApplianceError(f"Asterisk did not take `{command}`: {text.strip()}")
        return text

    async def reload(self, *what: str) -> None:
        """Reload parts: dialplan, sip, identify, manager, music, rtp, logger (all if none named).

        Calls in progress go on.
        """
        for part in what or tuple(_RELOADS):
            await self.rx(_RELOADS[part])

    def rss(self) -> int:
        """Return the resident memory in bytes (`VmRSS` of `/proc/<pid>/status`)."""
        pid = self.pid
        if pid is None:
            raise ApplianceError("Asterisk does not run")
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
        match = re.search(r"^VmRSS:\s+(\d+) kB", status, re.MULTILINE)
        return int(match[1]) * 1024 if match else 0

    async def wait(self) -> int | None:
        """Return when the process has ended: its status, or None if it was adopted."""
        if self._process is not None:
            return await self._process.wait()
        if self._adopted is not None:
            await _ended(self._adopted)
        return None

    async def stop(self, timeout: float = _STOP_S) -> None:
        """Stop it: ask, then TERM, then KILL. All calls end. Does nothing if it does not run."""
        if self.pid is None and self.find() is None:
            return
        with contextlib.suppress(ApplianceError):
            await self.rx("core stop now", timeout=timeout)
        for sent, patience in (
            (None, timeout),
            (signal.SIGTERM, _KILL_S),
            (signal.SIGKILL, _KILL_S),
        ):
            pid = self.pid
            if pid is None:
                break
            if sent is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, sent)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(patience):
                    await self.wait()
        if pid := self.pid:
            raise ApplianceError(f"Asterisk (process {pid}) does not end: see {self.output}")
        if self._process is not None:
            await self._process.wait()
        for name in ("asterisk.ctl", "asterisk.pid"):
            (self.run_folder / name).unlink(missing_ok=True)
        log.info("PBX stopped", extra={"action": "appliance.stopped"})


async def _ended(pid: int) -> None:
    """Return when a process that is not our child has ended."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    loop.add_reader(handle, ended.set)
    try:
        await ended.wait()
    finally:
        loop.remove_reader(handle)
        os.close(handle)


def _environment() -> dict[str, str]:
    """Return what Asterisk and the scripts it runs may see: none of Sala's settings and secrets."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("SALA_")}
    return {**kept, "MALLOC_ARENA_MAX": "2"}
