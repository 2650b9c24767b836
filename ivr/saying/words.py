"""What a language must tell so that values can be said in it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from datetime import date, time
from decimal import Decimal
from typing import ClassVar

MOST = 10**15
"""Numbers from here on are not said."""


class Words(ABC):
    """A language's numbers, amounts, dates and times, as pieces."""

    digits: ClassVar[Mapping[str, str]]
    """The piece for each of `0123456789*#`."""
    minus: ClassVar[str]
    point: ClassVar[str]
    currencies: ClassVar[Mapping[str, tuple[str, str]]]
    """By currency: the words for one whole and for one part; where more are another word, the
    two forms stand in one string, parted by `/`."""

    @abstractmethod
    def whole(self, number: int) -> tuple[str, ...]:
        """Return the pieces of a whole number, 0 ≤ number < MOST."""

    @abstractmethod
    def date(self, day: date) -> tuple[str, ...]:
        """Return the pieces of a date, with its year."""

    @abstractmethod
    def time(self, at: time) -> tuple[str, ...]:
        """Return the pieces of a time of day, to the minute."""

    @abstractmethod
    def amount(self, amount: Decimal, currency: str) -> tuple[str, ...]:
        """Return the pieces of an amount that has no more places than its currency."""

    @abstractmethod
    def numerals(self) -> Iterable[str]:
        """Return the pieces whole numbers are made of."""

    @abstractmethod
    def calendar(self) -> Iterable[str]:
        """Return the pieces of dates and times that are not numerals."""

    def money(self) -> Iterable[str]:
        """Return the pieces of amounts that are neither numerals nor the currency's names."""
        return ()

    def number(self, number: Decimal) -> tuple[str, ...]:
        """Return the pieces of any number; places behind the point are said one by one."""
        pieces = self.whole(int(abs(number)))
        _, _, places = format(abs(number), "f").partition(".")
        if places:
            pieces = (*pieces, self.point, *(self.digits[digit] for digit in places))
        return (self.minus, *pieces) if number < 0 else pieces

    def vocabulary(self, kind: str, detail: str) -> frozenset[str]:
        """Return every piece that values of a kind can be made of."""
        if kind == "digits":
            return frozenset(self.digits.values())
        found = {*self.numerals(), self.minus}
        if kind == "number":
            found |= {self.point, *self.digits.values()}
        elif kind == "amount":
            names = (word for pair in [self.currencies[detail]] for word in pair if word)
            found |= {form for name in names for form in name.split("/")} | set(self.money())
        else:
            found |= set(self.calendar())
        return frozenset(found)


def forms(name: str, count: int) -> str:
    """Choose between the forms of a currency's name, `one/more`."""
    one, _, more = name.partition("/")
    return more if more and count != 1 else one
