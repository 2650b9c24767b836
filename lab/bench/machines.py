"""Answering machines: whom the shipped dialplan takes for one, on the real PBX.

Callers of the lab's PBX are answered by Sala's, which listens to each as to a customer who was
called back, and tells its verdict by the cause it hangs up with. So what is judged is what came
over RTP, with `TOGETHER` calls at once. The time runs from the answer to the verdict: so long
a person hears nothing.
"""

from __future__ import annotations

import asyncio
import random
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from lab.bench.figures import Finding, Row, Spread, spread_text
from lab.caller import originate
from lab.errors import LabError
from lab.openings import Opening, openings
from lab.programs import pbx
from lab.stack import Stack
from lab.world import Spoken, World
from sala.settings import PROJECT

EACH, QUICK_EACH = 12, 3
TOGETHER = 16
LISTENS = "770"
MACHINE, PERSON = 17, 16
"""The causes that tell the verdict (Q.850)."""
LONGEST_S = 30.0

DIALPLAN = f"""\
[from-trunk]
exten => {LISTENS},1,Answer(,i)
 same => n,Gosub(sala-listen,s,1)
 same => n,Hangup(${{IF($["${{SALA_HEARD}}" = "machine"]?{MACHINE}:{PERSON})}})
"""


@dataclass(slots=True)
class Judged:
    """What came of one opening."""

    opening: Opening
    verdicts: list[bool] = field(default_factory=list)
    """Whether it was taken for a machine, call by call."""
    took_ms: list[float] = field(default_factory=list)

    @property
    def wrong(self) -> int:
        """How many calls were misjudged."""
        return sum(one is not self.opening.machine for one in self.verdicts)


async def measure(*, quick: bool) -> Finding:
    """Measure. Raises `LabError` when calls cannot be made."""
    judged = [Judged(one) for one in await openings()]
    folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="sala-machines-"))
    try:
        plans = folder / "dialplans"
        await asyncio.to_thread(shutil.copytree, PROJECT / "dialplans", plans)
        (plans / "asterisk" / "local.conf").write_text(DIALPLAN, encoding="utf-8")
        async with Stack({"dialplans": str(plans)}) as stack:
            accounts = stack.accounts()
            async with World(pbx(), stack.sip, accounts.caller, {}) as world:
                await _listen(world, judged, QUICK_EACH if quick else EACH)
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
    return finding(judged)


async def _listen(world: World, judged: list[Judged], each: int) -> None:
    places = [(one, world.store(one.opening.sound)) for one in judged]
    calls = places * each
    random.Random(1).shuffle(calls)
    room = asyncio.Semaphore(TOGETHER)

    async def call(one: Judged, sound: Spoken) -> None:
        async with room:
            say = [f"LAB_SAY={sound.name}", f"LAB_SECONDS={sound.seconds}"]
            leg = await originate(world, "outside", LISTENS, one.opening.name, say, record=False)
            up = await leg.answered()
            end = await leg.ended(LONGEST_S)
            if end.cause not in (MACHINE, PERSON):
                raise LabError(f"{one.opening.name}: no verdict, cause {end.cause} ({end.text})")
            one.verdicts.append(end.cause == MACHINE)
            one.took_ms.append(end.when.since(up) * 1000)

    await asyncio.gather(*(call(*one) for one in calls))


def finding(judged: list[Judged]) -> Finding:
    """Sum up. A person taken for a machine is hung up on; a machine taken for a person is not."""
    people = [one for one in judged if not one.opening.machine]
    machines = [one for one in judged if one.opening.machine]
    hung_up, heard = sum(one.wrong for one in people), sum(one.wrong for one in machines)
    calls = sum(len(one.verdicts) for one in people)
    tapes = sum(len(one.verdicts) for one in machines)
    wait = Spread.of([took for one in people for took in one.took_ms], "people")
    return Finding(
        "machines",
        (
            Row("people taken for answering machines", f"{hung_up} of {calls}", "–",
                goal="0", met=hung_up == 0),
            Row("machines taken for people", f"{heard} of {tapes}", "–"),
            Row("… a person waits for the verdict, ms, median / p95", spread_text(wait), "–"),
        ),
        {"machines_people_wrong": hung_up, "machines_people": calls,
         "machines_machines_wrong": heard, "machines_machines": tapes},
        {
            "wait": wait.to_json(),
            **{one.opening.name: {"machine": one.opening.machine, "calls": len(one.verdicts),
                                  "wrong": one.wrong} for one in judged},
        },
    )  # fmt: skip
