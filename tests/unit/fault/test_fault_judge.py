"""Each law of the fault tests finds its breach, and nothing where all is well."""

from __future__ import annotations

from dataclasses import replace

from lab.fault.facts import Attempt, Customer, Facts, Habit, Row, Span, Way
from lab.fault.judge import Law, judge


def customer(name: str = "c001", at: int = 0) -> Customer:
    """Called at `at`, promised 2 s later, dialled, talked, and all is well."""
    row = Row(
        f"id-{name}", at, at + 2_000, "connected", None, at + 9_500,
        (Attempt(1, at + 8_000, at + 9_500, "connected"),),
    )  # fmt: skip
    return Customer(
        name,
        Habit.ANSWERS,
        called=at,
        pressed=at + 1_900,
        left=at + 2_500,
        sent_off=True,
        entered=at,
        offers=[at + 7_900],
        rings=[Span(at + 8_100, at + 11_000, at + 8_600)],
        talks=[Span(at + 8_700, at + 11_000)],
        rows=[row],
    )


def broken(*customers: Customer, left_over: tuple[str, ...] = ()) -> list[Law]:
    facts = Facts(1, 0, 60_000, [], list(customers), list(left_over), agents={Way.AGENT: 2})
    return [one.law for one in judge(facts)]


def test_all_is_well() -> None:
    assert broken(customer(), customer("c002", 5_000), customer("c003", 10_000)) == []


def test_whom_sala_sent_off_without_a_row_is_lost() -> None:
    one = customer()
    one.rows, one.rings, one.talks = [], [], []
    assert broken(one) == [Law.NONE_LOST]
    one.sent_off = False
    assert broken(one) == []


def test_a_callback_that_stays_open_is_found() -> None:
    one = customer()
    one.rows = [replace(one.rows[0], state="waiting", ended=None)]
    assert broken(one) == [Law.ALL_END]


def test_an_attempt_without_an_outcome_is_left_over() -> None:
    one = customer()
    one.rows = [replace(one.rows[0], attempts=(Attempt(1, 8_000, None, None),))]
    assert broken(one) == [Law.NOTHING_LEFT]


def test_two_dials_at_once_are_found_though_each_has_an_attempt() -> None:
    one = customer()
    lost = Attempt(1, 6_000, 7_900, "lost")
    one.rows = [replace(one.rows[0], attempts=(lost, replace(one.rows[0].attempts[0], fence=2)))]
    one.rings = [Span(6_100, 8_150), *one.rings]
    assert broken(one) == [Law.ONE_DIAL]
    one.rings[0] = Span(6_100, 7_000)
    assert broken(one) == []


def test_two_invites_of_one_attempt_are_found() -> None:
    one = customer()
    one.rings = [Span(8_010, 8_050), *one.rings]
    assert broken(one) == [Law.ONE_INVITE]


def test_an_invite_without_an_attempt_is_found() -> None:
    one = customer()
    one.rings = [Span(7_000, 7_500), *one.rings]
    assert broken(one) == [Law.ONE_INVITE]


def test_who_has_talked_is_not_dialled_again() -> None:
    one = customer()
    more = Attempt(2, 12_000, 13_000, "failed")
    one.rows = [replace(one.rows[0], attempts=(*one.rows[0].attempts, more))]
    one.rings.append(Span(12_100, 13_000))
    assert broken(one) == [Law.NOT_AGAIN]


def test_whose_callback_has_ended_is_not_dialled_again() -> None:
    one = customer()
    one.over, one.talks = 9_500, []
    one.rows = [replace(one.rows[0], state="cancelled")]
    assert broken(one) == []
    one.rows[0] = replace(
        one.rows[0], attempts=(*one.rows[0].attempts, Attempt(2, 12_000, 13_000, "busy"))
    )
    one.rings.append(Span(12_100, 13_000))
    assert broken(one) == [Law.NOT_AGAIN]


