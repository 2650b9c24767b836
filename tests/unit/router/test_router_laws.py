"""The router's laws on random floors, beside a naive model that scans everything.

The machine sends sensible and senseless events alike: offers that are over, calls nobody knows,
time that stands still or runs backwards, configurations that take queues and agents away.
"""

from __future__ import annotations

from dataclasses import replace

from floors import AGENTS, CALLS, EARLIER_OFFERS, QUEUES, configurations, configured, single_events
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from naive_floor import NaiveFloor

from acd.router import InteractionState, Router
from acd.router import events as ev
from acd.router.codec import from_entry, to_entry
from acd.router.events import Presence, Wanted

EPOCH = "run"
# Every offer id the router may have given by now, or will, and some it never gave.
OFFERS = (*(f"{EPOCH}.{n}" for n in range(25)), *EARLIER_OFFERS)
ANYTHING = single_events(st.sampled_from(OFFERS))
TIMED = {Presence.WRAP_UP, Presence.PAUSED}


class Laws(RuleBasedStateMachine):
    @initialize(config=configurations(staffed=True), here=st.sets(st.sampled_from(AGENTS)))
    def start(self, config: ev.Configuration, here: set[str]) -> None:
        self.first_config = config
        self.router = Router(config, EPOCH)
        self.naive = NaiveFloor(config, EPOCH)
        self.now = 0
        self.clock = 0
        self.log: list[tuple[ev.Event, int, list[ev.Decision]]] = []
        self.rung: dict[str, ev.Offer] = {}
        self.won: set[str] = set()
        for agent in sorted(here):
            self.now += 1
            self.tell(ev.AgentWants(agent, Wanted.AVAILABLE))

    def tell(self, event: ev.Event) -> list[ev.Decision]:
        decisions = self.router.handle(event, self.now)
        self.clock = max(self.clock, self.now)
        self.log.append((event, self.now, decisions))
        assert decisions == self.naive.handle(event, self.now)
        self.check_offers(decisions)
        return decisions

    def check_offers(self, decisions: list[ev.Decision]) -> None:
        waiting = [x for x in self.router.interactions() if x.state is InteractionState.WAITING]
        serves = {a.agent: a.queues for a in self.router.config.agents}
        told = [d for d in decisions if isinstance(d, ev.Offer)]
        assert len({d.interaction for d in told}) == len(told)
        assert len({d.agent for d in told}) == len(told)
        for offer in told:
            assert offer.offer not in self.rung, "an offer's id is used once"
            self.rung[offer.offer] = offer
            live = self.router.offer(offer.offer)
            assert live is not None
            assert (live.interaction, live.agent) == (offer.interaction, offer.agent)
            # First come, first served: nobody before them whom this agent serves is left waiting.
            mine = self.router.interaction(offer.interaction)
            assert mine is not None
            for other in waiting:
                if other.queue in serves[offer.agent]:
                    assert (other.entered - other.priority, other.entered) >= (
                        mine.entered - mine.priority,
                        mine.entered,
                    )

    # --- what happens ------------------------------------------------------------------------

    @rule(event=ANYTHING, step=st.sampled_from((0, 0, 1, 3, 12, 50, -4)))
    def anything(self, event: ev.Event, step: int) -> None:
        self.now += step
        self.tell(event)

    @rule(call=st.sampled_from(CALLS), queue=st.sampled_from(QUEUES), ago=st.integers(0, 9))
    def caller_arrives(self, call: str, queue: str, ago: int) -> None:
        self.tell(ev.Arrived(call, queue, self.now - ago))

    @rule(agent=st.sampled_from(AGENTS), step=st.integers(0, 5))
    def agent_is_available(self, agent: str, step: int) -> None:
        self.now += step
        self.tell(ev.AgentReachable(agent, True))
        self.tell(ev.AgentWants(agent, Wanted.AVAILABLE))

    @rule(event=configured(), chance=st.integers(0, 3))
    def configuration_changes(self, event: ev.ConfigChanged, chance: int) -> None:
        if not chance:
            self.tell(event)

    @rule(data=st.data(), keep=st.integers(0, 4))
    def someone_is_taken_off(self, data: st.DataObject, keep: int) -> None:
        config = self.router.config
        agents = data.draw(st.permutations(config.agents))
        if not keep:
            agents = agents[:-1]
        self.tell(ev.ConfigChanged(replace(config, agents=tuple(agents))))

    @rule(data=st.data(), step=st.integers(0, 5), answer=st.booleans())
    def ringing_goes_on(self, data: st.DataObject, step: int, answer: bool) -> None:
        live = [a.offer for a in self.router.agents() if a.presence is Presence.RINGING]
        if live:
            self.now += step
            offer = data.draw(st.sampled_from(live))
            assert offer is not None
            place = self.place_of_offer(offer)
            if answer:
                assert offer not in self.won, "an offer is won once"
                self.tell(ev.OfferAccepted(offer))
                self.won |= {offer} & set(self.rung)
            else:
                self.tell(ev.OfferFailed(offer, data.draw(st.sampled_from(ev.Failure))))
                assert self.router.offer(offer) is None
                assert self.router.place(place[0]) == place[1], "back at the exact place"

    def place_of_offer(self, offer: str) -> tuple[str, int | None]:
        view = self.router.offer(offer)
        assert view is not None
        return view.interaction, self.router.place(view.interaction)

    @rule(data=st.data(), step=st.integers(0, 9))
    def talk_ends(self, data: st.DataObject, step: int) -> None:
        talks = [a for a in self.router.agents() if a.presence is Presence.ON_CONTACT]
        if talks:
            self.now += step
            agent = data.draw(st.sampled_from(talks))
            assert agent.interaction is not None
            self.tell(ev.Ended(agent.interaction, agent.agent))
            assert self.router.interaction(agent.interaction) is None

    @rule()
    def deadline_comes(self) -> None:
        deadline = self.router.deadline
        if deadline is not None:
            if self.clock < deadline - 1:
                self.now = deadline - 1
                assert self.tell(ev.TimePassed()) == [], "nothing before the deadline"
            self.now = deadline
            assert self.tell(ev.TimePassed()) != []

    @rule(events=st.lists(ANYTHING | configured(), max_size=6))
    def many_at_once(self, events: list[ev.Event]) -> None:
        self.tell(ev.Batch(tuple(events)))

    @rule()
    def told_twice(self) -> None:
        if self.log and not isinstance(self.log[-1][0], ev.Batch | ev.Adopted):
            assert self.tell(self.log[-1][0]) == []

    # --- what must hold ----------------------------------------------------------------------

    @invariant()
    def nobody_idles_while_somebody_waits(self) -> None:
        wanted = {
            x.queue for x in self.router.interactions() if x.state is InteractionState.WAITING
        }
        serves = {a.agent: a.queues for a in self.router.config.agents}
        for agent in self.router.agents():
            if agent.presence is Presence.AVAILABLE and agent.reachable:
                assert not wanted & set(serves[agent.agent])

    @invariant()
    def one_interaction_one_agent(self) -> None:
        agents = {a.agent: a for a in self.router.agents()}
        held = [a.interaction for a in agents.values() if a.interaction is not None]
        assert len(held) == len(set(held))
        for x in self.router.interactions():
            if x.state is InteractionState.WAITING:
                assert x.agent is None
                assert x.interaction not in held
            else:
                assert x.agent is not None
                assert x.offer is not None
                agent = agents[x.agent]
                assert (agent.interaction, agent.offer) == (x.interaction, x.offer)
                ringing = x.state is InteractionState.RINGING
                assert agent.presence is (Presence.RINGING if ringing else Presence.ON_CONTACT)
        for agent in agents.values():
            busy = agent.presence in (Presence.RINGING, Presence.ON_CONTACT)
            assert busy == (agent.interaction is not None)

    @invariant()
    def states_end_when_they_say(self) -> None:
        untils = []
        for agent in self.router.agents():
            assert agent.until is None or agent.presence in TIMED
            assert (agent.presence is Presence.WRAP_UP) <= (agent.until is not None)
            if agent.until is not None:
                assert agent.until > self.clock
                untils.append(agent.until)
        assert self.router.deadline == min(untils, default=None)

    @invariant()
    def lines_are_in_order(self) -> None:
        unanswered = []
        for queue in (*QUEUES, "nowhere"):
            line = self.router.waiting(queue)
            keys = [self.naive.calls[x.interaction]["key"] for x in line]
            assert keys == sorted(keys)
            assert [x.place for x in line] == list(range(1, len(line) + 1))
            assert [self.router.place(x.interaction) for x in line] == [x.place for x in line]
            unanswered += [x.interaction for x in line]
        live = self.router.interactions()
        assert sorted(unanswered) == sorted(
            x.interaction for x in live if x.state is not InteractionState.ON_CONTACT
        )
        assert {x.interaction for x in live} == set(self.naive.calls)

    @invariant()
    def nobody_is_stranded_in_secret(self) -> None:
        stranded = {x.interaction for x in self.router.stranded()}
        serves = {a.agent: a.queues for a in self.router.config.agents}
        for x in self.router.interactions():
            if x.state is InteractionState.WAITING:
                servers = [
                    a
                    for a in self.router.agents()
                    if x.queue in serves.get(a.agent, ()) and a.presence is not Presence.OFFLINE
                ]
                assert (x.interaction in stranded) == (not servers)

    def teardown(self) -> None:
        """The journal, read back and fed to a fresh router, gives the same decisions."""
        if not hasattr(self, "log"):
            return
        again = Router(self.first_config, EPOCH)
        for event, now, decisions in self.log:
            assert again.handle(from_entry(*to_entry(event)), now) == decisions
        assert again.agents() == self.router.agents()
        assert again.interactions() == self.router.interactions()


Laws.TestCase.settings = settings(
    max_examples=100,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
TestLaws = Laws.TestCase
