"""The dialling gate: which numbers and SIP addresses Sala may dial. Pure policy, deny by default.

Every number that Sala dials of its own (transfers, callbacks, click-to-call) passes `Gate.number`.
It passes only if all of this holds:

* it is written in ASCII digits and the usual marks of a written number, and nothing else: no
  digits of other scripts, no letters, no extension, no header or dial-string characters;
* its numbering plan holds it valid, and it is of an ordinary kind (fixed, mobile, VoIP, freephone);
* it is no emergency or short number;
* it belongs to a country: satellite, international premium and other codes without one are refused;
* a rule of the settings allows it, and none denies it.

Then the caps: `Gate.caps` judges what the store counted (see `crm.dialled`).

Kinds of numbers and countries are those of phonenumbers, the port of Google's libphonenumber.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

import phonenumbers
from phonenumbers import PhoneNumberType, shortnumberinfo

_WRITTEN = re.compile(r"\+?[0-9(][0-9 ().\-/]{0,38}[0-9]", re.ASCII)
_RULE = re.compile(r"\+[1-9][0-9]{0,14}|[A-Z]{2}", re.ASCII)
_SIP = re.compile(
    r"sip:[A-Za-z0-9_.+-]{1,64}@(?P<host>[A-Za-z0-9][A-Za-z0-9.-]{0,252}[A-Za-z0-9](:[0-9]{1,5})?)",
    re.ASCII,
)
ORDINARY = frozenset(
    {
        PhoneNumberType.FIXED_LINE,
        PhoneNumberType.MOBILE,
        PhoneNumberType.FIXED_LINE_OR_MOBILE,
        PhoneNumberType.VOIP,
        PhoneNumberType.TOLL_FREE,
    }
)
"""Kinds that may be dialled. Not premium, shared cost, personal, pager, UAN, voicemail, unknown."""
NO_COUNTRY = "001"
"""libphonenumber's region of codes that belong to no country (+800, +808, +870, +88x, +979)."""


class Refusal(StrEnum):
    """Why something may not be dialled, in words for an admin."""

    NOT_A_NUMBER = "it is not a telephone number"
    INVALID = "no such number exists in its numbering plan"
    EMERGENCY = "emergency and short numbers are not dialled"
    COSTLY = "premium, shared-cost and other special numbers are not dialled"
    NO_COUNTRY = "satellite and other numbers without a country are not dialled"
    DENIED = "the setting dial_denied refuses it"
    NOT_ALLOWED = "no rule of the setting dial_allowed allows it"
    NUMBER_CAP = "it was dialled too often in the last 24 hours"
    DAY_CAP = "too many calls were dialled in the last 24 hours"
    AT_ONCE_CAP = "too many dialled calls are in progress"
    NOT_AN_ADDRESS = "it is not a SIP address of the form sip:user@host"
    HOST_NOT_ALLOWED = "the setting dial_sip_hosts does not list its host"
    UNKNOWN_AGENT = "there is no such agent"
    DO_NOT_CALL = "it is on the do-not-call list"


@dataclass(frozen=True, slots=True)
class Counts:
    """What was dialled: to this number and in all in the last 24 hours, and what is in progress."""

    number: int
    day: int
    at_once: int


@dataclass(frozen=True, slots=True)
class Rules:
    """The admin's rules.

    `allowed` and `denied` hold prefixes in E.164 (`+66`, `+1415`) and regions (`TH`, ISO 3166);
    a region holds its own numbers alone, so `US` is not all of `+1`. `region` reads numbers in
    national form. `sip_hosts` are hosts, or `host:port`, that SIP addresses may name.
    """

    region: str
    allowed: tuple[str, ...] = ()
    denied: tuple[str, ...] = ()
    sip_hosts: tuple[str, ...] = ()
    per_number: int = 5
    per_day: int = 500
    at_once: int = 10


class Gate:
    """Judges by `Rules`."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self._hosts = frozenset(host.lower() for host in rules.sip_hosts)

    def number(self, written: str) -> str | Refusal:
        """Return a number in E.164 if it may be dialled, caps aside; else why not."""
        text = written.strip(" ")
        if not _WRITTEN.fullmatch(text):
            return Refusal.NOT_A_NUMBER
        digits = re.sub(r"[^+0-9]", "", text)
        if not text.startswith("+") and _begins_short(digits, self.rules.region):
            return Refusal.EMERGENCY
        try:
            number = phonenumbers.parse(text, self.rules.region)
        except phonenumbers.NumberParseException:
            return Refusal.NOT_A_NUMBER
        if not phonenumbers.is_valid_number(number):
            return Refusal.INVALID
        region = phonenumbers.region_code_for_number(number)
        if region is None or region == NO_COUNTRY:
            return Refusal.NO_COUNTRY
        if _short(phonenumbers.national_significant_number(number), region):
            return Refusal.EMERGENCY
        if phonenumbers.number_type(number) not in ORDINARY:
            return Refusal.COSTLY
        e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
        if _matches(e164, region, self.rules.denied):
            return Refusal.DENIED
        if not _matches(e164, region, self.rules.allowed):
            return Refusal.NOT_ALLOWED
        return e164

    def sip(self, address: str) -> str | Refusal:
        """Return a SIP address if it may be dialled, else why not."""
        match = _SIP.fullmatch(address)
        if match is None:
            return Refusal.NOT_AN_ADDRESS
        if match["host"].lower() not in self._hosts:
            return Refusal.HOST_NOT_ALLOWED
        return address

    def refuses_sip(self, address: str) -> str | None:
        """Return why a SIP address may not be dialled, for checks; None if it may."""
        found = self.sip(address)
        return found.value if isinstance(found, Refusal) else None

    def caps(self, counts: Counts) -> Refusal | None:
        """Return why one more may not be dialled, or None."""
        if counts.number >= self.rules.per_number:
            return Refusal.NUMBER_CAP
        if counts.day >= self.rules.per_day:
            return Refusal.DAY_CAP
        if counts.at_once >= self.rules.at_once:
            return Refusal.AT_ONCE_CAP
        return None

    def refuses(self, written: str) -> str | None:
        """Return why a number may not be dialled, for checks; None if it may."""
        found = self.number(written)
        return found.value if isinstance(found, Refusal) else None


def is_rule(text: str) -> bool:
    """Tell whether a text is a rule: a prefix such as `+66`, or a region such as `TH`."""
    if not _RULE.fullmatch(text):
        return False
    return text.startswith("+") or text in phonenumbers.SUPPORTED_REGIONS


def _short(digits: str, region: str) -> bool:
    """Tell whether a national number is a short one as a whole."""
    number = phonenumbers.PhoneNumber(
        country_code=phonenumbers.country_code_for_region(region), national_number=int(digits)
    )
    return shortnumberinfo.is_emergency_number(digits, region) or (
        shortnumberinfo.is_valid_short_number_for_region(number, region)
    )


def _begins_short(digits: str, region: str) -> bool:
    """Tell whether what is dialled within a region reaches a short number, whatever follows it."""
    return shortnumberinfo.connects_to_emergency_number(digits, region) or _short(digits, region)


def _matches(e164: str, region: str, rules: Collection[str]) -> bool:
    return any(e164.startswith(rule) if rule[0] == "+" else rule == region for rule in rules)
