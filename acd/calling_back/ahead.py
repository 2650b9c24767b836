"""What the first in line are rung with, read before the PBX tells which calls there are.

A process that starts rings for all who can be served in one turn of the event loop. A callback
whose rows had to be read first would be rung after callers who came later; and if the process died
within those milliseconds, the next one would find those ringing, and the callback not.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from acd.calling_back.store import Store
from acd.clock import Clock
from acd.ledger import Ledger
from crm.errors import CrmError
from crm.records import Callback

log = logging.getLogger(__name__)

READ_AHEAD = 100
"""For how many is read ahead: about as many as there may be agents free at once."""
GOOD_MS = 10_000
"""For how long what was read holds; the PBX is there by then, or what it does is looked at anew."""


class Ahead:
    """Of whom the rows are in mind and whose number the caps allow; until `over`."""

    def __init__(self, ledger: Ledger, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock
        self._allowed: frozenset[str] = frozenset()
        self._until = 0

    async def read(self, store: Store, rows: Sequence[Callback]) -> None:
        """Read what `rows` are rung with. A database that is away leaves it to be read later."""
        try:
            self._ledger.rest(await store.accounts(rows))
            self._allowed = frozenset(await store.allowed(rows))
        except CrmError as error:
            log.warning("nothing read ahead: %s", error, extra={"action": "not_read_ahead"})
        self._until = self._clock.now() + GOOD_MS

    def ready(self, callback: str, interaction: str) -> bool:
        """Have the ledger go on with an interaction; False if its callback is not read ahead."""
        good = callback in self._allowed and self._clock.now() < self._until
        return good and self._ledger.reopen(interaction)

    def over(self) -> None:
        """The first turn is over: what was read is not so any more."""
        self._allowed = frozenset()
        self._ledger.rested()
