"""What the last process left written of agents and of those who wait; see `acd.restore.Past`."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import tzinfo

from acd.hours import last_midnight
from acd.ledger import Ledger
from acd.places import PLACE
from acd.restore import Past, Today
from acd.roster import Roster
from acd.router import JournalError
from acd.router.codec import from_entry
from acd.router.configuration import Step
from acd.router.events import Arrived
from crm import interactions, journal
from crm.database import Database
from ivr.flow.nodes import QueueNode
from ivr.library import Library
from sala.arrivals import own_steps

log = logging.getLogger(__name__)

DAY_MS = 86_400_000
"""An agent who has not talked for longer has been idle since they logged in."""


async def recalled(
    database: Database, ledger: Ledger, roster: Roster, library: Library, now: int, zone: tzinfo
) -> Past:
    """Take over what is open in the ledger, and read what goes with it. Raises CrmError.

    `zone` is that of the floor's day.
    """
    open_now = await interactions.open_now(database)
    wraps = ledger.resumed(open_now, now, lambda name: _wrap_up_ms(roster, name))
    epochs = [
        f"{PLACE}.{one.interaction.id}" for one in open_now if one.interaction.ended_ms is None
    ]
    places: dict[str, Arrived] = {}
    for entry in await journal.last(database, epochs):
        try:
            event = from_entry(entry.kind, entry.body)
        except JournalError as error:
            log.warning("a place is not known: %s", error, extra={"action": "place_lost"})
            continue
        if isinstance(event, Arrived):
            places[event.interaction] = event
    today = await interactions.today(database, last_midnight(now, zone), now)
    return Past(
        wraps=wraps,
        idle_since=await interactions.last_talks(database, now - DAY_MS),
        today={agent: Today(*done) for agent, done in today.items()},
        places=places,
        steps=lambda carried: _steps(library, carried),
    )


def _wrap_up_ms(roster: Roster, queue: str) -> int:
    found = roster.queue(queue)
    return found.wrap_up_ms if found is not None else 0


def _steps(library: Library, carried: Mapping[str, str]) -> tuple[Step, ...]:
    """The steps of the queue node that a call waits at."""
    pinned = library.pinned(carried)
    node = pinned[0].document.nodes.get(pinned[1]) if pinned is not None else None
    return tuple(own_steps(node.criteria)) if isinstance(node, QueueNode) else ()
