"""Customers are called for agents who can take them: a matching, checked by Hall's condition."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from hypothesis import given, settings, strategies as st

from acd.callbacks.takers import Taker, Takers, taken

AGENTS = 5
SOME = st.integers(0, 2**AGENTS - 1)


def can_all_be_taken(agents: int, who: Sequence[int]) -> bool:
    """Hall's condition: any so many of them may be served by as many agents, or more."""
    return all(
        len(group) <= (union(group) & agents).bit_count()
        for size in range(1, len(who) + 1)
        for group in combinations(who, size)
    )


def union(group: Sequence[int]) -> int:
    found = 0
    for one in group:
        found |= one
    return found


@settings(max_examples=500)
@given(SOME, st.lists(SOME, max_size=8))
def test_whoever_is_taken_has_an_agent_and_whoever_is_not_could_have_none(
    agents: int, who: list[int]
) -> None:
    takers, has = Takers(agents), []
    for may in who:
        if takers.take(may):
            has.append(may)
            assert can_all_be_taken(agents, has)
        else:
            assert not can_all_be_taken(agents, [*has, may])
        if takers.full():
            assert len(has) == agents.bit_count() or not can_all_be_taken(agents, [*has, agents])


@settings(max_examples=300)
@given(SOME, st.lists(SOME, max_size=4), st.lists(st.tuples(SOME, st.booleans()), max_size=8))
def test_no_more_are_called_than_can_be_taken_beside_those_before_them(
    agents: int, called: list[int], line: list[tuple[int, bool]]
) -> None:
    waits = [Taker(may, f"cb{n}" if back else "") for n, (may, back) in enumerate(line)]
    found = taken(agents, called, waits)
    there = Takers(agents)
    before = [may for may in called if there.take(may)]
    for one in waits:
        fits = can_all_be_taken(agents, [*before, one.may])
        assert (one.callback in found) is (fits and bool(one.callback))
        if fits:
            before.append(one.may)
    assert len(found) <= max(agents.bit_count() - len(before) + len(found), 0)


def test_agents_change_whom_they_serve_so_that_more_are_served() -> None:
    either, first = 0b11, 0b01
    assert taken(0b11, [], [Taker(either, "a"), Taker(first, "b"), Taker(either, "c")]) == (
        "a",
        "b",
    )
    # A live caller ahead who only the first may serve leaves the second.
    assert taken(0b11, [], [Taker(first), Taker(first, "a"), Taker(either, "b")]) == ("b",)


def test_a_thousand_agents_are_found_for_as_many() -> None:
    everybody = (1 << 1000) - 1
    line = [Taker(everybody, f"any{n}") for n in range(500)]
    line += [Taker(1 << n, f"own{n}") for n in range(500)]
    assert len(taken(everybody, [], line)) == 1000
    assert taken(everybody, [everybody] * 1000, line) == ()
