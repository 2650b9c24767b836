"""The laws of callbacks, held against what was seen. Pure.

What counts is what was seen outside of Sala (INVITEs at customers' phones, bridges of the PBX),
compared with the rows that Sala left. A law is a function from a run to the breaches found.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from lab.fault.facts import Customer, Facts, Habit, Row, Span, Way

ORDER_GRACE_MS = 1_000
"""Orders to the PBX and INVITEs that cross each other are no breach of the order."""
CROSSING_MS = 500
"""As much later may an INVITE come whose attempt was over before it was sent."""
TALK_MS = 500
"""Shorter than this in one bridge is no talk."""
FINAL = frozenset({"connected", "failed", "expired", "cancelled", "merged"})


class Law(StrEnum):
    """What must hold, however the service dies."""

    NONE_LOST = "none lost"
    ALL_END = "each ends once"
    ONE_DIAL = "one live dial"
    ONE_INVITE = "one INVITE an attempt"
    NOT_AGAIN = "not dialled after the talk"
    ONE_TALK = "served once"
    KNOWN = "agents know whom they talk with"
    ORDER = "order kept"
    NO_MORE = "no more dials than agents"
    NOTHING_LEFT = "nothing left over"


MEANING: dict[Law, str] = {
    Law.NONE_LOST: "Whom Sala sent off after the key, or who was being told, has a callback.",
    Law.ALL_END: "Each callback has one final state when the load has run out.",
    Law.ONE_DIAL: "A customer's phone never has two INVITEs of Sala's at the same time.",
    Law.ONE_INVITE: "Each INVITE at a customer's phone belongs to a claimed attempt of its own.",
    Law.NOT_AGAIN: "Nobody is dialled who has talked to an agent, or whose callback has ended.",
    Law.ONE_TALK: "Nobody talks twice: on the line they held and once more by callback.",
    Law.KNOWN: "The agent's phone shows the number of the customer in the same bridge.",
    Law.ORDER: "No agent is offered anybody while somebody who came before waits unoffered in the "
    "same queue; customer-first, nobody is dialled while somebody who came before waits undialled.",
    Law.NO_MORE: "Never do more customers' phones ring, or are customers asked, than agents serve "
    "their queue. Who wants to talk has their place in line, and an older claim may go before it.",
    Law.NOTHING_LEFT: "No channel, call, held agent, unwritten row or open attempt is left.",
}


@dataclass(frozen=True, slots=True)
class Breach:
    """A law that was broken, on whom, and how."""

    law: Law
    customer: str
    what: str


def judge(facts: Facts) -> list[Breach]:
    """Hold a run against all laws."""
    found = [breach for customer in facts.customers for breach in _of_one(customer)]
    found += order(facts.customers)
    found += _too_many(facts)
    found += [Breach(Law.NOTHING_LEFT, "", what) for what in facts.left_over]
    return found


def _of_one(customer: Customer) -> Iterator[Breach]:
    name = customer.name
    if (customer.sent_off or customer.told) and not customer.rows:
        yield Breach(Law.NONE_LOST, name, "they count on it, and no row tells of it")
    for row in customer.rows:
        if row.state not in FINAL:
            yield Breach(Law.ALL_END, name, f"callback still {row.state}")
        open_ = [one.fence for one in row.attempts if one.outcome is None]
        if open_ and row.state in FINAL:
            yield Breach(Law.NOTHING_LEFT, name, f"attempt {open_[0]} has no outcome")
    yield from _dials(customer)
    talks = [one for one in customer.talks if (one.until or one.at) - one.at >= TALK_MS]
    if len(talks) > 1:
        yield Breach(Law.ONE_TALK, name, f"{len(talks)} talks, {_story(customer)}")
    if customer.mistaken:
        yield Breach(Law.KNOWN, name, f"{customer.mistaken} of {len(customer.talks)} talks")
    if talks:
        for ring in customer.rings:
            if ring.at > (talks[0].until or talks[0].at):
                yield Breach(Law.NOT_AGAIN, name, f"INVITE {ring.at - talks[0].at} ms after it")
    for ring in customer.rings:
        if 0 < customer.over < ring.at - CROSSING_MS:
            late = ring.at - customer.over
            yield Breach(Law.NOT_AGAIN, name, f"INVITE {late} ms after its callback's end")


def _story(customer: Customer) -> str:
    """Tell what reached a customer, in milliseconds since they called."""

    def told(span: Span) -> str:
        until = "" if span.until is None else str(span.until - customer.called)
        return f"{span.at - customer.called}–{until}"

    rings, talks = (", ".join(map(told, spans)) for spans in (customer.rings, customer.talks))
    left = customer.left - customer.called if customer.left else "never"
    return (
        f"ms since they called: {talks}; rung {rings or 'never'}; off the line {left} "
        f"({customer.way}, {customer.habit})"
    )


def _dials(customer: Customer) -> Iterator[Breach]:
    rings = sorted(customer.rings, key=lambda ring: ring.at)
    for before, after in pairwise(rings):
        if before.until is None or after.at < before.until:
            yield Breach(Law.ONE_DIAL, customer.name, "two INVITEs live at once")
    attempts = sorted(one.started for row in customer.rows for one in row.attempts)
    used: set[int] = set()
    for ring in rings:
        own = max((at for at in attempts if at <= ring.at), default=None)
        if own is None:
            yield Breach(Law.ONE_INVITE, customer.name, "INVITE without an attempt")
        elif own in used:
            yield Breach(Law.ONE_INVITE, customer.name, "second INVITE of one attempt")
        else:
            used.add(own)


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Somebody waits for their first turn, from `at` to `until`."""

    name: str
    key: int
    at: int
    until: int
    how: str = "came"


