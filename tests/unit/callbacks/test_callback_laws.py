"""The laws of callbacks on thousands of random floors, with the real router."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from callback_floor import CallbackFloor
from hypothesis import given, settings, strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from acd.callbacks import Policy, events as cb
from acd.callbacks.policy import HOUR, MINUTE
from acd.callbacks.words import NOT_DIALLED, RETRIED, Choice, Outcome, Stage
from acd.router import events as ev
from crm.calendars import Calendar

ALWAYS = Calendar("always", "UTC", (((0, 24 * 60),),) * 7)
BEFORE_SWITCH = round((datetime(2026, 3, 8, 6, 30, tzinfo=UTC)).timestamp() * 1000)
"""Half an hour before clocks in New York go forward."""
HASTY = dict.fromkeys(RETRIED, (0,))


class Callbacks(RuleBasedStateMachine):
    """Anything may happen in any order; `CallbackFloor.look` holds the laws after each event."""

    @initialize(
        agent_first=st.booleans(),
        ask=st.booleans(),
        message=st.booleans(),
        attempts=st.integers(1, 3),
        always=st.sampled_from((True, True, True, False)),
        hasty=st.booleans(),
        agents=st.integers(1, 3),
    )
    def begin(
        self,
        agent_first: bool,
        ask: bool,
        message: bool,
        attempts: int,
        always: bool,
        hasty: bool,
        agents: int,
    ) -> None:
        plain = Policy()
        policy = replace(
            plain, agent_first=agent_first, ask=ask, leave_message=message, attempts=attempts,
            calling=ALWAYS if always else plain.calling, expires_ms=24 * HOUR,
            retry=HASTY if hasty else plain.retry,
        )  # fmt: skip
        self.floor = CallbackFloor(policy, agents, BEFORE_SWITCH)
        self.count = 0
        self.promise(0, 0)

    def name(self, what: str) -> str:
        self.count += 1
        return f"{what}{self.count}"

    def pick(self, data: st.DataObject, names: object) -> str:
        return data.draw(st.sampled_from(sorted(names)))  # type: ignore[type-var, call-overload]

    @rule(ago=st.integers(0, 10 * MINUTE), later=st.sampled_from((0, 0, 5 * MINUTE, 9 * HOUR)))
    def promise(self, ago: int, later: int) -> None:
        floor = self.floor
        floor.promise(self.name("cb"), floor.now - ago, due_ms=floor.now + later)

    @rule()
    def live_call(self) -> None:
        self.floor.live_call(self.name("live"))

    @rule(data=st.data(), steps=st.integers(1, 6))
    def it_goes_well(self, data: st.DataObject, steps: int) -> None:
        """Somebody comes further, so that walks see the later stages as often as the first."""
        for _ in range(steps):
            if not (found := [(does, names) for does, names in self.ways() if names]):
                return
            does, names = data.draw(st.sampled_from(found))
            does(data.draw(st.sampled_from(names)))

    def ways(self) -> list[tuple[Callable[[str], None], list[str]]]:
        """What may happen next that brings somebody further, and to whom."""
        floor = self.floor
        up: dict[Stage, list[str]] = {stage: [] for stage in Stage}
        for name in floor.at_customer:
            if (stage := floor.book.stage(name)) is not None:
                up[stage].append(name)
        soon = [one.id for one in floor.book.to_call()[1]]
        return [
            (floor.answer, sorted(floor.offers.keys() - floor.reached)),
            (lambda _: floor.claim(), floor.claims[:1]),
            (lambda _: self.expected(len(floor.config.agents)), soon[:1]),
            (floor.pick_up, up[Stage.DIALLING]),
            (lambda name: floor.choose(name, Choice.TALK), up[Stage.ASKING]),
            (floor.talk, up[Stage.CONNECTING]),
            (floor.hang_up, sorted(floor.talks)),
        ]

    @precondition(lambda self: self.floor.offers.keys() - self.floor.reached)
    @rule(data=st.data())
    def agent_answers(self, data: st.DataObject) -> None:
        self.floor.answer(self.pick(data, self.floor.offers.keys() - self.floor.reached))

    @precondition(lambda self: self.floor.offers)
    @rule(data=st.data())
    def agent_goes(self, data: st.DataObject) -> None:
        self.floor.decline(self.pick(data, self.floor.offers))

    @precondition(lambda self: self.floor.claims)
    @rule(granted=st.sampled_from((True, True, True, False)))
    def store_answers(self, granted: bool) -> None:
        self.floor.claim(granted=granted)

    @precondition(lambda self: self.floor.at_customer)
    @rule(data=st.data(), outcome=st.sampled_from((*RETRIED, *NOT_DIALLED)))
    def attempt_ends(self, data: st.DataObject, outcome: Outcome) -> None:
        self.floor.customer(self.pick(data, self.floor.at_customer), outcome)

    @precondition(lambda self: self.floor.at_customer)
    @rule(data=st.data(), machine=st.booleans())
    def customer_answers(self, data: st.DataObject, machine: bool) -> None:
        name = self.pick(data, self.floor.at_customer)
        if machine:
            self.floor.tell(cb.MachineHeard(name, self.floor.at_customer[name]))
        else:
            self.floor.pick_up(name)

    @precondition(lambda self: self.floor.at_customer)
    @rule(data=st.data(), choice=st.sampled_from(Choice))
    def customer_chooses(self, data: st.DataObject, choice: Choice) -> None:
        self.floor.choose(self.pick(data, self.floor.at_customer), choice)

    @precondition(lambda self: self.floor.connecting)
    @rule(data=st.data())
    def they_talk(self, data: st.DataObject) -> None:
        name = self.pick(data, self.floor.connecting)
        if self.floor.book.stage(name) is Stage.CONNECTING:
            self.floor.talk(name)

    @precondition(lambda self: self.floor.talks)
    @rule(data=st.data())
    def talk_ends(self, data: st.DataObject) -> None:
        self.floor.hang_up(self.pick(data, self.floor.talks))

    @rule(agents=st.integers(0, 4))
    def agents_are_expected(self, agents: int) -> None:
        self.expected(agents)

    def expected(self, agents: int) -> None:
        floor = self.floor
        line = tuple((o.entered - o.priority, o.entered) for o in floor.router.waiting("q"))
        # Of those whom their own agent calls, that agent is held, and not among the expected.
        held = {floor.offers[one][0] for one in floor.reached if one in floor.offers}
        before = sum(
            floor.book.stage(n) in (Stage.RESERVED, Stage.DIALLING, Stage.ASKING, Stage.HANGING_UP)
            for n, row in floor.rows.items()
            if n not in held and not row.record.owner
        )
        asked = len(floor.claims)
        floor.expect(agents, line)
        if not floor.policy.agent_first:
            new = len(floor.claims) - asked
            assert not new or before + new <= agents, "more dials than can be taken"

    @precondition(lambda self: self.floor.rows)
    @rule(data=st.data(), what=st.sampled_from(("cancel", "merge", "put out", "elsewhere")))
    def something_else(self, data: st.DataObject, what: str) -> None:
        floor, name = self.floor, self.pick(data, self.floor.rows)
        row = floor.rows[name]
        if what == "cancel":
            floor.tell(cb.Cancelled(name, "customer"))
        elif what == "merge":
            floor.tell(cb.CalledAgain(name, self.name("again"), floor.router.kept(name)))
        elif what == "put out" and floor.router.interaction(name) and name not in floor.talks:
            floor.route(ev.Left(name, ev.LeaveReason.FAILED))
            floor.connecting.pop(name, None)
            floor.tell(cb.PutOut(name))
        elif what == "elsewhere" and not row.ended:
            floor.end(row, Stage.CANCELLED)
            floor.at_customer[name] = row.fence
            floor.tell(cb.Known(replace(row.record, state="cancelled", fence=row.fence)))
            floor.at_customer.pop(name, None)

    @precondition(lambda self: self.floor.rows)
    @rule(data=st.data(), late=st.sampled_from((0, 0, 20 * MINUTE)), owner=st.booleans())
    def admin_changes(self, data: st.DataObject, late: int, owner: bool) -> None:
        floor = self.floor
        row = floor.rows[self.pick(data, floor.rows)]
        if not row.ended:
            due = row.record.due_ms + late
            row.record = replace(
                row.record, due_ms=due, owner="a0" if owner else None, fence=row.fence
            )
            floor.tell(cb.Known(row.record))

    @precondition(lambda self: self.floor.rows)
    @rule(data=st.data(), fence=st.integers(0, 3))
    def late_news(self, data: st.DataObject, fence: int) -> None:
        """What names an attempt that is over changes nothing."""
        floor, name = self.floor, self.pick(data, self.floor.rows)
        if fence and fence in (floor.at_customer.get(name), floor.rows[name].live):
            return
        stage = floor.book.stage(name)
        for event in (
            cb.AttemptEnded(name, fence, Outcome.BUSY),
            cb.Answered(name, fence),
            cb.Talking(name, fence),
            cb.Unreserved(name, "gone"),
        ):
            assert floor.book.handle(event, floor.now) == []
        assert floor.book.stage(name) is stage

    @rule(ms=st.sampled_from((1, 1000, 12_000, 40_000, 10 * MINUTE, HOUR, 9 * HOUR)))
    def time_passes(self, ms: int) -> None:
        self.floor.pass_time(ms)

    @rule(back=st.sampled_from((1000, HOUR)))
    def the_clock_is_set_back(self, back: int) -> None:
        floor = self.floor
        counted = {name: row.counted for name, row in floor.rows.items()}
        floor.book.handle(cb.TimePassed(), floor.now - back)
        assert counted == {name: row.counted for name, row in floor.rows.items()}

    @invariant()
    def each_ends_once(self) -> None:
        if hasattr(self, "floor"):
            self.floor.look()

    def teardown(self) -> None:
        """In the end everyone has ended, in exactly one way."""
        if not hasattr(self, "floor"):
            return
        floor = self.floor
        for _ in range(4):
            for name in list(floor.at_customer):
                floor.customer(name, Outcome.FAILED)
            while floor.claims:
                floor.claim(granted=False)
            floor.pass_time(30 * HOUR)
        assert all(len(row.ended) == 1 for row in floor.rows.values())
        assert all(floor.router.interaction(n) is None for n in floor.rows if n not in floor.talks)


Callbacks.TestCase.settings = settings(max_examples=300, stateful_step_count=40)
TestCallbacks = Callbacks.TestCase


# --- one line ----------------------------------------------------------------------------------

wanted = st.lists(
    st.tuples(st.booleans(), st.integers(0, 30), st.integers(0, 3)), min_size=1, max_size=12
)


def serve_all(floor: CallbackFloor, fails: dict[str, int]) -> list[str]:
    """Serve everybody, each callback's first attempts failing so often; return the order."""
    for _ in range(400):
        for offer in sorted(floor.offers.keys() - floor.reached):
            floor.answer(offer)
        while floor.claims:
            floor.claim()
        for name in list(floor.at_customer):
            if fails.get(name, 0):
                fails[name] -= 1
                floor.customer(name, Outcome.NO_ANSWER)
            else:
                floor.pick_up(name)
                floor.talk(name)
        for name in list(floor.talks):
            floor.hang_up(name)
        floor.pass_time(1)
        if not floor.router.interactions() and not any(map(floor.book.stage, floor.rows)):
            return floor.served
    raise AssertionError("somebody was never served")


