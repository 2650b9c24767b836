"""Thai: เอ็ด and ยี่สิบ, years of the Buddhist era, the official clock of 24 hours (นาฬิกา).

Numbers: the Royal Society's rules, by which one in the last place after a ten or more is เอ็ด
(101: หนึ่งร้อยเอ็ด). Amounts without satang end in ถ้วน.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, time
from decimal import Decimal
from typing import ClassVar

from ivr.saying.words import Words

_ONES = ["ศูนย์", "หนึ่ง", "สอง", "สาม", "สี่", "ห้า", "หก", "เจ็ด", "แปด", "เก้า"]
_PLACES = ((10**5, "แสน"), (10**4, "หมื่น"), (10**3, "พัน"), (10**2, "ร้อย"))
_MILLION = "ล้าน"
_LAST_ONE = "เอ็ด"
_MONTHS = [
    "มกราคม",
    "กุมภาพันธ์",
    "มีนาคม",
    "เมษายน",
    "พฤษภาคม",
    "มิถุนายน",
    "กรกฎาคม",
    "สิงหาคม",
    "กันยายน",
    "ตุลาคม",
    "พฤศจิกายน",
    "ธันวาคม",
]
_BUDDHIST_ERA = 543


def _below_hundred(number: int, *, after: bool = False) -> str:
    """Name a number below a hundred; `after` more of the same number."""
    ten, one = divmod(number, 10)
    tens = "" if not ten else ("", "สิบ", "ยี่สิบ")[ten] if ten < 3 else f"{_ONES[ten]}สิบ"
    if one == 1 and (ten or after):
        return tens + _LAST_ONE
    return tens + (_ONES[one] if one or not ten else "")


class Thai(Words):
    """See the module."""

    digits: ClassVar = dict(zip("0123456789*#", [*_ONES, "ดอกจัน", "สี่เหลี่ยม"], strict=True))
    minus = "ลบ"
    point = "จุด"
    currencies: ClassVar = {
        "THB": ("บาท", "สตางค์"),
        "USD": ("ดอลลาร์", "เซนต์"),
        "EUR": ("ยูโร", "เซนต์"),
        "SGD": ("ดอลลาร์สิงคโปร์", "เซนต์"),
        "IDR": ("รูเปียห์", ""),
    }

    def whole(self, number: int) -> tuple[str, ...]:
        """See `Words.whole`: grouped by a million, said again for each group above."""
        above, number = divmod(number, 10**6)
        pieces = [*self.whole(above), _MILLION] if above else []
        for place, name in _PLACES:
            digit, number = divmod(number, place)
            if digit:
                pieces.append(_ONES[digit] + name)
        if number or not pieces:
            pieces.append(_below_hundred(number, after=bool(pieces)))
        return tuple(pieces)

    def amount(self, amount: Decimal, currency: str) -> tuple[str, ...]:
        """See `Words.amount`."""
        whole = int(abs(amount))
        parts = int((abs(amount) - whole) * 100)
        baht, satang = self.currencies[currency]
        pieces: tuple[str, ...] = (*self.whole(whole), baht) if whole or not parts else ()
        if parts:
            pieces = (*pieces, *self.whole(parts), satang)
        elif currency == "THB":
            pieces = (*pieces, "ถ้วน")
        return (self.minus, *pieces) if amount < 0 else pieces

    def date(self, day: date) -> tuple[str, ...]:
        """See `Words.date`: วันที่ day month พุทธศักราช year."""
        return (
            "วันที่",
            _below_hundred(day.day),
            _MONTHS[day.month - 1],
            "พุทธศักราช",
            *self.whole(day.year + _BUDDHIST_ERA),
        )

    def time(self, at: time) -> tuple[str, ...]:
        """See `Words.time`: เก้านาฬิกาสามสิบนาที."""
        hour = (_below_hundred(at.hour), "นาฬิกา")
        return (*hour, _below_hundred(at.minute), "นาที") if at.minute else hour

    def numerals(self) -> Iterable[str]:
        """See `Words.numerals`."""
        yield from map(_below_hundred, range(100))
        yield from (_ONES[digit] + name for digit in range(1, 10) for _, name in _PLACES)
        yield from (_LAST_ONE, _MILLION)

    def calendar(self) -> Iterable[str]:
        """See `Words.calendar`."""
        return (*_MONTHS, "วันที่", "พุทธศักราช", "นาฬิกา", "นาที")

    def money(self) -> Iterable[str]:
        """See `Words.money`."""
        return ("ถ้วน",)


WORDS = Thai()
