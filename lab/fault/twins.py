"""The scene of two services by mistake on one database, and on one PBX, under load.

The PBX asks one of them only; the other finds that out and does nothing.
"""

from __future__ import annotations

import asyncio

from lab.fault.facts import Facts
from lab.fault.judge import judge
from lab.fault.report import Scene
from lab.fault.staging import Staging
from lab.fault.witness import now

LIVES = 12
LOAD_S = 25.0


async def load(staging: Staging) -> Scene:
    """Start a second service on the same database and PBX, while customers come and go."""
    ground, witness = staging.ground, staging.witness
    before = set(witness.customers)
    await staging.agents("available")
    await ground.second()
    began = now()
    staging.load.open(LIVES)
    try:
        await asyncio.sleep(LOAD_S)
        await staging.load.close()
    finally:
        await staging.load.cancel()
    await ground.kill()
    await ground.start()
    customers = [one for number, one in witness.customers.items() if number not in before]
    await staging.all_end([one for one in customers if one.rows])
    await witness.read()
    broken = judge(Facts(0, began, now(), customers=customers))
    rows = [row for one in customers for row in one.rows]
    connected = sum(row.state == "connected" for row in rows)
    dials = sum(len(one.rings) for one in customers)
    attempts = sum(len(row.attempts) for row in rows)
    came = (
        f"{len(customers)} customers, {len(rows)} callbacks, {attempts} attempts, {dials} INVITEs, "
        f"{connected} connected"
    )
    came += "".join(f"; broken: {one.law} ({one.customer} {one.what})" for one in broken)
    return "two services on one database and PBX, under load", came, not broken
