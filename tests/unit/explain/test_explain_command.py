"""`sala explain` finds an interaction by the beginning of its id."""

from __future__ import annotations

import pytest

from crm import interactions
from crm.database import Database
from crm.errors import DataRefused, NotFound
from crm.recorder import Recorder
from crm.records import Interaction, Segment

FIRST, SECOND = "0192aaaa-0000-7000-8000-000000000001", "0192bbbb-0000-7000-8000-000000000002"


async def test_an_interaction_by_the_beginning_of_its_id(database: Database) -> None:
    recorder = Recorder(database)
    recorder.start()
    recorder.interaction(Interaction(FIRST, 1_000, ended_ms=5_000, outcome="answered"))
    recorder.segment(Segment(FIRST, 1, "wrap_up", 5_000, agent="a", ended_ms=9_000, outcome="done"))
    recorder.interaction(Interaction(SECOND, 2_000))
    await recorder.drain()
    assert await interactions.span(database, "0192AAAA") == (FIRST, 1_000, 9_000)
    assert await interactions.span(database, SECOND) == (SECOND, 2_000, None)
    with pytest.raises(DataRefused, match="Several interactions begin with 0192"):
        await interactions.span(database, "0192")
    for unknown in ("ffff", "%"):
        with pytest.raises((NotFound, DataRefused)):
            await interactions.span(database, unknown)
