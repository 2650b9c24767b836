"""Who of the customers is on the line by another call: their phone is busy, and we are why."""

from __future__ import annotations

from collections.abc import Iterable

from acd.callbacks import Book
from acd.contacts import Contact
from crm.identities import phone
from crm.records import Callback

ENGAGED_MS = 10_000
"""After which pause it is looked again whether that call is over."""


class Engaged:
    """Knows callers by their numbers; `region` (ISO 3166) reads those in national form."""

    def __init__(self, contacts: Iterable[Contact], book: Book) -> None:
        self._contacts = contacts
        self._book = book
        self.region = ""

    def waits(self, contact: Contact, queue: str) -> Callback | None:
        """Return the callback in a queue that a caller waits for; None if there is none."""
        number = self._number(contact)
        callback = self._book.of(queue, None, number) if number else None
        return None if callback is None else self._book.record(callback)

    def on_the_line(self, record: Callback) -> bool:
        """Tell whether a callback's customer is on the line, and not for this very callback.

        They are known by the number that is to be called, or by another of theirs on the record.
        """
        numbers, own = {record.number, *record.phones}, record.interaction or record.id
        return any(
            contact.interaction != own and self._number(contact) in numbers
            for contact in self._contacts
        )

    def _number(self, contact: Contact) -> str | None:
        number = contact.caller.number
        if not number or not self.region or contact.internal:
            return None
        return phone(number, self.region)
