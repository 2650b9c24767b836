"""The service killed at each step of callbacks' lives, under load: nothing lost, nothing doubled.

`make fault` does the same at length, tries other faults too, and writes a report.
"""

from __future__ import annotations

import pytest

from lab.fault import kills, plan
from lab.fault.ground import Ground
from lab.fault.judge import judge
from lab.fault.load import Load
from lab.fault.witness import Witness

SEED = 14
KILLS = 14


@pytest.mark.timeout(600)
async def test_the_laws_of_callbacks_hold_whenever_the_service_dies() -> None:
    async with Ground() as ground, Witness(ground) as witness:
        load = Load(ground, witness, plan.habits(SEED))
        planned = plan.kills(SEED, KILLS)
        facts = await kills.run(ground, witness, load, SEED, planned, print)
        assert judge(facts) == []
        assert len(facts.kills) == KILLS
        assert sum(row.state == "connected" for one in facts.customers for row in one.rows) > 0
