"""Identities: turning what a channel shows us into the one form that is stored."""

from __future__ import annotations

import re
from functools import lru_cache

import phonenumbers

_WRITTEN = re.compile(r"\+?[0-9(][0-9 ().\-/]*", re.ASCII)
_LONGEST = 40


@lru_cache(maxsize=4096)
def phone(raw: str, region: str) -> str | None:
    """Return a phone number in E.164 (`+12025550143`), or None if it is not one.

    `region` (ISO 3166, two letters) reads numbers in national form. Only what the numbering plan
    holds valid becomes an identity: an extension such as `1001`, a local number without its area,
    or a placeholder such as `0000000000` would join strangers to one customer. Letters and digits
    of other scripts are refused. Never raises.
    """
    written = raw.strip(" ")
    if len(written) > _LONGEST or not _WRITTEN.fullmatch(written):
        return None
    try:
        number = phonenumbers.parse(written, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def email(raw: str) -> str | None:
    """Return an address in the form that is stored, or None if it is not one.

    Domains compare without case (RFC 5321, 2.4); mailboxes do so in practice everywhere.
    """
    address = raw.strip(" ").casefold()
    mailbox, at, domain = address.rpartition("@")
    if not (at and mailbox and "." in domain.strip(".")) or len(address) > 254:
        return None
    return address if address.isascii() and re.fullmatch(r"[!-~]+", address) else None