def line(asked: list[tuple[bool, int, int]], policy: Policy) -> tuple[CallbackFloor, list[str]]:
    """A floor without free agents; who of `asked` enters when (in s) and whether as a callback."""
    floor = CallbackFloor(replace(policy, calling=ALWAYS), 1, BEFORE_SWITCH)
    floor.live_call("first")
    floor.answer(next(iter(floor.offers)))
    order = []
    for n, (is_callback, at, _) in enumerate(sorted(asked, key=lambda one: one[1])):
        floor.now = BEFORE_SWITCH + at * 1000 + n
        name = f"{'cb' if is_callback else 'live'}{n}"
        order.append(name)
        if is_callback:
            floor.promise(name)
        else:
            floor.live_call(name)
    return floor, order


@settings(max_examples=300)
@given(wanted)
def test_one_line_in_order_of_the_same_key(asked: list[tuple[bool, int, int]]) -> None:
    floor, order = line(asked, Policy())
    floor.hang_up("first")
    floor.pass_time(1)
    assert serve_all(floor, {}) == ["first", *order]


@settings(max_examples=300)
@given(wanted)
def test_neither_starves_the_other(asked: list[tuple[bool, int, int]]) -> None:
    """The bound: whoever waits is offered after at most as many reservations as there are live
    callers ahead by key, and `attempts` for each callback ahead; whoever comes later never gets
    between. With pauses of no length, so that retries press on the line as hard as they can."""
    attempts = 3
    floor, order = line(asked, replace(Policy(), attempts=attempts, retry=HASTY))
    failures = {
        name: min(fails, attempts)
        for name, (_, _, fails) in zip(order, sorted(asked, key=lambda one: one[1]), strict=True)
        if name.startswith("cb")
    }
    floor.hang_up("first")
    floor.pass_time(1)
    served = serve_all(floor, dict(failures))
    lost = {name for name, fails in failures.items() if fails >= attempts}
    assert set(served) == {"first", *order} - lost
    for place in range(len(order)):
        ahead = sum(attempts if other.startswith("cb") else 1 for other in order[:place])
        assert sum(floor.reservations[other] for other in order[:place]) <= ahead
    # Live callers keep their order, and no callback with a later key came before them.
    for place, name in enumerate(served[1:], 1):
        if name.startswith("live"):
            later = set(order[order.index(name) + 1 :])
            assert not later & set(served[:place])


