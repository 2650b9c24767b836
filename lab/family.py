"""The processes of a throw-away Sala: everything that runs on its state folder."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import psutil


def of(state: Path) -> list[psutil.Process]:
    """Find `sala up`, its children, and Postgres, which is nobody's child."""
    found: list[psutil.Process] = []
    for process in psutil.process_iter(["pid"]):
        with contextlib.suppress(psutil.Error):
            if process.pid == os.getpid():
                continue
            inside = str(state) in " ".join(process.cmdline())
            if inside or process.environ().get("SALA_STATE") == str(state):
                found.append(process)
    return found


def kill_left(family: list[psutil.Process]) -> list[str]:
    """Kill what of the family still runs after a moment; tell what it was."""
    _, alive = psutil.wait_procs(family, timeout=2)
    told = []
    for process in alive:
        with contextlib.suppress(psutil.Error):
            told.append(f"{process.name()} ({process.pid})")
            process.kill()
    return told
