"""Set-up: what must be there before anything can run. Idempotent; a second run changes nothing."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from ivr.flow.problems import Problem
from pbx.appliance.root import Pbx
from pbx.dialplan.read import Fault
from sala import dialplans, flows, secrets
from sala.database import first_accounts
from sala.parts import get_pbx
from sala.progress import Steps
from sala.secrets import Secrets
from sala.settings import Settings


@dataclass(frozen=True, slots=True)
class SetUp:
    """What set-up found or made."""

    pbx: Pbx
    secrets: Secrets
    warnings: tuple[Problem | Fault, ...]
    """What is doubtful in flows and prompts, and all that is wrong with the dialplan: calls are
    served as well as they can be."""


def set_up(settings: Settings, steps: Steps) -> SetUp:
    """Make the state folder and secrets, fetch the PBX, render the prompts.

    Raises `UserError` for what the admin can mend, `ApplianceError` when the PBX cannot be had,
    `FlowInvalid` for faults in flows and prompts.
    """
    paths = settings.paths
    paths.create()
    made = secrets.ensure(paths.secrets, first_accounts())
    with steps.step("looking for the PBX") as tell:
        pbx = get_pbx(settings, tell)
    with steps.step("checking flows and prompts") as tell:

        def rendered(done: int, total: int) -> None:
            tell(f"rendering prompts: {done} of {total}", done / total)

        warnings = asyncio.run(flows.prepare(settings, progress=rendered))
    return SetUp(pbx, made, (*warnings, *dialplans.found(settings)))
