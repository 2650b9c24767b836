"""PINs and one-time codes: kept as hashes, with wrong tries counted across calls.

scrypt (RFC 7914) with N = 2¹⁴, r = 8, p = 1: about 50 ms and 16 MiB a try. A PIN of four digits is
no secret to who holds the hashes, whatever the function; the count of tries is what protects it.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
from enum import StrEnum
from typing import Any

from crm import queries
from crm.database import Database

MOST_TRIES = 5
MOST_CODES = 5
WINDOW_MS = 24 * 3_600_000
"""After so many wrong tries within this time nothing is accepted, and after so many one-time codes
none of which proved, none is sent."""
_SENT = "otp-sent"
"""As what a code that was sent counts among the tries."""


class Verdict(StrEnum):
    """How a check of a code went."""

    PROVED = "proved"
    WRONG = "wrong"
    LOCKED = "locked"
    UNKNOWN = "unknown"


async def put(
    database: Database, subject: str, method: str, code: str, *, expires_ms: int | None = None
) -> None:
    """Store what proves a subject: `method` is `pin` or `otp`. A new one-time code is a new start.

    Wrong tries are not forgiven by it, so that asking for codes again and again wins nothing.
    """
    salt = secrets.token_bytes(16)
    digest = await asyncio.to_thread(_hash, code, salt)
    await database.value("credentials_put", subject, method, digest, salt, expires_ms)


async def may_send(database: Database, subject: str, now_ms: int) -> bool:
    """Tell whether a one-time code may be sent to a subject: neither locked nor sent too many."""
    since = now_ms - WINDOW_MS
    tried = await database.value("credentials_tried", subject, "otp", since)
    sent = await database.value("credentials_tried", subject, _SENT, since)
    return bool(tried < MOST_TRIES and sent < MOST_CODES)


async def note_sent(database: Database, subject: str, now_ms: int) -> None:
    """Count a one-time code that was sent."""
    await database.value("credentials_wrong", subject, _SENT, now_ms)


async def drop(database: Database, subject: str, method: str) -> bool:
    """Take away what proves a subject; return whether there was anything."""
    return await database.value("credentials_drop", subject, method) is not None


async def forgive(database: Database, subject: str, method: str) -> None:
    """Forget a subject's wrong tries, and codes sent."""
    await database.value("credentials_forgive", subject, method)
    if method == "otp":
        await database.value("credentials_forgive", subject, _SENT)


async def verify(database: Database, subject: str, method: str, code: str, now_ms: int) -> Verdict:
    """Check a code and count a wrong one. Tries of one subject wait for each other.

    A one-time code that proved is gone.
    """
    named = queries.load()
    async with database.transaction() as connection:
        kept: Any = await connection.fetchrow(named["credentials_get"], subject, method, now_ms)
        if kept is None:
            return Verdict.UNKNOWN
        tried = await connection.fetchval(
            named["credentials_tried"], subject, method, now_ms - WINDOW_MS
        )
        if tried >= MOST_TRIES:
            return Verdict.LOCKED
        digest = await asyncio.to_thread(_hash, code, kept["salt"])
        if not hmac.compare_digest(digest, kept["hash"]):
            await connection.execute(named["credentials_wrong"], subject, method, now_ms)
            return Verdict.LOCKED if tried + 1 >= MOST_TRIES else Verdict.WRONG
        await connection.execute(named["credentials_forgive"], subject, method)
        if method == "otp":
            await connection.execute(named["credentials_forgive"], subject, _SENT)
            await connection.execute(named["credentials_drop"], subject, method)
        return Verdict.PROVED


def _hash(code: str, salt: bytes) -> bytes:
    return hashlib.scrypt(code.encode(), salt=salt, n=2**14, r=8, p=1, dklen=32)
