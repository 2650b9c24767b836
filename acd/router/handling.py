"""Handling: what each event does to the floor. Matching and recipes come after, in `Router`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import events as ev, kitchen, progress
from .agent import Agent, Hold
from .configuration import Channel
from .events import Failure, LeaveReason, Presence, Wanted
from .floor import Floor
from .interaction import Interaction, InteractionState
from .staff import Staff
from .supply import INDEX

RINGING, ON_CONTACT = InteractionState.RINGING, InteractionState.ON_CONTACT


class Handling(Staff):
    """Applies events to the floor."""

    def __init__(self, floor: Floor) -> None:
        super().__init__(floor)
        self._apply: dict[type[Any], Callable[[Any], None]] = {
            ev.ConfigChanged: self._config_changed,
            ev.Arrived: self._arrived,
            ev.Left: self._left,
            ev.AgentWants: self._agent_wants,
            ev.AgentReachable: self._agent_reachable,
            ev.OfferAccepted: self._offer_accepted,
            ev.OfferFailed: self._offer_failed,
            ev.Ended: self._ended,
            ev.WrapUpDone: self._wrap_up_done,
            ev.Transferred: self._transferred,
            ev.AgentBusy: self._agent_busy,
            ev.AgentFreeAgain: self._agent_free_again,
            ev.HandedOver: self._handed_over,
            ev.QueueOpened: self._queue_opened,
            ev.QueueClosed: self._queue_closed,
            ev.DayStarted: self._day_started,
            ev.Adopted: self._adopted,
            ev.AgentRestored: self._agent_restored,
            ev.TimePassed: self._time_passed,
            ev.Batch: self._batch,
        }

    def apply(self, event: ev.Event) -> None:
        """Apply one event."""
        self._apply[type(event)](event)

    def expire(self) -> None:
        """Do what timers due by now ask for, each at its own instant."""
        floor = self.floor
        while True:
            agent, one = floor.timers.first(), floor.due.first()
            if agent is not None and (one is None or agent[0][0] <= one[0][0]):
                if agent[0][0] > self.now:
                    return
                self.agent_due(floor.agents[agent[1]], agent[0][0])
            elif one is not None and one[0][0] <= self.now:
                waits = floor.interactions[one[1]]
                progress.expire(floor, waits, one[0][0])
                progress.schedule(floor, waits, one[0][0])
                if waits.line.watched:
                    floor.review[waits] = None
            else:
                return

    # --- queues and configuration ----------------------------------------------------------------

    def _config_changed(self, event: ev.ConfigChanged) -> None:
        floor = self.floor
        if event.config == floor.config:
            return
        before = {queue: queue.config.steps for queue in floor.queues.values()}
        gone = floor.configure(event.config, self.now)
        for one in floor.interactions.values():
            if one.state is not ON_CONTACT:
                one.line = None  # type: ignore[assignment]  # its line is no more
                if before[one.queue] == one.queue.config.steps:
                    floor.seat(one)
                else:
                    progress.begin(floor, one, self.now)
                progress.schedule(floor, one, self.now)
                floor.review[one] = None
        floor.touched.update((q, None) for q in floor.queues.values() if q.watches_places)
        for agent in gone:
            self.cancel_ringing(agent)
            if not agent.in_hand:
                self.settle(agent, self.now)

    def _queue_opened(self, event: ev.QueueOpened) -> None:
        queue = self.floor.queues.get(event.queue)
        if queue is not None:
            queue.closed = None

    def _queue_closed(self, event: ev.QueueClosed) -> None:
        queue = self.floor.queues.get(event.queue)
        if queue is not None and queue.configured:
            if queue.closed is None and queue.config.closing_clears:
                known = self.floor.interactions
                self.floor.review.update((known[x[3]], None) for x in queue.unanswered)
            queue.closed = event.reason

    # --- interactions ------------------------------------------------------------------------

    def _arrived(self, event: ev.Arrived) -> None:
        if event.interaction not in self.floor.interactions:
            self._arrive(event)

    def _arrive(self, event: ev.Arrived) -> Interaction:
        one = self.floor.arrive(event, self.now)
        if event.rejoins:
            progress.resume(self.floor, one, event, self.now)
        else:
            kitchen.admit(self.floor, one, self.out, self.now)
        if one.id in self.floor.interactions:
            progress.schedule(self.floor, one, self.now)
        return one

    def _left(self, event: ev.Left) -> None:
        one = self.floor.interactions.get(event.interaction)
        if one is None or one.state is ON_CONTACT:
            return
        freed = self.cancel_all(one)
        config = one.queue.config
        waited = self.now - one.entered
        if event.reason is LeaveReason.ABANDONED and waited < config.short_abandon_ms:
            self.out.append(ev.ShortAbandon(one.id, config.name, waited))
        self.floor.forget(one)
        for agent in freed:
            self.settle(agent, self.now, keep_idle=True)

    def _ended(self, event: ev.Ended) -> None:
        one = self._contact(event.interaction, event.agent)
        if one is not None:
            self._end(one)

    def _contact(self, interaction: str, agent: str) -> Interaction | None:
        one = self.floor.interactions.get(interaction)
        if one is None or one.agent is None or one.agent.id != agent:
            return None
        return one

    def _end(self, one: Interaction) -> None:
        agent = one.agent
        if agent is None:
            return
        wrap_up_ms = one.queue.config.wrap_up_ms
        self.floor.forget(one)
        self.part(agent, one, wrap_up_ms)

    def _transferred(self, event: ev.Transferred) -> None:
        one = self._contact(event.interaction, event.agent)
        if one is None:
            return
        self._end(one)
        if event.arrived.interaction not in self.floor.interactions:
            self._arrive(event.arrived)

    # --- agents ------------------------------------------------------------------------------

    def _agent_wants(self, event: ev.AgentWants) -> None:
        agent = self.floor.agents.get(event.agent)
        if agent is None:
            return
        changed = event.wanted is not agent.wanted
        agent.wanted = event.wanted
        agent.wanted_reason = event.reason if event.wanted is Wanted.PAUSED else ""
        if event.wanted is Wanted.AVAILABLE and agent.lost:
            agent.lost = False
        if changed and event.wanted is Wanted.OFFLINE:
            self.cancel_ringing(agent)
        if agent.presence in (Presence.ON_CONTACT, Presence.WRAP_UP) or agent.ringing:
            self.show(agent, self.now)
        elif changed or agent.reason != agent.wanted_reason:
            agent.backs_off = None
            self.settle(agent, self.now)
        else:
            self.floor.refresh(agent)

    def _agent_reachable(self, event: ev.AgentReachable) -> None:
        agent = self.floor.agents.get(event.agent)
        if agent is not None:
            agent.registered = event.reachable
            if event.reachable:
                agent.lost = False
            self.floor.refresh(agent)

    def _wrap_up_done(self, event: ev.WrapUpDone) -> None:
        agent = self.floor.agents.get(event.agent)
        if agent is None:
            return
        names = [name for name in agent.wraps if event.interaction in ("", name)]
        for name in names:
            self.release(agent, agent.wraps, name, self.now)
        if names:
            self.settle(agent, self.now)

    def _agent_busy(self, event: ev.AgentBusy) -> None:
        agent = self.floor.agents.get(event.agent)
        if agent is None:
            return
        known = agent.busy.get(event.what)
        if event.until is not None and event.until <= self.now:
            self._agent_free_again(ev.AgentFreeAgain(event.agent, event.what))
            return
        if known is not None:
            known.until = event.until
        else:
            agent.busy[event.what] = Hold(event.channel, event.until)
            self.floor.load(agent, event.channel, 1, self.now)
            self.make_room(agent)
        self.show(agent, self.now)

    def _agent_free_again(self, event: ev.AgentFreeAgain) -> None:
        agent = self.floor.agents.get(event.agent)
        hold = None if agent is None else agent.busy.pop(event.what, None)
        if agent is None or hold is None:
            return
        if event.wrap_up_ms and agent.config is not None and event.what not in agent.wraps:
            agent.wraps[event.what] = Hold(hold.channel, self.now + event.wrap_up_ms)
        else:
            self.floor.load(agent, hold.channel, -1, self.now)
        self.settle(agent, self.now)

    def _handed_over(self, event: ev.HandedOver) -> None:
        one = self._contact(event.interaction, event.agent)
        to = self.floor.agents.get(event.to)
        if one is None or to is None or to is one.agent or one.agent is None:
            return
        # Taken before anything is given back, so that they are occupied throughout.
        self.floor.load(to, one.channel, 1, self.now)
        if event.replaces in to.busy:
            self.release(to, to.busy, event.replaces, self.now)
        elif event.replaces in to.contacts:
            consult = to.contacts[event.replaces]
            self.floor.forget(consult)
            self.floor.load(to, consult.channel, -1, self.now)
        giver, one.agent = one.agent, to
        del giver.contacts[one.id]
        to.contacts[one.id] = one
        to.contacts_today += 1
        self.make_room(to)
        self.show(to, self.now)
        self.part(giver, one, one.queue.config.wrap_up_ms)

    def _day_started(self, event: ev.DayStarted) -> None:
        for agent in self.floor.agents.values():
            agent.contacts_today = agent.busy_today = 0
            if agent.busy_from is not None:
                agent.busy_from = self.now
            self.floor.refresh(agent)

    # --- offers ------------------------------------------------------------------------------

    def _offer_accepted(self, event: ev.OfferAccepted) -> None:
        one = self.floor.offers.get(event.offer)
        if one is None or one.state is not RINGING or not one.offers:
            return
        others = [offer for offer in one.offers if offer != event.offer]
        freed = [self.cancel(one, offer) for offer in others]
        agent = self.floor.answer(one, event.offer)
        agent.contacts_today += 1
        for other in freed:
            self.settle(other, self.now, keep_idle=True)
        self.show(agent, self.now)

    def _offer_failed(self, event: ev.OfferFailed) -> None:
        one = self.floor.offers.get(event.offer)
        if one is None or one.state is not RINGING:
            return
        agent = self.floor.unring(one, event.offer, self.now)
        keep_idle = False
        if event.failure is Failure.UNREACHABLE:
            agent.lost = keep_idle = True
        elif agent.wanted is not Wanted.AVAILABLE:
            pass
        elif event.failure is Failure.NO_ANSWER:
            agent.wanted, agent.wanted_reason = Wanted.PAUSED, Failure.NO_ANSWER.value
        else:
            until = self.now + self.floor.config.busy_backoff_ms
            agent.backs_off = (event.failure.value, until)
        self.settle(agent, self.now, keep_idle=keep_idle)

    # --- after a restart ---------------------------------------------------------------------

    def _adopted(self, event: ev.Adopted) -> None:
        floor = self.floor
        one = floor.interactions.get(event.interaction)
        if one is not None and one.state is not InteractionState.WAITING:
            if event.answered and one.offers and event.offer in one.offers:
                self._offer_accepted(ev.OfferAccepted(event.offer))
                return
            rings = len(one.offers or ())
            if event.answered or not 0 < rings < one.queue.config.ring_at_once:
                return
        if event.offer in floor.offers:
            return
        agent = floor.agents.get(event.agent)
        if event.answered and agent is not None and self._talks_enough(agent, event.channel):
            # More talks than the agent can have: the first stand, and nobody rings for this one.
            if one is not None:
                floor.forget(one)
            return
        if one is None:
            one = floor.arrive(
                ev.Arrived(event.interaction, event.queue, event.entered, event.priority,
                           event.channel, rejoins=True), self.now
            )  # fmt: skip
            progress.begin(floor, one, self.now)
            progress.schedule(floor, one, self.now)
        full = agent is not None and not self._has_place(agent, event.channel)
        if not event.answered and (full or agent is None or agent.config is None):
            self.out.append(ev.CancelOffer(event.offer, event.interaction, event.agent))
            return
        agent = agent or floor.guest(event.agent, self.now)
        if agent.presence not in (Presence.AVAILABLE, Presence.RINGING):
            agent.idle_since = self.now
        floor.ring(one, agent, event.offer, self.now)
        if event.answered:
            floor.answer(one, event.offer)
            self.make_room(agent)
        self.show(agent, self.now)

    def _talks_enough(self, agent: Agent, channel: Channel) -> bool:
        limit = agent.limits[INDEX[channel]]
        talks = sum(one.channel is channel for one in agent.contacts.values())
        return talks >= max(limit, 1)

    def _has_place(self, agent: Agent, channel: Channel) -> bool:
        at = INDEX[channel]
        held = [one.channel for one in (*agent.contacts.values(), *agent.ringing.values())]
        blocked = any(self.floor.blocks[INDEX[other]] >> at & 1 for other in held)
        return not blocked and held.count(channel) < agent.limits[at]

    def _agent_restored(self, event: ev.AgentRestored) -> None:
        agent = self.floor.agents.get(event.agent)
        if agent is None or agent.presence is not Presence.OFFLINE:
            return
        agent.wanted = event.wanted
        agent.wanted_reason = event.reason if event.wanted is Wanted.PAUSED else ""
        agent.registered, agent.lost = event.reachable, False
        agent.idle_since = self.now if event.idle_since is None else event.idle_since
        agent.contacts_today, agent.busy_today = event.contacts_today, event.busy_today
        if event.wrap_up_until is not None and event.wrap_up_until > self.now:
            agent.wraps[""] = Hold(Channel.VOICE, event.wrap_up_until)
            self.floor.load(agent, Channel.VOICE, 1, self.now)
        self.settle(agent, self.now, keep_idle=True)

    def _time_passed(self, event: ev.TimePassed) -> None:
        """Timers were dealt with before; nothing else hangs on the time."""

    def _batch(self, event: ev.Batch) -> None:
        for one in event.events:
            self.apply(one)
