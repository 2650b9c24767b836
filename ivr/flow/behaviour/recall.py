"""The talk with a caller who is to be called back: which number, what time, and then the promise.

    open already? ── keep, change the number, cancel
    the number, digit by digit ── right, or another typed in ── (a time) ── the promise

A withheld number, or one that may not be dialled, must be typed in. What waits already is told of
the caller's own number alone, never of one that is typed in: that may be anybody's.

`talk` is used by `callback` nodes, and by who waits in a queue.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any
from zoneinfo import ZoneInfo

from ivr.flow.actions import (
    Action,
    AskCallback,
    ChangeCallback,
    CheckNumber,
    Collect,
    FindCallback,
    Heard,
    OfferTimes,
    Phrase,
    Play,
)
from ivr.flow.behaviour.base import Gone, ask, given
from ivr.flow.outcomes import Done, Found, Keyed, Outcome, Played, Refused
from ivr.flow.parts import Recorded
from ivr.saying import say, vocabulary, words_of

NUMBER, CONFIRM, CONFIRM_ONLY, ENTER, CANNOT = (
    "callback-number",
    "callback-confirm",
    "callback-confirm-only",
    "callback-enter",
    "callback-cannot",
)
WAITS, WAITS_AT, WAITS_CHOOSE, KEEPS, CHANGED, CANCELLED = (
    "callback-waits",
    "callback-waits-at",
    "callback-waits-choose",
    "callback-keeps",
    "callback-changed",
    "callback-dropped",
)
TIME, TIME_CHOOSE, NO_TIME = "callback-time", "callback-time-choose", "callback-no-time"
PROMPTS = (
    NUMBER, CONFIRM, CONFIRM_ONLY, ENTER, CANNOT, WAITS, WAITS_AT, WAITS_CHOOSE, KEEPS, CHANGED,
    CANCELLED,
)  # fmt: skip
"""What may be heard in any such talk, by prompt id."""
TIME_PROMPTS = (TIME, TIME_CHOOSE, NO_TIME)
"""What may be heard besides where a time is chosen."""

MOST_PLACE = 20
"""Who stands further back is not told their place."""
MOST_DIGITS = 16
NEXT_MS = 5_000

Talk = Generator[Action, Outcome, "Ending"]


class Ending(Enum):
    """How the talk ended."""

    PROMISED = "promised"
    KEPT = "kept"
    """There was one, and it stays."""
    CANCELLED = "cancelled"
    DECLINED = "declined"
    """Also who keyed nothing, or hung up."""
    REFUSED = "refused"
    """No number that may be dialled, or no time that is free."""
    UNSTORED = "unstored"
    """The promise could not be stored: none was made."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What is offered. `promise` gives the action for a number, the time due and the time told."""

    queue: str
    language: str
    promise: Callable[[str, int | None, int | None], AskCallback]
    tries: int = 2
    first_ms: int = 5_000
    confirm: bool = True
    typed: bool = True
    """Whether a number may be typed in."""
    chosen: bool = False
    """Whether a time is chosen."""


def talk(terms: Terms, number: str) -> Talk:
    """Go through the talk; `number` is the caller's own, empty if withheld."""
    return _Talk(terms).run(number)


def hung_up(steps: Talk) -> Ending:
    """Return how a talk ends whose caller has hung up."""
    try:
        steps.throw(Gone())
    except StopIteration as stop:
        ending: Ending = stop.value
        return ending
    raise AssertionError("a talk goes on without its caller")


