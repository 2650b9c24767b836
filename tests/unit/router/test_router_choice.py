"""Who among the agents, and which among the waiting: strategies, policies, ranks, capacity."""

from __future__ import annotations

from collections import Counter

import pytest
from any_floor import Floor

from acd.router import events as ev
from acd.router.configuration import Capacity, SelectionConfig
from acd.router.criteria import AnyOf, Skill
from acd.router.events import AgentConfig, Channel, Configuration, Presence, QueueConfig, Wanted


def floor(queue: QueueConfig, *agents: AgentConfig, **more: object) -> Floor:
    return Floor(Configuration(queues=(queue,), agents=agents, **more))  # type: ignore[arg-type]


def q(**policy: object) -> QueueConfig:
    return QueueConfig("q", wrap_up_ms=0, **policy)  # type: ignore[arg-type]


def agent(name: str, **facts: object) -> AgentConfig:
    return AgentConfig(name, ("q",), **facts)  # type: ignore[arg-type]


# --- who among the agents ----------------------------------------------------------------------


def test_least_occupied_today() -> None:
    here = floor(q(strategy="least_occupied"), agent("1"), agent("2"))
    assert here.arrive("a") == ["1"]
    here.answer("a")
    assert here.arrive("b") == ["2"]
    here.answer("b")
    here.end("b", 100)
    here.end("a", 500)
    assert here.arrive("c") == ["2"], "idle for longer, and less occupied"
    here.answer("c")
    here.end("c", 1000)
    assert here.arrive("d") == ["1"], "500 ms against 600"
    here.answer("d")
    here.end("d", 1001)
    here.tell(ev.DayStarted())
    assert here.arrive("e") == ["2"], "a new day: idle time decides"


def test_fewest_contacts_today() -> None:
    here = floor(q(strategy="fewest_contacts"), agent("1"), agent("2"))
    assert here.arrive("a") == ["1"]
    here.answer("a")
    here.end("a", 10)
    here.tell(ev.AgentWants("2", Wanted.PAUSED))
    here.tell(ev.AgentWants("2", Wanted.AVAILABLE), 20)
    assert here.arrive("b") == ["2"], "though idle for less"


def test_best_skill_is_the_sum_over_the_skills_asked_for() -> None:
    tax, law = Skill("tax", 1), Skill("law", 1)
    here = floor(
        q(strategy="best_skill"),
        agent("1", skills=(("tax", 5),)),
        agent("2", skills=(("tax", 3), ("law", 3), ("art", 5))),
        agent("3", skills=(("tax", 1), ("law", 5))),
    )
    assert here.arrive("a", criteria=AnyOf((tax, law))) == ["2"], "idle as long as 3, before them"
    assert here.arrive("b", criteria=AnyOf((tax, law))) == ["3"]
    assert here.arrive("c", criteria=tax) == ["1"]


def test_round_robin_counts_failed_offers_too() -> None:
    here = floor(q(strategy="round_robin"), agent("1"), agent("2"), agent("3"))
    given = []
    for number in range(6):
        (one,) = here.arrive(f"c{number}")
        given.append(one)
        view = here.router.interaction(f"c{number}")
        assert view is not None
        assert view.offer is not None
        here.tell(ev.Left(f"c{number}"))
    assert given == ["1", "2", "3", "1", "2", "3"]


def test_weighted_random_is_fair_by_weight_and_the_same_each_time() -> None:
    def day() -> list[str]:
        here = floor(
            q(strategy="weighted_random"), *(agent(f"{w}", weight=w) for w in (1, 2, 3, 4))
        )
        given = []
        for number in range(4000):
            (one,) = here.arrive(f"c{number}")
            given.append(one)
            here.answer(f"c{number}")
            here.end(f"c{number}", number)
        return given

    given = day()
    assert day() == given
    count = Counter(given)
    # Within four standard deviations of a share of 0.1 of 4000 (19) and so on.
    for weight in (1, 2, 3, 4):
        share = weight / 10
        assert abs(count[str(weight)] - 4000 * share) < 4 * (4000 * share * (1 - share)) ** 0.5


def test_several_ring_and_one_wins() -> None:
    here = floor(q(ring_at_once=2), agent("1"), agent("2"), agent("3"))
    assert here.arrive("a") == ["1", "2"]
    assert here.tell(ev.OfferAccepted("run.2"), 5) == [
        ev.CancelOffer("run.1", "a", "1"),
        ev.AgentMoved("1", Presence.AVAILABLE),
        ev.AgentMoved("2", Presence.ON_CONTACT),
    ]
    assert here.tell(ev.OfferAccepted("run.1")) == [], "too late"
    assert here.arrive("b") == ["1", "3"], "the loser kept their idle time"


def test_who_rings_at_too_few_gets_more_once_nobody_waits() -> None:
    here = floor(q(ring_at_once=2), agent("1"), agent("2"))
    here.tell(ev.AgentWants("2", Wanted.PAUSED))
    assert here.arrive("a") == ["1"]
    assert here.offers(ev.AgentWants("2", Wanted.AVAILABLE)) == {"a": ["2"]}
    assert here.tell(ev.Left("a")) == [
        ev.CancelOffer("run.1", "a", "1"),
        ev.CancelOffer("run.2", "a", "2"),
        ev.AgentMoved("1", Presence.AVAILABLE),
        ev.AgentMoved("2", Presence.AVAILABLE),
    ]


