"""The dialling gate: what passes, what never does."""

from __future__ import annotations

import random
import re

import phonenumbers
import pytest
from phonenumbers import PhoneNumberType

from acd.gate import ORDINARY, Counts, Gate, Refusal, Rules, is_rule

GATE = Gate(
    Rules("US", allowed=("US", "TH", "+49", "GB"), denied=("+4940",), sip_hosts=("pbx.lan:5070",))
)
HOSTILE = 10_000


@pytest.mark.parametrize(
    ("written", "e164"),
    [
        ("+14155550123", "+14155550123"),
        ("(415) 555-0123", "+14155550123"),
        ("+66 2 123 4567", "+6621234567"),
        ("+66812345678", "+66812345678"),
        ("+49 30 123456", "+4930123456"),
        ("8005550199", "+18005550199"),
    ],
)
def test_an_ordinary_number_passes(written: str, e164: str) -> None:
    assert GATE.number(written) == e164


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("", Refusal.NOT_A_NUMBER),
        ("sales", Refusal.NOT_A_NUMBER),
        ("+14155550123;ext=9", Refusal.NOT_A_NUMBER),
        ("+14155550123 ext. 9", Refusal.NOT_A_NUMBER),
        ("+14155550123@evil.example", Refusal.NOT_A_NUMBER),
        ("14155550123&PJSIP/900", Refusal.NOT_A_NUMBER),
        ("+14155550123\r\nAction: x", Refusal.NOT_A_NUMBER),
        ("+14155550123\x00", Refusal.NOT_A_NUMBER),
        ("+1415555012\u0663", Refusal.NOT_A_NUMBER),
        ("\uff0b14155550123", Refusal.NOT_A_NUMBER),
        ("${EXTEN}", Refusal.NOT_A_NUMBER),
        ("+1415555", Refusal.INVALID),
        ("0000000000", Refusal.INVALID),
        ("911", Refusal.EMERGENCY),
        ("988", Refusal.EMERGENCY),
        ("+1 900 555 0123", Refusal.COSTLY),
        ("+44 9098 790000", Refusal.COSTLY),
        ("+44 70 1234 5678", Refusal.COSTLY),
        ("+49 180 5 123456", Refusal.COSTLY),
        ("+49 40 123456", Refusal.DENIED),
        ("+1 876 555 0123", Refusal.NOT_ALLOWED),
        ("+33 1 23 45 67 89", Refusal.NOT_ALLOWED),
        ("+870 773 111 632", Refusal.NO_COUNTRY),
        ("+8816 123 45678", Refusal.NO_COUNTRY),
        ("+979 123 456 789", Refusal.NO_COUNTRY),
    ],
)
def test_what_is_refused_and_why(written: str, why: Refusal) -> None:
    assert GATE.number(written) is why


@pytest.mark.parametrize(
    "number", ["+911123913358", "+966112943675", "+27112766444", "+254112848789", "+33112529835"]
)
def test_a_number_that_begins_as_an_emergency_number_does_is_an_ordinary_one(number: str) -> None:
    # Whole cities have them: it is dialled with its country, and reaches nobody else.
    assert Gate(Rules("US", allowed=("IN", "SA", "ZA", "KE", "FR"))).number(number) == number


def test_nothing_passes_by_default() -> None:
    gate = Gate(Rules("US"))
    assert gate.number("+14155550123") is Refusal.NOT_ALLOWED
    assert gate.sip("sip:someone@pbx.lan") is Refusal.HOST_NOT_ALLOWED


def test_a_region_is_not_its_whole_code() -> None:
    # +1 holds more than twenty countries, some known for costly numbers.
    assert Gate(Rules("US", allowed=("US",))).number("+18765550123") is Refusal.NOT_ALLOWED
    assert Gate(Rules("US", allowed=("+1",))).number("+18765550123") == "+18765550123"


@pytest.mark.parametrize("address", ["sip:desk@pbx.lan:5070", "sip:+1415@PBX.lan:5070"])
def test_a_sip_address_of_a_listed_host_passes(address: str) -> None:
    assert GATE.sip(address) == address


