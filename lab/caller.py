"""Outside callers: who they are and what they dial."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.errors import WorldError
from lab.leg import Leg

if TYPE_CHECKING:
    from lab.world import World

DIAL_MS = 120_000


class Caller:
    """People outside who call Sala. Stateless: each `dial` is a caller of its own."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def dial(
        self,
        dialled: str,
        *,
        number: str = "",
        name: str = "",
        withheld: bool = False,
        asserted: bool = False,
        record: bool = True,
    ) -> Leg:
        """Call, and give the leg as soon as the INVITE is on its way.

        `number` and `name` are presented in From, or in P-Asserted-Identity if `asserted`;
        `withheld` hides them as the network does. A comma in `name` cannot be presented this way:
        for hostile bytes there is `lab.sip`. `record` off saves the work of taking down what is
        heard.
        """
        if "," in name:
            raise WorldError("a name with a comma needs lab.sip")
        variables = []
        if number or withheld:
            variables.append(f"CONNECTEDLINE(num)={number or 'anonymous'}")
        if name:
            variables.append(f"CONNECTEDLINE(name)={name}")
        if withheld:
            variables.append("CONNECTEDLINE(pres)=prohib")
        endpoint = "asserting" if asserted else "outside"
        return await originate(
            self._world, endpoint, dialled, f"caller to {dialled}", variables, record=record
        )


async def originate(
    world: World,
    endpoint: str,
    dialled: str,
    label: str,
    variables: list[str],
    *,
    record: bool = True,
) -> Leg:
    """Dial from an endpoint of the world's PBX."""
    leg = world.new_leg(label)
    if record:
        variables = [*variables, "LAB_HEARS=yes"]
    try:
        await world.ami.act(
            "Originate",
            Channel=f"PJSIP/{dialled}@{endpoint}",
            ChannelId=leg.id,
            Context="line",
            Exten="start",
            Priority="1",
            Timeout=str(DIAL_MS),
            Async="true",
            Variable=variables,
        )
        await leg.started()
    except BaseException:
        world.forget_leg(leg)
        raise
    return leg