def order(customers: list[Customer]) -> list[Breach]:
    """Find who was served, or dialled, before others who came before and waited for it."""
    found: list[Breach] = []
    for way in Way:
        ours = [one for one in customers if one.way is way]
        found += _overtaken(filter(None, map(_unoffered, ours)), [(c, c.offers) for c in ours])
        if way is Way.CUSTOMER:
            dials = [(c, [ring.at for ring in c.rings]) for c in ours]
            found += _overtaken(filter(None, map(_undialled, ours)), dials)
    return found


def _overtaken(
    stretches: Iterable[_Stretch], turns: Iterable[tuple[Customer, list[int]]]
) -> Iterator[Breach]:
    """Find turns of those who came later, taken while others waited for their first."""
    waited = list(stretches)
    for one, times in turns:
        for at in times:
            for waiting in waited:
                if (
                    waiting.name != one.name
                    and waiting.key < one.entered
                    and waiting.at + ORDER_GRACE_MS < at < waiting.until - ORDER_GRACE_MS
                ):
                    late = one.entered - waiting.key
                    what = (
                        f"{one.name}, {late} ms later, {waiting.how} before, "
                        f"{at - waiting.at} ms into a wait of {waiting.until - waiting.at} ms"
                    )
                    yield Breach(Law.ORDER, waiting.name, what)


def _unoffered(one: Customer) -> _Stretch | None:
    """When somebody waited for their first offer: on the line, or by a promise.

    Who presses the key is between the two for a moment, and left out until the promise is made.
    Customer-first they have their place in line once they are on the phone again.
    """
    first = one.offers[0] if one.offers else None
    if one.habit is Habit.STAYS:
        until = first or one.left
        return _Stretch(one.name, one.entered, one.entered, until) if one.entered else None
    if not one.rows:
        return None
    row: Row = one.rows[0]
    if one.way is Way.CUSTOMER:
        if not one.waits:
            return None
        wait = one.waits[0]
        first = next((at for at in one.offers if at >= wait.at - ORDER_GRACE_MS), None)
        return _Stretch(one.name, row.entered, wait.at, first or wait.until or wait.at)
    until = first or row.ended or 0
    # Nobody is called back who is on the line still.
    return _Stretch(one.name, row.entered, max(row.made, one.left), until)


def _undialled(one: Customer) -> _Stretch | None:
    """When somebody who is called first waited for their first attempt."""
    if not one.rows:
        return None
    row = one.rows[0]
    tries = [ring.at for ring in one.rings] + [attempt.started for attempt in row.attempts]
    until = min(tries, default=row.ended or 0)
    return _Stretch(one.name, row.entered, max(row.made, one.left), until, "dialled")


def _too_many(facts: Facts) -> Iterator[Breach]:
    """Find INVITEs that came while as many customers as there are agents were called already."""
    for way, agents in facts.agents.items():
        calls = [
            (one.name, ring.at, min(_ends(one, ring), default=facts.ended))
            for one in facts.customers
            if one.way is way
            for ring in one.rings
        ]
        for name, at, _ in calls:
            there = sum(begun <= at < until - ORDER_GRACE_MS for _, begun, until in calls)
            if there > agents:
                yield Breach(Law.NO_MORE, name, f"{there} called for {agents} agents")


def _ends(one: Customer, ring: Span) -> Iterator[int]:
    """When somebody who is called has their place in line, is with an agent, or done with."""
    if ring.until is not None:
        yield ring.until
    # Who wants no call any more, or a later one, hears that said yet.
    tries = [attempt.ended for row in one.rows for attempt in row.attempts]
    yield from (ended for ended in tries if ended is not None and ended >= ring.at)
    yield from (span.at for span in (*one.waits, *one.talks) if span.at >= ring.at)