@pytest.mark.parametrize(
    "address",
    [
        "sip:desk@pbx.lan",
        "sip:desk@pbx.lan:5070;transport=tcp",
        "sip:desk@pbx.lan:5070?Subject=x",
        "sips:desk@pbx.lan:5070",
        "sip:desk@evil.example",
        "sip:desk@pbx.lan:5070@evil.example",
        "sip:desk&PJSIP/trunk-out@pbx.lan:5070",
        "sip:desk,60,g@pbx.lan:5070",
        "sip:${CHANNEL}@pbx.lan:5070",
        "sip:desk@pbx.lan:5070\r\nVia: x",
        "sip:a@b@pbx.lan:5070",
        "sip:a%00@pbx.lan:5070",
        "tel:+14155550123",
        "PJSIP/desk",
    ],
)
def test_other_sip_addresses_do_not(address: str) -> None:
    assert isinstance(GATE.sip(address), Refusal)


def test_caps() -> None:
    gate = Gate(Rules("US", per_number=2, per_day=5, at_once=3))
    assert gate.caps(Counts(1, 4, 2)) is None
    assert gate.caps(Counts(2, 4, 2)) is Refusal.NUMBER_CAP
    assert gate.caps(Counts(0, 5, 0)) is Refusal.DAY_CAP
    assert gate.caps(Counts(0, 0, 3)) is Refusal.AT_ONCE_CAP


def test_rules() -> None:
    assert all(map(is_rule, ("+1", "+4930", "TH")))
    assert not any(map(is_rule, ("1", "+0", "XX", "th", "+1-415", "", "+")))


def test_of_ten_thousand_hostile_numbers_none_passes() -> None:
    """Injections, other scripts, costly kinds of every country, emergencies, places not allowed."""
    draw = random.Random(20_261_122)
    good = ["+14155550123", "4155550123", "+66812345678", "+4930123456", "02079460018"]
    assert [GATE.number(one) for one in good[:4]] == [*(good[:1] * 2), *good[2:4]]
    costly = [
        phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
        for region in phonenumbers.SUPPORTED_REGIONS
        for kind in PhoneNumberType.values()
        if kind not in ORDINARY
        and (example := phonenumbers.example_number_for_type(region, kind)) is not None
        and phonenumbers.number_type(example) not in ORDINARY
    ]
    abroad = [
        phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
        for region in phonenumbers.SUPPORTED_REGIONS - {"US", "TH", "DE", "GB"}
        if (example := phonenumbers.example_number(region)) is not None
    ]
    nowhere = [
        phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
        for code in phonenumbers.COUNTRY_CODES_FOR_NON_GEO_REGIONS
        if (example := phonenumbers.example_number_for_non_geo_entity(code)) is not None
    ]
    short = [re.sub(r"\D", "", one) for one in ("112", "911", "999", "000", "191", "1669", "110")]
    assert min(len(costly), len(abroad)) > 150
    assert len(nowhere) > 5
    marks = "\r\n\0\t;,&|$(){}[]<>@:%?\\\"'`!*#=_~^ \u200b\u202e\u00a0xX"
    scripts = ["\u0660", "\u06f0", "\u0966", "\u0e50", "\uff10", "\U0001d7ce"]

    def injected() -> str:
        text, at = draw.choice(good), 0
        mark = draw.choice(marks.replace(" ", "").replace("(", "").replace(")", ""))
        at = draw.randrange(len(text) + 1)
        tail = draw.choice(["", "1", "900", "PJSIP/1", "Hangup()", "ext=1", "\r\nX: y"])
        return text[:at] + mark + tail + text[at:]

    def in_script() -> str:
        text, zero = draw.choice(good), draw.choice(scripts)
        places = [i for i, c in enumerate(text) if c.isdigit()]
        at = draw.choice(places)
        return text[:at] + chr(ord(zero) + int(text[at])) + text[at + 1 :]

    def too_long() -> str:
        return draw.choice(good) + "".join(draw.choices("0123456789", k=draw.randrange(9, 400)))

    makers = [
        injected,
        in_script,
        too_long,
        lambda: draw.choice(costly),
        lambda: draw.choice(abroad),
        lambda: draw.choice(nowhere),
        lambda: draw.choice(short),
        lambda: "".join(draw.choices(marks + "0123456789+abc", k=draw.randrange(1, 40))) + "x",
    ]
    tried = [draw.choice(makers)() for _ in range(HOSTILE)]
    passed = [one for one in tried if not isinstance(GATE.number(one), Refusal)]
    # Of the places allowed, +1 has numbers of other countries, too: none of those.
    assert passed == []