@settings(max_examples=200)
@given(st.integers(0, 6), st.integers(0, 8), st.integers(0, 8))
def test_customer_first_never_dials_more_than_can_be_taken(
    agents: int, callbacks: int, ahead: int
) -> None:
    floor = CallbackFloor(replace(Policy(), agent_first=False, calling=ALWAYS), 1, BEFORE_SWITCH)
    for n in range(callbacks):
        floor.promise(f"cb{n}", floor.now - 1000 + n)
    older = tuple((floor.now - 5000 + n, floor.now - 5000 + n) for n in range(ahead))
    for _ in range(3):
        floor.expect(agents, older)
    assert len(floor.claims) == min(callbacks, max(agents - ahead, 0))
    assert floor.claims == [f"cb{n}" for n in range(len(floor.claims))]


def test_days_of_daylight_saving_neither_lose_nor_double_an_attempt() -> None:
    for day in (datetime(2026, 3, 7, 12, tzinfo=UTC), datetime(2026, 10, 31, 12, tzinfo=UTC)):
        now = round(day.timestamp() * 1000)
        floor = CallbackFloor(replace(Policy(), attempts=20, retry=HASTY), 1, now)
        floor.promise("cb")
        until = now + round(timedelta(days=2).total_seconds()) * 1000
        while floor.now < until and floor.book.stage("cb") is not None:
            floor.pass_time(HOUR)
            for offer in floor.offers.keys() - floor.reached:
                floor.answer(offer)
            while floor.claims:
                floor.claim()
            for name in list(floor.at_customer):
                hour = datetime.fromtimestamp(floor.now / 1000, UTC)
                assert hour.hour >= 13 or hour.hour == 0, "called at night"
                floor.customer(name, Outcome.BUSY)
        assert floor.rows["cb"].dials == floor.rows["cb"].counted == 20
