"""What is on the naive floor: agents, calls, queues, and what each change of them brings about."""

from __future__ import annotations

from typing import Any

import naive_rules as rules

from acd.router import configuration as conf, events as ev, recipes as rec
from acd.router.events import Presence, Wanted
from acd.router.recipes import Staffing


class NaiveState:
    def __init__(self, config: ev.Configuration, epoch: str) -> None:
        self.config = config
        self.epoch = epoch
        self.made = 0
        self.arrivals = 0
        self.now = 0
        self.agents: dict[str, dict[str, Any]] = {a.agent: self.newcomer() for a in config.agents}
        self.calls: dict[str, dict[str, Any]] = {}
        self.policies = {q.name: q for q in config.queues}
        self.closed: set[str] = set()
        self.out: list[ev.Decision] = []

    @staticmethod
    def newcomer() -> dict[str, Any]:
        return {
            "presence": Presence.OFFLINE, "reason": "", "until": None, "idle": 0,
            "wanted": Wanted.OFFLINE, "why": "", "registered": True, "lost": False,
            "backs_off": None, "rings": {}, "talks": {}, "busy": {}, "wraps": {},
            "occupied": 0, "from": None, "contacts": 0, "offered": 0,
        }  # fmt: skip

    # --- asking ------------------------------------------------------------------------------

    def settings(self, agent: str) -> conf.AgentConfig | None:
        return next((a for a in self.config.agents if a.agent == agent), None)

    def policy(self, queue: str) -> conf.QueueConfig:
        return self.policies.get(queue, conf.QueueConfig(queue))

    def configured(self, queue: str) -> bool:
        return any(q.name == queue for q in self.config.queues)

    def steps(self, call: dict[str, Any]) -> tuple[conf.Step, ...]:
        return call["own_steps"] + self.policy(call["queue"]).steps

    def limits(self, agent: str) -> conf.Capacity:
        one = self.settings(agent)
        return self.config.capacity if one is None or one.capacity is None else one.capacity

    def willing(self, agent: str) -> bool:
        one = self.agents[agent]
        return (
            one["wanted"] is Wanted.AVAILABLE and one["registered"] and not one["lost"]
            and one["backs_off"] is None and self.settings(agent) is not None
        )  # fmt: skip

    def free(self, agent: str, channel: ev.Channel) -> bool:
        return self.willing(agent) and rules.spare(
            self.agents[agent], self.limits(agent), self.config.blocks, channel
        )

    def there(self, agent: str, staffing: Staffing, channel: ev.Channel) -> bool:
        one = self.agents[agent]
        if staffing is Staffing.AVAILABLE:
            return self.free(agent, channel)
        if one["presence"] is Presence.OFFLINE:
            return False
        return staffing is Staffing.LOGGED_IN or (
            one["presence"] is not Presence.PAUSED and one["registered"] and not one["lost"]
        )

    def takers(self, call: dict[str, Any]) -> list[conf.AgentConfig]:
        """Everybody who may take a call as its steps stand."""
        if not self.configured(call["queue"]):
            return []
        steps = self.steps(call)
        return [one for one in self.config.agents if rules.eligible(call, steps, one)]

    def unanswered(self, queue: str) -> list[str]:
        here = [n for n, c in self.calls.items() if c["queue"] == queue and c["talker"] is None]
        return sorted(here, key=lambda n: self.calls[n]["key"])

    def waits(self, name: str) -> bool:
        call = self.calls[name]
        return call["talker"] is None and not call["offers"]

    def by_offer(self, offer: str) -> str | None:
        return next((n for n, c in self.calls.items() if offer in c["offers"]), None)

    def used(self, offer: str) -> bool:
        return any(offer in c["offers"] or c["offer"] == offer for c in self.calls.values())

    def deadline(self) -> int | None:
        """The next instant at which something changes by itself."""
        times = [at for one in self.agents.values() for at in self.ends(one)]
        for name, call in self.calls.items():
            if call["talker"] is None and call["ends"] is not None:
                times.append(call["ends"])
            if self.waits(name):
                for recipe in self.recipes(call["queue"]):
                    last = call["cooked"].get((call["queue"], recipe))
                    waits = [c.ms for c in recipe.when if isinstance(c, rec.Waited)]
                    ripe = call["began"] + max(waits, default=0)
                    if last is None and waits:
                        times.append(ripe)
                    elif last is not None and recipe.repeat_ms is not None:
                        times.append(max(ripe if waits else 0, last + recipe.repeat_ms))
        return min((at for at in times if at > self.now), default=None)

    @staticmethod
    def ends(one: dict[str, Any]) -> list[int]:
        ends = [until for _, until in (*one["wraps"].values(), *one["busy"].values())]
        ends.append(one["backs_off"][1] if one["backs_off"] else None)
        return [at for at in ends if at is not None]

    # --- agents change -------------------------------------------------------------------------

    def hold(self, agent: str, at: int) -> None:
        """Whatever changed in an agent's hands, count the occupied time."""
        one = self.agents[agent]
        if rules.in_hand(one):
            one["from"] = at if one["from"] is None else one["from"]
        elif one["from"] is not None:
            one["occupied"] += max(at - one["from"], 0)
            one["from"] = None

    def show(self, agent: str, at: int, *, idle: bool = False) -> None:
        one = self.agents[agent]
        self.hold(agent, at)
        if one["rings"]:
            new = (Presence.RINGING, "", None)
        elif one["talks"] or one["busy"]:
            new = (Presence.ON_CONTACT, "", None)
        elif one["wraps"]:
            new = (Presence.WRAP_UP, "", max(until for _, until in one["wraps"].values()))
        elif self.settings(agent) is None:
            new = (Presence.OFFLINE, "", None)
        elif one["backs_off"]:
            new = (Presence.PAUSED, *one["backs_off"])
        elif one["wanted"] is Wanted.AVAILABLE:
            new = (Presence.AVAILABLE, "", None)
            if idle:
                one["idle"] = at
        else:
            new = (Presence(one["wanted"]), one["why"], None)
        if new != (one["presence"], one["reason"], one["until"]):
            one["presence"], one["reason"], one["until"] = new
            self.out.append(ev.AgentMoved(agent, *new))

    def settle(self, agent: str, at: int, *, same_idle: bool = False) -> None:
        self.show(agent, at, idle=not same_idle)
        if self.settings(agent) is None and not rules.in_hand(self.agents[agent]):
            del self.agents[agent]

    # --- calls change --------------------------------------------------------------------------

    def add_call(self, event: ev.Arrived) -> dict[str, Any]:
        self.arrivals += 1
        bonus = dict(self.policy(event.queue).tiers).get(event.tier, 0)
        began = event.began
        if began is None:
            began = event.entered if event.rejoins else self.now
        self.calls[event.interaction] = call = {
            "queue": event.queue, "entered": event.entered, "seq": self.arrivals,
            "priority": event.priority + bonus, "bonus": bonus, "tier": event.tier,
            "channel": event.channel, "own": [(event.criteria, set())], "dropped": set(),
            "own_steps": event.steps, "began": began, "step": -1, "ends": None, "cooked": {},
            "offers": {}, "talker": None, "offer": None,
        }  # fmt: skip
        self.rekey(call)
        return call

    @staticmethod
    def rekey(call: dict[str, Any]) -> None:
        call["key"] = (call["entered"] - call["priority"], call["entered"], call["seq"])

    def move_on(self, call: dict[str, Any], start: int, now: int) -> None:
        """To the first step after this one that neither is over nor to be skipped."""
        steps = self.steps(call)
        call["ends"] = None
        for number in range(call["step"] + 1, len(steps)):
            step = steps[number]
            call["step"] = number
            if self.to_skip(call):
                continue
            if step.lasts_ms is None:
                return
            start += step.lasts_ms
            if start > now:
                call["ends"] = start
                return
        call["step"] = len(steps)

    def to_skip(self, call: dict[str, Any]) -> bool:
        steps, number = self.steps(call), call["step"]
        if number >= len(steps) or steps[number].skip_without is None:
            return False
        return not any(
            rules.step_asks(call, steps, number, one)
            and self.there(one.agent, steps[number].skip_without, call["channel"])
            for one in self.config.agents
        )

    def unring(self, name: str, offer: str, *, tell: bool = True) -> str:
        call = self.calls[name]
        agent: str = call["offers"].pop(offer)
        del self.agents[agent]["rings"][offer]
        self.hold(agent, self.now)
        if tell:
            self.out.append(ev.CancelOffer(offer, name, agent))
        return agent

    def unring_agent(self, agent: str) -> None:
        for offer in list(self.agents[agent]["rings"]):
            name = self.by_offer(offer)
            assert name is not None
            self.unring(name, offer)

    def admit(self, name: str) -> None:
        call = self.calls[name]
        tried = {call["queue"]}
        while (way := self.refused(call)) is not None:
            if not isinstance(way, rec.OverflowTo):
                self.quit(name, way)
                return
            if way.queue in tried:
                self.quit(name, rec.TurnAway("full"))
                return
            tried.add(way.queue)
            self.overflow(name, way.queue)
        call["step"] = -1
        self.move_on(call, call["began"], self.now)

    def refused(self, call: dict[str, Any]) -> rec.Exit | None:
        policy = self.policy(call["queue"])
        if call["queue"] in self.closed and policy.when_closed is not None:
            return policy.when_closed
        others = len(self.unanswered(call["queue"])) - 1
        if policy.max_length is not None and others >= policy.max_length:
            return policy.when_full
        needs = policy.join_needs
        members = [a for a in self.config.agents if call["queue"] in a.queues]
        if needs and not any(self.there(a.agent, needs, call["channel"]) for a in members):
            return policy.when_empty
        return None

    def quit(self, name: str, way: rec.TurnAway | rec.Voicemail) -> None:
        queue = self.calls.pop(name)["queue"]
        if isinstance(way, rec.Voicemail):
            self.out.append(ev.ToVoicemail(name, queue))
        else:
            self.out.append(ev.TurnedAway(name, queue, way.reason))

    def overflow(self, name: str, to: str) -> None:
        call = self.calls[name]
        self.out.append(ev.Overflow(name, call["queue"], to))
        bonus = dict(self.policy(to).tiers).get(call["tier"], 0)
        call["priority"] += bonus - call["bonus"]
        call.update(queue=to, bonus=bonus, began=self.now)
        self.rekey(call)
