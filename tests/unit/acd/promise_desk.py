"""A desk that promises callbacks on a real database, for tests of the ways in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import uuid6

from acd.callbacks.policy import Policy
from acd.dialling import Dialling
from acd.gate import Gate, Rules
from acd.promises import Asked, Known, Made, Promises
from crm.calendars import Calendar
from crm.database import Database

NUMBER = "+14155550123"
NOW = 1_800_000_000_000
HOUR = 3_600_000


class Desk:
    """Promises at a time of the test's own; the floor behind it is a few dictionaries."""

    def __init__(self, database: Database, **rules: Any) -> None:
        self.now = NOW
        self.told: list[str] = []
        self.entries: dict[str, int] = {}
        self.places: dict[str, int] = {}
        self.policy = Policy()
        self.hours: Calendar | None = None
        self.agents = 3
        self.gate = Gate(Rules("US", **{"allowed": ("US",), **rules}))
        self.dialling = Dialling(self.gate, database, lambda: self.now, agent=lambda _: "")
        self.promises = Promises(self.gate, database, lambda: self.now, self)

    # --- acd.promises.Floor ----------------------------------------------------------------------

    def queue(self, name: str) -> Known | None:
        return None if name == "nowhere" else Known(self.policy, self.hours, self.agents)

    def place(self, interaction: str) -> int | None:
        return self.places.get(interaction)

    def kept(self, interaction: str, queue: str) -> Mapping[str, Any] | None:
        return {"entered": self.entries[interaction]} if interaction in self.entries else None

    def wished(self, interaction: str, asked: object) -> None:
        return None

    def called_back(self, interaction: str) -> None:
        self.told.append(interaction)

    # --- in short --------------------------------------------------------------------------------

    async def asks(self, number: str = NUMBER, queue: str = "support", **more: Any) -> Made:
        return await self.promises.make(Asked(queue, number, new(), **more))


def new() -> str:
    return str(uuid6.uuid7())
