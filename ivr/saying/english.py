"""English, as spoken in the United States: no "and" within numbers, month before day."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, time
from decimal import Decimal
from typing import ClassVar

from ivr.saying.words import Words, forms

_ONES = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_SCALES = ((10**12, "trillion"), (10**9, "billion"), (10**6, "million"), (10**3, "thousand"))
_MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
_ORDINALS = [
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
    "eleventh",
    "twelfth",
    "thirteenth",
    "fourteenth",
    "fifteenth",
    "sixteenth",
    "seventeenth",
    "eighteenth",
    "nineteenth",
    "twentieth",
]
_ORDINALS += [f"twenty-{ordinal}" for ordinal in _ORDINALS[:9]] + ["thirtieth", "thirty-first"]


def _below_hundred(number: int) -> str:
    if number < 20:
        return _ONES[number]
    ten, one = divmod(number, 10)
    return _TENS[ten - 2] + (f"-{_ONES[one]}" if one else "")


class English(Words):
    """See the module."""

    digits: ClassVar = dict(zip("0123456789*#", [*_ONES[:10], "star", "pound"], strict=True))
    minus = "minus"
    point = "point"
    currencies: ClassVar = {
        "USD": ("dollar/dollars", "cent/cents"),
        "EUR": ("euro/euros", "cent/cents"),
        "SGD": ("Singapore dollar/Singapore dollars", "cent/cents"),
        "THB": ("baht", "satang"),
        "IDR": ("rupiah", ""),
    }

    def whole(self, number: int) -> tuple[str, ...]:
        """See `Words.whole`."""
        pieces: list[str] = []
        for scale, name in _SCALES:
            count, number = divmod(number, scale)
            if count:
                pieces += [*self._below_thousand(count), name]
        if number or not pieces:
            pieces += self._below_thousand(number)
        return tuple(pieces)

    def amount(self, amount: Decimal, currency: str) -> tuple[str, ...]:
        """See `Words.amount`: dollars, then cents if there are any."""
        whole, parts = _parted(amount)
        one, part = self.currencies[currency]
        pieces: tuple[str, ...] = (*self.whole(whole), forms(one, whole))
        if parts:
            cents = (*self.whole(parts), forms(part, parts))
            pieces = (*pieces, "and", *cents) if whole else cents
        return (self.minus, *pieces) if amount < 0 else pieces

    def date(self, day: date) -> tuple[str, ...]:
        """See `Words.date`: November twenty-second, twenty twenty-six."""
        return (_MONTHS[day.month - 1], _ORDINALS[day.day - 1], *self._year(day.year))

    def time(self, at: time) -> tuple[str, ...]:
        """See `Words.time`: of twelve hours, with A M and P M."""
        hour = _below_hundred(at.hour % 12 or 12)
        half = "A M" if at.hour < 12 else "P M"
        if at.minute == 0:
            return (hour, half)
        if at.minute < 10:
            return (hour, "oh", _below_hundred(at.minute), half)
        return (hour, _below_hundred(at.minute), half)

    def numerals(self) -> Iterable[str]:
        """See `Words.numerals`."""
        yield from map(_below_hundred, range(100))
        yield "hundred"
        yield from (name for _, name in _SCALES)

    def calendar(self) -> Iterable[str]:
        """See `Words.calendar`."""
        return (*_MONTHS, *_ORDINALS, "oh", "A M", "P M")

    def money(self) -> Iterable[str]:
        """See `Words.money`."""
        return ("and",)

    @staticmethod
    def _below_thousand(number: int) -> list[str]:
        hundreds, rest = divmod(number, 100)
        pieces = [_ONES[hundreds], "hundred"] if hundreds else []
        return [*pieces, _below_hundred(rest)] if rest or not hundreds else pieces

    def _year(self, year: int) -> tuple[str, ...]:
        century, rest = divmod(year, 100)
        if century < 11 or year % 1000 < 10:
            return self.whole(year)
        if rest == 0:
            return (_below_hundred(century), "hundred")
        if rest < 10:
            return (_below_hundred(century), "oh", _below_hundred(rest))
        return (_below_hundred(century), _below_hundred(rest))


def _parted(amount: Decimal) -> tuple[int, int]:
    whole = int(abs(amount))
    return whole, int((abs(amount) - whole) * 100)


WORDS = English()