class _Talk:
    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        self._says = words_of(terms.language) is not None

    def run(self, own: str) -> Talk:
        try:
            return (yield from self._first(own))
        except Gone:
            return Ending.DECLINED

    def _first(self, own: str) -> Talk:
        terms = self._terms
        if own:
            found = yield FindCallback(queue=terms.queue, number=own)
            if isinstance(found, Found):
                try:
                    return (yield from self._second(found.values))
                except Gone:
                    return Ending.KEPT
        number = yield from self._number(own)
        if not isinstance(number, str):
            return number
        due = told = None
        if terms.chosen:
            chosen = yield from self._time(number)
            if not isinstance(chosen, tuple):
                return chosen
            due, told = chosen
        outcome = yield terms.promise(number, due, told)
        if isinstance(outcome, Done):
            return Ending.PROMISED
        return Ending.REFUSED if isinstance(outcome, Refused) else Ending.UNSTORED

    # --- the number ------------------------------------------------------------------------------

    def _number(self, own: str) -> Generator[Action, Outcome, str | Ending]:
        """Find the number to call: the caller's own, or another."""
        terms, typed = self._terms, own
        before: tuple[Heard, ...] = ()
        for _try in range(terms.tries + bool(own)):
            if not typed:
                if not terms.typed:
                    return Ending.REFUSED
                typed = yield from self._enter(before)
                if not typed:
                    return Ending.DECLINED
            outcome = yield CheckNumber(number=typed)
            if not isinstance(outcome, Found):
                before, typed = (Recorded(prompt=CANNOT),), ""
                continue
            number = given(outcome.values, "number", str)
            digits = given(outcome.values, "digits", str)
            if not (terms.confirm and self._says):
                return number
            key = yield from self._confirm(digits)
            if key == "1":
                return number
            if key != "2" or not terms.typed:
                return Ending.DECLINED
            before, typed = (), ""
        if before:
            yield from self._tell(CANNOT)
        return Ending.REFUSED

    def _enter(self, before: tuple[Heard, ...]) -> Generator[Action, Outcome, str]:
        for _try in range(self._terms.tries):
            keyed = yield from ask(
                Collect(
                    items=(*before, Recorded(prompt=ENTER)),
                    language=self._terms.language,
                    max_digits=MOST_DIGITS,
                    first_ms=self._terms.first_ms,
                    next_ms=NEXT_MS,
                    terminators="#",
                ),
                Keyed,
            )
            if digits := keyed.digits.digits.lstrip("*"):
                return digits
            before = ()
        return ""

    def _confirm(self, digits: str) -> Generator[Action, Outcome, str]:
        choose = CONFIRM if self._terms.typed else CONFIRM_ONLY
        items = (Recorded(prompt=NUMBER), self._phrase("digits", digits), Recorded(prompt=choose))
        return self._key(items, "12")

    # --- one that waits already ------------------------------------------------------------------

    def _second(self, found: Mapping[str, object]) -> Talk:
        callback, place = given(found, "callback", str), given(found, "place", int)
        told: tuple[Heard, ...] = (Recorded(prompt=WAITS),)
        if self._says and 1 <= place <= MOST_PLACE:
            told = (Recorded(prompt=WAITS_AT), self._phrase("number", place))
        keys = "123" if self._terms.typed else "13"
        key = yield from self._key((*told, Recorded(prompt=WAITS_CHOOSE)), keys)
        if key == "2":
            return (yield from self._change(callback))
        if key == "3":
            outcome = yield ChangeCallback(callback=callback)
            if not isinstance(outcome, Done):
                return Ending.UNSTORED
            yield from self._tell(CANCELLED)
            return Ending.CANCELLED
        yield from self._tell(KEEPS)
        return Ending.KEPT

    def _change(self, callback: str) -> Talk:
        number = yield from self._number("")
        if isinstance(number, Ending):
            yield from self._tell(KEEPS)
            return Ending.KEPT
        outcome = yield ChangeCallback(callback=callback, number=number)
        if isinstance(outcome, Done):
            yield from self._tell(CHANGED)
        elif isinstance(outcome, Refused):
            yield from self._tell(CANNOT, KEEPS)
        else:
            return Ending.UNSTORED
        return Ending.KEPT

    # --- the time --------------------------------------------------------------------------------

    def _time(self, number: str) -> Generator[Action, Outcome, tuple[int, int] | Ending]:
        outcome = yield OfferTimes(queue=self._terms.queue, number=number)
        if not isinstance(outcome, Found):
            return Ending.UNSTORED
        times: Any = given(outcome.values, "times", tuple)
        zone = ZoneInfo(given(outcome.values, "zone", str))
        at, silences = 0, 0
        while at < len(times):
            start, end = times[at]
            when = datetime.fromtimestamp(start / 1000, UTC).astimezone(zone)
            items: list[Heard] = [Recorded(prompt=TIME)]
            if self._says:
                items += [self._phrase("date", when), self._phrase("time", when)]
            key = yield from self._key((*items, Recorded(prompt=TIME_CHOOSE)), "123", tries=1)
            if key == "1":
                return int(start), int(end)
            if not key:
                silences += 1
                if silences >= self._terms.tries:
                    return Ending.DECLINED
                continue
            at += 1
            while key == "3" and at < len(times) and _same_day(times[at][0], when, zone):
                at += 1
        yield from self._tell(NO_TIME)
        return Ending.REFUSED

    # --- how it is said --------------------------------------------------------------------------

    def _key(
        self, items: tuple[Heard, ...], keys: str, *, tries: int | None = None
    ) -> Generator[Action, Outcome, str]:
        """Take one of some keys; empty for a caller who keys none of them."""
        for _try in range(self._terms.tries if tries is None else tries):
            keyed = yield from ask(
                Collect(items=items, language=self._terms.language, first_ms=self._terms.first_ms),
                Keyed,
            )
            if keyed.digits.digits and keyed.digits.digits in keys:
                return keyed.digits.digits
        return ""

    def _tell(self, *prompts: str) -> Generator[Action, Outcome, None]:
        items = tuple(Recorded(prompt=one) for one in prompts)
        yield from ask(Play(items=items, language=self._terms.language), Played)

    def _phrase(self, kind: str, value: object) -> Phrase:
        zone = value.tzinfo if isinstance(value, datetime) and value.tzinfo else UTC
        language = self._terms.language
        return Phrase(language, say(kind, value, language, zone=zone))


def _same_day(at: int, when: datetime, zone: ZoneInfo) -> bool:
    return datetime.fromtimestamp(at / 1000, UTC).astimezone(zone).date() == when.date()


def pieces(language: str, *, chosen: bool) -> frozenset[str]:
    """Return every piece of speech that such talks may need for values."""
    if words_of(language) is None:
        return frozenset()
    found = {one for place in range(1, MOST_PLACE + 1) for one in say("number", place, language)}
    for kind in ("digits", "date", "time") if chosen else ("digits",):
        found |= vocabulary(language, kind)
    return frozenset(found)
