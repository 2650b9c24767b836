"""Flow tests on a real line, as `sala flow test --on-pbx` has them: rendered, called, judged."""

from __future__ import annotations

import asyncio
import logging
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from ivr.flow import testing
from ivr.flow.check import Context
from ivr.flow.load import Flow
from ivr.library import spoken
from lab.flow_line import open_line
from pbx.appliance.fetch import ensure
from sala import flows
from sala.flows import Desk
from sala.parts import silent
from sala.settings import PROJECT, Settings

Suites = Sequence[tuple[Desk, Flow, Mapping[str, testing.Case]]]


def run(settings: Settings, suites: Suites, known: Context) -> list[list[testing.Result]]:
    """Run suites by real calls, several at once; return their results, suite by suite."""
    # What goes wrong there is often what a test wants; it is in the results.
    logging.getLogger("ivr").addHandler(logging.NullHandler())
    return asyncio.run(_run(settings, suites, known))


async def _run(settings: Settings, suites: Suites, known: Context) -> list[list[testing.Result]]:
    store = flows.prompts(settings)
    home = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="sala-line-"))
    try:
        said = [
            one for desk, _, _ in suites for flow in desk.flows.values() for one in spoken(flow)
        ]
        await store.prepare(store.read(), said)
        pbx = await asyncio.to_thread(ensure, silent, asterisk=settings.asterisk)
        async with open_line(
            pbx,
            home,
            store,
            language=settings.language,
            dialplans=settings.dialplans,
            sip_configs=settings.sip_configs,
            survival=PROJECT / "agi_scripts" / "survival.py",
        ) as line:
            return [
                await asyncio.gather(
                    *(line.run(flow, case, name, desk.world(known)) for name, case in cases.items())
                )
                for desk, flow, cases in suites
            ]
    finally:
        await store.close()
        await asyncio.to_thread(shutil.rmtree, home, ignore_errors=True)
