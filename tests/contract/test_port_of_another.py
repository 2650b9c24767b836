"""A real Asterisk whose calls are another service's: nobody else acts on them."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest
from port_house import SECRET, House

from lab import ports
from lab.ami import AmiLink
from lab.errors import WorldError
from pbx.asterisk.switch import AsteriskSwitch
from pbx.port import SwitchEvent

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(60)]


class Told(logging.Handler):
    """Waits for what is logged."""

    def __init__(self) -> None:
        super().__init__()
        self.why: asyncio.Queue[str] = asyncio.Queue()

    def emit(self, record: logging.LogRecord) -> None:
        if getattr(record, "action", "") == "pbx_of_another":
            self.why.put_nowait(record.getMessage())


class Deaf:
    """A handler that is to be told nothing."""

    def __init__(self) -> None:
        self.events: list[SwitchEvent] = []

    def event(self, event: SwitchEvent) -> None:
        self.events.append(event)


async def test_a_second_service_by_mistake_is_told_so_and_does_nothing(
    place: House, tmp_path: Path
) -> None:
    told, deaf = Told(), Deaf()
    (port,) = ports.free(1)
    second = AsteriskSwitch(
        host="127.0.0.1",
        ami_port=place.ami_port,
        user="sala",
        secret=SECRET,
        agi_port=port,
        recordings=tmp_path,
    )
    log = logging.getLogger("pbx.asterisk.switch")
    log.addHandler(told)
    try:
        await second.start(deaf)  # type: ignore[arg-type]
        why = await asyncio.wait_for(told.why.get(), 10)
    finally:
        log.removeHandler(told)
        await second.stop()
    assert f"not this one at port {port}" in why
    assert (second.up, deaf.events, place.switch.up) == (False, [], True)


async def test_a_login_at_anothers_pbx_is_told(place: House) -> None:
    link = AmiLink(place.ami_port, "of another", lambda event: None)
    with pytest.raises(WorldError, match=f"AMI port {place.ami_port}: Authentication failed"):
        await link.open()
    link.close()
