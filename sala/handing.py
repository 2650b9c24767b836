"""Handing calls on, as agents ask for it: by command, and by their phones.

Finds out whom a name or a number means, and has the floor do it (`acd.handover`).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol

from acd.contacts import Contact
from acd.floor import Floor
from acd.handover import HandoverRefused, Kind, Target
from acd.handover.handover import SECOND
from acd.roster import Roster
from crm.errors import CrmError
from pbx.port import Call, Cause


class Verb(StrEnum):
    """What can be done with a call."""

    HOLD = "hold"
    RESUME = "resume"
    TRANSFER = "transfer"
    CONSULT = "consult"
    COMPLETE = "complete"
    CANCEL = "cancel"
    CONFERENCE = "conference"


class Gate(Protocol):
    """The dialling gate."""

    async def address(self, interaction: str, way: str, address: str) -> str | None:
        """Return what `pbx.port.Switch` takes, or None if it may not be dialled.

        `way` is `number` here. Raises CrmError when that cannot be found out.
        """


class Handing:
    """Takes orders. `gate` is None where nothing is dialled out."""

    def __init__(self, floor: Floor, roster: Roster, gate: Gate | None) -> None:
        self._floor = floor
        self._gate = gate
        self.roster = roster

    async def order(self, interaction: str, verb: Verb, to: str, *, keep_place: bool) -> None:
        """Do what an agent orders. Raises `HandoverRefused`, LookupError for an unknown call."""
        contact = self._floor.contact(interaction)
        if contact is None:
            raise LookupError(interaction)
        do = self._floor.handovers
        match verb:
            case Verb.TRANSFER | Verb.CONSULT:
                target = await self.target(interaction, to)
                if self._floor.contact(interaction) is not contact:
                    raise HandoverRefused("the caller has hung up")
                if verb is Verb.CONSULT:
                    do.consult(contact, target)
                else:
                    do.transfer(contact, target, keep_place=keep_place)
            case Verb.HOLD:
                do.hold(contact)
            case Verb.RESUME:
                do.resume(contact)
            case Verb.COMPLETE:
                do.complete(contact)
            case Verb.CANCEL:
                do.cancel(contact)
            case Verb.CONFERENCE:
                do.conference(contact)

    async def target(self, interaction: str, to: str) -> Target:
        """Find out whom `to` means: an agent, a queue, or a number outside, in this order.

        Raises `HandoverRefused` for nobody, and for what may not be dialled.
        """
        roster = self.roster
        agent = to if roster.address(to) else roster.agent_at(to)
        if agent:
            return Target(Kind.AGENT, agent, roster.address(agent))
        if roster.queue(to) is not None:
            return Target(Kind.QUEUE, to)
        if not to or set(to) - set("+0123456789 ()-./"):
            raise HandoverRefused(f"there is no agent and no queue {to}")
        if self._gate is None:
            raise HandoverRefused(
                "there is no such agent or queue, and numbers are not dialled: "
                "set trunk_out and dial_allowed"
            )
        try:
            address = await self._gate.address(interaction, "number", to)
        except CrmError as error:
            raise HandoverRefused(
                "the number cannot be checked now, so it is not dialled"
            ) from error
        if address is None:
            raise HandoverRefused("this number may not be dialled")
        return Target(Kind.NUMBER, "", address)

    # --- by phone ---------------------------------------------------------------------------

    async def referred(self, call: Call, contact: Contact | None, to: str) -> None:
        """An agent's phone sends a caller on. Ends the loan of `call`."""
        try:
            if contact is None:
                raise HandoverRefused("the call is not known")
            target = await self.target(contact.interaction, to)
            self._floor.handovers.check(contact, target)
        except HandoverRefused:
            await call.give_back()
            if contact is not None:
                self._floor.handovers.give_back(contact)
            return
        await call.take()
        self._floor.handovers.referred(contact, target)
        await call.carry(contact.carry)
        await call.wait(after=None)
        if contact.in_line:
            self._floor.settled(contact, call.carried)

    async def second(self, call: Call) -> bool:
        """An agent's phone calls somebody while it has a caller; False if it has none."""
        agent = self.roster.agent_at(call.address or "")
        contact = self._floor.contact_with(agent) if agent is not None else None
        if contact is None or contact.call == call.id:
            return False
        try:
            target = await self.target(contact.interaction, call.dialled)
            by = self._floor.handovers.second(contact, call.id, target)
        except HandoverRefused:
            await call.hang_up(Cause.REJECTED)
            return True
        await call.carry({**contact.carry, SECOND: by})
        await call.wait(after=None)
        return True
