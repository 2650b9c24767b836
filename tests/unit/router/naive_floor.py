"""The routing rules once more, as plainly as they can be told: every decision scans everybody.

Written apart from `acd.router` and without its data structures, so that a mistake in one is
unlikely to be in the other.
"""

from __future__ import annotations

from typing import Any

from acd.router import events as ev
from acd.router.events import Presence, Wanted

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
        self.out: list[ev.Decision] = []

    @staticmethod
    def newcomer() -> dict[str, Any]:
        return {
            "presence": Presence.OFFLINE,
            "reason": "",
            "until": None,
            "idle": 0,
            "wanted": Wanted.OFFLINE,
            "why": "",
            "registered": True,
            "lost": False,
        }

    # --- asking ------------------------------------------------------------------------------

    def configured(self) -> list[str]:
        return [a.agent for a in self.config.agents]

    def serves(self, agent: str, queue: str) -> bool:
        return any(a.agent == agent and queue in a.queues for a in self.config.agents)

    def call_of(self, agent: str) -> str | None:
        return next((c for c, call in self.calls.items() if call["agent"] == agent), None)

    def by_offer(self, offer: str) -> str | None:
        return next((c for c, call in self.calls.items() if call["offer"] == offer), None)

    def free(self, agent: str) -> bool:
        one = self.agents[agent]
        return (
            one["presence"] is Presence.AVAILABLE
            and one["registered"]
            and not one["lost"]
            and agent in self.configured()
        )

    # --- changing ----------------------------------------------------------------------------

    def become(
        self, agent: str, presence: Presence, reason: str = "", until: int | None = None
    ) -> None:
        one = self.agents[agent]
        if (one["presence"], one["reason"], one["until"]) != (presence, reason, until):
            one.update(presence=presence, reason=reason, until=until)
            self.out.append(ev.AgentMoved(agent, presence, reason, until))

    def do_as_they_want(self, agent: str, at: int, *, same_idle: bool = False) -> None:
        one = self.agents[agent]
        if agent not in self.configured():
            self.become(agent, Presence.OFFLINE)
            del self.agents[agent]
        elif one["wanted"] is Wanted.AVAILABLE:
            one["idle"] = one["idle"] if same_idle else at
            self.become(agent, Presence.AVAILABLE)
        elif one["wanted"] is Wanted.PAUSED:
            self.become(agent, Presence.PAUSED, one["why"])
        else:
            self.become(agent, Presence.OFFLINE)

    def unring(self, agent: str) -> None:
        call = self.call_of(agent)
        assert call is not None
        self.out.append(ev.CancelOffer(self.calls[call]["offer"], call, agent))
        self.calls[call].update(agent=None, offer=None)

    def add_call(self, event: ev.Arrived | ev.Adopted) -> None:
        self.arrivals += 1
        self.calls[event.interaction] = {
            "queue": event.queue,
            "key": (event.entered - event.priority, event.entered, self.arrivals),
            "agent": None,
            "offer": None,
            "talking": False,
        }

    # --- the time and the events -----------------------------------------------------------------

    def handle(self, event: ev.Event, now: int) -> list[ev.Decision]:
        self.now = max(self.now, now)
        self.out = []
        while True:
            due = [
                (one["until"], self.configured().index(name), name)
                for name, one in self.agents.items()
                if one["until"] is not None and one["until"] <= self.now
            ]
            if not due:
                break
            until, _, name = min(due)
            self.do_as_they_want(name, until)
        for one in event.events if isinstance(event, ev.Batch) else (event,):
            self.take(one)
        self.route()
        return self.out

    def route(self) -> None:
        while True:
            pairs = [
                (call["key"], self.agents[agent]["idle"], index, name, agent)
                for name, call in self.calls.items()
                if call["agent"] is None
                for index, agent in enumerate(self.configured())
                if self.free(agent) and self.serves(agent, call["queue"])
            ]
            if not pairs:
                return
            _, _, _, name, agent = min(pairs)
            self.made += 1
            offer = f"{self.epoch}.{self.made}"
            self.calls[name].update(agent=agent, offer=offer)
            queue = self.policies[self.calls[name]["queue"]]
            self.out.append(ev.Offer(offer, name, queue.name, agent, queue.ring_ms))
            self.become(agent, Presence.RINGING)

    def take(self, event: ev.Event) -> None:
        match event:
            case ev.ConfigChanged(config):
                self.reconfigure(config)
            case ev.Arrived(interaction) if interaction not in self.calls:
                self.add_call(event)
            case ev.Left(interaction) if interaction in self.calls:
                self.leave(interaction)
            case ev.AgentWants(agent) if agent in self.agents:
                self.wish(event)
            case ev.AgentReachable(agent, reachable) if agent in self.agents:
                self.agents[agent]["registered"] = reachable
                if reachable:
                    self.agents[agent]["lost"] = False
            case ev.OfferAccepted(offer):
                name = self.by_offer(offer)
                if name is not None and not self.calls[name]["talking"]:
                    self.calls[name]["talking"] = True
                    self.become(self.calls[name]["agent"], Presence.ON_CONTACT)
            case ev.OfferFailed(offer, failure):
                name = self.by_offer(offer)
                if name is not None and not self.calls[name]["talking"]:
                    self.fail(name, failure)
            case ev.Ended(interaction, agent):
                call = self.calls.get(interaction)
                if call is not None and call["talking"] and call["agent"] == agent:
                    del self.calls[interaction]
                    wrap_up = self.wrap_up_ms(call["queue"])
                    if wrap_up and agent in self.configured():
                        self.become(agent, Presence.WRAP_UP, until=self.now + wrap_up)
                    else:
                        self.do_as_they_want(agent, self.now)
            case ev.WrapUpDone(agent) if agent in self.agents:
                if self.agents[agent]["presence"] is Presence.WRAP_UP:
                    self.do_as_they_want(agent, self.now)
            case ev.Adopted():
                self.adopt(event)

    def wrap_up_ms(self, queue: str) -> int:
        return self.policies.get(queue, ev.QueueConfig(queue)).wrap_up_ms

    def reconfigure(self, config: ev.Configuration) -> None:
        if config == self.config:
            return
        old = self.configured()
        self.config = config
        # A removed queue's policy is kept for the calls that are still in it, not beyond.
        used = {call["queue"] for call in self.calls.values()}
        self.policies = {n: q for n, q in self.policies.items() if n in used}
        self.policies |= {q.name: q for q in config.queues}
        for name in self.configured():
            self.agents.setdefault(name, self.newcomer())
        for name in old:
            if name not in self.configured() and name in self.agents:
                if self.agents[name]["presence"] is Presence.RINGING:
                    self.unring(name)
                if self.call_of(name) is None:
                    self.do_as_they_want(name, self.now)

    def leave(self, name: str) -> None:
        call = self.calls[name]
        if call["talking"]:
            return
        del self.calls[name]
        if call["agent"] is not None:
            self.out.append(ev.CancelOffer(call["offer"], name, call["agent"]))
            self.do_as_they_want(call["agent"], self.now, same_idle=True)

    def wish(self, event: ev.AgentWants) -> None:
        one = self.agents[event.agent]
        reason = event.reason if event.wanted is Wanted.PAUSED else ""
        new = event.wanted is not one["wanted"]
        one.update(wanted=event.wanted, why=reason)
        if event.wanted is Wanted.AVAILABLE:
            one["lost"] = False
        if one["presence"] is Presence.RINGING:
            if new and event.wanted is Wanted.OFFLINE:
                self.unring(event.agent)
                self.do_as_they_want(event.agent, self.now)
        elif one["presence"] not in (Presence.ON_CONTACT, Presence.WRAP_UP) and (
            new or one["until"] is not None or one["reason"] != reason
        ):
            self.do_as_they_want(event.agent, self.now)

    def fail(self, name: str, failure: ev.Failure) -> None:
        agent = self.calls[name]["agent"]
        one = self.agents[agent]
        self.calls[name].update(agent=None, offer=None)
        if failure is ev.Failure.UNREACHABLE:
            one["lost"] = True
            self.do_as_they_want(agent, self.now, same_idle=True)
        elif one["wanted"] is Wanted.AVAILABLE:
            if failure in BACK_OFF:
                until = self.now + self.config.busy_backoff_ms
                self.become(agent, Presence.PAUSED, failure.value, until)
            else:
                one.update(wanted=Wanted.PAUSED, why="no_answer")
                self.do_as_they_want(agent, self.now)
        else:
            self.do_as_they_want(agent, self.now)

    def adopt(self, event: ev.Adopted) -> None:
        call = self.calls.get(event.interaction)
        if call is not None and call["agent"] is not None:
            if event.answered and call["offer"] == event.offer:
                self.take(ev.OfferAccepted(event.offer))
            return
        if self.by_offer(event.offer) is not None:
            return
        one = self.agents.get(event.agent)
        if event.answered and one is not None:
            if one["presence"] is Presence.ON_CONTACT:
                self.calls.pop(event.interaction, None)
                return
            if one["presence"] is Presence.RINGING:
                self.unring(event.agent)
        if call is None:
            self.add_call(event)
            call = self.calls[event.interaction]
        if not event.answered and (
            event.agent not in self.configured() or self.call_of(event.agent) is not None
        ):
            self.out.append(ev.CancelOffer(event.offer, event.interaction, event.agent))
            return
        one = self.agents.setdefault(event.agent, self.newcomer())
        if one["presence"] not in (Presence.AVAILABLE, Presence.RINGING):
            one["idle"] = self.now
        call.update(agent=event.agent, offer=event.offer, talking=event.answered)
        self.become(event.agent, Presence.ON_CONTACT if event.answered else Presence.RINGING)
