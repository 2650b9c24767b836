"""What Sala dials of its own: each number through the gate, and counted."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection

from acd.gate import Counts, Gate, Refusal
from crm import dialled
from crm.database import Database

log = logging.getLogger(__name__)


class Dialling:
    """The dialling gate and its memory; the way of flows to transfers.

    `clock` gives milliseconds since the epoch. `agent` gives an agent's address, empty if unknown.
    Methods raise CrmError when the database is away: then nothing may be dialled.
    """

    def __init__(
        self,
        gate: Gate,
        database: Database,
        clock: Callable[[], int],
        *,
        agent: Callable[[str], str],
    ) -> None:
        self._gate = gate
        self._database = database
        self._clock = clock
        self._agent = agent

    async def address(self, interaction: str, way: str, address: str) -> str | None:
        """Return what `pbx.port.Call.transfer` takes, or None if it may not be dialled.

        `way` is `number`, `sip` or `agent`. A number that passes is counted against the caps.
        """
        found: str | Refusal
        if way == "agent":
            found = self._agent(address) or Refusal.UNKNOWN_AGENT
        elif way == "sip":
            found = self._gate.sip(address)
        else:
            found = await self.claim(address, "transfer", interaction)
        return None if self._told(found, interaction) else str(found)

    async def claim(
        self, number: str, purpose: str, interaction: str | None = None
    ) -> str | Refusal:
        """Return a number in E.164 that may be dialled now, and count it; else why not.

        `purpose` is `transfer`, `callback` or `click`.
        """
        found = self._gate.number(number)
        if isinstance(found, Refusal):
            return found
        objection = await dialled.claim(
            self._database, found, purpose, self._clock(), self._judge, interaction=interaction
        )
        return objection or found

    async def caps(self, number: str, interaction: str) -> Refusal | None:
        """Return why the caps would refuse a number (E.164) now, without counting anything."""
        return self._judge(
            await dialled.counts(self._database, number, self._clock(), interaction=interaction)
        )

    async def allowed(self, numbers: Collection[str]) -> set[str]:
        """Return those numbers (E.164) that the caps let be called now, each by itself."""
        before = await dialled.counts_of(self._database, numbers, self._clock())
        return {number for number in numbers if self._judge(before[number]) is None}

    def _judge(self, before: dialled.Dialled) -> Refusal | None:
        return self._gate.caps(Counts(before.number, before.day, before.at_once))

    def _told(self, found: str | Refusal, interaction: str) -> bool:
        """Tell of a refusal, without the number; return whether it is one."""
        if not isinstance(found, Refusal):
            return False
        log.warning(
            "not dialled: %s",
            found.value,
            extra={"action": "dial_refused", "interaction": interaction, "why": found.name},
        )
        return True
