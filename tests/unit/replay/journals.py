"""Journals of busy days, as the service would have written them."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from random import Random

from acd.router import Router, events as ev
from acd.router.journal import to_body
from crm.records import JournalEntry

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "router"))

from busy_days import Draw


def entries(
    seed: int = 1, events: int = 400, epoch: str = "run", start: int = 1_000_000
) -> list[JournalEntry]:
    """A day on a random floor; bodies have been through JSON."""
    draw = Draw(Random(seed))
    config = draw.configuration(1)
    router = Router(config, epoch)
    found: list[JournalEntry] = []

    def tell(event: ev.Event, now: int) -> None:
        kind, body = to_body(event, router.handle(event, now))
        read = json.loads(json.dumps(body))
        found.append(JournalEntry(epoch, len(found) + 1, now, config.version, kind, read))

    now = start
    tell(ev.Batch((ev.ConfigChanged(config),)), now)
    for number in range(events):
        now += draw.one(0, 0, 1, 2, 7)
        while router.deadline is not None and router.deadline < now:
            tell(ev.TimePassed(), max(router.deadline, found[-1].at_ms))
        event = draw.event(router, number, now)
        if draw.often() < 0.01:
            event = ev.ConfigChanged(draw.configuration(number))
        tell(event, now)
    return found
