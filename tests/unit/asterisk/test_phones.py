"""Registrations that come, go and move."""

from __future__ import annotations

from pbx.asterisk.phones import Phones
from pbx.port import DeviceChanged
from pbx.wire.ami import Event, Headers

THERE, GONE = DeviceChanged("1001", reachable=True), DeviceChanged("1001", reachable=False)


def contact(uri: str, status: str) -> Event:
    return Event(
        "ContactStatus",
        Headers((("AOR", "1001"), ("URI", uri), ("ContactStatus", status))),
    )


def test_a_phone_comes_and_goes() -> None:
    phones = Phones()
    assert phones.told(contact("sip:a", "Created")) == THERE
    assert phones.told(contact("sip:a", "Unreachable")) == GONE
    assert phones.told(contact("sip:a", "Reachable")) == THERE
    assert phones.told(contact("sip:a", "Removed")) == GONE


def test_a_phone_that_registers_from_elsewhere_is_there_throughout() -> None:
    phones = Phones()
    assert phones.told(contact("sip:a", "Created")) == THERE
    assert phones.told(contact("sip:b", "Created")) == THERE
    assert phones.told(contact("sip:a", "Removed")) is None
    assert phones.told(contact("sip:b", "Removed")) == GONE


def test_one_that_was_there_before_may_go() -> None:
    assert Phones().told(contact("sip:a", "Removed")) == GONE
