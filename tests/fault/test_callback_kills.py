"""The service killed at steps of callbacks' lives, under load: nothing lost, nothing doubled.

`make fault` does the same at length, tries other faults too, and writes a report.
"""

from __future__ import annotations

import pytest

from lab.fault import kills, plan
from lab.fault.facts import Way
from lab.fault.ground import Ground
from lab.fault.judge import judge
from lab.fault.load import Load
from lab.fault.witness import Witness

SEED = 14
KILLS = 14


@pytest.mark.timeout(600)
async def test_the_laws_of_callbacks_hold_whenever_the_service_dies() -> None:
    async with Ground() as ground, Witness(ground) as witness:
        load = Load(ground, witness, plan.habits(SEED, hasty=True))
        planned = plan.kills(SEED, KILLS)
        lives = kills.QUICK_LIVES
        facts = await kills.run(ground, witness, load, SEED, planned, print, lives=lives)
        assert judge(facts) == []
        assert len(facts.kills) == KILLS
        assert {one.way for one in facts.kills if one.customer} == set(Way)
        ended = [(one.way, row.state) for one in facts.customers for row in one.rows]
        assert {(way, "connected") for way in Way} <= set(ended)
