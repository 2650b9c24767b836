"""The routing rules once more, as plainly as they can be told: every decision scans everybody.

Written apart from `acd.router` and without its data structures, so that a mistake in one is
unlikely to be in the other.
"""

from __future__ import annotations

from typing import Any

import naive_rules as rules

from acd.router import configuration as conf
from acd.router import criteria as crit
from acd.router import events as ev
from acd.router import recipes as rec
from acd.router.events import Presence, Wanted
from acd.router.recipes import Staffing

BACK_OFF = (ev.Failure.BUSY, ev.Failure.DECLINED, ev.Failure.FAILED)


class NaiveFloor:
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

    # --- the time, and what follows ------------------------------------------------------------

    def handle(self, event: ev.Event, now: int) -> list[ev.Decision]:
        self.now = max(self.now, now)
        self.out = []
        self.pass_time()
        for one in event.events if isinstance(event, ev.Batch) else (event,):
            self.take(one)
        while True:
            self.route()
            if not self.cook():
                return self.out

    def pass_time(self) -> None:
        order = [a.agent for a in self.config.agents]
        while True:
            due: list[tuple[int, int, int, str]] = []
            for name, one in self.agents.items():
                at = order.index(name) if name in order else len(order)
                due += [(end, 0, at, name) for end in self.ends(one)]
            for name, call in self.calls.items():
                if call["talker"] is None and call["ends"] is not None:
                    due.append((call["ends"], 1, call["seq"], name))
            if not due or min(due)[0] > self.now:
                return
            at, is_call, _, name = min(due)
            if is_call:
                self.move_on(self.calls[name], at, at)
                continue
            one = self.agents[name]
            for holds in (one["wraps"], one["busy"]):
                for what in [w for w, (_, end) in holds.items() if end is not None and end <= at]:
                    del holds[what]
            if one["backs_off"] and one["backs_off"][1] <= at:
                one["backs_off"] = None
            self.settle(name, at)

    def route(self) -> None:
        while (pair := self.next_pair()) is not None:
            name, agent = pair
            self.ring(name, agent)
            self.join_in(name)
        for name in sorted(self.calls, key=lambda n: self.calls[n]["key"]):
            if self.calls[name]["offers"]:
                self.join_in(name)

    def next_pair(self) -> tuple[str, str] | None:
        pairs = [
            (self.preference(one, call["queue"]), name, one)
            for name, call in self.calls.items()
            if self.waits(name)
            for one in self.takers(call)
            if self.free(one.agent, call["channel"])
        ]
        if not pairs:
            return None
        best = min(preference for preference, _, _ in pairs)
        able = {name for preference, name, _ in pairs if preference == best}
        waiting: dict[str, int] = {}
        for name, call in self.calls.items():
            waiting[call["queue"]] = waiting.get(call["queue"], 0) + self.waits(name)
        winners: dict[object, tuple[Any, ...]] = {}
        for name in able:
            call = self.calls[name]
            chosen = next((s for s in self.config.selections if call["queue"] in s.queues), None)
            queue = self.policy(call["queue"])
            mine = (rules.score(chosen, queue, call["key"], waiting, self.now), call["key"], name)
            winners[chosen] = min(winners.get(chosen, mine), mine)
        name = min(winners.values(), key=lambda w: w[1])[2]
        return name, self.best_agent(name, [one for _, n, one in pairs if n == name])

    def best_agent(self, name: str, among: list[conf.AgentConfig]) -> str:
        call = self.calls[name]
        strategy = self.policy(call["queue"]).strategy
        skills = self.skills(call) if strategy == "best_skill" else ()

        def rank(one: conf.AgentConfig) -> tuple[int, ...]:
            agent = self.agents[one.agent]
            return (
                self.preference(one, call["queue"]),
                rules.worth(strategy, agent, one, skills),
                sum(rules.in_hand(agent).values()),
                agent["idle"],
                self.config.agents.index(one),
            )

        return min(among, key=rank).agent

    def skills(self, call: dict[str, Any]) -> tuple[str, ...]:
        """The skills that a call asks for, in the canonical form of its own criteria alone."""
        return crit.asked_skills(call["own"][0][0])

    @staticmethod
    def preference(one: conf.AgentConfig, queue: str) -> int:
        return dict(zip(one.queues, one.ranks, strict=False)).get(queue, 1)

    def join_in(self, name: str) -> None:
        """Let agents ring who are free until there are as many as the queue would have."""
        call = self.calls[name]
        while 0 < len(call["offers"]) < self.policy(call["queue"]).ring_at_once:
            more = [
                one
                for one in self.takers(call)
                if self.free(one.agent, call["channel"])
                and one.agent not in call["offers"].values()
            ]
            if not more:
                return
            self.ring(name, self.best_agent(name, more))

    def ring(self, name: str, agent: str) -> None:
        call = self.calls[name]
        self.made += 1
        offer = f"{self.epoch}.{self.made}"
        self.tie(name, agent, offer)
        self.agents[agent]["offered"] = self.made
        queue = self.policy(call["queue"])
        self.out.append(ev.Offer(offer, name, queue.name, agent, queue.ring_ms))
        self.show(agent, self.now)

    def tie(self, name: str, agent: str, offer: str) -> None:
        self.calls[name]["offers"][offer] = agent
        self.agents[agent]["rings"][offer] = self.calls[name]["channel"]
        self.hold(agent, self.now)

    def recipes(self, queue: str) -> list[rec.Recipe]:
        policy = self.policy(queue)
        recipes = list(policy.recipes)
        if policy.max_wait_ms is not None:
            recipes.append(rec.Recipe((rec.Waited(policy.max_wait_ms),), (policy.when_late,)))
        if policy.stay_needs is not None:
            recipes.append(rec.Recipe((rec.NoMembers(policy.stay_needs),), (policy.when_empty,)))
        return recipes

    def cook(self) -> bool:
        """Skip steps and do what recipes are due, for all as things stand; whether any was."""
        done = False
        waiting = sorted(filter(self.waits, self.calls), key=lambda n: self.calls[n]["seq"])
        for name in waiting:
            if self.to_skip(self.calls[name]):
                self.move_on(self.calls[name], self.now, self.now)
                done = True
        due = [(name, self.calls[name]["queue"], self.due(name)) for name in waiting]
        for name, queue, actions in due:
            for recipe, action in actions:
                call = self.calls.get(name)
                if call is None or call["queue"] != queue:
                    break
                done = True
                if recipe is not None:
                    call["cooked"][queue, recipe] = self.now
                self.act(name, action)
        return done

    def due(self, name: str) -> list[tuple[rec.Recipe | None, rec.Action]]:
        call = self.calls[name]
        policy = self.policy(call["queue"])
        if call["queue"] in self.closed and policy.closing_clears and policy.when_closed:
            return [(None, policy.when_closed)]
        line = self.unanswered(call["queue"])
        facts = {
            "waited": self.now - call["began"], "place": line.index(name) + 1,
            "length": len(line), "tier": call["tier"],
            "eligible": self.staffing(call, self.takers(call)),
            "members": self.staffing(
                call, [a for a in self.config.agents if call["queue"] in a.queues]
            ),
        }  # fmt: skip
        found: list[tuple[rec.Recipe | None, rec.Action]] = []
        for recipe in self.recipes(call["queue"]):
            last = call["cooked"].get((call["queue"], recipe))
            if last is not None and (
                recipe.repeat_ms is None or self.now - last < recipe.repeat_ms
            ):
                continue
            if all(rules.holds(condition, facts) for condition in recipe.when):
                found += [(recipe, action) for action in recipe.then]
        return found

    def staffing(
        self, call: dict[str, Any], agents: list[conf.AgentConfig]
    ) -> dict[Staffing, bool]:
        return {
            s: any(self.there(one.agent, s, call["channel"]) for one in agents) for s in Staffing
        }

    def act(self, name: str, action: rec.Action) -> None:
        call = self.calls[name]
        match action:
            case rec.Say(prompt):
                self.out.append(ev.Announce(name, call["queue"], prompt))
            case rec.Callback():
                self.out.append(ev.OfferCallback(name, call["queue"]))
            case rec.Prioritise(by):
                call["priority"] += by
                self.rekey(call)
            case rec.Require(criteria):
                call["own"].append((criteria, set()))
            case rec.Relax(()):
                call.update(own=[], step=len(self.steps(call)), ends=None)
            case rec.Relax(skills):
                call["dropped"] |= set(skills)
                for _, off in call["own"]:
                    off |= set(skills)
            case rec.OverflowTo(to):
                self.overflow(name, to)
                self.admit(name)
            case rec.TurnAway() | rec.Voicemail():
                self.quit(name, action)

    # --- events ----------------------------------------------------------------------------------

    def take(self, event: ev.Event) -> None:
        match event:
            case ev.ConfigChanged(config):
                self.reconfigure(config)
            case ev.Arrived(interaction) if interaction not in self.calls:
                self.arrive(event)
            case ev.Left(interaction, reason) if interaction in self.calls:
                self.leave(interaction, reason)
            case ev.AgentWants(agent) if agent in self.agents:
                self.wish(event)
            case ev.AgentReachable(agent, reachable) if agent in self.agents:
                self.agents[agent]["registered"] = reachable
                if reachable:
                    self.agents[agent]["lost"] = False
            case ev.OfferAccepted(offer):
                self.accept(offer)
            case ev.OfferFailed(offer, failure):
                name = self.by_offer(offer)
                if name is not None:
                    self.fail(name, offer, failure)
            case ev.Ended(interaction, agent):
                self.end(interaction, agent)
            case ev.Transferred(interaction, agent, arrived):
                if self.end(interaction, agent) and arrived.interaction not in self.calls:
                    self.arrive(arrived)
            case ev.WrapUpDone(agent, interaction) if agent in self.agents:
                wraps = self.agents[agent]["wraps"]
                done = [what for what in wraps if interaction in ("", what)]
                for what in done:
                    del wraps[what]
                if done:
                    self.settle(agent, self.now)
            case ev.AgentBusy(agent, what, channel, until) if agent in self.agents:
                busy = self.agents[agent]["busy"]
                if until is not None and until <= self.now:
                    self.take(ev.AgentFreeAgain(agent, what))
                    return
                if what in busy:
                    busy[what] = (busy[what][0], until)
                else:
                    busy[what] = (channel, until)
                    self.make_room(agent)
                self.show(agent, self.now)
            case ev.AgentFreeAgain(agent, what, wrap_up) if agent in self.agents:
                one = self.agents[agent]
                if what in one["busy"]:
                    channel, _ = one["busy"].pop(what)
                    if wrap_up and self.settings(agent) and what not in one["wraps"]:
                        one["wraps"][what] = (channel, self.now + wrap_up)
                    self.settle(agent, self.now)
            case ev.HandedOver():
                self.hand_over(event)
            case ev.QueueOpened(queue):
                self.closed.discard(queue)
            case ev.QueueClosed(queue) if self.configured(queue):
                self.closed.add(queue)
            case ev.DayStarted():
                for one in self.agents.values():
                    one.update(occupied=0, contacts=0)
                    if one["from"] is not None:
                        one["from"] = self.now
            case ev.Adopted():
                self.adopt(event)
            case ev.AgentRestored(agent) if agent in self.agents:
                one = self.agents[agent]
                if one["presence"] is Presence.OFFLINE:
                    one.update(
                        wanted=event.wanted, registered=event.reachable, lost=False,
                        why=event.reason if event.wanted is Wanted.PAUSED else "",
                        idle=self.now if event.idle_since is None else event.idle_since,
                    )  # fmt: skip
                    if (event.wrap_up_until or 0) > self.now:
                        one["wraps"][""] = (ev.Channel.VOICE, event.wrap_up_until)
                    self.settle(agent, self.now, same_idle=True)

    def arrive(self, event: ev.Arrived) -> None:
        call = self.add_call(event)
        if event.rejoins:
            self.move_on(call, call["began"], self.now)
        else:
            self.admit(event.interaction)

    def accept(self, offer: str) -> None:
        name = self.by_offer(offer)
        if name is None:
            return
        call = self.calls[name]
        losers = [self.unring(name, other) for other in list(call["offers"]) if other != offer]
        winner = call["offers"].pop(offer)
        one = self.agents[winner]
        one["talks"][name] = one["rings"].pop(offer)
        one["contacts"] += 1
        call.update(talker=winner, offer=offer)
        for loser in losers:
            self.settle(loser, self.now, same_idle=True)
        self.show(winner, self.now)

    def end(self, name: str, agent: str) -> bool:
        call = self.calls.get(name)
        if call is None or call["talker"] is None or call["talker"] != agent:
            return False
        del self.calls[name]
        self.part(name, agent, self.policy(call["queue"]).wrap_up_ms)
        return True

    def part(self, name: str, agent: str, wrap_up_ms: int) -> None:
        one = self.agents[agent]
        channel = one["talks"].pop(name)
        if wrap_up_ms and self.settings(agent):
            one["wraps"][name] = (channel, self.now + wrap_up_ms)
        self.settle(agent, self.now)

    def hand_over(self, event: ev.HandedOver) -> None:
        call = self.calls.get(event.interaction)
        if (
            call is None or call["talker"] is None or call["talker"] != event.agent
            or event.to not in self.agents or event.to == event.agent
        ):  # fmt: skip
            return
        to = self.agents[event.to]
        if event.replaces in to["busy"]:
            del to["busy"][event.replaces]
        elif event.replaces in to["talks"]:
            del to["talks"][event.replaces], self.calls[event.replaces]
        to["talks"][event.interaction] = call["channel"]
        to["contacts"] += 1
        call["talker"] = event.to
        self.make_room(event.to)
        self.show(event.to, self.now)
        self.part(event.interaction, event.agent, self.policy(call["queue"]).wrap_up_ms)

    def make_room(self, agent: str) -> None:
        """What rings at an agent beyond what they may have rings no more."""
        one = self.agents[agent]
        for offer, channel in list(one["rings"].items()):
            rest = {**one, "rings": {}}
            blocked = any(
                rules.in_hand(rest).get(other) and channel in these
                for other, these in self.config.blocks
            )
            if blocked or rules.in_hand(one)[channel] > getattr(self.limits(agent), channel.value):
                name = self.by_offer(offer)
                assert name is not None
                self.unring(name, offer)

    def reconfigure(self, config: ev.Configuration) -> None:
        if config == self.config:
            return
        old = self.config
        before = {name: self.policy(call["queue"]).steps for name, call in self.calls.items()}
        self.config = config
        # A removed queue is kept for the calls that are still in it, without steps and limits.
        used = {call["queue"] for call in self.calls.values()}
        kept = {
            name: conf.QueueConfig(
                **{f: getattr(q, f) for f in q.__slots__}
                | {"recipes": (), "max_wait_ms": None, "stay_needs": None, "steps": ()}
            )
            for name, q in self.policies.items()
            if name in used
        }
        self.policies = kept | {q.name: q for q in config.queues}
        self.closed &= {q.name for q in config.queues}
        for one in config.agents:
            self.agents.setdefault(one.agent, self.newcomer())
        for name, call in self.calls.items():
            if call["talker"] is None and before[name] != self.policy(call["queue"]).steps:
                call["step"] = -1
                self.move_on(call, call["began"], self.now)
        for one in old.agents:
            if one.agent in self.agents and self.settings(one.agent) is None:
                self.unring_agent(one.agent)
                if not rules.in_hand(self.agents[one.agent]):
                    self.settle(one.agent, self.now)

    def leave(self, name: str, reason: ev.LeaveReason) -> None:
        call = self.calls[name]
        if call["talker"] is not None:
            return
        freed = [self.unring(name, offer) for offer in list(call["offers"])]
        waited = self.now - call["entered"]
        short = self.policy(call["queue"]).short_abandon_ms
        if reason is ev.LeaveReason.ABANDONED and waited < short:
            self.out.append(ev.ShortAbandon(name, call["queue"], waited))
        del self.calls[name]
        for agent in freed:
            self.settle(agent, self.now, same_idle=True)

    def wish(self, event: ev.AgentWants) -> None:
        one = self.agents[event.agent]
        new = event.wanted is not one["wanted"]
        reason = event.reason if event.wanted is Wanted.PAUSED else ""
        one.update(wanted=event.wanted, why=reason)
        if event.wanted is Wanted.AVAILABLE:
            one["lost"] = False
        was_on_call = one["presence"] in (Presence.ON_CONTACT, Presence.WRAP_UP)
        if new and event.wanted is Wanted.OFFLINE:
            self.unring_agent(event.agent)
        if was_on_call or one["rings"]:
            self.show(event.agent, self.now)
        elif new or one["reason"] != reason:
            one["backs_off"] = None
            self.settle(event.agent, self.now)

    def fail(self, name: str, offer: str, failure: ev.Failure) -> None:
        agent = self.unring(name, offer, tell=False)
        one = self.agents[agent]
        if failure is ev.Failure.UNREACHABLE:
            one["lost"] = True
        elif one["wanted"] is Wanted.AVAILABLE:
            if failure in BACK_OFF:
                one["backs_off"] = (failure.value, self.now + self.config.busy_backoff_ms)
            else:
                one.update(wanted=Wanted.PAUSED, why="no_answer")
        self.settle(agent, self.now, same_idle=failure is ev.Failure.UNREACHABLE)

    def adopt(self, event: ev.Adopted) -> None:
        call = self.calls.get(event.interaction)
        if call is not None and (call["offers"] or call["talker"] is not None):
            if event.answered and event.offer in call["offers"]:
                self.accept(event.offer)
            return
        if self.used(event.offer):
            return
        one = self.agents.get(event.agent)
        limit = getattr(self.limits(event.agent), event.channel.value)
        if event.answered and one is not None:
            talks = list(one["talks"].values()).count(event.channel)
            if talks >= max(limit, 1):
                self.calls.pop(event.interaction, None)
                return
        if call is None:
            call = self.add_call(
                ev.Arrived(event.interaction, event.queue, event.entered, event.priority,
                           event.channel, rejoins=True)
            )  # fmt: skip
            self.move_on(call, call["began"], self.now)
        hands = {**one, "busy": {}, "wraps": {}} if one is not None else None
        if not event.answered and (
            hands is None or self.settings(event.agent) is None
            or not rules.spare(hands, self.limits(event.agent), self.config.blocks, event.channel)
        ):  # fmt: skip
            self.out.append(ev.CancelOffer(event.offer, event.interaction, event.agent))
            return
        one = self.agents.setdefault(event.agent, self.newcomer())
        if one["presence"] not in (Presence.AVAILABLE, Presence.RINGING):
            one["idle"] = self.now
        self.tie(event.interaction, event.agent, event.offer)
        if event.answered:
            call["offers"].clear()
            one["talks"][event.interaction] = one["rings"].pop(event.offer)
            call.update(talker=event.agent, offer=event.offer)
            self.make_room(event.agent)
        self.show(event.agent, self.now)
