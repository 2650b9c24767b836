"""Unpack packages into a folder of our own."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from pathlib import Path

from pbx.appliance.apt import explain_apt
from pbx.appliance.cache import Progress, explain_os_error
from pbx.appliance.process import dies_with_parent, environment
from pbx.errors import ApplianceError

_TICK_S = 1.0
_TELL_S = 0.5
_UNPACKERS = 2


def unpack(archives: Sequence[Path], into: Path, progress: Progress) -> None:
    """Unpack archives into one folder, two at a time.

    Raises `ApplianceError` if one cannot be unpacked; the folder is then not to be used.
    """
    into.mkdir(parents=True, exist_ok=True)
    running: set[subprocess.Popen[bytes]] = set()
    guard = dies_with_parent()

    def one(archive: Path) -> None:
        process = subprocess.Popen(
            ["dpkg-deb", "-x", str(archive), str(into)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=environment(),
            preexec_fn=guard,
        )
        running.add(process)
        _, errors = process.communicate()
        running.discard(process)
        if process.returncode != 0:
            reason = errors.decode("utf-8", "replace").strip() or f"status {process.returncode}"
            raise ApplianceError(explain_apt(f"E: {archive.name}: {reason}", ""))

    total = sum(archive.stat().st_size for archive in archives) or 1
    done = 0
    told = time.monotonic()
    # Largest first, so that the last ones to finish are short.
    by_size = sorted(archives, key=lambda path: path.stat().st_size, reverse=True)
    pool = ThreadPoolExecutor(_UNPACKERS)
    try:
        pending = {pool.submit(one, archive): archive.stat().st_size for archive in by_size}
        progress("unpacking the PBX", 0.0)
        while pending:
            finished, _ = wait(pending, timeout=_TICK_S, return_when=FIRST_COMPLETED)
            for future in finished:
                future.result()
                done += pending.pop(future)
            if time.monotonic() - told >= _TELL_S or not pending:
                told = time.monotonic()
                progress("unpacking the PBX", done / total)
    except OSError as error:
        raise explain_os_error(error, "cannot unpack the PBX") from error
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        for process in list(running):
            process.kill()
        pool.shutdown(wait=True)
