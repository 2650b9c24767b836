"""The routing rules once more, as plainly as they can be told: every decision scans everybody.

Written apart from `acd.router` and without its data structures, so that a mistake in one is
unlikely to be in the other.
"""

from __future__ import annotations

from typing import Any

import naive_rules as rules
from naive_events import NaiveEvents

from acd.router import configuration as conf, criteria as crit, events as ev, recipes as rec
from acd.router.recipes import Staffing


class NaiveFloor(NaiveEvents):
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
