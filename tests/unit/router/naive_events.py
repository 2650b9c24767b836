"""What each event does to the naive floor, before anybody is rung."""

from __future__ import annotations

import naive_rules as rules
from naive_state import NaiveState

from acd.router import configuration as conf, events as ev
from acd.router.events import Presence, Wanted

BACK_OFF = (ev.Failure.BUSY, ev.Failure.DECLINED, ev.Failure.LEFT, ev.Failure.FAILED)


class NaiveEvents(NaiveState):
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
                        contacts=event.contacts_today, occupied=event.busy_today,
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
            rings = len(call["offers"])
            if event.answered or not 0 < rings < self.policy(call["queue"]).ring_at_once:
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
