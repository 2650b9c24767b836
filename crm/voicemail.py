"""Voicemail: mailboxes, and the messages left in them. Recordings lie on disk, rows name them."""

from __future__ import annotations

from dataclasses import dataclass

from crm.database import Database
from crm.errors import DataRefused, NotFound


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A place for messages, and how many are in it."""

    name: str
    title: str = ""
    messages: int = 0


@dataclass(frozen=True, slots=True)
class Message:
    """One message. `recording` is a file's name in the folder of recordings.

    `caller` is None when withheld, or while the interaction is not written yet.
    """

    id: str
    mailbox: str
    interaction: str
    recording: str
    sha256: str
    length_ms: int
    left_ms: int
    caller: str | None = None


async def mailboxes(database: Database) -> list[Mailbox]:
    """Return all mailboxes by name."""
    return [Mailbox(**row) for row in await database.rows("mailboxes_list")]


async def put_mailbox(database: Database, name: str, title: str = "") -> None:
    """Make a mailbox, or give it another title. Raises `DataRefused` for a wrong name."""
    try:
        await database.value("mailboxes_put", name, title)
    except DataRefused:
        raise DataRefused(
            f"{name} is no name for a mailbox: letters, digits, `_`, `-`, a letter first"
        ) from None


async def remove_mailbox(database: Database, name: str) -> None:
    """Remove a mailbox. Raises `NotFound`, or `DataRefused` if messages were ever left in it."""
    try:
        gone = await database.value("mailboxes_remove", name)
    except DataRefused:
        raise DataRefused(f"Messages were left in mailbox {name}, so it stays.") from None
    if gone is None:
        raise NotFound(f"There is no mailbox {name}.")


async def keep(
    database: Database,
    mailbox: str,
    interaction: str,
    recording: str,
    sha256: str,
    length_ms: int,
    left_ms: int,
) -> str:
    """Note a message whose recording is on disk; return its id. The same recording is kept once.

    Committed on return. Raises `DataRefused` if there is no such mailbox.
    """
    return str(
        await database.value(
            "voicemail_keep", mailbox, interaction, recording, sha256, length_ms, left_ms
        )
    )


async def messages(database: Database, mailbox: str | None = None) -> list[Message]:
    """Return the messages of a mailbox, or of all, newest first."""
    return [Message(**row) for row in await database.rows("voicemail_list", mailbox)]


async def find(database: Database, beginning: str) -> Message:
    """Return the message whose id begins so. Raises `NotFound` if none does, or several do."""
    rows = await database.rows("voicemail_find", beginning)
    if len(rows) != 1:
        what = "no message" if not rows else "more than one message"
        raise NotFound(f"There is {what} whose id begins with {beginning}.")
    return Message(**rows[0])


async def delete(database: Database, message: str) -> None:
    """Note that a message's recording was removed."""
    await database.value("voicemail_delete", message)
