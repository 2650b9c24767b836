"""The router's laws on random floors, beside a naive model that scans everything.

The machine sends sensible and senseless events alike: offers that are over, calls nobody knows,
time that stands still or runs backwards, configurations that take queues and agents away.
"""

from __future__ import annotations

from dataclasses import replace

from floors import (
    ABSENCES,
    AGENTS,
    CALLS,
    EARLIER_OFFERS,
    QUEUES,
    arrivals,
    configurations,
    configured,
    single_events,
)
from hypothesis import HealthCheck, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from naive_floor import NaiveFloor
from naive_rules import in_hand

from acd.router import InteractionState, Router, events as ev
from acd.router.codec import from_entry, to_entry
from acd.router.events import Presence, Wanted
from acd.router.recipes import Staffing

EPOCH = "run"
# Every offer id the router may have given by now, or will, and some it never gave.
OFFERS = (*(f"{EPOCH}.{n}" for n in range(25)), *EARLIER_OFFERS)
ANYTHING = single_events(st.sampled_from(OFFERS))
MOVES = ev.Overflow | ev.TurnedAway | ev.ToVoicemail | ev.OfferAccepted
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
        told = [d for d in decisions if isinstance(d, ev.Offer)]
        for offer in told:
            assert offer.offer not in self.rung, "an offer's id is used once"
            self.rung[offer.offer] = offer
            live = self.router.offer(offer.offer)
            if live is not None:
                assert (live.interaction, live.agent) == (offer.interaction, offer.agent)
                self.check_capacity(offer)
        if self.plain():
            self.check_first_come_first_served(told)

    def check_capacity(self, offer: ev.Offer) -> None:
        """An agent who was offered something has no more on its channel than they can take."""
        channel = self.naive.calls[offer.interaction]["channel"]
        load = in_hand(self.naive.agents[offer.agent])
        assert load[channel] <= getattr(self.naive.limits(offer.agent), channel.value)

    def plain(self) -> bool:
        """Whether nothing but priority and waiting decides who is next."""
        config = self.router.config
        return not any(a.ranks for a in config.agents) and not any(
            s.policy != "priority" for s in config.selections
        )

    def check_first_come_first_served(self, told: list[ev.Offer]) -> None:
        """Nobody before them whom the same agent could have taken is left waiting."""
        waiting = [x for x in self.router.interactions() if x.state is InteractionState.WAITING]
        for offer in told:
            mine = self.router.interaction(offer.interaction)
            if mine is None or self.router.offer(offer.offer) is None:
                continue
            for other in waiting:
                call = self.naive.calls[other.interaction]
                same = call["channel"] is self.naive.calls[offer.interaction]["channel"]
                takers = {one.agent for one in self.naive.takers(call)}
                if same and offer.agent in takers and call["began"] < self.clock:
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
        live = [offer for x in self.router.interactions() for offer, _ in x.offers]
        if live:
            self.now += step
            offer = data.draw(st.sampled_from(live))
            place = self.place_of_offer(offer)
            if answer:
                assert offer not in self.won, "an offer is won once"
                self.tell(ev.OfferAccepted(offer))
                self.won |= {offer} & set(self.rung)
            else:
                self.tell(ev.OfferFailed(offer, data.draw(st.sampled_from(ev.Failure))))
                assert self.router.offer(offer) is None
                if not self.router.config.queues or not any(
                    isinstance(d, MOVES) for d in self.log[-1][2]
                ):
                    assert self.router.place(place[0]) == place[1], "back at the exact place"

    def place_of_offer(self, offer: str) -> tuple[str, int | None]:
        view = self.router.offer(offer)
        assert view is not None
        return view.interaction, self.router.place(view.interaction)

    @rule(data=st.data(), step=st.integers(0, 9))
    def talk_ends(self, data: st.DataObject, step: int) -> None:
        talks = [x for x in self.router.interactions() if x.state is InteractionState.ON_CONTACT]
        if talks:
            self.now += step
            talk = data.draw(st.sampled_from(talks))
            assert talk.agent is not None
            self.tell(ev.Ended(talk.interaction, talk.agent))
            assert self.router.interaction(talk.interaction) is None

    @rule(data=st.data(), way=st.sampled_from(("queue", "over", "consult")))
    def talk_goes_on_elsewhere(self, data: st.DataObject, way: str) -> None:
        talks = [x for x in self.router.interactions() if x.state is InteractionState.ON_CONTACT]
        if talks:
            talk, to = data.draw(st.sampled_from(talks)), data.draw(st.sampled_from(AGENTS))
            assert talk.agent is not None
            if way == "queue":
                arrived = replace(data.draw(arrivals()), interaction=talk.interaction)
                self.tell(ev.Transferred(talk.interaction, talk.agent, arrived))
            elif way == "over":
                replaces = data.draw(st.sampled_from((*ABSENCES, *CALLS)))
                self.tell(ev.HandedOver(talk.interaction, talk.agent, to, replaces))
            else:
                self.tell(ev.AgentBusy(to, "consult"))

    @rule()
    def deadline_comes(self) -> None:
        deadline = self.router.deadline
        if deadline is not None:
            if self.clock < deadline - 1:
                self.now = deadline - 1
                assert self.tell(ev.TimePassed()) == [], "nothing before the deadline"
            self.now = deadline
            self.tell(ev.TimePassed())

    @rule(events=st.lists(ANYTHING | configured(), max_size=6))
    def many_at_once(self, events: list[ev.Event]) -> None:
        self.tell(ev.Batch(tuple(events)))

    @rule()
    def told_twice(self) -> None:
        kinds = ev.Batch | ev.Adopted | ev.Arrived | ev.Transferred
        if self.log and not isinstance(self.log[-1][0], kinds):
            assert self.tell(self.log[-1][0]) == []

    @rule()
    def nothing_happens(self) -> None:
        self.now = self.clock
        assert self.tell(ev.TimePassed()) == []

    # --- what must hold ----------------------------------------------------------------------

    @invariant()
    def nobody_idles_while_somebody_waits(self) -> None:
        for x in self.router.interactions():
            if x.state is InteractionState.WAITING:
                call = self.naive.calls[x.interaction]
                for one in self.naive.takers(call):
                    assert not self.naive.free(one.agent, call["channel"])

    @invariant()
    def one_interaction_one_agent(self) -> None:
        agents = {a.agent: a for a in self.router.agents()}
        hands = {name: list(a.interactions) for name, a in agents.items()}
        for x in self.router.interactions():
            if x.state is InteractionState.WAITING:
                assert (x.agent, x.offers) == (None, ())
            elif x.state is InteractionState.RINGING:
                assert x.offers
                assert len({agent for _, agent in x.offers}) == len(x.offers)
                for _, agent in x.offers:
                    assert agents[agent].presence is Presence.RINGING
                    hands[agent].remove(x.interaction)
            else:
                assert x.agent is not None
                assert x.offers == (), "nobody else rings for it"
                assert agents[x.agent].presence in (Presence.ON_CONTACT, Presence.RINGING)
                hands[x.agent].remove(x.interaction)
        assert not any(hands.values())

    @invariant()
    def timers_are_exact(self) -> None:
        for agent in self.router.agents():
            assert agent.until is None or agent.presence in TIMED
            assert (agent.presence is Presence.WRAP_UP) <= (agent.until is not None)
            assert agent.until is None or agent.until > self.clock
        deadline, expected = self.router.deadline, self.naive.deadline()
        if any(x.state is InteractionState.RINGING for x in self.router.interactions()):
            # What rang since its recipe's timer was set is looked at for nothing.
            assert expected is None or (deadline is not None and deadline <= expected)
        else:
            assert deadline == expected

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
        stranded = {x.interaction: x.reason for x in self.router.stranded()}
        for x in self.router.interactions():
            if x.state is not InteractionState.WAITING:
                assert x.interaction not in stranded
                continue
            call = self.naive.calls[x.interaction]
            takers = self.naive.takers(call)
            here = [a for a in takers if self.naive.there(a.agent, Staffing.LOGGED_IN, "")]
            assert (x.interaction in stranded) == (not here)
            if not here:
                assert stranded[x.interaction] == self.why(x.queue, bool(takers))

    def why(self, queue: str, skilled: bool) -> str:
        if not self.naive.configured(queue):
            return "no_queue"
        if queue in self.naive.closed:
            return "closed"
        if skilled:
            return "logged_out"
        served = any(queue in a.queues for a in self.naive.config.agents)
        return "no_skill" if served else "no_agents"

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
    suppress_health_check=[HealthCheck.too_slow],
)
TestLaws = Laws.TestCase
