from __future__ import annotations

from acd.explain import Asked, Story, as_text
from acd.explain.handed import told
from crm.records import Segment


def story(*rows: tuple[str, int, int | None, str | None, str, str | None]) -> list[str]:
    """Kind, first, last, agent, offer and outcome of each segment; gives the lines told."""
    segments = [
        Segment("i", seq, kind, first, None, agent, offer, last, outcome)
        for seq, (kind, first, last, agent, offer, outcome) in enumerate(rows, 1)
    ]
    found = Story(Asked("i"))
    found.weave(told(segments))
    return as_text(found, str).splitlines()[1:]


def test_what_lasts_is_told_as_far_as_it_has_come() -> None:
    assert story(("talk", 1, 5, "ann", "o", "held"), ("hold", 5, None, "ann", "o", None)) == [
        "5  ann put the caller on hold"
    ]
    assert story(
        ("talk", 1, 5, "ann", "o", "held"),
        ("hold", 5, None, "ann", "o", None),
        ("consult", 5, None, "bob", "x1", None),
    ) == ["5  ann put the caller on hold", "5  ann rang bob to consult"]


def test_an_attended_transfer_to_somebody_outside() -> None:
    assert story(
        ("talk", 1, 5, "ann", "o", "held"),
        ("hold", 5, 9, "ann", "o", "transferred"),
        ("consult", 5, 9, None, "x1", "transferred"),
        ("talk", 9, 20, None, "x1", "ended"),
    ) == [
        "5  ann put the caller on hold",
        "5  ann rang somebody outside to consult",
        "9  somebody outside was given the caller",
        "20  somebody outside left the talk",
    ]


def test_a_consult_let_go_and_a_transfer_given_up() -> None:
    assert story(
        ("talk", 1, 5, "ann", "o", "held"),
        ("hold", 5, 9, "ann", "o", "resumed"),
        ("consult", 5, 8, "bob", "x1", "cancelled"),
        ("talk", 9, 12, "ann", "o", "transferred"),
        ("transfer", 12, 15, "bob", "x2", "abandoned"),
    ) == [
        "5  ann put the caller on hold",
        "5  ann rang bob to consult",
        "8  bob was let go again",
        "9  ann took the caller back from hold",
        "12  ann sent the caller on to bob, who was rung",
        "15  bob was rung until the caller hung up",
    ]


def test_a_transfer_to_a_queue_is_left_to_the_router() -> None:
    assert story(("talk", 1, 5, "ann", "o", "transferred"),
                 ("transfer", 5, 5, None, "", "queued")) == [
        "    the router was told nothing of it"
    ]  # fmt: skip
