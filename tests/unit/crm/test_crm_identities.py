from __future__ import annotations

import re

import phonenumbers
import pytest
from hypothesis import given, strategies as st

from crm.identities import email, phone


@pytest.mark.parametrize(
    ("raw", "region", "stored"),
    [
        ("+12025550143", "US", "+12025550143"),
        ("12025550143", "US", "+12025550143"),
        ("2025550143", "US", "+12025550143"),
        ("(202) 555-0143", "US", "+12025550143"),
        (" 202.555.0143 ", "US", "+12025550143"),
        ("011442071838750", "US", "+442071838750"),
        ("00442071838750", "DE", "+442071838750"),
        ("020 7183 8750", "GB", "+442071838750"),
        ("02-123-4567", "TH", "+6621234567"),
        ("+39 06 698 82662", "US", "+390669882662"),
        ("1001", "US", None),
        ("600", "US", None),
        ("5550143", "US", None),
        ("0000000000", "US", None),
        ("+", "US", None),
        ("", "US", None),
        ("anonymous", "US", None),
        ("1-800-FLOWERS", "US", None),
        ("2025550143;ext=5", "US", None),
        ("tel:+12025550143", "US", None),
        ("500&PJSIP/x", "US", None),
        ("+1202555\n0143", "US", None),
        ("2025550143", "nowhere", None),
        ("٢٠٢٥٥٥٠١٤٣", "US", None),
        ("＋１２０２５５５０１４３", "US", None),
        ("+1202555014³", "US", None),
        ("2" * 5000, "US", None),
    ],
)
def test_phone(raw: str, region: str, stored: str | None) -> None:
    assert phone(raw, region) == stored


@given(
    st.one_of(st.text(), st.from_regex(r"[+0-9 ()./-]{0,30}", fullmatch=True)),
    st.sampled_from(["US", "GB", "TH", "IT", "ID", "", "xx"]),
)
def test_phone_of_any_text_is_e164_or_none(raw: str, region: str) -> None:
    stored = phone(raw, region)
    if stored is not None:
        assert re.fullmatch(r"\+[1-9][0-9]{1,14}", stored, re.ASCII)
        assert phone(stored, region) == stored


@given(st.sampled_from(sorted(phonenumbers.SUPPORTED_REGIONS)))
def test_every_way_of_writing_a_number_is_one_identity(region: str) -> None:
    number = phonenumbers.example_number(region)
    stored = phone(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164), region)
    assert stored is not None
    written = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
    assert phone(written, "US") == stored


@pytest.mark.parametrize(
    ("raw", "stored"),
    [
        (" Ann@Example.ORG ", "ann@example.org"),
        ("ann", None),
        ("@example.org", None),
        ("ann@org", None),
        ("a nn@example.org", None),
        ("ann@exämple.org", None),
        ("a" * 300 + "@example.org", None),
    ],
)
def test_email(raw: str, stored: str | None) -> None:
    assert email(raw) == stored


@given(st.text())
def test_email_of_any_text_never_raises(raw: str) -> None:
    stored = email(raw)
    assert stored is None or email(stored) == stored
