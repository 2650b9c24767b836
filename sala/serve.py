"""The service process: `bootstrap.Service` and the control socket, until told to end."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import gc
import logging
import os
import signal

import uvloop

from sala import logs, secrets
from sala.bootstrap import Service
from sala.control import ControlServer
from sala.database import running_url
from sala.errors import UserError
from sala.settings import Settings

log = logging.getLogger(__name__)

_PR_SET_PDEATHSIG = 1
COLLECT_AFTER = 20_000
"""Objects made and not freed since the last look of the cyclic collector (Python's own: 700)."""


def run(settings: Settings, *, supervised: bool = False) -> None:
    """Run the service until SIGTERM or SIGINT.

    `supervised`: end with the parent process too, should that be killed.
    """
    if supervised:
        _end_with_parent()
    settings.paths.create()
    logs.to_file(settings.paths.logs / "service.log", settings.log_level)
    uvloop.run(_serve(settings))


async def _serve(settings: Settings) -> None:
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    known = secrets.load(settings.paths.secrets)
    url = await asyncio.to_thread(running_url, settings)
    service = Service()
    control = ControlServer(service, settings.paths.control_socket)
    await control.claim()
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(service.stop)
        starting = asyncio.create_task(service.start(settings, secrets=known, database_url=url))
        ending = asyncio.create_task(told.wait())
        await asyncio.wait({starting, ending}, return_when=asyncio.FIRST_COMPLETED)
        if not starting.done():
            starting.cancel()
            await asyncio.wait({starting})
            return
        try:
            starting.result()
        except OSError as error:
            raise UserError(
                f"the service cannot listen on agi_port {settings.agi_port}: {error.strerror}"
            ) from error
        stack.push_async_callback(control.stop)
        await control.start()
        _spare_collections()
        log.info("service is up", extra={"action": "service_up", "pid": os.getpid()})
        await ending
        log.info("service ends", extra={"action": "service_down"})


def _spare_collections() -> None:
    """Have the cyclic collector look at calls, not at what was loaded for good.

    A full collection over everything that is loaded holds all calls up for tens of milliseconds,
    one over what has come since for a tenth of that. What the live path makes is freed by
    reference counts, so it is enough to look rarely.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER, 20, 50)


def _end_with_parent() -> None:
    """Have the kernel send SIGTERM when the parent dies (prctl(2))."""
    parent = os.getppid()
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if parent == 1 or os.getppid() != parent:
        raise UserError("--supervised is for sala up; start the service alone with: sala serve")
