"""Random floors on which much happens: sensible events mostly, from one seeded source.

Hypothesis is good at odd events and at making failures small; this is good at full floors.
"""

from __future__ import annotations

from random import Random
from typing import Any

from floors import ABSENCES, LANGUAGES, QUEUES, SITES, SKILLS

from acd.router import configuration as conf, criteria as crit, events as ev, recipes as rec
from acd.router.events import Channel, Wanted
from acd.router.recipes import Staffing

AGENTS = tuple(f"{n}" for n in range(1, 9))
STRATEGIES = ("longest_idle", "least_occupied", "fewest_contacts", "round_robin")


class Draw:
    """Configurations and parts of them, by one random source."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.often = random.random

    def some(self, of: tuple[Any, ...], most: int) -> tuple[Any, ...]:
        return tuple(self.random.sample(of, self.random.randint(0, min(most, len(of)))))

    def one(self, *of: Any) -> Any:
        return self.random.choice(of)

    def criteria(self, depth: int = 2) -> crit.Criteria:
        kind = self.random.randint(0, 9 if depth else 6)
        if kind <= 2:
            return crit.Skill(self.one(*SKILLS), self.random.randint(1, 4))
        if kind == 3:
            return crit.Language(self.one(*LANGUAGES))
        if kind == 4:
            return crit.Site(self.one(*SITES))
        if kind == 5:
            return crit.Named(self.some(AGENTS, 4))
        if kind == 6:
            return crit.Member(self.one(*QUEUES))
        parts = tuple(self.criteria(depth - 1) for _ in range(2))
        return {7: crit.AllOf(parts), 8: crit.AnyOf(parts), 9: crit.Not(parts[0])}[kind]

    def step(self) -> conf.Step:
        return conf.Step(
            self.criteria() if self.often() < 0.7 else crit.ANYONE,
            self.one(None, 5, 20, 60),
            self.some(SKILLS, 1),
            tuple((skill, 1) for skill in self.some(SKILLS, 1)),
            self.one(None, None, *Staffing),
            self.often() < 0.7,
            self.often() < 0.1,
        )

    def steps(self) -> tuple[conf.Step, ...]:
        return tuple(self.step() for _ in range(self.random.randint(0, 3)))

    def condition(self) -> rec.Condition:
        return self.one(
            rec.Waited(self.random.randint(0, 60)),
            rec.PositionAtMost(self.random.randint(1, 4)),
            rec.PositionAtLeast(self.random.randint(2, 5)),
            rec.LengthAtLeast(self.random.randint(2, 6)),
            rec.NoAgents(self.one(*Staffing)),
            rec.NoMembers(self.one(Staffing.LOGGED_IN, Staffing.ACTIVE)),
            rec.TierIn(("gold",)),
        )

    def action(self, others: tuple[str, ...]) -> rec.Action:
        return self.one(
            rec.Say("hello"), rec.Say("busy"), rec.Callback(), rec.Prioritise(30),
            rec.Prioritise(-20), rec.Relax(), rec.Relax(self.some(SKILLS, 2)),
            rec.Require(self.criteria(1)), rec.OverflowTo(self.one(*others)),
            rec.OverflowTo(self.one(*others)), rec.Voicemail(), rec.TurnAway("sorry"),
        )  # fmt: skip

    def queue(self, name: str) -> conf.QueueConfig:
        others = tuple(other for other in QUEUES if other != name)
        ways = (rec.OverflowTo(self.one(*others)), rec.Voicemail(), rec.TurnAway("no"))
        recipes = tuple(
            rec.Recipe(
                tuple(self.condition() for _ in range(self.random.randint(1, 2))),
                tuple(self.action(others) for _ in range(self.random.randint(1, 2))),
                self.one(None, None, 15),
            )
            for _ in range(self.random.randint(0, 3))
        )
        return conf.QueueConfig(
            name,
            wrap_up_ms=self.one(0, 5, 20),
            strategy=self.one(*STRATEGIES),
            ring_at_once=self.one(1, 1, 1, 2, 3),
            steps=self.steps(),
            recipes=recipes,
            tiers=self.one((), (("gold", 40),)),
            target_ms=self.one(10, 50),
            short_abandon_ms=self.one(0, 10),
            max_wait_ms=self.one(None, None, 80),
            when_late=self.one(*ways),
            max_length=self.one(None, None, 6),
            when_full=self.one(*ways),
            join_needs=self.one(None, None, None, *Staffing),
            stay_needs=self.one(None, None, None, Staffing.LOGGED_IN, Staffing.ACTIVE),
            when_empty=self.one(*ways),
            when_closed=self.one(None, *ways),
            closing_clears=self.often() < 0.3,
        )

    def agent(self, name: str) -> conf.AgentConfig:
        queues = self.some(QUEUES, 3) or QUEUES[:1]
        return conf.AgentConfig(
            name,
            queues,
            tuple((skill, self.random.randint(1, 5)) for skill in self.some(SKILLS, 2)),
            self.some(LANGUAGES, 2),
            self.one("", *SITES),
            tuple(self.random.randint(1, 2) for _ in queues) if self.often() < 0.3 else (),
            self.one(None, None, conf.Capacity(1, 1, 1), conf.Capacity(2, 2, 2)),
        )

    def configuration(self, version: int) -> conf.Configuration:
        selections: tuple[conf.SelectionConfig, ...] = ()
        if self.often() < 0.5:
            policy = self.one("service_level", "fixed_ratio", "priority")
            chosen = QUEUES[: self.random.randint(1, 3)]
            selections = (conf.SelectionConfig(chosen, policy, ((chosen[0], 3),)),)
        return conf.Configuration(
            version,
            tuple(self.queue(name) for name in QUEUES),
            tuple(self.agent(name) for name in self.random.sample(AGENTS, 6)),
            self.one(3, 15),
            selections,
            blocks=self.one(conf.Configuration().blocks, (), ((Channel.CHAT, (Channel.VOICE,)),)),
        )

    def arrived(self, call: str, now: int) -> ev.Arrived:
        return ev.Arrived(
            call,
            self.one(*QUEUES),
            now - self.one(0, 0, 0, 20),
            self.one(0, 0, 0, 25),
            self.one(Channel.VOICE, Channel.VOICE, Channel.CHAT, Channel.EMAIL),
            self.criteria() if self.often() < 0.4 else crit.ANYONE,
            self.steps() if self.often() < 0.3 else (),
            self.one("", "gold"),
            rejoins=self.often() < 0.1,
        )

    def event(self, router: Any, calls: int, now: int) -> ev.Event:
        """Something that might well happen now."""
        live = router.interactions()
        rings = [offer for x in live for offer, _ in x.offers]
        talks = [x for x in live if x.agent is not None and not x.offers]
        waits = [x.interaction for x in live if x.agent is None]
        agents = [a.agent for a in router.agents()] or list(AGENTS)
        agent = self.one(*agents)
        if rings and self.often() < 0.3:
            if self.often() < 0.7:
                return ev.OfferAccepted(self.one(*rings))
            return ev.OfferFailed(self.one(*rings), self.one(*ev.Failure))
        if talks and self.often() < 0.25:
            talk, other = self.one(*talks), self.one(*agents)
            what = self.one("consult", *(x.interaction for x in talks))
            return self.one(
                ev.Ended(talk.interaction, talk.agent),
                ev.Ended(talk.interaction, talk.agent),
                ev.Transferred(talk.interaction, talk.agent, self.arrived(talk.interaction, now)),
                ev.HandedOver(talk.interaction, talk.agent, other, what),
            )
        if waits and self.often() < 0.1:
            return ev.Left(self.one(*waits), self.one(*ev.LeaveReason))
        if self.often() < 0.45:
            return self.arrived(f"c{calls}", now)
        return self.one(
            ev.AgentWants(agent, Wanted.AVAILABLE), ev.AgentWants(agent, Wanted.AVAILABLE),
            ev.AgentWants(agent, Wanted.AVAILABLE), ev.AgentWants(agent, Wanted.AVAILABLE),
            ev.AgentWants(agent, Wanted.PAUSED, "lunch"), ev.AgentWants(agent, Wanted.OFFLINE),
            ev.AgentReachable(agent, True), ev.AgentReachable(agent, self.often() < 0.5),
            ev.WrapUpDone(agent), ev.QueueClosed(self.one(*QUEUES)),
            ev.QueueOpened(self.one(*QUEUES)), ev.QueueOpened(self.one(*QUEUES)),
            ev.AgentBusy(agent, self.one(*ABSENCES), self.one(*Channel), self.one(None, now + 9)),
            ev.AgentFreeAgain(agent, self.one(*ABSENCES), self.one(0, 5)), ev.DayStarted(),
        )  # fmt: skip
