"""Numbers, amounts, dates and times in words, by language.

A value becomes a row of *pieces*, each a word or a few that are rendered ahead of time (or recorded
by a voice talent). Whole numbers below a hundred are one piece each, so that they sound whole.

    say("amount", 1234.5, "th", detail="THB")
    → หนึ่งพัน · สองร้อย · สามสิบสี่ · บาท · ห้าสิบ · สตางค์
"""

from __future__ import annotations

from datetime import UTC, date, datetime, tzinfo
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from ivr.saying import english, indonesian, thai
from ivr.saying.words import MOST, Words

LANGUAGES: dict[str, Words] = {
    "en": english.WORDS,
    "id": indonesian.WORDS,
    "th": thai.WORDS,
}

CURRENCIES = {"EUR": 2, "IDR": 0, "SGD": 2, "THB": 2, "USD": 2}
"""Currencies that can be said, and their places (IDR's 100 sen have not been used for decades)."""


class Unsayable(ValueError):  # noqa: N818
    """A value that cannot be said that way; the message does not hold it."""


def words_of(language: str) -> Words | None:
    """Return a language's words, also for a region's code such as `en-US`; None if it has none."""
    return LANGUAGES.get(language) or LANGUAGES.get(language.partition("-")[0])


def say(
    kind: str, value: object, language: str, *, detail: str = "", zone: tzinfo = UTC
) -> tuple[str, ...]:
    """Return the pieces for a value; `kind` and `detail` as in `ivr.flow.texts`.

    Raises Unsayable.
    """
    words = words_of(language)
    if words is None:
        raise Unsayable(f"values cannot be said in {language}")
    if kind == "digits":
        return _digits(str(value), words)
    if kind in ("date", "time"):
        when = _when(value, zone)
        if kind == "date":
            return words.date(when.date() if isinstance(when, datetime) else when)
        if not isinstance(when, datetime):
            raise Unsayable("a date alone has no time")
        return words.time(when.time())
    number = _number(value)
    if kind == "number":
        return words.number(number)
    if detail not in CURRENCIES:
        raise Unsayable(f"amounts in {detail} cannot be said")
    return words.amount(_rounded(number, CURRENCIES[detail]), detail)


def vocabulary(language: str, kind: str, detail: str = "") -> frozenset[str]:
    """Return every piece that values of a kind can be made of; nothing for an unknown language."""
    words = words_of(language)
    return frozenset() if words is None else words.vocabulary(kind, detail)


def _digits(text: str, words: Words) -> tuple[str, ...]:
    if not text or any(digit not in words.digits for digit in text):
        raise Unsayable("not made of digits")
    return tuple(words.digits[digit] for digit in text)


def _number(value: object) -> Decimal:
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise Unsayable("not a number") from None
    if not number.is_finite() or abs(number) >= MOST:
        raise Unsayable("a number too large to be said")
    # What a binary fraction adds behind six places is nothing anybody meant.
    number = number.quantize(Decimal("0.000001"), ROUND_HALF_UP) if number % 1 else number
    return number.normalize() if number % 1 else number.quantize(Decimal(1))


def _rounded(number: Decimal, places: int) -> Decimal:
    rounded = number.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    if abs(rounded) >= MOST:
        raise Unsayable("a number too large to be said")
    return rounded


def _when(value: object, zone: tzinfo) -> datetime | date:
    if isinstance(value, str):
        try:
            if len(value) == len("2026-11-22"):
                return date.fromisoformat(value)
            value = datetime.fromisoformat(value)
        except ValueError:
            raise Unsayable("neither a date nor a time as 2026-11-22T09:30:00+07:00") from None
    if isinstance(value, datetime):
        return value.astimezone(zone) if value.tzinfo else value
    raise Unsayable("neither a date nor a time")