def test_no_more_are_dialled_than_agents_serve_their_queue() -> None:
    three = [customer(f"c00{one}", one) for one in range(3)]
    assert broken(*three) == [], "two talk"
    for one in three:
        one.talks = []
    assert broken(*three) == [Law.NO_MORE]
    three[0].rings = [replace(three[0].rings[0], until=8_700)]
    assert broken(*three) == [], "orders that cross each other"


def called_first(name: str = "c001", at: int = 0) -> Customer:
    """As `customer`, in the queue that calls customers first: on the phone they wait once more."""
    one = customer(name, at)
    one.way = Way.CUSTOMER
    one.offers = [at + 8_650]
    one.waits = [Span(at + 8_640, at + 8_700)]
    return one


def test_who_is_in_line_once_more_is_not_being_called_any_more() -> None:
    three = [called_first(f"c00{one}", one) for one in range(3)]
    for one in three:
        one.talks, one.offers = [], []
        one.waits = [Span(8_500, 11_000)]
    facts = Facts(1, 0, 60_000, [], three, agents={Way.CUSTOMER: 2})
    assert judge(facts) == []
    three[2].waits = []
    assert judge(facts) == []
    three[0].waits = three[1].waits = []
    assert [one.law for one in judge(facts)] == [Law.NO_MORE]


def test_customer_first_who_came_before_is_dialled_before() -> None:
    early, late = called_first(), called_first("c002", 1_000)
    assert broken(early, late) == []
    late.rings = [Span(6_000, 12_000, 9_600)]
    late.rows = [replace(late.rows[0], attempts=(Attempt(1, 5_900, 10_500, "connected"),))]
    assert broken(early, late) == [Law.ORDER]
    early.rows = [replace(early.rows[0], attempts=(Attempt(1, 6_500, 9_500, "connected"),))]
    assert broken(early, late) == [], "orders that cross each other"


def test_customer_first_the_place_is_taken_on_the_phone() -> None:
    early, late = called_first(), called_first("c002", 1_000)
    late.offers = [7_000]
    assert broken(early, late) == [], "they are not on the phone yet"
    early.waits, early.offers = [Span(5_000, 8_700)], [8_600]
    assert broken(early, late) == [Law.ORDER]
    early.offers = [7_500]
    assert broken(early, late) == []


def test_queues_have_orders_of_their_own() -> None:
    early, late = customer("c001", 0), called_first("c002", 1_000)
    late.offers = [5_000]
    assert broken(early, late) == []


def test_nobody_is_served_twice() -> None:
    one = customer()
    one.talks = [Span(4_000, 6_000), *one.talks]
    assert broken(one) == [Law.ONE_TALK, Law.NOT_AGAIN]
    one.talks[0] = Span(4_000, 4_050)
    assert broken(one) == [], "a bridge of a moment is no talk"


def test_who_comes_later_is_not_offered_before() -> None:
    early, late = customer("c001", 0), customer("c002", 1_000)
    late.offers = [5_000]
    assert broken(early, late) == [Law.ORDER]
    early.offers = [5_800]
    assert broken(early, late) == [], "orders that cross each other"
    early.offers = [3_000, 7_900]
    assert broken(early, late) == [], "a further attempt comes when it is due"


def test_who_waits_on_the_line_has_a_place_in_the_same_order() -> None:
    line = Customer("c001", Habit.STAYS, called=0, left=12_000, entered=100, offers=[9_000])
    line.talks = [Span(9_100, 12_000)]
    later = customer("c002", 1_000)
    later.offers = [6_000]
    assert broken(line, later) == [Law.ORDER]
    line.offers, line.talks, line.gave_up = [], [], True
    assert broken(line, later) == [Law.ORDER]
    line.offers = [5_900]
    assert broken(line, later) == []


def test_what_is_left_over_is_told() -> None:
    assert broken(customer(), left_over=("channel PJSIP/1001",)) == [Law.NOTHING_LEFT]
