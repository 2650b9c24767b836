"""`sala reload`: take an admin's edits in, after a check."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from sala.errors import ServiceUnreachable, UserError
from sala.invocation import console, of

if TYPE_CHECKING:
    from sala.settings import Settings


def reload(context: typer.Context) -> None:
    """Check edited flows, prompts, dialplans and PBX templates; then use them.

    Faults are told by file and line; then nothing is changed.
    """
    import asyncio

    out = console()
    for line in asyncio.run(_reload(of(context).settings())):
        out.print(line, markup=False)


async def _reload(settings: Settings) -> list[str]:
    import asyncio

    from ivr.errors import FlowInvalid
    from pbx.appliance.fetch import ensure
    from sala import dialplans, flows, hours
    from sala.control import ControlClient
    from sala.database import opened
    from sala.parts import check_pbx, reload_pbx, silent

    faults: list[str] = []
    said: list[str] = []
    async with opened(settings) as database:
        known = await flows.known(settings, database)
        try:
            warnings = await flows.prepare(settings, known=known)
            said += [str(warning) for warning in warnings]
        except FlowInvalid as error:
            faults += [str(problem) for problem in error.problems]
        for fault in dialplans.found(settings):
            (said if fault.warning else faults).append(str(fault))
        pbx = await asyncio.to_thread(ensure, silent, asterisk=settings.asterisk)
        try:
            await check_pbx(settings, pbx, database.url)
        except UserError as error:
            faults.append(str(error))
        if faults:
            raise UserError("\n".join([*faults, "nothing was changed"]))
        said += [
            f"calendar {name} is as its file says"
            for name in await hours.publish(settings, database, edited=True)
        ]
        known = await flows.known(settings, database)
        new, left = await flows.publish_edited(settings, database, known)
        said += [f"flow {name} is published" for name in new]
        said += [
            f"flow {name}: its file is not the version in use, but was published before; "
            f"to use it: sala flow publish {name}"
            for name in left
        ]
    if await reload_pbx(settings):
        said.append("the PBX uses dialplans and templates as they are now")
    else:
        said.append("dialplans and templates are right; the PBX does not run")
    try:
        async with ControlClient(settings.paths.control_socket, timeout_s=60.0) as client:
            await client.reload()
        said.append("the service uses flows and prompts as they are now")
    except ServiceUnreachable:
        said.append("flows and prompts are right; the service does not run")
    return said
