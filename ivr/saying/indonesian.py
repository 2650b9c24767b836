"""Indonesian: sebelas, seratus, seribu; day before month; the clock of 24 hours (pukul)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, time
from decimal import Decimal
from typing import ClassVar

from ivr.saying.words import Words

_ONES = [
    "nol",
    "satu",
    "dua",
    "tiga",
    "empat",
    "lima",
    "enam",
    "tujuh",
    "delapan",
    "sembilan",
    "sepuluh",
    "sebelas",
]
_SCALES = ((10**12, "triliun"), (10**9, "miliar"), (10**6, "juta"), (10**3, "ribu"))
_MONTHS = [
    "Januari",
    "Februari",
    "Maret",
    "April",
    "Mei",
    "Juni",
    "Juli",
    "Agustus",
    "September",
    "Oktober",
    "November",
    "Desember",
]


def _below_hundred(number: int) -> str:
    if number < 12:
        return _ONES[number]
    if number < 20:
        return f"{_ONES[number - 10]} belas"
    ten, one = divmod(number, 10)
    return f"{_ONES[ten]} puluh" + (f" {_ONES[one]}" if one else "")


class Indonesian(Words):
    """See the module."""

    digits: ClassVar = dict(zip("0123456789*#", [*_ONES[:10], "bintang", "pagar"], strict=True))
    minus = "minus"
    point = "koma"
    currencies: ClassVar = {
        "IDR": ("rupiah", ""),
        "USD": ("dolar", "sen"),
        "EUR": ("euro", "sen"),
        "SGD": ("dolar Singapura", "sen"),
        "THB": ("baht", "satang"),
    }

    def whole(self, number: int) -> tuple[str, ...]:
        """See `Words.whole`: a thousand is seribu, never satu ribu."""
        pieces: list[str] = []
        for scale, name in _SCALES:
            count, number = divmod(number, scale)
            if count == 1 and scale == 10**3:
                pieces.append("seribu")
            elif count:
                pieces += [*self._below_thousand(count), name]
        if number or not pieces:
            pieces += self._below_thousand(number)
        return tuple(pieces)

    def amount(self, amount: Decimal, currency: str) -> tuple[str, ...]:
        """See `Words.amount`."""
        whole = int(abs(amount))
        parts = int((abs(amount) - whole) * 100)
        one, part = self.currencies[currency]
        pieces: tuple[str, ...] = (*self.whole(whole), one) if whole or not parts else ()
        if parts:
            pieces = (*pieces, *self.whole(parts), part)
        return (self.minus, *pieces) if amount < 0 else pieces

    def date(self, day: date) -> tuple[str, ...]:
        """See `Words.date`: tanggal dua puluh dua November dua ribu dua puluh enam."""
        return (
            "tanggal",
            _below_hundred(day.day),
            _MONTHS[day.month - 1],
            *self.whole(day.year),
        )

    def time(self, at: time) -> tuple[str, ...]:
        """See `Words.time`: pukul sembilan lewat tiga puluh menit."""
        hour = ("pukul", _below_hundred(at.hour))
        return (*hour, "lewat", _below_hundred(at.minute), "menit") if at.minute else hour

    def numerals(self) -> Iterable[str]:
        """See `Words.numerals`."""
        yield from map(_below_hundred, range(100))
        yield from (f"{_ONES[digit]} ratus" for digit in range(2, 10))
        yield from ("seratus", "seribu", *(name for _, name in _SCALES))

    def calendar(self) -> Iterable[str]:
        """See `Words.calendar`."""
        return (*_MONTHS, "tanggal", "pukul", "lewat", "menit")

    @staticmethod
    def _below_thousand(number: int) -> list[str]:
        hundreds, rest = divmod(number, 100)
        pieces = ["seratus" if hundreds == 1 else f"{_ONES[hundreds]} ratus"] if hundreds else []
        return [*pieces, _below_hundred(rest)] if rest or not hundreds else pieces


WORDS = Indonesian()
