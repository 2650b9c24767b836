"""How a call becomes an interaction's row: who it is from, in the record's words."""

from __future__ import annotations

from acd.contacts import Contact
from crm.identities import phone
from crm.records import Identity, Interaction


class Intake:
    """Makes rows. `region` (ISO 3166) reads callers' numbers in national form."""

    def __init__(self, region: str) -> None:
        self._region = region

    def row(self, contact: Contact, at: int) -> Interaction:
        """The row of a call that came in at `at` (milliseconds since the epoch).

        A withheld number, one that is none, and an agent's own phone have no identity.
        """
        number = contact.caller.number
        e164 = phone(number, self._region) if number and not contact.internal else None
        return Interaction(
            contact.interaction,
            at,
            identity=Identity("phone", e164) if e164 else None,
            dialled=contact.dialled,
            entry_point=contact.dialled or None,
            flow=contact.carry.get("flow"),
            flow_version=contact.carry.get("version"),
        )
