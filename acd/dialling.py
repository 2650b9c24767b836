"""What Sala dials of its own: each number through the gate, counted, and promised only then."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from acd.gate import Counts, Gate, Refusal
from acd.router.codec import to_entry
from acd.router.events import Arrived
from crm import callbacks, dialled
from crm.database import Database

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a callback keeps of the call that asks for it: `place` and, if known, the language.

    `told_ms`: the latest moment at which they were told that it would be their turn.
    """

    place: Arrived | None = None
    language: str = ""
    told_ms: int | None = None


class Dialling:
    """The dialling gate and its memory; the way of flows to callbacks and transfers.

    `clock` gives milliseconds since the epoch. `agent` gives an agent's address, empty if unknown.
    `asked` gives what a callback keeps of the call that asks for it. `called_back` is told each
    interaction whose callback is promised. Methods raise CrmError when the database is away: then
    nothing may be dialled, or promised.
    """

    def __init__(
        self,
        gate: Gate,
        database: Database,
        clock: Callable[[], int],
        *,
        agent: Callable[[str], str],
        asked: Callable[[str], Asked],
        called_back: Callable[[str], None],
    ) -> None:
        self._gate = gate
        self._database = database
        self._clock = clock
        self._agent = agent
        self._asked = asked
        self._called_back = called_back

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

    async def promise(self, interaction: str, queue: str, number: str) -> bool:
        """Store the promise of a callback; True only once it is on disk.

        False if the number may not be dialled, was dialled too often already, or is on the
        do-not-call list.
        """
        found = self._gate.number(number)
        now = self._clock()
        if not isinstance(found, Refusal):
            found = self._judge(await dialled.counts(self._database, found, now)) or found
        if self._told(found, interaction):
            return False
        asked = self._asked(interaction)
        place = asked.place
        callback = await callbacks.promise(
            self._database,
            str(found),
            queue,
            now,
            interaction,
            language=asked.language or None,
            told_ms=asked.told_ms,
            place=to_entry(place)[1] if place is not None and place.queue == queue else None,
        )
        if callback is None:
            self._told(Refusal.DO_NOT_CALL, interaction)
            return False
        self._called_back(interaction)
        log.info(
            "callback promised",
            extra={
                "action": "callback_promised",
                "interaction": interaction,
                "callback": callback,
                "queue": queue,
            },
        )
        return True

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
