"""Numbers, amounts, dates and times in words."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, strategies as st

from ivr.saying import CURRENCIES, LANGUAGES, Unsayable, say, vocabulary
from ivr.saying.words import MOST

CASES: list[tuple[str, str, Any, str, str]] = [
    ("en", "number", 0, "", "zero"),
    ("en", "number", 15, "", "fifteen"),
    ("en", "number", 342, "", "three hundred forty-two"),
    ("en", "number", 1_000_001, "", "one million one"),
    ("en", "number", -12.05, "", "minus twelve point zero five"),
    ("en", "digits", "60*#", "", "six zero star pound"),
    ("en", "amount", 1, "USD", "one dollar"),
    ("en", "amount", 2.01, "USD", "two dollars and one cent"),
    ("en", "amount", 0.5, "EUR", "fifty cents"),
    ("en", "amount", -3, "EUR", "minus three euros"),
    ("en", "amount", 0.999, "USD", "one dollar"),
    ("en", "date", "2026-11-22", "", "November twenty-second twenty twenty-six"),
    ("en", "date", "2005-01-01", "", "January first two thousand five"),
    ("en", "date", "1905-03-31", "", "March thirty-first nineteen oh five"),
    ("en", "date", "1900-03-03", "", "March third nineteen hundred"),
    ("en", "time", "2026-11-22T00:00:00", "", "twelve A M"),
    ("en", "time", "2026-11-22T14:05:00", "", "two oh five P M"),
    ("th", "number", 1, "", "หนึ่ง"),
    ("th", "number", 11, "", "สิบเอ็ด"),
    ("th", "number", 20, "", "ยี่สิบ"),
    ("th", "number", 21, "", "ยี่สิบเอ็ด"),
    ("th", "number", 101, "", "หนึ่งร้อย เอ็ด"),
    ("th", "number", 10_000, "", "หนึ่งหมื่น"),
    ("th", "number", 2_500_000, "", "สอง ล้าน ห้าแสน"),
    ("th", "number", 1_000_001, "", "หนึ่ง ล้าน เอ็ด"),
    ("th", "number", 12_000_000, "", "สิบสอง ล้าน"),
    ("th", "amount", 100, "THB", "หนึ่งร้อย บาท ถ้วน"),
    ("th", "amount", 1.25, "THB", "หนึ่ง บาท ยี่สิบห้า สตางค์"),
    ("th", "amount", 0.25, "THB", "ยี่สิบห้า สตางค์"),
    ("th", "amount", 2, "USD", "สอง ดอลลาร์"),
    ("th", "date", "2026-11-22", "", "วันที่ ยี่สิบสอง พฤศจิกายน พุทธศักราช สองพัน ห้าร้อย หกสิบเก้า"),
    ("th", "time", "2026-11-22T09:30:00", "", "เก้า นาฬิกา สามสิบ นาที"),
    ("th", "time", "2026-11-22T13:00:00", "", "สิบสาม นาฬิกา"),
    ("id", "number", 11, "", "sebelas"),
    ("id", "number", 15, "", "lima belas"),
    ("id", "number", 100, "", "seratus"),
    ("id", "number", 1_000, "", "seribu"),
    ("id", "number", 1_100, "", "seribu seratus"),
    ("id", "number", 21_000, "", "dua puluh satu ribu"),
    ("id", "number", 1_001_000, "", "satu juta seribu"),
    ("id", "number", 2.5, "", "dua koma lima"),
    ("id", "amount", 25_000, "IDR", "dua puluh lima ribu rupiah"),
    ("id", "amount", 1_500.5, "IDR", "seribu lima ratus satu rupiah"),
    ("id", "amount", 3.05, "USD", "tiga dolar lima sen"),
    ("id", "date", "2026-08-17", "", "tanggal tujuh belas Agustus dua ribu dua puluh enam"),
    ("id", "time", "2026-08-17T08:15:00", "", "pukul delapan lewat lima belas menit"),
    ("id", "time", "2026-08-17T20:00:00", "", "pukul dua puluh"),
]


@pytest.mark.parametrize(("language", "kind", "value", "detail", "words"), CASES)
def test_said_rightly(language: str, kind: str, value: Any, detail: str, words: str) -> None:
    assert " ".join(say(kind, value, language, detail=detail)) == words


def test_region_of_a_language_says_as_the_language() -> None:
    assert say("number", 2, "en-GB") == ("two",)


def test_instants_are_said_in_the_flows_time_zone() -> None:
    at = datetime(2026, 11, 22, 20, 0, tzinfo=UTC)
    bangkok = ZoneInfo("Asia/Bangkok")
    assert say("time", at, "en", zone=bangkok) == ("three", "A M")
    assert say("date", at, "en", zone=bangkok)[1] == "twenty-third"
    assert say("time", "2026-11-22T20:00:00Z", "en", zone=bangkok) == ("three", "A M")


@pytest.mark.parametrize(
    ("kind", "value", "detail", "language"),
    [
        ("number", float("nan"), "", "en"),
        ("number", float("inf"), "", "en"),
        ("number", MOST, "", "en"),
        ("amount", MOST - 0.001, "USD", "en"),
        ("amount", 1, "XYZ", "en"),
        ("digits", "12a", "", "en"),
        ("digits", "", "", "en"),
        ("date", "tomorrow", "", "en"),
        ("date", "2026-13-01", "", "en"),
        ("date", 5, "", "en"),
        ("time", "2026-11-22", "", "en"),
        ("number", 1, "", "de"),
    ],
)
def test_what_cannot_be_said_is_refused(kind: str, value: Any, detail: str, language: str) -> None:
    with pytest.raises(Unsayable) as refused:
        say(kind, value, language, detail=detail)
    assert "12a" not in str(refused.value)


languages = st.sampled_from(sorted(LANGUAGES))


@given(languages, st.integers(1 - MOST, MOST - 1))
def test_whole_numbers_are_made_of_the_vocabulary(language: str, number: int) -> None:
    assert vocabulary(language, "number").issuperset(say("number", number, language))


@given(languages, st.decimals(-(10**12), 10**12, places=3), st.sampled_from(sorted(CURRENCIES)))
def test_amounts_are_made_of_the_vocabulary(language: str, amount: Any, currency: str) -> None:
    pieces = say("amount", amount, language, detail=currency)
    assert pieces
    assert vocabulary(language, "amount", currency).issuperset(pieces)


@given(languages, st.datetimes(min_value=datetime(1000, 1, 1)), st.sampled_from(["date", "time"]))
def test_times_are_made_of_the_vocabulary(language: str, at: datetime, kind: str) -> None:
    assert vocabulary(language, kind).issuperset(say(kind, at, language))


@given(languages, st.integers(0, 10**9), st.integers(0, 10**9))
def test_different_numbers_are_said_differently(language: str, one: int, other: int) -> None:
    same = say("number", one, language) == say("number", other, language)
    assert same == (one == other)
