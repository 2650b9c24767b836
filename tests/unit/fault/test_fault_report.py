"""The page tells each kill, each customer and each law."""

from __future__ import annotations

from lab.fault import report
from lab.fault.facts import Attempt, Customer, Facts, Habit, Kill, Row, Span, Step, Way
from lab.fault.judge import Breach, Law

FACTS = Facts(
    42,
    1_000_000,
    1_060_000,
    [
        Kill(1, Way.AGENT, Step.CLAIMED, 12, "c001", 1_005_000, 1_007_400),
        Kill(2, None, Step.STARTING, 300, "", 1_008_000, 1_010_600),
    ],
    [
        Customer(
            "c001", Habit.BUSY_FIRST, called=1_000_500, left=1_002_000, sent_off=True,
            rings=[Span(1_009_000, 1_012_000, 1_010_000)],
            talks=[Span(1_010_100, 1_012_000)],
            rows=[
                Row(
                    "a", 1_000_500, 1_001_500, "connected", None, 1_010_200,
                    (
                        Attempt(1, 1_004_990, 1_008_000, "lost"),
                        Attempt(2, 1_008_900, 1_010_200, "connected"),
                    ),
                )
            ],
        ),
        Customer("c002", Habit.STAYS, Way.CUSTOMER, called=1_020_000, left=1_030_000, gave_up=True),
    ],
)  # fmt: skip


def test_the_page_tells_what_was_killed_when_and_what_became_of_it() -> None:
    page = report.page(FACTS, [], [("two services", "one dial", True)], "a machine", "make fault")
    assert "| 1 | 5.000 s | agent first | claimed | 12 ms | 2.4 s | c001 | connected |" in page
    assert "| 2 | 8.000 s | – | starting | 300 ms | 2.6 s | – | – |" in page
    assert (
        "| c001 | agent first | busy_first | 0.5 s | 1!, 2 | lost, connected | 1 | connected |"
        in page
    )
    assert "| c002 | customer first | stays | 20.0 s | – | – | 0 | gave up on the line |" in page
    assert "| two services | one dial | yes |" in page
    assert "No law was broken." in page
    assert "| seed | 42 |" in page
    assert "| kills at a callback's step | 1 of 1 aimed at one |" in page
    assert "| claimed | the attempt is claimed in the database | 1 | 1 | 1 connected |" in page
    assert "Besides, 1 kills hit a service that was coming up" in page


def test_the_page_tells_each_breach() -> None:
    page = report.page(FACTS, [Breach(Law.ORDER, "c002", "c001 came before")], [], "m", "make")
    assert "| order kept | c002 | c001 came before |" in page
    assert "No law was broken." not in page


def test_a_run_without_kills_has_figures_too() -> None:
    assert ("service away", "never") in report.figures(Facts(1, 0, 1_000), [])