def test_an_offer_that_fails_of_several_leaves_the_others_ringing() -> None:
    here = floor(q(ring_at_once=2), agent("1"), agent("2"))
    here.arrive("a")
    here.tell(ev.OfferFailed("run.1", ev.Failure.NO_ANSWER))
    view = here.router.interaction("a")
    assert view is not None
    assert view.offers == (("run.2", "2"),)


def test_the_queues_first_agents_go_before_its_second() -> None:
    here = floor(q(), agent("1", ranks=(2,)), agent("2"))
    assert here.arrive("a") == ["2"]
    assert here.arrive("b") == ["1"]


# --- which among the waiting -------------------------------------------------------------------


def two(agents: int = 1, **more: object) -> Floor:
    queues = tuple(QueueConfig(n, wrap_up_ms=0, target_ms=t) for n, t in (("x", 1000), ("y", 4000)))
    staff = tuple(AgentConfig(f"{n}", ("x", "y")) for n in range(1, agents + 1))
    return Floor(Configuration(queues=queues, agents=staff, **more), log_in=False)  # type: ignore[arg-type]


def test_an_agents_first_queue_goes_before_the_second() -> None:
    queues = (QueueConfig("x"), QueueConfig("y"))
    here = Floor(
        Configuration(queues=queues, agents=(AgentConfig("1", ("x", "y"), ranks=(2, 1)),)),
        log_in=False,
    )
    here.arrive("older", "x")
    here.now = 900
    here.arrive("newer", "y")
    assert here.log_in() == {"newer": ["1"]}


@pytest.mark.parametrize(
    ("weights", "first"), [((), "short"), ((("y", 9),), "long"), ((("x", 2), ("y", 9)), "long")]
)
def test_service_level_takes_who_is_furthest_along_to_the_target(
    weights: tuple[tuple[str, int], ...], first: str
) -> None:
    here = two(selections=(SelectionConfig(("x", "y"), "service_level", weights),))
    here.arrive("long", "y")
    here.now = 400
    here.arrive("short", "x")
    here.now = 1000
    assert here.log_in() == {first: ["1"]}, "600 of 1000 against 1000 of 4000"


def test_a_fixed_ratio_keeps_the_queues_in_proportion() -> None:
    here = two(10, selections=(SelectionConfig(("x", "y"), "fixed_ratio", (("x", 1), ("y", 3))),))
    for number in range(20):
        here.arrive(f"x{number}", "x")
        here.now += 1
    for number in range(20):
        here.arrive(f"y{number}", "y")
    here.log_in()
    left = Counter(view.queue for view in here.router.interactions() if view.agent is None)
    assert left == {"x": 10, "y": 20}, "10 of 20 in x were too many for a share of a quarter"
    assert here.router.waiting("x")[10].interaction == "x10", "in order within the queue"


# --- capacity ----------------------------------------------------------------------------------


def channels(here: Floor, *wanted: str) -> list[bool]:
    """For each arrival on a channel, whether it was offered and answered."""
    done = []
    for number, name in enumerate(wanted):
        call = f"{name}{number}"
        done.append(bool(here.arrive(call, channel=Channel(name))))
        if done[-1]:
            here.answer(call)
    return done


def test_capacity_is_counted_by_channel() -> None:
    here = floor(q(), agent("1"))
    assert channels(here, *["chat"] * 5) == [True] * 4 + [False]
    assert channels(here, *["email"] * 7) == [True] * 6 + [False]
    assert channels(here, "voice", "voice") == [True, False], "chats do not block a call"


def test_a_call_blocks_chats() -> None:
    here = floor(q(), agent("1"))
    assert channels(here, "voice", "chat", "email") == [True, False, False]
    assert here.end("voice0") == {"chat1": ["1"], "email2": ["1"]}


def test_what_blocks_what_is_configured() -> None:
    here = floor(q(), agent("1"), blocks=((Channel.CHAT, (Channel.VOICE,)),))
    assert channels(here, "chat", "voice") == [True, False]
    here = floor(q(), agent("1"), blocks=())
    assert channels(here, "voice", "chat") == [True, True]


def test_an_agents_own_capacity_goes_before_the_floors() -> None:
    here = floor(
        q(), agent("1", capacity=Capacity(0, 2, 0)), agent("2"), capacity=Capacity(1, 1, 0)
    )
    assert here.arrive("a", channel=Channel.CHAT) == ["1"]
    assert here.arrive("b", channel=Channel.CHAT) == ["2"], "who has less in hand goes first"
    assert here.arrive("c", channel=Channel.CHAT) == ["1"]
    assert here.arrive("d", channel=Channel.CHAT) == []
    assert here.arrive("e", channel=Channel.EMAIL) == []


def test_a_wrap_up_keeps_its_place_and_no_other() -> None:
    here = Floor(Configuration(queues=(QueueConfig("q", wrap_up_ms=50),), agents=(agent("1"),)))
    channels(here, "chat", "chat", "chat", "chat")
    assert here.arrive("next", channel=Channel.CHAT) == []
    assert here.end("chat0", 10) == {}
    assert here.router.deadline == 60
    assert here.offers(ev.TimePassed(), 59) == {}
    assert here.offers(ev.TimePassed(), 60) == {"next": ["1"]}


def test_who_asks_for_a_pause_is_given_no_more_chats() -> None:
    here = floor(q(), agent("1"))
    channels(here, "chat")
    here.tell(ev.AgentWants("1", Wanted.PAUSED, "lunch"))
    assert here.arrive("b", channel=Channel.CHAT) == []
    here.end("chat0")
    view = here.router.agent("1")
    assert view is not None
    assert (view.presence, view.reason) == (Presence.PAUSED, "lunch")
