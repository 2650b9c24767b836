"""Voicemail: messages are on disk, and noted in the record, before a caller is told so."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Callable
from pathlib import Path

from crm import voicemail
from crm.database import Database
from crm.errors import DataRefused
from ivr.errors import IvrError

_BLOCK = 1 << 20


class Mailboxes:
    """Implements `ivr.services.Voicemail` upon the folder of recordings and the record.

    `clock` gives milliseconds since the epoch.
    """

    def __init__(self, folder: Path, database: Database, clock: Callable[[], int]) -> None:
        self._folder = folder
        self._database = database
        self._clock = clock

    async def keep(self, interaction: str, mailbox: str, recording: str, length_ms: int) -> None:
        """See `ivr.services.Voicemail`. Raises IvrError or CrmError; then nothing was kept."""
        path = Path(recording)
        if path.parent != self._folder:
            raise IvrError("the recording does not lie in the folder of recordings")
        sha256 = await asyncio.to_thread(_settled, path)
        try:
            await voicemail.keep(
                self._database, mailbox, interaction, path.name, sha256, length_ms, self._clock()
            )
        except DataRefused:
            raise IvrError(f"there is no mailbox {mailbox}") from None


def _settled(path: Path) -> str:
    """Have a file, and its name, written to disk for good; return its SHA-256 in hex."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
        os.fsync(file.fileno())
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return digest.hexdigest()
