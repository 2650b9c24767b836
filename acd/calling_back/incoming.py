"""Rows of callbacks as they come in: new ones, changed ones, and those of callers on the line."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable

from acd.callbacks import events as ev
from acd.callbacks.words import Stage
from acd.calling_back.engaged import Engaged
from acd.calling_back.rows import Rows
from acd.calling_back.store import Store
from acd.contacts import Contact, Contacts
from crm.errors import CrmError
from crm.records import Callback

log = logging.getLogger(__name__)

IN_A_TURN = 100
"""How many rows are taken in at a time, so that calls go on meanwhile."""
REMEMBERED = 100
"""How many of those who were served, the last ones, are kept in mind: a row of theirs that is late
comes within seconds."""


class Incoming:
    """Makes rows known; `tell` tells the book.

    Who was served meanwhile is not called back, however late a row comes.
    """

    def __init__(
        self,
        tell: Callable[[ev.Event], None],
        rows: Rows,
        contacts: Contacts,
        engaged: Engaged,
    ) -> None:
        self._tell = tell
        self._rows = rows
        self._engaged = engaged
        self._contacts = contacts
        self.store: Store | None = None
        self._doubts: set[str] = set()
        """Interactions on the line of which it is not known whether a callback was promised."""
        self._served: deque[str] = deque(maxlen=REMEMBERED)
        """Such as were answered, and are over."""

    async def follow(self) -> None:
        """Take in new rows and changed rows as they come. Never returns."""
        store = self.store
        assert store is not None
        unread: set[str] = set()
        all_unread = False
        async for ids in store.changes():
            unread |= ids
            all_unread = all_unread or not ids
            try:
                if all_unread:
                    unread |= await self._all(store)
                    all_unread = False
                while unread:
                    callback = next(iter(unread))
                    if (found := await store.get(callback)) is not None:
                        self.take(found)
                    unread.discard(callback)
            except CrmError as error:
                # They are read with what is told next.
                log.warning("callbacks not read: %s", error, extra={"action": "callbacks_unread"})

    async def _all(self, store: Store) -> set[str]:
        """Take in all that are open; return those that are known and are not among them."""
        if not self._rows.begins:
            await store.confirm()
        rows = await store.waiting()
        for count, row in enumerate(rows):
            self.take(row)
            if count % IN_A_TURN == 0:
                await asyncio.sleep(0)
        return self._rows.known() - {row.id for row in rows}

    def take(self, row: Callback) -> None:
        """Make a row known, unless its customer was served before it came."""
        interaction = row.interaction or row.id
        if row.state == "waiting" and interaction in self._served and self.store is not None:
            self.store.end(ev.End(row.id, Stage.MERGED, "answered", interaction))
        else:
            self._rows.know(row)

    def doubt(self, interaction: str) -> None:
        """A caller is told that no callback could be promised; the database may have one yet.

        Who is served then is not to be called as well, however late its row turns up.
        """
        if self._contacts.get(interaction) is not None:
            self._doubts.add(interaction)

    def gone(self, contact: Contact) -> None:
        """A call is over: what its caller was promised can be begun with."""
        if contact.interaction in self._doubts:
            self._doubts.discard(contact.interaction)
            if contact.answered:
                self._served.append(contact.interaction)
        waits = self._engaged.waits(contact, contact.queue)
        if contact.answered and waits is not None and waits.requested_ms <= contact.entered:
            # Served while it was due; what is promised for later stays.
            self._tell(ev.CalledAgain(waits.id, contact.interaction))
        row = self._rows.gone(contact.interaction)
        if row is None or self.store is None:
            return
        if contact.answered:
            # They had not hung up, and an agent took them before the promise was told.
            self.store.end(ev.End(row.id, Stage.MERGED, "answered", contact.interaction))
        else:
            self._rows.know(row)
