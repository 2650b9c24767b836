"""A floor of the real router, the real book, and a store in memory that keeps the record's laws.

What the book decides is done at once; agents' phones, customers and time are played by whoever
drives it. The laws are looked at after every event.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from acd.callbacks import Book, Policy, events as cb
from acd.callbacks.takers import Taker, taken
from acd.callbacks.words import NOT_DIALLED, Choice, Outcome, Stage
from acd.router import Router, events as ev
from acd.router.events import AgentConfig, Configuration, QueueConfig, Wanted
from crm.records import Callback

FINAL = {"connected", "failed", "expired", "cancelled", "merged"}


@dataclass
class Row:
    """What the store knows of one callback, with the store's laws."""

    record: Callback
    fence: int = 0
    live: int = 0
    """The fence of the live claim; 0: none."""
    ended: list[str] = field(default_factory=list)
    dials: int = 0
    dialled: int = 0
    """The fence of the last attempt for which the book wanted to dial."""
    counted: int = 0
    laters: int = 0
    """How often the customer asked to be called later."""


class CallbackFloor:
    def __init__(self, policy: Policy, agents: int, now: int) -> None:
        self.now = now
        self.policy = policy
        queue = QueueConfig("q", wrap_up_ms=1, max_wait_ms=60_000)
        names = [f"a{n}" for n in range(agents)]
        self.config = Configuration(
            queues=(queue,), agents=tuple(AgentConfig(name, ("q",)) for name in names)
        )
        self.router = Router(self.config, "t")
        self.book = Book()
        self.rows: dict[str, Row] = {}
        self.at_customer: dict[str, int] = {}
        """Calls to customers that are up: by callback, the fence."""
        self.offers: dict[str, tuple[str, str]] = {}
        """Offers that ring: interaction, agent."""
        self.reached: set[str] = set()
        """Offers the book was told."""
        self.connecting: dict[str, cb.Connect] = {}
        self.claims: list[str] = []
        """Claims that were asked for and not answered yet."""
        self.talks: dict[str, str] = {}
        self.served: list[str] = []
        self.reservations: Counter[str] = Counter()
        self.places: list[cb.TakePlace] = []
        self.hung_up: list[str] = []
        self.messages: list[str] = []
        for name in names:
            self.route(ev.AgentReachable(name, True))
            self.route(ev.AgentWants(name, Wanted.AVAILABLE))
        self.tell(cb.Configured({"q": policy}, {"q": queue}))

    # --- doing what is decided -------------------------------------------------------------------

    def route(self, event: ev.Event) -> None:
        for one in self.router.handle(event, self.now):
            if isinstance(one, ev.Offer):
                self.offers[one.offer] = (one.interaction, one.agent)
                self.reservations[one.interaction] += 1
            elif isinstance(one, ev.CancelOffer):
                self.offers.pop(one.offer, None)
                self.reached.discard(one.offer)
            elif isinstance(one, ev.TurnedAway | ev.ToVoicemail):
                assert one.interaction not in self.rows, "a callback has an expiry of its own"

    def tell(self, event: cb.Event) -> None:
        for one in self.book.handle(event, self.now):
            self.do(one)
        self.look()

    def expect(self, agents: int, ahead: Iterable[tuple[int, int]] = ()) -> None:
        """So many agents are expected, each for anybody; `ahead` are keys of live callers."""
        called, ready = self.book.to_call()
        line = [(at, 0, "") for at in ahead] + [(one.key, 1, one.id) for one in ready]
        anybody = (1 << agents) - 1
        takers = [Taker(anybody, name) for _, _, name in sorted(line)]
        self.tell(cb.Expected(taken(anybody, [anybody] * len(called), takers)))

    def do(self, one: cb.Decision) -> None:
        row = self.rows[one.callback]
        match one:
            case cb.Enter():
                assert self.router.interaction(one.arrived.interaction) is None
                self.route(one.arrived)
            case cb.Leave():
                self.route(ev.Left(one.interaction, ev.LeaveReason.CALLED_BACK))
            case cb.Claim():
                self.claims.append(one.callback)
            case cb.Dial():
                assert row.live == one.fence, "dialled without a claim"
                assert one.callback not in self.at_customer, "two live attempts"
                self.at_customer[one.callback] = one.fence
                row.dials, row.dialled = row.dials + 1, one.fence
                if self.policy.agent_first:
                    held = [self.offers[o] for o in self.reached if o in self.offers]
                    assert (one.callback, one.agent) in held, "dialled without an agent"
            case cb.HangUp():
                assert self.at_customer.get(one.callback) == one.fence
                self.hung_up.append(one.callback)
                if one.callback not in self.rows or row.ended:
                    del self.at_customer[one.callback]
            case cb.Connect():
                assert self.offers[one.offer] == (one.callback, one.agent)
                self.connecting[one.callback] = one
            case cb.Finish():
                if row.live != one.fence:
                    return
                row.live = 0
                # Whose end nobody told has been hung up on long ago.
                self.at_customer.pop(one.callback, None)
                row.counted += one.counts
                row.laters += one.outcome is Outcome.LATER
                row.dials -= one.outcome in NOT_DIALLED and row.dialled == one.fence
                row.record = replace(row.record, due_ms=one.due or row.record.due_ms)
                if one.state is not Stage.WAITING:
                    self.end(row, one.state)
            case cb.End():
                self.end(row, one.state)
            case cb.TakePlace():
                self.places.append(one)
            case cb.LeaveMessage():
                self.messages.append(one.callback)
            case _:
                pass

    def end(self, row: Row, state: Stage) -> None:
        assert str(state) in FINAL
        row.ended.append(str(state))
        row.live = 0
        # A call that was being ended goes down by itself.
        self.at_customer.pop(row.record.id, None)
        self.connecting.pop(row.record.id, None)

    # --- what others do --------------------------------------------------------------------------

    def promise(self, name: str, entered: int | None = None, **fields: object) -> None:
        base = Callback(
            name, "+12125550123", self.now if entered is None else entered, "flow", "q", name,
            due_ms=self.now, customer=name,
        )  # fmt: skip
        record = replace(base, **fields)  # type: ignore[arg-type]
        self.rows[name] = Row(record)
        self.tell(cb.Known(record))

    def live_call(self, name: str) -> None:
        self.route(ev.Arrived(name, "q", self.now))

    def answer(self, offer: str) -> None:
        """The agent's phone is answered."""
        interaction, agent = self.offers[offer]
        if interaction in self.rows:
            self.reached.add(offer)
            self.tell(cb.Offered(interaction, offer, agent))
        else:
            self.served.append(interaction)
            self.talks[interaction] = agent
            del self.offers[offer]
            self.route(ev.OfferAccepted(offer))

    def decline(self, offer: str) -> None:
        interaction, _ = self.offers.pop(offer)
        was = offer in self.reached
        self.reached.discard(offer)
        self.connecting.pop(interaction, None)
        self.route(ev.OfferFailed(offer, ev.Failure.DECLINED))
        if was:
            self.tell(cb.Unreserved(interaction, offer))

    def claim(self, *, granted: bool = True) -> None:
        name = self.claims.pop(0)
        row = self.rows[name]
        if granted and not row.live and not row.ended:
            row.fence += 1
            row.live = row.fence
            self.tell(cb.Claimed(name, row.fence, row.counted))
        else:
            self.tell(cb.ClaimFailed(name))

    def customer(self, name: str, outcome: Outcome) -> None:
        self.tell(cb.AttemptEnded(name, self.at_customer.pop(name), outcome))
        self.connecting.pop(name, None)

    def pick_up(self, name: str) -> None:
        self.tell(cb.Answered(name, self.at_customer[name]))

    def choose(self, name: str, choice: Choice) -> None:
        self.tell(cb.Chose(name, self.at_customer[name], choice))

    def talk(self, name: str) -> None:
        done = self.connecting.pop(name)
        self.offers.pop(done.offer)
        self.served.append(name)
        self.talks[name] = done.agent
        self.route(ev.OfferAccepted(done.offer))
        self.tell(cb.Talking(name, done.fence))

    def hang_up(self, name: str) -> None:
        self.route(ev.Ended(name, self.talks.pop(name)))

    def pass_time(self, ms: int) -> None:
        self.now += ms
        self.route(ev.TimePassed())
        self.tell(cb.TimePassed())

    # --- laws ------------------------------------------------------------------------------------

    def look(self) -> None:
        reserved = len(self.offers)
        ringing = [n for n in self.at_customer if self.book.stage(n) is Stage.DIALLING]
        if self.policy.agent_first:
            assert len(ringing) <= reserved, "more dials than reserved agents"
        for name, row in self.rows.items():
            assert len(row.ended) <= 1, "ended twice"
            assert (self.book.stage(name) is None) == bool(row.ended), "lost, or a ghost"
            assert row.counted <= self.policy.attempts
            assert row.dials <= self.policy.attempts + row.laters, "called too often"
            if row.ended:
                assert self.router.interaction(name) is None or name in self.talks
        waiting = self.router.waiting("q")
        keys = [(one.entered - one.priority, one.entered) for one in waiting]
        assert keys == sorted(keys)
        due = self.book.deadline
        assert due is None or due > self.now
